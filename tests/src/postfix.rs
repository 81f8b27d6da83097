//! Debian's Postfix with its own configuration and queue directories, on free loopback ports.

use crate::message::with_crlf;
use crate::tools::open_to_all;
use crate::{Log, Message, Ports, documentation, skip, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// What every Postfix has besides what the documentation adds: Debian's master.cf, without its chroot jails.
const MASTER: &str = include_str!("postfix/master.cf");
const MAIN: &str = include_str!("postfix/main.cf");

/// A Postfix to be started.
#[derive(Debug)]
pub struct Setup {
    ports: Ports,
    main: String,
    master: String,
    /// The folder of dkimgate's UNIX sockets.
    sockets: String,
}

/// A running Postfix. It is stopped when this value is dropped.
#[derive(Debug)]
pub struct Postfix {
    child: Child,
    log: Log,
    folder: TempDir,
}

impl Postfix {
    /// Whether the scenario must end because Postfix is not there; see [`skip::missing`].
    #[must_use]
    pub fn is_missing() -> bool {
        skip::missing(
            "postfix",
            Path::new("/usr/sbin/postfix").exists() && nix::unistd::Uid::effective().is_root(),
        )
    }

    /// A Postfix on these ports: `example.org` is delivered to a mailbox, all else to `elsewhere`.
    pub fn on(ports: Ports, elsewhere: u16) -> Setup {
        let main = format!("default_transport = smtp:[127.0.0.1]:{elsewhere}\n");
        Setup { ports, main, master: String::new(), sockets: "/run/dkimgate".to_owned() }
    }

    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The messages in the mailbox of example.org, once there are `count` of them.
    pub async fn mailbox(&self, count: usize) -> Vec<Message> {
        let new = self.folder.path().join("mail/inbox/new");
        let delivered = || {
            let files = std::fs::read_dir(&new).ok()?;
            let contents = files.filter_map(|file| std::fs::read(file.ok()?.path()).ok());
            let messages =
                contents.map(|content| Message { bytes: with_crlf(&content), ..Message::default() });
            Some(messages.collect::<Vec<_>>()).filter(|messages| messages.len() >= count)
        };
        wait::until("mail in the mailbox", wait::STEP, delivered).await
    }

    /// Waits until nothing is in the queue.
    pub async fn has_an_empty_queue(&self, limit: Duration) {
        wait::until("an empty queue", limit, || self.queue_is_empty().then_some(())).await;
    }

    /// Has deferred mail tried again until nothing is in the queue. Left to itself, Postfix may put a message aside
    /// for minutes if it finds its file locked.
    pub async fn delivers_all_that_it_kept(&self) {
        let delivered = || {
            self.flush();
            self.queue_is_empty().then_some(())
        };
        wait::until("an empty queue", wait::LONG, delivered).await;
    }

    /// Whether no message is in the queue. One that is moved while we look would be seen neither where it was nor
    /// where it is, so an empty folder counts only if nothing has left it since before we looked.
    fn queue_is_empty(&self) -> bool {
        let now = self.folder.path().join("now");
        std::fs::write(&now, []).expect("the temporary folder is ours");
        let begun = changed(&now);
        let queue = self.folder.path().join("queue");
        ["incoming", "active", "deferred"].iter().all(|name| held_no_file_from(begun, &queue.join(name)))
    }

    /// Hands a message to its `sendmail` command, as programs on the host do.
    pub fn sendmail(&self, arguments: &[&str], text: &[u8]) {
        let mut command = Command::new("/usr/sbin/sendmail");
        command.arg("-C").arg(self.folder.path().join("etc")).args(arguments).stdin(Stdio::piped());
        let mut child = command.spawn().expect("sendmail runs");
        let mut input = child.stdin.take().expect("standard input is piped");
        input.write_all(text).expect("sendmail reads");
        drop(input);
        assert!(child.wait().is_ok_and(|status| status.success()), "sendmail {arguments:?}");
    }

    /// Tries all deferred mail now, as `postqueue -f` does.
    pub fn flush(&self) {
        let status = Command::new("/usr/sbin/postqueue")
            .arg("-c")
            .arg(self.folder.path().join("etc"))
            .arg("-f")
            .status();
        assert!(status.is_ok_and(|status| status.success()), "postqueue -f");
    }
}

fn held_no_file_from(moment: SystemTime, folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).expect("Postfix makes its folders and keeps them");
    let is_empty =
        entries.flatten().all(|entry| entry.path().is_dir() && held_no_file_from(moment, &entry.path()));
    // Asked last: what left the folder before we read it has changed its time by now.
    is_empty && changed(folder) < moment
}

