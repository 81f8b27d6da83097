//! Keys in a database that is asked over TLS, against the real servers.

use crate::stores::{ALICE, BOTH, selectors, send};
use scenarios::certificates::Authority;
use scenarios::database::Kind;
use scenarios::keys::RSA;
use scenarios::{Keys, NextHop, Proxy, wait};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// A proxy with this database; gives its reply to a message, and the line in its log.
async fn answers(database: &str, next_hop: &NextHop) -> (String, String) {
    let proxy =
        Proxy::outbound().relay(next_hop).setting(database).setting("on_fault: unsigned").start().await;
    let reply = send(&proxy, ALICE).await;
    let line = proxy.log().line_with("action=").await;
    assert!(!proxy.log().lines().join("\n").contains("swordfish"));
    (reply, line)
}

#[tokio::test]
async fn a_database_is_asked_over_tls_if_an_authority_vouches_for_it_and_for_its_name() {
    for kind in BOTH {
        if kind.is_missing() || Authority::is_missing() {
            return;
        }
        let (ours, another) = (Authority::new(), Authority::new());
        // Logins over the network are taken by TLS only.
        let database = kind.start_encrypted(&ours.certifies("localhost")).await;
        let keys = Keys::of("example.org");
        database.has(&keys, RSA);
        let next_hop = NextHop::fake().start().await;
        let sure = database.yaml_encrypted("localhost", &ours.file());
        let (reply, line) = answers(&sure, &next_hop).await;
        assert!(reply.starts_with("250"), "{reply} {line}");
        assert_eq!(selectors(&next_hop.taken().await), [RSA]);
        for (yaml, why) in [
            (database.yaml_encrypted("localhost", &another.file()), "UnknownIssuer"),
            (database.yaml_encrypted("127.0.0.1", &ours.file()), "not valid for name"),
        ] {
            let (reply, line) = answers(&yaml, &next_hop).await;
            assert_eq!(reply, "451 4.3.5 Message cannot be signed now, try again later");
            assert!(line.contains("out of reach") && line.contains(why), "{line}");
        }
        assert_eq!(next_hop.messages().len(), 1);
    }
}

/// Says that there is no TLS here, and tells all that was said to it.
async fn refuse_tls(mut client: TcpStream, told: UnboundedSender<Vec<u8>>) {
    let mut heard = vec![0; 8];
    client.read_exact(&mut heard).await.expect("it asks for TLS");
    client.write_all(b"N").await.expect("it listens");
    // It may break the connection off.
    let _ = client.read_to_end(&mut heard).await;
    // After the test nobody wants to know.
    let _ = told.send(heard);
}

#[tokio::test]
async fn where_tls_is_asked_for_nothing_is_said_in_plaintext() {
    if Authority::is_missing() {
        return;
    }
    let authority = Authority::new();
    let (ca_file, folder) = (authority.file(), tempfile::tempdir().expect("a temporary folder can be made"));
    let (ca_file, password) = (ca_file.display(), folder.path().join("password"));
    std::fs::write(&password, "swordfish\n").expect("the folder is ours");
    std::fs::set_permissions(&password, Permissions::from_mode(0o600)).expect("the file is ours");
    for kind in BOTH {
        // `N` is PostgreSQL's word for "no TLS here".
        let server = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = server.local_addr().expect("it is bound").port();
        let login = format!("user: dkimgate, password_file: {}, ca_file: {ca_file}", password.display());
        let yaml = match kind {
            Kind::Postgres => {
                format!("postgres: {{host: 127.0.0.1, port: {port}, dbname: postgres, {login}}}")
            }
            Kind::Redis => format!("redis: {{address: '127.0.0.1:{port}', {login}}}"),
        };
        let (told, mut heard) = unbounded_channel();
        // Each time it is asked: at the start, and for the message.
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = server.accept().await {
                tokio::spawn(refuse_tls(client, told.clone()));
            }
        });
        let next_hop = NextHop::fake().start().await;
        let (reply, line) = answers(&format!("sign:\n  - keys:\n      {yaml}"), &next_hop).await;
        assert!(reply.starts_with("451 4.3.5"), "{reply}");
        assert!(line.contains("TLS"), "{line}");
        assert_eq!(next_hop.messages().len(), 0);
        let heard = wait::within("what was said", heard.recv()).await.expect("somebody connected");
        serving.abort();
        match kind {
            // Length and code of SSLRequest, and nothing else.
            Kind::Postgres => assert_eq!(heard, [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]),
            // A record of TLS's handshake (RFC 8446 §5.1).
            Kind::Redis => assert_eq!(heard[..2], [22, 3], "{heard:?}"),
        }
        assert!(!heard.windows(8).any(|words| words == b"dkimgate"), "{heard:?}");
    }
}
