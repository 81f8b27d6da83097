//! How much memory the program takes: idle, under load, for large messages, for idle connections, over a long run.

use crate::figures::{Bound, median, medians};
use crate::relay::message;
use crate::source::{Load, count};
use crate::stage::{Gate, Listener};
use crate::{Run, fast_sink};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use scenarios::process::sink;
use scenarios::{Keys, keys, ports};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::Instant;

const IDLE_CONNECTIONS: usize = 5000;
const LARGE: usize = 100_000_000;

/// Idle, with 200 sessions, with idle connections.
pub fn memory(run: &mut Run) {
    let (hop, keys) = (ports::free(), Keys::of("example.org"));
    let _sink = sink(hop);
    let (mut idle, mut busy, mut held, mut waited) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..run.rounds {
        let gate = Listener::signing(&keys, &[keys::RSA]).start(hop);
        idle.push(gate.process.memory("VmRSS"));
        Load::new(200, true, run.messages / 4).rate(gate.port);
        busy.push(gate.process.memory("VmHWM"));
        drop(gate);
        let gate = Listener::signing(&keys, &[keys::RSA]).start(hop);
        let (octets, milliseconds) = idle_connections(&gate);
        held.push(octets);
        waited.push(milliseconds);
    }
    let figures = &mut run.figures;
    figures.value("idle, kB", median(idle), Bound::AtMost(20_000.0));
    figures.value("200 sessions of 10 KB, peak, kB", median(busy), Bound::AtMost(40_000.0));
    figures.value("one of 5,000 idle connections, octets", median(held), Bound::AtMost(20_000.0));
    figures.value("a new connection beside them waits, ms", median(waited), Bound::AtMost(100.0));
}

/// The octets that one idle connection takes, and the milliseconds that the last one waited for its greeting.
fn idle_connections(gate: &Gate) -> (f64, f64) {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("every process has such a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("it is within what is allowed");
    let before = gate.process.memory("VmRSS");
    let mut idle: Vec<TcpStream> = (1..IDLE_CONNECTIONS).map(|_| greeted(gate.port)).collect();
    let begun = Instant::now();
    idle.push(greeted(gate.port));
    let waited = begun.elapsed().as_secs_f64() * 1000.0;
    let octets = (gate.process.memory("VmRSS") - before) * 1024.0 / count(idle.len());
    (octets, waited)
}

fn greeted(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    BufReader::new(&stream).read_line(&mut String::new()).expect("it greets");
    stream
}

/// One message of 100 MB, signed. The client and the next hop are ours: smtp-source and smtp-sink, which make and look at
/// each octet, are slower than what is to be measured.
pub fn large(run: &mut Run) {
    let (hop, keys, content) = (fast_sink::start(), Keys::of("example.org"), message(LARGE));
    let (mut growth, mut speed) = (Vec::new(), Vec::new());
    let load = Load::new(1, true, 1);
    for _ in 0..run.rounds {
        let gate = Listener::signing(&keys, &[keys::RSA]).start(hop);
        // One small message first: buffers that every message needs are not growth.
        load.rate(gate.port);
        let before = gate.process.memory("VmHWM");
        let through = load.rate_of(gate.port, &content);
        growth.push(gate.process.memory("VmHWM") - before);
        speed.push((load.rate_of(hop, &content) * 100.0, through * 100.0));
        gate.assert_said("signed", 2);
    }
    let (direct, through, ratio) = medians(&speed);
    let figures = &mut run.figures;
    figures.value("100 MB, growth of the memory, kB", median(growth), Bound::AtMost(8000.0));
    figures.ratio("  MB/s; beside: without dkimgate", (direct, through, ratio), Bound::None);
    figures.value("  MB/s, signed on the way", through, Bound::AtLeast(300.0));
}

/// Whether the memory grows over 500,000 messages.
pub fn soak(run: &mut Run) {
    const BATCH: usize = 50_000;
    let (hop, keys) = (ports::free(), Keys::of("example.org"));
    let _sink = sink(hop);
    let gate = Listener::signing(&keys, &[keys::ED25519]).start(hop);
    let batches = (run.soak / BATCH).max(2);
    let mut resident = Vec::new();
    for batch in 0..batches {
        Load::new(50, batch % 2 == 0, BATCH).rate(gate.port);
        gate.empty_log();
        resident.push(gate.process.memory("VmRSS"));
    }
    let base = resident[0];
    let most = resident.iter().copied().fold(0.0, f64::max);
    let name = format!("most after each {BATCH} of {} messages, kB; beside: the first", batches * BATCH);
    run.figures.ratio(&name, (base, most, most / base), Bound::AtMost(1.05));
}
