//! The built program, serving one listener.

use crate::binary::{checkout, program};
use crate::{Client, Keys, Log, NameServer, NextHop, Notices, keys, ports, wait};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// The name of the configuration file.
const CONFIG: &str = "proxy.yaml";

/// A proxy to be started; its configuration file is of the smallest form, and what a scenario adds.
#[derive(Debug)]
pub struct ProxySetup {
    yaml: String,
    port: u16,
    relay: Option<u16>,
    listen: Option<String>,
    rule: String,
    launch: Launch,
    folder: TempDir,
}

/// How the program is started.
#[derive(Debug, Default)]
struct Launch {
    /// Shell commands before it, such as `ulimit`.
    shell: Option<String>,
    /// A socket that is handed down to it.
    socket: Option<TcpListener>,
    /// Where a service manager listens.
    notify: Option<PathBuf>,
}

/// `dkimgate run` with one listener. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    port: u16,
    log: Log,
    launch: Launch,
    folder: TempDir,
}

impl Proxy {
    /// An inbound listener of `mx.example.org`, whose DNS knows nothing.
    pub fn inbound() -> ProxySetup {
        let setup = ProxySetup::new("role: inbound\nhostname: mx.example.org\ndns:\n  zone: records.json\n");
        setup.records("{}")
    }

    /// An outbound listener; [`ProxySetup::signs_with`] says for whom. It asks no DNS.
    pub fn outbound() -> ProxySetup {
        ProxySetup::new("role: outbound\ncheck_keys: off\n")
    }

    /// The same, but it looks at the records of its keys, in a DNS that knows nothing unless a scenario says more.
    pub fn watching() -> ProxySetup {
        ProxySetup::new("role: outbound\ndns:\n  zone: records.json\n").records("{}")
    }

    /// The same, in the DNS of this server, which it does not ask for long.
    pub fn asking(server: &NameServer) -> ProxySetup {
        let dns = format!(
            "role: outbound\ndns: {{servers: [\"{}\"], timeout: 1s, attempts: 1, time: 3s}}\n",
            server.address()
        );
        ProxySetup::new(&dns)
    }

    /// Changes the zone in which it looks names up; it takes that in at a reload.
    pub fn has_records(&self, zone: &str) {
        std::fs::write(self.folder.path().join("records.json"), zone).expect("the temporary folder is ours");
    }

