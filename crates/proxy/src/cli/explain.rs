//! What stands behind `dkimgate explain` and `dkimgate import`.

use clap::{Args, Subcommand};
use policy::outbound::Attribute;
use std::net::IpAddr;
use std::path::PathBuf;

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// An outbound configuration file (YAML).
    pub config: PathBuf,
    /// The author, the address in From.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "file")]
    pub from: Option<String>,
    /// The envelope sender; left out, the author. An empty text is that of a bounce.
    #[arg(long, value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// A recipient; several, if it is said several times.
    #[arg(long, value_name = "ADDRESS")]
    pub rcpt: Vec<String>,
    /// The address of the client, as XFORWARD ADDR would have it.
    #[arg(long, value_name = "IP")]
    pub client: Option<IpAddr>,
    /// Whom the client logged in as, as XCLIENT LOGIN would have it.
    #[arg(long, value_name = "NAME")]
    pub login: Option<String>,
    /// What else XFORWARD would say: NAME, HELO, IDENT, PROTO or SOURCE, such as SOURCE=LOCAL.
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub xforward: Vec<(Attribute, String)>,
    /// The listener; left out, the first of the file.
    #[arg(long, value_name = "ADDRESS")]
    pub listener: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// A message; left out, one with nothing but its author.
    pub file: Option<PathBuf>,
}

/// An attribute of a client, and its value.
fn attribute(text: &str) -> Result<(Attribute, String), String> {
    const KNOWN: [Attribute; 5] =
        [Attribute::Name, Attribute::Helo, Attribute::Ident, Attribute::Protocol, Attribute::Source];
    let (name, value) = text.split_once('=').ok_or("it has no `=`")?;
    let attribute = KNOWN.into_iter().find(|attribute| attribute.name().eq_ignore_ascii_case(name));
    let attribute =
        attribute.ok_or_else(|| format!("`{name}` is none of NAME, HELO, IDENT, PROTO and SOURCE"))?;
    Ok((attribute, value.to_owned()))
}

/// Write configuration files out of those of another program.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// From DKIMproxy's `dkimproxy_in.conf`, `dkimproxy_out.conf`, or an init script with its command lines.
    Dkimproxy(ImportArgs),
    /// From OpenDKIM's opendkim.conf.
    Opendkim(ImportArgs),
}

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The files to read.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write proxy-out.yaml and proxy-in.yaml into this folder, never over a file that exists; left out, they go to
    /// standard output.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
