//! `dkimgate completions` and `dkimgate man`: the command line, told to shells and to man(1).

use crate::cli::Cli;
use crate::exit;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

/// Prints what `shell` needs.
pub fn completions(shell: Shell) -> ExitCode {
    clap_complete::generate(shell, &mut Cli::command(), "dkimgate", &mut io::stdout());
    ExitCode::SUCCESS
}

/// Writes a page for the program and one for each of its commands into a folder, which is made if it is not there.
pub fn pages(folder: &Path) -> ExitCode {
    match fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dkimgate: cannot write into {}: {error}", folder.display());
            exit::IO.into()
        }
    }
}