    /// Connects a client, which has heard the greeting.
    pub async fn connect(&self) -> Client {
        Client::connect(self.port).await
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it logs.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder of its configuration file.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sends SIGTERM, without waiting for the end.
    pub fn is_told_to_stop(&self) {
        self.hears(Signal::SIGTERM);
    }

    /// Changes the text of its configuration file, sends SIGHUP, and waits until the log says what came of it.
    pub async fn reloads(&self, change: impl FnOnce(String) -> String) -> String {
        let path = self.folder.path().join(CONFIG);
        let text = std::fs::read_to_string(&path).expect("the file was written at the start");
        std::fs::write(&path, change(text)).expect("the temporary folder is ours");
        let before = self.outcomes().len();
        self.hears(Signal::SIGHUP);
        wait::until("the reload", wait::STEP, || self.outcomes().into_iter().nth(before)).await
    }

    /// The lines with `text` among all that it has written by now. Lines are read some time after they were written,
    /// so it reloads, which it says after all the others.
    pub async fn log_to_now(&self, text: &str) -> Vec<String> {
        self.reloads(|unchanged| unchanged).await;
        self.log.lines_with(text)
    }

    /// What was said of each reload.
    fn outcomes(&self) -> Vec<String> {
        let lines = self.log.lines();
        lines
            .into_iter()
            .filter(|line| line.contains("reloaded") || line.contains("in force stays"))
            .collect()
    }

    fn hears(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id fits");
        kill(Pid::from_raw(pid), signal).expect("the process is ours and not waited for");
    }

    /// Kills it with SIGKILL.
    pub fn is_killed(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts the program again, with the same file, and waits until it says that it is ready.
    pub async fn starts_again(&mut self) {
        (self.child, self.log) = self.launch.start(&self.folder.path().join(CONFIG));
        self.log.line_with("ready").await;
    }

    /// How it ended; waits for it.
    pub async fn ends(&mut self) -> ExitStatus {
        let child = &mut self.child;
        wait::until("the proxy to end", wait::STEP, || child.try_wait().expect("the child is ours")).await
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_killed();
        if std::thread::panicking() {
            eprintln!("the proxy's log:\n{}", self.log.lines().join("\n"));
        }
    }
}

impl ProxySetup {
    fn new(yaml: &str) -> ProxySetup {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let launch = Launch::default();
        let (yaml, rule) = (yaml.to_owned(), String::new());
        ProxySetup { yaml, port: ports::free(), relay: None, listen: None, rule, launch, folder }
    }

    /// Listens on this port instead of one of its own choice.
    #[must_use]
    pub fn listen(mut self, port: u16) -> ProxySetup {
        self.port = port;
        self
    }

    /// Listens there instead of on a port of 127.0.0.1: on `unix:PATH`.
    #[must_use]
    pub fn listen_on(mut self, listen: &str) -> ProxySetup {
        self.listen = Some(listen.to_owned());
        self
    }

    /// Listens on this socket, which is handed down to it as a service manager does.
    #[must_use]
    pub fn inherits(mut self, socket: TcpListener) -> ProxySetup {
        self.port = socket.local_addr().expect("it is bound").port();
        self.launch.socket = Some(socket);
        self.listen_on("systemd")
    }

    /// Is started by this service manager.
    #[must_use]
    pub fn tells(mut self, notices: &Notices) -> ProxySetup {
        self.launch.notify = Some(notices.path().to_owned());
        self
    }

    /// Runs these shell commands before the program, such as `ulimit -n 40`.
    #[must_use]
    pub fn under(mut self, shell: &str) -> ProxySetup {
        self.launch.shell = Some(shell.to_owned());
        self
    }

    /// Hands messages to this next hop.
    #[must_use]
    pub fn relay(self, next_hop: &NextHop) -> ProxySetup {
        self.relay_to(next_hop.port())
    }

    /// Hands messages to this port on 127.0.0.1.
    #[must_use]
    pub fn relay_to(mut self, port: u16) -> ProxySetup {
        self.relay = Some(port);
        self
    }

    /// Adds a line to each of the rules that are said from now on.
    #[must_use]
    pub fn each_rule(mut self, line: &str) -> ProxySetup {
        writeln!(self.rule, "    {line}").expect("a string takes everything");
        self
    }

    /// Signs mail of the keys' domain with the RSA key.
    #[must_use]
    pub fn signs_with(self, keys: &Keys) -> ProxySetup {
        self.signs_with_each(keys, &[keys::RSA])
    }

    /// Signs mail of the keys' domain with the RSA and the Ed25519 key.
    #[must_use]
    pub fn signs_twice_with(self, keys: &Keys) -> ProxySetup {
        self.signs_with_each(keys, &[keys::RSA, keys::ED25519])
    }

    fn signs_with_each(mut self, keys: &Keys, selectors: &[&str]) -> ProxySetup {
        self.yaml.push_str("sign:\n");
        for selector in selectors {
            let file = keys.file(selector);
            let rule = format!(
                "- domain: {}\n    selector: {selector}\n    keyfile: {}",
                keys.domain(),
                file.display()
            );
            write!(self.yaml, "  {rule}\n{}", self.rule).expect("a string takes everything");
        }
        self
    }

    /// Looks names up in this zone of `tests/corpus`.
    #[must_use]
    pub fn zone(self, name: &str) -> ProxySetup {
        let path = checkout().join("tests/corpus").join(name);
        let zone =
            std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        self.records(&zone)
    }

    /// Looks names up in this zone.
    #[must_use]
    pub fn records(self, zone: &str) -> ProxySetup {
        std::fs::write(self.folder.path().join("records.json"), zone).expect("the temporary folder is ours");
        self
    }

    /// Adds lines to the configuration file.
    #[must_use]
    pub fn setting(mut self, lines: &str) -> ProxySetup {
        self.yaml.push_str(lines);
        self.yaml.push('\n');
        self
    }

    /// Starts it, and waits until it says that it is ready.
    pub async fn start(self) -> Proxy {
        let (child, log) = self.launch.start(&self.write());
        let proxy = Proxy { child, port: self.port, log, launch: self.launch, folder: self.folder };
        proxy.log.line_with("ready").await;
        proxy
    }

    fn write(&self) -> PathBuf {
        let relay = self.relay.expect("a scenario names the next hop");
        let listen = self.listen.clone().unwrap_or_else(|| format!("127.0.0.1:{}", self.port));
        let yaml = format!("listen: {listen}\nrelay: 127.0.0.1:{relay}\n{}", self.yaml);
        let path = self.folder.path().join(CONFIG);
        std::fs::write(&path, yaml).expect("the temporary folder is ours");
        path
    }
}

impl Launch {
    fn start(&self, config: &Path) -> (Child, Log) {
        let mut command = self.command();
        command.arg("run").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let log = Log::of(child.stderr.take().expect("standard error is piped"));
        (child, log)
    }

    fn command(&self) -> Command {
        let mut command = match &self.shell {
            None => Command::new(program()),
            Some(shell) => {
                let mut command = Command::new("/bin/sh");
                command.arg("-c").arg(format!("{shell}; exec \"$0\" \"$@\"")).arg(program());
                command
            }
        };
        if let Some(path) = &self.notify {
            command.env("NOTIFY_SOCKET", path);
        }
        if let Some(socket) = &self.socket {
            fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty())).expect("a socket can be kept over exec");
            command.env("LISTEN_FDS", "1").env("LISTEN_FDS_FIRST_FD", socket.as_raw_fd().to_string());
        }
        command
    }
}
