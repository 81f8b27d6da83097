//! Making a connection: every target, every address, greeting, EHLO or HELO.

use super::{Connection, Fault};
use crate::settings::{Settings, Target};
use crate::stream::Stream;
use smtp::client::Stage;
use smtp::extension::Offer;
use smtp::reply::Severity;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tracing::warn;

/// Connects to the first target that talks to us. `own` is where we listen ourselves.
pub(super) async fn connect(settings: &Settings, own: Option<SocketAddr>) -> Result<Connection, Fault> {
    let Some((last, others)) = settings.relay.split_last() else {
        return Err(unreachable(&"any next hop", io::ErrorKind::NotFound.into()));
    };
    for target in others {
        // Where another can stand in, one that hangs must not use up the client's patience.
        let connection = timeout(settings.deadlines.connect, to_target(settings, target, own)).await;
        match connection.unwrap_or_else(|_| Err(unreachable(target, io::ErrorKind::TimedOut.into()))) {
            Ok(connection) => return Ok(connection),
            Err(fault) => {
                let fault = fault.explain();
                warn!(listener = settings.name, %target, fault, "next hop passed over for the one behind it");
            }
        }
    }
    to_target(settings, last, own).await
}

async fn to_target(
    settings: &Settings,
    target: &Target,
    own: Option<SocketAddr>,
) -> Result<Connection, Fault> {
    let (host, port) = match target {
        Target::Tcp(host, port) => (host, *port),
        Target::Unix(path) => {
            let stream = within(settings, UnixStream::connect(path)).await;
            return greet(settings, stream.map(Stream::Unix).map_err(|error| unreachable(target, error))?)
                .await;
        }
    };
    let addresses = addresses(settings, host, port).await.map_err(|error| unreachable(target, error))?;
    to_one_of(settings, &addresses, own)
        .await
        .unwrap_or_else(|| Err(unreachable(target, io::ErrorKind::NotFound.into())))
}

/// Connects to the first of the addresses that talks to us; nothing if there are none.
async fn to_one_of(
    settings: &Settings,
    addresses: &[SocketAddr],
    own: Option<SocketAddr>,
) -> Option<Result<Connection, Fault>> {
    let mut last = None;
    for &address in addresses {
        match to_address(settings, address, own).await {
            Err(fault) if !matches!(fault, Fault::Loop(_)) => last = Some(Err(fault)),
            ended => return Some(ended),
        }
    }
    last
}

async fn to_address(
    settings: &Settings,
    address: SocketAddr,
    own: Option<SocketAddr>,
) -> Result<Connection, Fault> {
    let lost = |error| unreachable(&address, error);
    let stream = within(settings, TcpStream::connect(address)).await.map_err(lost)?;
    let (peer, local) = (stream.peer_addr().map_err(lost)?, stream.local_addr().map_err(lost)?);
    if own.is_some_and(|own| is_same(own, peer, local.ip())) {
        return Err(Fault::Loop(peer.to_string()));
    }
    greet(settings, Stream::tcp(stream).map_err(lost)?).await
}

async fn greet(settings: &Settings, stream: Stream) -> Result<Connection, Fault> {
    introduce(settings, stream).await.map_err(|fault| match fault {
        Fault::Refused(_) => fault,
        other => Fault::NoStart(Box::new(other)),
    })
}

/// Reads the greeting, and says EHLO; HELO to a next hop that does not know EHLO.
async fn introduce(settings: &Settings, stream: Stream) -> Result<Connection, Fault> {
    let mut connection = Connection::new(stream, settings.deadlines);
    let greeting = connection.reply().await?;
    if !greeting.is_completed() {
        return Err(Fault::Refused(greeting));
    }
    let hello = format!("EHLO {}\r\n", settings.hostname);
    let reply = connection.ask(Stage::Hello, hello.into_bytes()).await?;
    if reply.is_completed() {
        connection.offer = Offer::parse(&reply);
        return Ok(connection);
    }
    if reply.severity() != Severity::Permanent {
        return Err(Fault::Refused(reply));
    }
    let hello = format!("HELO {}\r\n", settings.hostname);
    let reply = connection.ask(Stage::Hello, hello.into_bytes()).await?;
    if reply.is_completed() { Ok(connection) } else { Err(Fault::Refused(reply)) }
}

async fn addresses(settings: &Settings, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    Ok(within(settings, tokio::net::lookup_host((host, port))).await?.collect())
}

async fn within<T>(settings: &Settings, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(settings.deadlines.connect, future).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Whether a connection from `local` to `peer` ends at a listener on `own`.
fn is_same(own: SocketAddr, peer: SocketAddr, local: IpAddr) -> bool {
    let (ip, local) = (peer.ip().to_canonical(), local.to_canonical());
    // Who listens everywhere listens on each of this host's addresses, and one of those is reached from itself.
    let anywhere = own.ip().is_unspecified() && (ip.is_loopback() || ip == local);
    own.port() == peer.port() && (own.ip().to_canonical() == ip || anywhere)
}

fn unreachable(target: &dyn std::fmt::Display, source: io::Error) -> Fault {
    Fault::Unreachable { target: target.to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
    use tokio::net::TcpListener;

    /// A next hop that greets, and answers one EHLO.
    async fn next_hop() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut stream = BufStream::new(listener.accept().await.unwrap().0);
            stream.write_all(b"220 b.example\r\n").await.unwrap();
            stream.flush().await.unwrap();
            stream.read_line(&mut String::new()).await.unwrap();
            stream.write_all(b"250-b.example\r\n250 SIZE 12345\r\n").await.unwrap();
            stream.flush().await.unwrap();
            stream.read_line(&mut String::new()).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn each_address_of_a_name_is_tried_until_one_answers() {
        let settings = Settings::default();
        let sound = next_hop().await;
        // Of this port of 127.0.0.2 nobody else knows, and nobody listens there.
        let dead = SocketAddr::new([127, 0, 0, 2].into(), sound.port());
        let connection = to_one_of(&settings, &[dead, sound], None).await.unwrap().unwrap();
        assert_eq!(connection.offer().size, Some(12345));
        assert!(matches!(to_one_of(&settings, &[dead], None).await, Some(Err(Fault::Unreachable { .. }))));
        assert!(to_one_of(&settings, &[], None).await.is_none());
        // A name that leads back to us is a fault of the file, whatever its other addresses are.
        let own = next_hop().await;
        let looped = to_one_of(&settings, &[dead, own, sound], Some(own)).await;
        assert!(matches!(looped, Some(Err(Fault::Loop(_)))));
    }

    #[test]
    fn our_own_address_is_known_in_every_form() {
        for (own, peer, local, expected) in [
            ("127.0.0.1:25", "127.0.0.1:25", "127.0.0.1", true),
            ("127.0.0.1:25", "127.0.0.1:26", "127.0.0.1", false),
            ("0.0.0.0:25", "127.0.0.1:25", "127.0.0.1", true),
            ("[::]:25", "127.0.0.1:25", "127.0.0.1", true),
            ("0.0.0.0:25", "10.0.0.1:25", "10.0.0.2", false),
            ("0.0.0.0:25", "10.0.0.1:25", "10.0.0.1", true),
            ("127.0.0.1:25", "10.0.0.1:25", "10.0.0.1", false),
            ("127.0.0.1:25", "[::ffff:127.0.0.1]:25", "::ffff:127.0.0.1", true),
        ] {
            let (own, peer, local) = (own.parse().unwrap(), peer.parse().unwrap(), local.parse().unwrap());
            assert_eq!(is_same(own, peer, local), expected, "{own} {peer} {local}");
        }
    }
}
