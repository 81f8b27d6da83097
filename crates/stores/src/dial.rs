//! A connection to a server, encrypted or not.
#![cfg(feature = "tls")]

use crate::settings::{Address, Password, Tls};
use crate::source::SourceError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// A connection to a server, of whatever kind.
pub(crate) struct Wire(Box<dyn Stream>);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Connects, without TLS so far.
pub(crate) async fn dial(address: &Address) -> Result<Wire, SourceError> {
    let unreachable = |error: io::Error| SourceError::Unreachable(error.to_string());
    match address {
        Address::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
            // Questions are small, and somebody waits for each answer.
            stream.set_nodelay(true).map_err(unreachable)?;
            Ok(Wire(Box::new(stream)))
        }
        Address::Unix(path) => Ok(Wire(Box::new(UnixStream::connect(path).await.map_err(unreachable)?))),
    }
}

/// The TLS of a connection, if it is to have any. The authorities of a system are some hundred files: they are read where
/// nobody else's work waits for it.
pub(crate) async fn encryption(tls: &Tls, address: &Address) -> Result<Option<Encryption>, SourceError> {
    let read: Box<dyn FnOnce() -> Result<RootCertStore, SourceError> + Send> = match tls {
        Tls::Off => return Ok(None),
        Tls::System => Box::new(system_roots),
        Tls::Authorities(file) => {
            let file = file.clone();
            Box::new(move || roots_in(&file))
        }
    };
    let roots = tokio::task::spawn_blocking(read).await;
    let roots = roots.map_err(|error| SourceError::Ourselves(error.to_string()))??;
    let Address::Tcp(host, _) = address else {
        return Err(SourceError::Ourselves("TLS is not for UNIX sockets".to_owned()));
    };
    let server = ServerName::try_from(host.clone())
        .map_err(|error| SourceError::Ourselves(format!("no TLS with `{host}`: {error}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SourceError::Ourselves(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(Encryption { connector: TlsConnector::from(Arc::new(config)), server }))
}

/// How a connection is encrypted.
pub(crate) struct Encryption {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl Encryption {
    /// Encrypts a connection.
    pub(crate) async fn apply(self, wire: Wire) -> io::Result<Wire> {
        Ok(Wire(Box::new(self.connector.connect(self.server, wire).await?)))
    }
}

fn system_roots() -> Result<RootCertStore, SourceError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let problem = "this system has no certificate authorities; name a `ca_file`";
        return Err(SourceError::Ourselves(problem.to_owned()));
    }
    Ok(roots)
}

fn roots_in(file: &Path) -> Result<RootCertStore, SourceError> {
    let unusable = |error: String| SourceError::Ourselves(format!("{}: {error}", file.display()));
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() { Err(unusable("no certificate in PEM".to_owned())) } else { Ok(roots) }
}

/// The password of a login, if it has one.
pub(crate) fn password(password: Option<&Password>) -> Result<Option<Zeroizing<String>>, SourceError> {
    password.map(|password| (password.read)()).transpose().map_err(SourceError::Ourselves)
}
