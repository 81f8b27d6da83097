//! Where clients connect.

use crate::stream::Stream;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener};

/// How many connections may wait to be accepted; the system cuts it to its own limit.
const BACKLOG: i32 = 4096;

/// A bound socket that clients connect to.
#[derive(Debug)]
pub enum Listener {
    /// On TCP.
    Tcp(TcpListener),
    /// On a UNIX socket.
    Unix(UnixListener, PathBuf),
}

/// Who may connect to a UNIX socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rights {
    /// Its mode; whoever may write to it may connect.
    pub mode: u32,
    /// The number of the user it belongs to, if not ours.
    pub owner: Option<u32>,
    /// The number of the group it belongs to, if not ours.
    pub group: Option<u32>,
}

impl Rights {
    fn give(self, path: &Path) -> io::Result<()> {
        if self.owner.or(self.group).is_some() {
            chown(path, self.owner, self.group)?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(self.mode))
    }
}

impl Listener {
    /// Binds a TCP address. Port 0 takes a free one.
    pub fn tcp(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A restart must not wait for the old connections to be forgotten.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Self::inherited_tcp(socket.into())
    }

    /// Takes over a TCP socket that listens already, as a service manager hands it down.
    pub fn inherited_tcp(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Replies must not wait for acknowledgements (Nagle's algorithm). The connections inherit it.
        SockRef::from(&socket).set_tcp_nodelay(true)?;
        Ok(Self::Tcp(TcpListener::from_std(socket)?))
    }

    /// Binds a UNIX socket. One that nobody listens on any more makes room.
    pub fn unix(path: &Path, rights: Rights) -> io::Result<Self> {
        if is_abandoned(path) {
            std::fs::remove_file(path)?;
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        // Nobody is connected before it listens, whatever its mode was until here.
        rights.give(path).and_then(|()| socket.listen(BACKLOG)).inspect_err(|_| {
            // Why it failed matters more than what is left.
            let _ = std::fs::remove_file(path);
        })?;
        Self::on_unix(socket.into(), path)
    }

    /// Takes over a UNIX socket that listens already, as a service manager hands it down.
    pub fn inherited_unix(socket: std::os::unix::net::UnixListener) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let path = address.as_pathname().unwrap_or(Path::new("")).to_owned();
        Self::on_unix(socket, &path)
    }

    fn on_unix(socket: std::os::unix::net::UnixListener, path: &Path) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::Unix(UnixListener::from_std(socket)?, path.to_owned()))
    }

    /// The TCP address bound.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// The next connection, and the client's address where it has one.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Stream::Tcp(stream), Some(peer.ip().to_canonical())))
            }
            Self::Unix(listener, _) => Ok((Stream::Unix(listener.accept().await?.0), None)),
        }
    }
}

/// The address bound, as it is written in the configuration.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => write!(f, "{address}"),
                Err(_) => f.write_str("tcp"),
            },
            Self::Unix(_, path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Whether a socket lies there that takes no connections.
fn is_abandoned(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && std::os::unix::net::UnixStream::connect(path).is_err_and(refused)
}
