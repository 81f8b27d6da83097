//! The fault matrix: everything that a next hop may do wrong, at each point of a conversation, times everything that a
//! client may do meanwhile, with the body in memory and in a file. In each cell: what the client hears, whether the
//! session goes on in step, and that the message is in one place.

#![allow(clippy::unwrap_used)] // A test may panic.

mod common;

use common::{Act, At, Client, NextHop, Script, Serving};
use relay::{Deadlines, Settings};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How long a next hop may be silent where one is.
const BRIEF: Duration = Duration::from_secs(1);
/// How long a client may be silent where one is: on a busy machine, those that are not take their time too.
const SILENT: Duration = Duration::from_secs(3);
/// How many cells are played at once.
const AT_ONCE: usize = 64;

/// One way in which a next hop fails, and the codes that the client hears for MAIL, RCPT, DATA and the content.
type Case = (At<'static>, Act, &'static str);

const TEMPORARY: Act = Act::Say("450 4.2.0 later");
const PERMANENT: Act = Act::Say("550-5.2.0 no,\r\n550 5.2.0 never");
const GARBAGE: Act = Act::Say("\u{1}what?");
const CLOSING: Act = Act::SayAndDrop("421 4.3.2 closing");

/// A `*` at the end stands for a reply that leaves the message in doubt.
const CASES: &[Case] = &[
    (At::Connect, TEMPORARY, "451"),
    (At::Connect, PERMANENT, "451"),
    (At::Connect, GARBAGE, "451"),
    (At::Connect, CLOSING, "451"),
    (At::Connect, Act::Drop, "451"),
    (At::Connect, Act::Silence, "451"),
    (At::Connect, Act::Say("354 go"), "451"),
    (At::Command("EHLO"), TEMPORARY, "451"),
    (At::Command("EHLO"), PERMANENT, "250 250 354 250"),
    (At::Command("EHLO"), GARBAGE, "451"),
    (At::Command("EHLO"), CLOSING, "451"),
    (At::Command("EHLO"), Act::Drop, "451"),
    (At::Command("EHLO"), Act::Silence, "451"),
    (At::Command("EHLO"), Act::Say("250 a\r\n250 b"), "451"),
    (At::Command("XFORWARD"), TEMPORARY, "250 250 354 250"),
    (At::Command("XFORWARD"), PERMANENT, "250 250 354 250"),
    (At::Command("XFORWARD"), GARBAGE, "451"),
    (At::Command("XFORWARD"), CLOSING, "451"),
    (At::Command("XFORWARD"), Act::Drop, "451"),
    (At::Command("XFORWARD"), Act::Silence, "451"),
    (At::Command("MAIL"), TEMPORARY, "450"),
    (At::Command("MAIL"), PERMANENT, "550"),
    (At::Command("MAIL"), GARBAGE, "451"),
    (At::Command("MAIL"), CLOSING, "451"),
    (At::Command("MAIL"), Act::Drop, "451"),
    (At::Command("MAIL"), Act::Silence, "451"),
    (At::Command("MAIL"), Act::Say("354 go"), "451"),
    (At::Command("RCPT"), TEMPORARY, "250 450 554"),
    (At::Command("RCPT"), PERMANENT, "250 550 554"),
    (At::Command("RCPT"), GARBAGE, "250 451 554"),
    (At::Command("RCPT"), CLOSING, "250 451 554"),
    (At::Command("RCPT"), Act::Drop, "250 451 554"),
    (At::Command("RCPT"), Act::Silence, "250 451 554"),
    (At::Command("RCPT"), Act::Say("354 go"), "250 451 554"),
    (At::Command("DATA"), TEMPORARY, "250 250 354 450"),
    (At::Command("DATA"), PERMANENT, "250 250 354 550"),
    (At::Command("DATA"), GARBAGE, "250 250 354 451"),
    (At::Command("DATA"), CLOSING, "250 250 354 451"),
    (At::Command("DATA"), Act::Drop, "250 250 354 451"),
    (At::Command("DATA"), Act::Silence, "250 250 354 451"),
    (At::Command("DATA"), Act::Say("250 ok"), "250 250 354 451"),
    (At::Command("DATA"), Act::Say("354 go\r\n250 ok"), "250 250 354 451"),
    (At::MidContent, Act::SayAndDrop("552 5.3.4 too large"), "250 250 354 552"),
    (At::MidContent, CLOSING, "250 250 354 451"),
    (At::MidContent, Act::SayAndDrop("250 ok"), "250 250 354 451"),
    (At::MidContent, Act::Drop, "250 250 354 451"),
    (At::MidContent, Act::Stall, "250 250 354 451"),
    (At::Dot, TEMPORARY, "250 250 354 450"),
    (At::Dot, PERMANENT, "250 250 354 550"),
    (At::Dot, CLOSING, "250 250 354 451"),
    (At::Dot, GARBAGE, "250 250 354 451*"),
    (At::Dot, Act::Drop, "250 250 354 451*"),
    (At::Dot, Act::Silence, "250 250 354 451*"),
    (At::Dot, Act::Say("354 go"), "250 250 354 451*"),
    (At::Dot, Act::Say("250 ok\r\n250 ok"), "250 250 354 451*"),
    (At::Dot, Act::Say("250 ok\r\n550 no"), "250 250 354 451*"),
];

