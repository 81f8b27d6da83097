//! The contract between a front end, which speaks a wire protocol, and an engine, which decides.
//!
//! A front end opens a [`Pass`] for each message, hands it the header and the body, and carries the [`Decision`]
//! out. It decides nothing itself; the engine in turn knows nothing of the protocol. The relay is the first front
//! end; a milter listener would be another one.
//!
//! ```text
//!   Filter::open(envelope) ─► Pass::header(header) ─► Pass::body(chunk)… ─► Pass::finish(answers) ─► Decision
//!                                    └── a future: look-ups, while the body comes in ──┘
//! ```

mod decision;
mod envelope;
mod measure;
mod network;

pub use decision::{Account, Decision, Edits, Refusal, Verdict};
pub use envelope::{Client, Envelope};
pub use measure::Measure;
pub use network::{Network, NetworkError};

use mail::Header;
use std::sync::Arc;

/// Something that every message passes through.
pub trait Filter: Send + Sync + 'static {
    /// The passing of one message.
    type Pass: Pass;

    /// Starts on a message whose envelope is complete.
    fn open(&self, envelope: Arc<Envelope>) -> Self::Pass;
}

impl<F: Filter> Filter for Arc<F> {
    type Pass = F::Pass;

    fn open(&self, envelope: Arc<Envelope>) -> F::Pass {
        F::open(self, envelope)
    }
}

/// One message on its way through a [`Filter`].
pub trait Pass: Send + 'static {
    /// What the look-ups bring back.
    type Answers: Send + 'static;

    /// Takes the header, and says what has to be looked up.
    ///
    /// This is the only thing an engine ever waits for. The front end chooses where the future runs; it may run
    /// while the body comes in.
    fn header(&mut self, header: &Header) -> impl Future<Output = Self::Answers> + Send + use<Self>;

    /// Takes the next chunk of the body. After [`Appetite::Sated`] no more need be given.
    fn body(&mut self, chunk: &[u8]) -> Appetite;

    /// Ends the message.
    fn finish(self, answers: Self::Answers) -> Decision;
}

/// Whether more of the body can still change the outcome.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Appetite {
    /// Give more, if there is more.
    Hungry,
    /// The rest need not be given.
    Sated,
}
