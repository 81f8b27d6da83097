//! `/metrics`, `/health` and `/ready` over HTTP, for those who may ask.

use super::Metrics;
use filter::Network;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// Whoever looks after this host is a handful.
const MOST_CONNECTIONS: usize = 32;
/// Until the header of a request has come.
const HEADER: Duration = Duration::from_secs(10);
/// How long a connection lives; a scraper makes another one.
const LIFE: Duration = Duration::from_secs(300);
/// How long to wait when the system has no more descriptors.
const BREATH: Duration = Duration::from_millis(500);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Answers at one address, in the background, as long as the program runs.
pub struct Server {
    /// Where.
    pub address: SocketAddr,
    clients: Arc<RwLock<Vec<Network>>>,
}

impl Server {
    /// Answers on a listener; nobody, until [`Self::is_for`] says whom.
    pub fn start(listener: TcpListener, metrics: &Metrics) -> std::io::Result<Self> {
        let server = Self { address: listener.local_addr()?, clients: Arc::default() };
        tokio::spawn(accept(listener, Arc::clone(&server.clients), metrics.clone()));
        Ok(server)
    }

    /// Who may ask from now on.
    pub fn is_for(&self, clients: Vec<Network>) {
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
    }
}

async fn accept(listener: TcpListener, clients: Arc<RwLock<Vec<Network>>>, metrics: Metrics) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let allows = |address: IpAddr| {
        let clients = clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.iter().any(|network| network.contains(address.to_canonical()))
    };
    loop {
        match listener.accept().await {
            Ok((_, peer)) if !allows(peer.ip()) => {
                warn!(client = %peer.ip(), "client may not read the metrics");
            }
            Ok((stream, _)) => {
                // Nobody waits for room: whoever gets none sees the connection closed.
                let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
                let metrics = metrics.clone();
                tokio::spawn(async move {
                    serve(stream, metrics).await;
                    drop(place);
                });
            }
            Err(error) => {
                debug!(%error, "cannot accept a connection for metrics");
                sleep(BREATH).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, metrics: Metrics) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &metrics);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = timeout(LIFE, connection).await {
        debug!(%error, "a client for metrics was lost");
    }
}

fn answer(method: &Method, path: &str, metrics: &Metrics) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".to_owned());
        refusal.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    match path {
        "/metrics" => text(StatusCode::OK, OPEN_METRICS, metrics.text()),
        "/health" => plain(StatusCode::OK, "alive\n".to_owned()),
        "/ready" => match metrics.obstacles().as_slice() {
            [] => plain(StatusCode::OK, "ready\n".to_owned()),
            obstacles => plain(StatusCode::SERVICE_UNAVAILABLE, obstacles.join("\n") + "\n"),
        },
        _ => plain(StatusCode::NOT_FOUND, "there are /metrics, /health and /ready\n".to_owned()),
    }
}

fn plain(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    text(status, PLAIN, body)
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
