//! smtp-source and smtp-sink, of Debian's postfix package.

use crate::message::with_crlf;
use crate::{Message, ports, wait};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Where Debian has them.
pub const SINK: &str = "/usr/sbin/smtp-sink";
/// Where Debian has them.
pub const SOURCE: &str = "/usr/sbin/smtp-source";

/// `smtp-sink`, which keeps each message in a file; killed when this value is dropped.
#[derive(Debug)]
pub struct Sink {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Sink {
    /// Listens.
    pub async fn start() -> Sink {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        open_to_all(folder.path());
        let nobody = nix::unistd::User::from_name("nobody").ok().flatten().expect("Debian has a user nobody");
        // As root, it only runs with another user's rights.
        let ours = nix::unistd::Uid::effective().is_root();
        if ours {
            chown(folder.path(), Some(nobody.uid.as_raw()), None).expect("root may give a folder away");
        }
        let port = ports::free();
        let mut command = Command::new(SINK);
        command.args(if ours { ["-u", "nobody"].as_slice() } else { &[] });
        command.args(["-d", "message.", &format!("127.0.0.1:{port}"), "200"]).current_dir(folder.path());
        let child = command.stdin(Stdio::null()).spawn().expect("smtp-sink runs");
        let sink = Sink { child, port, folder };
        wait::until("smtp-sink to listen", wait::STEP, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .await;
        sink
    }

    /// The port it listens on, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The messages kept, once there are `count` of them.
    pub async fn taken(&self, count: usize) -> Vec<Message> {
        wait::until("the messages", wait::LONG, || Some(self.messages()).filter(|kept| kept.len() >= count))
            .await
    }

    /// The messages kept so far; an empty file is the trace of a connection without a message.
    pub fn messages(&self) -> Vec<Message> {
        let files = std::fs::read_dir(self.folder.path()).expect("the temporary folder is ours");
        let contents = files.filter_map(|file| std::fs::read(file.ok()?.path()).ok());
        contents.filter(|content| !content.is_empty()).map(|content| kept(&content)).collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// smtp-sink writes the envelope and a Received as fields of its own above the content, and ends lines with LF.
fn kept(file: &[u8]) -> Message {
    let mut message = Message { bytes: with_crlf(file), ..Message::default() };
    message.mail = message.values("X-Mail-Args").concat();
    message.recipients = message.values("X-Rcpt-Args");
    let envelope = |field: &&[u8]| {
        ["X-Client-", "X-Helo-", "X-Mail-", "X-Rcpt-"].iter().any(|name| field.starts_with(name.as_bytes()))
    };
    let fields = message.fields();
    let count = fields.iter().take_while(|field| envelope(field)).count() + 1;
    let length: usize = fields.into_iter().take(count).map(<[u8]>::len).sum();
    message.bytes.drain(..length);
    message
}

/// Runs `smtp-source` against `port` until all its messages are sent.
pub async fn source(port: u16, arguments: &[&str]) {
    let mut command = Command::new(SOURCE);
    command.args(arguments).arg(format!("127.0.0.1:{port}")).stdin(Stdio::null());
    let mut child = command.spawn().expect("smtp-source runs");
    let status =
        wait::until("smtp-source", wait::LONG, || child.try_wait().expect("the child is ours")).await;
    assert!(status.success(), "smtp-source ended with {status}");
}

/// Lets programs that have given up root's rights into a temporary folder.
pub fn open_to_all(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
        .expect("the temporary folder is ours");
}
