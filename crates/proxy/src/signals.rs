//! What the system tells the program, and what the program asks of it.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal as SystemSignal;
use std::io;
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};
use tracing::{debug, warn};

/// What a signal asks for.
pub enum Signal {
    /// SIGTERM or SIGINT: to end.
    Stop(&'static str),
    /// SIGHUP: to read the configuration again.
    Reload,
}

/// Signals, as they come.
pub struct Signals {
    terminate: UnixSignal,
    interrupt: UnixSignal,
    hang_up: UnixSignal,
}

impl Signals {
    /// Listens from now on, if the system lets us.
    pub fn listen() -> io::Result<Self> {
        // A file that may not grow further (RLIMIT_FSIZE) is an error of that write, and no reason to die.
        drop(signal(SignalKind::from_raw(SystemSignal::SIGXFSZ as i32))?);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Stop("SIGINT"),
            _ = self.hang_up.recv() => Signal::Reload,
        }
    }

    /// Waits for one that asks for the end.
    pub async fn stop(&mut self) {
        while !matches!(self.next().await, Signal::Stop(_)) {}
    }
}

/// Lets the program have as many descriptors as it may: each session takes one, and two with a message under way.
pub fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most).map(|()| most));
    match raised {
        Ok(most) => debug!(descriptors = most, "descriptor limit"),
        Err(error) => warn!(%error, "the limit of descriptors stays low"),
    }
}
