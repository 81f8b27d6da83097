//! Measures what dkimgate promises to reach, and holds it to it. `tests/bench` builds and starts it.
//!
//! `measure [--rounds N] [--messages N] [--soak N] [PART…]`; without a part, all of them.
//!
//! Whatever is compared is measured in turns, so that other work on the machine falls on both. Processor times come from
//! the system's clock of the process, which other work disturbs little.

#![allow(clippy::disallowed_methods, reason = "a benchmark asks the clock")]
#![allow(unreachable_pub, reason = "a program has no outside; `pub` says what a module offers to the others")]

mod core;
mod fast_sink;
mod figures;
mod memory;
mod name_server;
mod postfix;
mod relay;
mod source;
mod stage;
mod start;
mod threads;

use figures::Figures;
use std::process::ExitCode;

/// How much is measured, and what came of it.
#[derive(Debug)]
pub struct Run {
    figures: Figures,
    /// How often each figure is measured; the median counts.
    rounds: usize,
    /// Messages of a run of the relay; others take a share of it.
    messages: usize,
    /// Messages of the soak.
    soak: usize,
}

struct Part {
    name: &'static str,
    what: &'static str,
    measure: fn(&mut Run),
}

const PARTS: [Part; 11] = [
    Part { name: "core", what: "the core in one process", measure: core::core },
    Part { name: "pass", what: "messages of 10 KB, unsigned", measure: relay::pass },
    Part { name: "signed", what: "processor time of signing", measure: relay::signed },
    Part { name: "verified", what: "processor time of verifying", measure: relay::verified },
    Part { name: "threads", what: "more processors", measure: threads::threads },
    Part { name: "large", what: "one message of 100 MB", measure: memory::large },
    Part { name: "memory", what: "resident memory", measure: memory::memory },
    Part { name: "start", what: "100,000 domains", measure: start::start },
    Part { name: "postfix", what: "as a content filter of ten processes", measure: postfix::postfix },
    Part { name: "milter", what: "beside a milter, through the same Postfix", measure: postfix::milter },
    Part { name: "soak", what: "memory over a long run", measure: memory::soak },
];

fn main() -> ExitCode {
    let Some((mut run, parts)) = arguments() else {
        eprintln!("usage: measure [--rounds N] [--messages N] [--soak N] [PART…], where PART is one of");
        for part in &PARTS {
            eprintln!("  {:<9} {}", part.name, part.what);
        }
        return ExitCode::from(64);
    };
    for part in parts {
        Figures::part(part.name, part.what);
        (part.measure)(&mut run);
    }
    if run.figures.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Option<(Run, Vec<&'static Part>)> {
    let mut run = Run { figures: Figures::default(), rounds: 3, messages: 20_000, soak: 500_000 };
    let mut parts = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next()?.parse().ok().filter(|&number| number > 0);
        match word.as_str() {
            "--rounds" => run.rounds = number()?,
            "--messages" => run.messages = number()?,
            "--soak" => run.soak = number()?,
            name => parts.push(PARTS.iter().find(|part| part.name == name)?),
        }
    }
    if parts.is_empty() {
        parts.extend(&PARTS);
    }
    Some((run, parts))
}
