//! Holds connections that heard the greeting and say nothing, for `tests/bench`.
//!
//! `idle-connections PORT COUNT` prints how many milliseconds the last one waited for its greeting, and holds all of
//! them until its standard input ends.

#![allow(clippy::disallowed_methods, reason = "it measures time")]

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::error::Error;
use std::io::{BufRead, BufReader, Read, stdin};
use std::net::TcpStream;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("expected PORT COUNT")?.parse()?;
    let count: usize = arguments.next().ok_or("expected PORT COUNT")?.parse()?;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let mut idle = Vec::with_capacity(count);
    for _ in 1..count {
        idle.push(greeted(port)?);
    }
    let begun = Instant::now();
    idle.push(greeted(port)?);
    println!("{}", begun.elapsed().as_millis());
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn greeted(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    BufReader::new(&stream).read_line(&mut String::new())?;
    Ok(stream)
}
