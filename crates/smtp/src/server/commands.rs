//! What becomes of each command line.

use super::{Event, Session, Slot, State, replies};
use crate::command::{Command, Verb};
use crate::content::ContentDecoder;
use crate::extension::Extension;
use crate::line::Line;
use crate::parameter::{Keyword, Parameters};
use crate::path::Path;
use crate::reply::{Reply, Severity};
use crate::xforward::{AttributeSet, Attributes};
use bytes::{Buf, Bytes};

impl Session {
    /// The next event, unless more input is needed, or answers are due first.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let line = self.next_line()?;
            self.commands += 1;
            if self.commands > self.terms.commands {
                return Some(self.give_up(&line, &replies::TOO_MANY_COMMANDS));
            }
            let event = self.take_line(&line);
            if let Some(reply) = self.complaint.take() {
                self.refused.push((shown(&line), reply));
            }
            if event.is_some() {
                return event;
            }
            if self.faults > self.terms.errors {
                return Some(self.give_up(&line, &replies::TOO_MANY_ERRORS));
            }
        }
    }

    fn give_up(&mut self, line: &Line, reply: &Reply) -> Event {
        self.refused.push((shown(line), reply.clone()));
        self.close(reply);
        Event::Closed
    }

    /// The next line that may be looked at now.
    fn next_line(&mut self) -> Option<Line> {
        if matches!(self.state, State::Closed | State::Content(_) | State::Chunk { .. }) {
            return None;
        }
        let swallowed = usize::try_from(self.swallow).unwrap_or(usize::MAX).min(self.input.len());
        self.input.advance(swallowed);
        self.swallow -= swallowed as u64;
        if self.swallow > 0 {
            return None;
        }
        let line = self.held.take().or_else(|| self.lines.next(&mut self.input))?;
        // What RFC 2920 lets travel together is RCPT behind MAIL and RCPT; all else waits for its turn.
        let recipient =
            matches!(&line, Line::Whole(text) if Verb::of(text).is_some_and(|(verb, _)| verb == Verb::Rcpt));
        if !self.slots.is_empty() && (!recipient || self.may_be_full()) {
            self.held = Some(line);
            return None;
        }
        Some(line)
    }

    fn take_line(&mut self, line: &Line) -> Option<Event> {
        let text = match line {
            Line::Whole(text) => text,
            Line::TooLong(beginning) => {
                let known = Verb::of(beginning).is_some();
                self.fault(&if known { replies::LONG_COMMAND } else { replies::LONG_LINE });
                return self.ends_at_chunk(beginning);
            }
        };
        match Command::parse(text) {
            Ok(command) => self.take_command(command),
            Err(error) => {
                self.fault(&replies::to_fault(error));
                self.ends_at_chunk(text)
            }
        }
    }

    /// Ends the session at a BDAT that cannot be read: octets follow, and nobody knows how many, so that what comes next
    /// may be content or commands.
    fn ends_at_chunk(&mut self, line: &[u8]) -> Option<Event> {
        let verb = line.split(|byte| !byte.is_ascii_alphanumeric()).next()?;
        verb.eq_ignore_ascii_case(b"BDAT").then(|| {
            self.state = State::Closed;
            Event::Closed
        })
    }

    fn take_command(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Hello(verb, name) => self.take_hello(verb, name),
            Command::Mail(path, parameters) => self.take_mail(path, parameters),
            Command::Rcpt(path, parameters) => self.take_recipient(path, parameters),
            Command::Data => self.take_data(),
            Command::Bdat { size, last } => self.take_bdat(size, last),
            Command::Rset => {
                if !matches!(self.state, State::Connected) {
                    self.state = State::Ready;
                }
                self.say(&replies::OK);
                Some(Event::Reset)
            }
            Command::Noop => self.reply(&replies::OK),
            Command::Vrfy => self.reply(&replies::CANNOT_VERIFY),
            Command::Help => self.reply(&replies::HELP),
            Command::Quit => {
                self.close(&replies::BYE);
                Some(Event::Closed)
            }
            Command::Xforward(arguments) => self.take_xforward(&arguments),
            Command::Xclient(arguments) => self.take_xclient(&arguments),
        }
    }

    fn take_hello(&mut self, verb: Verb, name: Bytes) -> Option<Event> {
        if self.terms.lmtp != (verb == Verb::Lhlo) {
            return self.fault(&replies::WRONG_HELLO);
        }
        // RFC 5321 §4.1.4: "An EHLO command MAY be issued by a client later in the session."
        self.state = State::Ready;
        if verb == Verb::Helo {
            self.offer = crate::extension::Offer::default();
            self.say(&Reply::new(250, &self.terms.hostname));
            return Some(Event::OldHello(name));
        }
        Some(Event::Hello(name))
    }

    fn take_mail(&mut self, path: Path, parameters: Parameters) -> Option<Event> {
        match self.state {
            State::Ready => {}
            State::Connected => return self.fault(&replies::NO_HELLO),
            _ => return self.fault(&replies::OUT_OF_TURN),
        }
        if let Some(refusal) = self.unoffered(&parameters) {
            return self.fault(&refusal);
        }
        let utf8 = parameters.value(Keyword::Smtputf8).is_some();
        if !(utf8 || path.is_ascii() && parameters.are_ascii()) {
            return self.fault(&replies::NEEDS_SMTPUTF8);
        }
        if parameters.size() > self.offer.size.or(Some(u64::MAX)) {
            return self.complain(&replies::TOO_LARGE);
        }
        self.state = State::Transaction { refused: false, asked: 0, accepted: 0, utf8 };
        self.slots.push_back(Slot::Mail);
        Some(Event::Mail(path, parameters))
    }

    fn take_recipient(&mut self, path: Path, parameters: Parameters) -> Option<Event> {
        let refusal = self.unoffered(&parameters);
        let full = self.may_be_full();
        let State::Transaction { asked, utf8, .. } = &mut self.state else {
            let early = matches!(self.state, State::Connected | State::Ready);
            return self.fault(&if early { replies::NO_MAIL } else { replies::OUT_OF_TURN });
        };
        let needs_utf8 = !(*utf8 || path.is_ascii() && parameters.are_ascii());
        *asked += 1;
        if let Some(refusal) = refusal.or(needs_utf8.then_some(replies::NEEDS_SMTPUTF8)) {
            return self.fault(&refusal);
        }
        if full {
            return self.reply(&replies::TOO_MANY_RECIPIENTS);
        }
        self.slots.push_back(Slot::Recipient);
        Some(Event::Recipient(path, parameters))
    }

    /// Whether there is no room for one more recipient, should all that wait be accepted.
    fn may_be_full(&self) -> bool {
        let State::Transaction { accepted, .. } = self.state else { return false };
        let waiting = self.slots.iter().filter(|slot| matches!(slot, Slot::Recipient)).count();
        accepted + waiting >= self.terms.recipients
    }

    fn take_data(&mut self) -> Option<Event> {
        match self.turn_for_content() {
            Ok(()) => Some(Event::Data),
            Err(refusal) => self.fault(&refusal),
        }
    }

    fn take_bdat(&mut self, size: u64, last: bool) -> Option<Event> {
        let refusal = match self.state {
            _ if !self.offer.has(Extension::Chunking) => Some(replies::NOT_OFFERED),
            State::BetweenChunks(_) => None,
            _ => self.turn_for_content().err(),
        };
        if let Some(refusal) = refusal {
            self.swallow = size;
            return self.fault(&refusal);
        }
        let decoder = match self.state {
            State::BetweenChunks(decoder) => decoder,
            _ => ContentDecoder::of_chunks(self.terms.repairs),
        };
        self.state = State::Chunk { decoder, left: size, last };
        Some(Event::Chunk)
    }

    /// Whether the content may come now.
    fn turn_for_content(&self) -> Result<(), Reply> {
        match self.state {
            State::Connected => Err(replies::NO_HELLO),
            State::Ready => Err(replies::NO_MAIL),
            State::Transaction { asked: 0, .. } => Err(replies::NO_RECIPIENT),
            State::Transaction { accepted: 0, .. } => Err(replies::NO_VALID_RECIPIENT),
            State::Transaction { .. } => Ok(()),
            State::Content(_) | State::Chunk { .. } | State::BetweenChunks(_) | State::Closed => {
                Err(replies::OUT_OF_TURN)
            }
        }
    }

    fn take_xforward(&mut self, arguments: &Bytes) -> Option<Event> {
        // Postfix's XFORWARD how-to: not while a message is under way.
        if !matches!(self.state, State::Connected | State::Ready) {
            return self.fault(&replies::OUT_OF_TURN);
        }
        match Attributes::parse(arguments, AttributeSet::FORWARDED) {
            Ok(attributes) => {
                self.say(&replies::OK);
                Some(Event::Xforward(attributes))
            }
            Err(_) => self.fault(&replies::BAD_ATTRIBUTE),
        }
    }

    fn take_xclient(&mut self, arguments: &Bytes) -> Option<Event> {
        if !self.offer.has(Extension::Xclient) {
            return self.fault(&replies::to_fault(crate::command::CommandError::Unknown));
        }
        if !matches!(self.state, State::Connected | State::Ready) {
            return self.fault(&replies::OUT_OF_TURN);
        }
        match Attributes::parse(arguments, AttributeSet::CLIENT) {
            Ok(attributes) => Some(Event::Xclient(attributes)),
            Err(_) => self.fault(&replies::BAD_ATTRIBUTE),
        }
    }

    /// The refusal of a parameter whose extension is not offered.
    fn unoffered(&self, parameters: &Parameters) -> Option<Reply> {
        // RFC 5321 §4.1.1.11: 555 is for parameters that are not recognized or not implemented.
        let is_offered = |keyword: Keyword| match keyword {
            // RFC 6531 §3.1: "MUST provide support for, and announce, the 8BITMIME extension"
            // A signer withholds the word, so that clients convert before it signs. Postfix takes it as said beside
            // SMTPUTF8, and would bounce all 8-bit mail if we refused the parameter.
            Keyword::Body => self.offer.has(Extension::EightBitMime) || self.offer.has(Extension::Smtputf8),
            other => self.offer.has(other.extension()),
        };
        let all_offered = parameters.iter().all(|parameter| is_offered(parameter.keyword));
        (!all_offered).then_some(replies::UNKNOWN_PARAMETER)
    }

    fn reply(&mut self, reply: &Reply) -> Option<Event> {
        self.say(reply);
        None
    }

    /// Says what the client did wrong, and counts it.
    fn fault(&mut self, reply: &Reply) -> Option<Event> {
        self.faults += usize::from(reply.severity() == Severity::Permanent);
        self.complain(reply)
    }

    /// Says why the command is refused, and remembers it for the log.
    fn complain(&mut self, reply: &Reply) -> Option<Event> {
        self.complaint = Some(reply.clone());
        self.reply(reply)
    }
}

/// What a log may show of a refused line: a command that we know. Others may hold a password (RFC 4954).
fn shown(line: &Line) -> Bytes {
    Some(line.text()).filter(|text| Verb::of(text).is_some()).cloned().unwrap_or_default()
}
