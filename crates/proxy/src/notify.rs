//! What the service manager is told (`sd_notify(3)`), where there is one that listens.

use sd_notify::NotifyState;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

/// All listeners take clients.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The files are read again; [`ready`] says when that is over.
pub fn reloading() {
    // Without the time, systemd does not take the word (Type=notify-reload).
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "the service manager is not told of the reload"),
    }
}

/// The end has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells a watchdog, if there is one (`WatchdogSec=`), that tasks still get their turn. For ever.
pub async fn watchdog() {
    let Some(patience) = sd_notify::watchdog_enabled().filter(|patience| *patience > Duration::ZERO) else {
        return;
    };
    // sd_watchdog_enabled(3) recommends half of the time.
    let mut next = Instant::now();
    loop {
        tell(&[NotifyState::Watchdog]);
        next += patience / 2;
        sleep_until(next).await;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "the service manager cannot be told");
    }
}
