//! A service manager that listens to what a program says of itself (`sd_notify(3)`).

use crate::wait;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::net::UnixDatagram;

/// A socket for notices, in a folder that goes when this value goes.
#[derive(Debug)]
pub struct Notices {
    socket: UnixDatagram,
    path: PathBuf,
    _folder: TempDir,
}

impl Notices {
    /// Listens.
    pub fn listen() -> Notices {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("the folder is ours");
        Notices { socket, path, _folder: folder }
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next notice; waits for it.
    pub async fn next(&self) -> String {
        let mut notice = [0; 1024];
        let length = wait::within("a notice", self.socket.recv(&mut notice)).await.expect("a datagram");
        String::from_utf8_lossy(&notice[..length]).into_owned()
    }
}