/// When the file or folder was last changed.
fn changed(path: &Path) -> SystemTime {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).expect("it is there")
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Postfix's log:\n{}", self.log.lines().join("\n"));
        }
        let pid = std::fs::read_to_string(self.folder.path().join("queue/pid/master.pid"));
        if let Some(pid) = pid.ok().and_then(|pid| pid.trim().parse().ok()) {
            // The master takes its children with it.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        } else {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

impl Setup {
    /// Adds this block of `docs/postfix.md`, with our ports in the place of its own.
    #[must_use]
    pub fn documented(mut self, title: &str) -> Setup {
        let block = self.on_our_ports(&documentation::block(title));
        if title.starts_with("main.cf") {
            self.main.push_str(&block);
        } else {
            self.master.push_str(&block);
        }
        self
    }

    /// Looks for dkimgate's UNIX sockets there.
    #[must_use]
    pub fn sockets(mut self, folder: &Path) -> Setup {
        self.sockets = folder.display().to_string();
        self
    }

    /// Adds a line to main.cf.
    #[must_use]
    pub fn main(mut self, line: &str) -> Setup {
        writeln!(self.main, "{line}").expect("a string takes everything");
        self
    }

    /// Starts it, and waits until it serves.
    pub async fn start(self) -> Postfix {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        self.lay_out(folder.path());
        let mut command = Command::new("/usr/sbin/postfix");
        command.arg("-c").arg(folder.path().join("etc")).arg("start-fg");
        let (output, input) = std::io::pipe().expect("a pipe can be made");
        let errors = input.try_clone().expect("a pipe can be shared");
        let child = command.stdin(Stdio::null()).stdout(input).stderr(errors).spawn().expect("postfix runs");
        // The command holds our ends of the pipe.
        drop(command);
        let log = Log::of(output);
        let postfix = Postfix { child, log, folder };
        postfix.log.line_with("daemon started").await;
        postfix
    }

    fn on_our_ports(&self, block: &str) -> String {
        let Ports { smtp, submission, to_verify, verified, to_sign, signed } = self.ports;
        let pairs = [("10025", to_verify), ("10026", verified), ("10027", to_sign), ("10028", signed)];
        let block = pairs.iter().fold(block.to_owned(), |block, (told, ours)| {
            block.replace(&format!(":{told}"), &format!(":{ours}"))
        });
        let block = block.replace("/run/dkimgate", &self.sockets);
        let service = |line: &str| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["smtp", "inet", ..] => line.replacen("smtp", &format!("127.0.0.1:{smtp}"), 1),
            ["submission", "inet", ..] => line.replacen("submission", &format!("127.0.0.1:{submission}"), 1),
            _ => line.to_owned(),
        };
        block.lines().map(|line| service(line) + "\n").collect()
    }

    /// The directories, with the owners that Postfix asks for, and the two files.
    fn lay_out(&self, folder: &Path) {
        open_to_all(folder);
        for (name, owner) in
            [("etc", None), ("queue", None), ("data", Some("postfix")), ("mail", Some("nobody"))]
        {
            let path = folder.join(name);
            std::fs::create_dir(&path).expect("the temporary folder is ours");
            open_to_all(&path);
            let user = owner.and_then(|name| User::from_name(name).ok().flatten());
            if let Some(user) = user {
                chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                    .expect("root may give a folder away");
            }
        }
        let main = format!("{}{}", MAIN.replace("FOLDER", &folder.display().to_string()), self.main);
        std::fs::write(folder.join("etc/main.cf"), main).expect("the temporary folder is ours");
        std::fs::write(folder.join("etc/master.cf"), self.master_file())
            .expect("the temporary folder is ours");
    }

    /// The base services, and in the place of those that the documentation names, its own.
    fn master_file(&self) -> String {
        let mut services: Vec<String> = Vec::new();
        let text = self.on_our_ports(MASTER) + &self.master;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match services.last_mut() {
                Some(service) if line.starts_with([' ', '\t']) => service.extend([line, "\n"]),
                _ => {
                    services.retain(|service| name(service) != name(line));
                    services.push(format!("{line}\n"));
                }
            }
        }
        services.concat()
    }
}

/// A service's name and type, which tell it from others.
fn name(service: &str) -> Vec<&str> {
    service.split_whitespace().take(2).collect()
}
