//! Whole files: the shipped ones, every option, every fault as it is shown.

mod faults;
mod files;
mod key_table;
mod model;
mod rules;
mod shipped;
mod stores;
mod tables;
mod together;

use crate::{Config, Report, Source, read};

/// Reads a text as the file `etc/proxy.yaml` on the host `mx.example.org`.
fn parse(text: &str) -> Result<Config, Report> {
    read(Source { name: "etc/proxy.yaml".to_owned(), text: text.to_owned() }, "mx.example.org")
}

/// Reads a text that is well.
fn config(text: &str) -> Config {
    parse(text).unwrap_or_else(|report| panic!("{report}"))
}