/// What a client says one after the other.
const COMMANDS: [&str; 3] = ["MAIL FROM:<a@a.example>\r\n", "RCPT TO:<b@b.example>\r\n", "DATA\r\n"];
const XFORWARD: &str = "XFORWARD NAME=a IDENT=b";
const QUIT: &str = "QUIT\r\n";

/// How the client behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Manner {
    /// Waits for each reply.
    Waits,
    /// Sends the envelope in one flight.
    Pipelines,
    /// Sends everything in one flight, content and QUIT too.
    PipelinesAll,
    /// Is gone after so many steps, without waiting for the last one's reply.
    Vanishes(usize),
    /// Is silent after so many steps.
    FallsSilent(usize),
    /// Says RSET after so many steps, and begins anew.
    Resets(usize),
}

/// Steps 1 to 3 are the commands, 4 is a part of the content, 5 all of it.
const PART: usize = 4;
const ALL: usize = 5;

const MANNERS: [Manner; 17] = [
    Manner::Waits,
    Manner::Pipelines,
    Manner::PipelinesAll,
    Manner::Vanishes(1),
    Manner::Vanishes(2),
    Manner::Vanishes(3),
    Manner::Vanishes(PART),
    Manner::Vanishes(ALL),
    Manner::FallsSilent(0),
    Manner::FallsSilent(1),
    Manner::FallsSilent(2),
    Manner::FallsSilent(3),
    Manner::FallsSilent(PART),
    Manner::Resets(0),
    Manner::Resets(1),
    Manner::Resets(2),
    Manner::Resets(ALL),
];

/// A cell of the matrix.
#[derive(Clone, Copy, Debug)]
struct Cell {
    case: Case,
    manner: Manner,
    in_file: bool,
}

