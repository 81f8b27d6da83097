//! `dkimgate import`: configuration files out of those of another program.

use crate::cli::explain::{ImportArgs, ImportCommand};
use crate::exit;
use config::Source;
use config::import::{Imported, dkimproxy, opendkim};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Reads, writes YAML, and says on standard error what changes.
pub fn import(command: &ImportCommand) -> ExitCode {
    let (arguments, read): (&ImportArgs, fn(&[Source]) -> Imported) = match command {
        ImportCommand::Dkimproxy(arguments) => (arguments, dkimproxy),
        ImportCommand::Opendkim(arguments) => {
            (arguments, |files| opendkim(files, &|path| fs::read_to_string(path).ok()))
        }
    };
    let mut files = Vec::new();
    for path in &arguments.paths {
        match fs::read_to_string(path) {
            Ok(text) => files.push(Source { name: path.display().to_string(), text }),
            Err(error) => {
                eprintln!("dkimgate: cannot read {}: {error}", path.display());
                return exit::UNUSABLE.into();
            }
        }
    }
    let imported = read(&files);
    let written = [("proxy-out.yaml", &imported.outbound), ("proxy-in.yaml", &imported.inbound)];
    for (name, text) in written.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
        if let Err(error) = put(arguments.out.as_deref(), name, text) {
            let path = arguments.out.as_deref().unwrap_or(Path::new("")).join(name);
            let remedy = match error.kind() {
                io::ErrorKind::AlreadyExists => "; move it away, or name another folder with --out",
                _ => "",
            };
            eprintln!("dkimgate: cannot write {}: {error}{remedy}", path.display());
            return exit::IO.into();
        }
    }
    for note in &imported.notes {
        eprintln!("{note}");
    }
    if imported.lacks_signer {
        eprintln!("dkimgate: no proxy-out.yaml was made: what was signed so far would go out unsigned");
    }
    if imported.lacks_signer || imported.outbound.is_none() && imported.inbound.is_none() {
        exit::UNUSABLE.into()
    } else {
        ExitCode::SUCCESS
    }
}

fn put(folder: Option<&Path>, name: &str, text: &str) -> io::Result<()> {
    let Some(folder) = folder else {
        return writeln!(io::stdout().lock(), "# --- {name}\n{text}");
    };
    let path = folder.join(name);
    fs::create_dir_all(folder)?;
    OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(text.as_bytes())?;
    println!("{}", path.display());
    Ok(())
}
