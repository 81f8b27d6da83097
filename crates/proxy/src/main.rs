//! dkimgate: a DKIM signing and verifying SMTP proxy.
//!
//! `cli` is the command line; each command has a file or folder of its own name.

#![allow(clippy::disallowed_methods, reason = "the clock is handed out here")]
#![allow(unreachable_pub, reason = "a binary has no outside; `pub` says what a module offers to the others")]

mod assemble;
mod bind;
mod check;
mod cli;
mod demo;
mod exit;
mod explain;
mod faults;
mod host;
mod import;
mod input;
mod key;
mod key_watch;
mod logging;
mod manual;
mod metrics;
mod notify;
mod run;
mod service;
mod sign;
mod signals;
mod verify;
mod watch;

use clap::Parser;
use cli::{Cli, Command};
use std::fmt::Display;
use std::process::ExitCode;

/// A message takes a few hundred small allocations, and musl's allocator has one lock for all threads.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    if !matches!(cli.command, Command::Run(_) | Command::Demo(_)) {
        // What is piped into `head` ends when that has seen enough, as other programs do. Those that serve clean up.
        sigpipe::reset();
    }
    match cli.command {
        Command::Sign(arguments) => match sign::sign(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, error.status()),
        },
        Command::Verify(arguments) => {
            verify::verify(&arguments).unwrap_or_else(|error| fail(&error, exit::UNUSABLE))
        }
        Command::Key(command) => key::key(&command),
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Import(command) => import::import(&command),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { out } => manual::pages(&out),
    }
}

/// Says what is wrong with the command line, or the help that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    if error.use_stderr() || printed.is_err() { exit::USAGE.into() } else { ExitCode::SUCCESS }
}

fn fail(error: &dyn Display, status: u8) -> ExitCode {
    eprintln!("dkimgate: {error}");
    status.into()
}