impl Cell {
    fn settings(self, settings: &mut Settings) {
        if matches!(self.case.1, Act::Silence | Act::Stall) {
            let (greeting, command, data, content, r#final) = (BRIEF, BRIEF, BRIEF, BRIEF, BRIEF);
            settings.deadlines =
                Deadlines { greeting, command, data, content, r#final, ..settings.deadlines };
        }
        if matches!(self.manner, Manner::FallsSilent(_)) {
            settings.deadlines.client = SILENT;
        }
        if self.in_file {
            settings.limits.memory = 100;
        }
    }

    /// Large enough that no socket buffers take all of it, so that what fails in mid-content is noticed there.
    fn content(self) -> String {
        let lines = if self.case.0 == At::MidContent { 200_000 } else { 30 };
        let line = "Sixty octets or so of text that stand for a line of a body.\r\n";
        format!("Subject: x\r\n\r\n{}.\r\n", line.repeat(lines))
    }

    /// The codes that the client hears if it goes on to the end; what travels in one flight is lost together.
    fn codes(self) -> Vec<&'static str> {
        let together = matches!(self.manner, Manner::Pipelines | Manner::PipelinesAll);
        let codes = self.case.2.trim_end_matches('*');
        let codes = if together && codes == "250 451 554" { "451 451 503" } else { codes };
        codes.split(' ').collect()
    }

    /// Whether the next hop takes what comes to its end.
    fn is_taken(self) -> bool {
        self.case.2.ends_with("354 250")
    }

    /// Whether the reply to the content leaves it open where the message is.
    fn is_in_doubt(self) -> bool {
        self.case.2.ends_with('*')
    }

    async fn play(self) {
        let next_hop = Script::default().at(self.case.0, self.case.1).start().await;
        let proxy = Serving::start(&next_hop, |settings| self.settings(settings));
        let mut client = proxy.ready().await;
        client.says(XFORWARD).await.hears("250").await;
        let ends = match self.manner {
            Manner::Waits | Manner::Pipelines => self.to_the_end(client).await,
            Manner::PipelinesAll => self.all_at_once(client).await,
            Manner::Vanishes(steps) => self.vanishes(client, steps).await,
            Manner::FallsSilent(steps) => self.falls_silent(client, steps).await,
            Manner::Resets(steps) => self.resets(client, steps).await,
        };
        proxy.stop().await;
        self.assert_one_place(&next_hop, ends);
    }

    /// The client has brought `ends` messages to their end: where are they?
    fn assert_one_place(self, next_hop: &NextHop, ends: usize) {
        let heard = next_hop.heard();
        let context = format!("{self:?} {:?}", heard.commands);
        let reaches_the_end = self.is_taken() || self.is_in_doubt() || self.case.0 == At::Dot;
        assert_eq!(heard.complete, if reaches_the_end { ends } else { 0 }, "{context}");
        if !self.is_in_doubt() {
            assert_eq!(heard.taken.len(), if self.is_taken() { ends } else { 0 }, "{context}");
        }
    }

    /// Asserts what was heard, and gives how many messages came to their end.
    fn assert_heard(self, replies: &[String]) -> usize {
        let heard: Vec<&str> = replies.iter().map(|reply| reply.get(..3).unwrap_or("none")).collect();
        assert_eq!(heard, self.codes(), "{self:?} {replies:?}");
        let last = replies.last().unwrap();
        assert_eq!(last.contains("may have"), self.is_in_doubt(), "{self:?} {last}");
        assert!(!self.is_in_doubt() || last.starts_with("451 4.4.2 "), "{self:?} {last}");
        if heard == ["451"] && matches!(self.case.0, At::Connect | At::Command("EHLO")) {
            assert!(last.starts_with("451 4.4.1 "), "{self:?} {last}");
        }
        usize::from(heard.len() > COMMANDS.len())
    }

    /// Says everything up to the first refusal; gives the replies.
    async fn says_all(self, client: &mut Client) -> Vec<String> {
        let codes = self.codes();
        let mut replies = Vec::new();
        if self.manner == Manner::Pipelines {
            client.sends(COMMANDS.concat().as_bytes()).await;
            for _ in COMMANDS {
                replies.push(client.reply().await);
            }
            replies.truncate(codes.len());
        } else {
            for command in &COMMANDS[..codes.len().min(COMMANDS.len())] {
                replies.push(client.sends(command.as_bytes()).await.reply().await);
            }
        }
        if codes.len() > COMMANDS.len() {
            replies.push(client.sends(self.content().as_bytes()).await.reply().await);
        }
        replies
    }

    async fn to_the_end(self, mut client: Client) -> usize {
        let ends = self.assert_heard(&self.says_all(&mut client).await);
        assert_in_step(&mut client).await;
        ends
    }

    async fn all_at_once(self, mut client: Client) -> usize {
        client.sends((COMMANDS.concat() + &self.content() + QUIT).as_bytes()).await;
        let mut replies = Vec::new();
        while replies.last().is_none_or(|reply: &String| !reply.starts_with("221")) {
            replies.push(client.reply().await);
        }
        client.hears_the_end().await;
        replies.pop();
        // What travels behind a refusal is refused too; where the content was not asked for, each of its lines.
        let rest = replies.split_off(self.codes().len());
        assert!(rest.iter().all(|reply| !reply.starts_with(['2', '3'])), "{self:?} {rest:?}");
        self.assert_heard(&replies)
    }

    /// Takes so many steps, and hears the replies to all but the last; stops where it is refused. Gives whether it came
    /// so far.
    async fn steps(self, client: &mut Client, steps: usize) -> bool {
        let mut due = None;
        for step in 1..=steps {
            if let Some(code) = due {
                let reply = client.reply().await;
                assert!(reply.starts_with(code), "{self:?} {reply}");
                if !reply.starts_with(['2', '3']) {
                    return false;
                }
            }
            match step {
                PART => drop(client.sends(&self.content().as_bytes()[..30]).await),
                ALL => drop(client.sends(&self.content().as_bytes()[30..]).await),
                command => drop(client.sends(COMMANDS[command - 1].as_bytes()).await),
            }
            due = if step == PART { None } else { self.codes().get(step.min(PART) - 1).copied() };
        }
        true
    }

    async fn vanishes(self, mut client: Client, steps: usize) -> usize {
        usize::from(self.steps(&mut client, steps).await && steps == ALL)
    }

    async fn falls_silent(self, mut client: Client, steps: usize) -> usize {
        self.steps(&mut client, steps).await;
        // The reply to the last step, if it is still to come.
        let mut reply = client.reply().await;
        if !reply.starts_with("421") {
            reply = client.reply().await;
        }
        assert!(reply.starts_with("421 4.4.2 "), "{self:?} {reply}");
        client.hears_the_end().await;
        0
    }

    async fn resets(self, mut client: Client, steps: usize) -> usize {
        let mut ends = 0;
        if steps == ALL {
            ends += self.assert_heard(&self.says_all(&mut client).await);
        } else if self.steps(&mut client, steps).await && steps > 0 {
            client.reply().await;
        }
        client.says("RSET").await.hears("250").await.says(XFORWARD).await.hears("250").await;
        ends += self.assert_heard(&self.says_all(&mut client).await);
        assert_in_step(&mut client).await;
        ends
    }
}

async fn assert_in_step(client: &mut Client) {
    client.says("NOOP").await.hears("250").await;
    client.says("RSET").await.hears("250").await;
    client.says("VRFY a").await.hears("252").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_either_side_does_the_message_is_in_one_place() {
    let (room, mut cells) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for &case in CASES {
        for manner in MANNERS {
            for in_file in [false, true] {
                let room = Arc::clone(&room);
                cells.spawn(async move {
                    let _place = room.acquire_owned().await.unwrap();
                    Cell { case, manner, in_file }.play().await;
                });
            }
        }
    }
    let (count, mut failed) = (cells.len(), 0);
    while let Some(cell) = cells.join_next().await {
        failed += usize::from(cell.is_err());
    }
    println!("{count} cells");
    // Why, each has said.
    assert_eq!(failed, 0);
}
