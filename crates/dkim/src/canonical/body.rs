//! One face for all body forms.
//!
//! A body is canonicalized chunk by chunk. What cannot be decided yet is held back: a line end may turn out to be one
//! of the trailing empty lines, white space may turn out to end a line, and a CR may turn out to stand alone. All of
//! that fits in three small fields, so no chunk is ever kept.

use super::{nofws::Nofws, relaxed::Relaxed, simple::Simple};

const CRLF: &[u8] = b"\r\n";

/// A canonical form of a body.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BodyForm {
    /// `simple` of DKIM: the trailing empty lines are dropped.
    Simple,
    /// `relaxed` of DKIM: white space is folded as well.
    Relaxed,
    /// `simple` of DomainKeys: like that of DKIM, but an empty body stays empty.
    OldSimple,
    /// `nofws` of DomainKeys: no white space is left.
    Nofws,
}

/// Canonicalizes one body, and hands the result to a sink piece by piece.
#[derive(Clone, Debug)]
pub struct BodyCanonicalizer {
    form: BodyForm,
    machine: Machine,
}

#[derive(Clone, Debug)]
enum Machine {
    Simple(Simple),
    Relaxed(Relaxed),
    Nofws(Nofws),
}

impl BodyCanonicalizer {
    /// Starts on an empty body.
    #[must_use]
    pub fn new(form: BodyForm) -> Self {
        let machine = match form {
            BodyForm::Simple | BodyForm::OldSimple => Machine::Simple(Simple::default()),
            BodyForm::Relaxed => Machine::Relaxed(Relaxed::default()),
            BodyForm::Nofws => Machine::Nofws(Nofws::default()),
        };
        Self { form, machine }
    }

    /// Which canonical form comes out.
    #[must_use]
    pub fn form(&self) -> BodyForm {
        self.form
    }

    /// Takes the next chunk of the body. A chunk may end anywhere.
    pub fn update(&mut self, chunk: &[u8], mut sink: impl FnMut(&[u8])) {
        match &mut self.machine {
            Machine::Simple(machine) => machine.update(chunk, &mut sink),
            Machine::Relaxed(machine) => machine.update(chunk, &mut sink),
            Machine::Nofws(machine) => machine.update(chunk, &mut sink),
        }
    }

    /// Ends the body.
    pub fn finish(mut self, mut sink: impl FnMut(&[u8])) {
        let started = match &mut self.machine {
            Machine::Simple(machine) => {
                machine.finish(&mut sink);
                machine.tail.started()
            }
            Machine::Relaxed(machine) => {
                machine.finish(&mut sink);
                machine.tail.started()
            }
            Machine::Nofws(machine) => machine.tail.started(),
        };
        // RFC 6376 §3.4.3: "If there is no body or no trailing CRLF on the message body, a CRLF is added."
        // RFC 6376 §3.4.4: "If the body is non-empty but does not end with a CRLF, a CRLF is added."
        if started || self.form == BodyForm::Simple {
            sink(CRLF);
        }
    }
}
