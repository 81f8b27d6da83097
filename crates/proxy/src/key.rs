//! Keys: made, kept in files, published in the DNS, held against what is published.

pub mod check;
mod disclose;
mod disk;
pub mod domain;
pub mod file;
pub mod form;
pub mod generate;
pub mod inspect;
mod keyring;
mod list;
pub mod owner;
pub mod publish;
pub mod record;
pub mod resolver;
mod rotate;
pub mod rotation;
mod sight;
mod update;

use crate::cli::key::KeyCommand;
use crate::exit;
use std::fmt::Display;
use std::process::ExitCode;

/// Does what `dkimgate key` was asked for.
pub fn key(command: &KeyCommand) -> ExitCode {
    match command {
        KeyCommand::Generate(arguments) => match generate::generate(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, 1),
        },
        KeyCommand::Check(arguments) => {
            check::check(arguments).unwrap_or_else(|error| fail(&error, exit::UNUSABLE))
        }
        KeyCommand::Record(arguments) => {
            publish::record(arguments).unwrap_or_else(|error| fail(&error, exit::UNUSABLE))
        }
        KeyCommand::List(arguments) => match list::list(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, exit::UNUSABLE),
        },
        KeyCommand::Rotate(arguments) => {
            rotate::rotate(arguments).unwrap_or_else(|error| fail(&error, exit::UNUSABLE))
        }
        KeyCommand::Retire(arguments) => {
            rotate::retire(arguments).unwrap_or_else(|error| fail(&error, exit::UNUSABLE))
        }
    }
}

fn fail(error: &dyn Display, status: u8) -> ExitCode {
    eprintln!("dkimgate: {error}");
    status.into()
}
