//! Debian's OpenSMTPD, beside Postfix: the packages exclude each other, so that `tests/run` only unpacks this one.

use crate::binary::checkout;
use crate::{Log, Ports, documentation, skip, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Gives it the users and folders whose names are built into it, which nothing outside its mount namespace sees.
const START: &str = r#"
set -e
cp /etc/passwd /etc/group .
printf '%s:x:%d:%d::/var/lib/opensmtpd/empty:/bin/false\n' opensmtpd 61001 61001 opensmtpq 61002 61002 >>passwd
printf '%s:x:%d:\n' opensmtpd 61001 opensmtpq 61002 >>group
mount --bind passwd /etc/passwd
mount --bind group /etc/group
mount -t tmpfs none /var/spool
mkdir -m 711 /var/spool/smtpd
mount -t tmpfs none /var/lib
mkdir -p /var/lib/opensmtpd/empty
LD_LIBRARY_PATH=$(echo "$0"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
exec "$0/usr/sbin/smtpd" -d -f smtpd.conf
"#;

/// A running OpenSMTPD, configured as `docs/opensmtpd.md` says. It is stopped when this value is dropped.
#[derive(Debug)]
pub struct OpenSmtpd {
    child: Child,
    log: Log,
    _folder: TempDir,
}

impl OpenSmtpd {
    /// Whether the scenario must end because OpenSMTPD is not there; see [`skip::missing`].
    #[must_use]
    pub fn is_missing() -> bool {
        skip::missing("opensmtpd", root().join("usr/sbin/smtpd").exists() && Uid::effective().is_root())
    }

    /// On these ports; mail for example.org goes to port `mailboxes` instead of a maildir, all else to `elsewhere`.
    pub async fn start(ports: Ports, (elsewhere, mailboxes): (u16, u16)) -> OpenSmtpd {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let text = on_our_ports(ports, (elsewhere, mailboxes));
        std::fs::write(folder.path().join("smtpd.conf"), text).expect("the temporary folder is ours");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", START]).arg(root()).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("unshare runs");
        let log = Log::of(child.stderr.take().expect("standard error is piped"));
        let server = OpenSmtpd { child, log, _folder: folder };
        server.log.line_with("starting").await;
        let listens = || TcpStream::connect(("127.0.0.1", ports.submission)).ok();
        wait::until("OpenSMTPD to listen", wait::STEP, listens).await;
        server
    }
}

impl Drop for OpenSmtpd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("OpenSMTPD's log:\n{}", self.log.lines().join("\n"));
        }
        let pid = i32::try_from(self.child.id()).expect("a process id fits");
        // It takes its children with it.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// Where `tests/run` unpacks the packages.
fn root() -> PathBuf {
    checkout().join("target/opensmtpd").canonicalize().unwrap_or_default()
}

fn on_our_ports(ports: Ports, (elsewhere, mailboxes): (u16, u16)) -> String {
    let Ports { smtp, submission, to_verify, verified, to_sign, signed } = ports;
    let mut text = documentation::block_of("docs/opensmtpd.md", "conf", "smtpd.conf: sign and verify");
    for (told, ours) in [
        ("0.0.0.0 port 25 ", format!("127.0.0.1 port {smtp} ")),
        ("0.0.0.0 port 587 ", format!("127.0.0.1 port {submission} ")),
        ("port 10026 ", format!("port {verified} ")),
        ("port 10028 ", format!("port {signed} ")),
        (":10025\n", format!(":{to_verify}\n")),
        (":10027\n", format!(":{to_sign}\n")),
        ("action \"send\" relay\n", format!("action \"send\" relay host smtp://127.0.0.1:{elsewhere}\n")),
    ] {
        assert!(text.contains(told), "no {told:?} in docs/opensmtpd.md");
        text = text.replace(told, &ours);
    }
    let deliver = format!("action \"deliver\" relay host smtp://127.0.0.1:{mailboxes}");
    let line =
        |line: &str| if line.starts_with("action \"deliver\"") { deliver.clone() } else { line.to_owned() };
    text.lines().map(|text| line(text) + "\n").collect()
}
