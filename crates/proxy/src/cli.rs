//! The command line. `key` has what stands behind `dkimgate key`, `explain` that of `explain` and `import`.

pub mod explain;
pub mod key;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use explain::{ExplainArgs, ImportCommand};
use key::{DnsArgs, KeyCommand};
use mail::Domain;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A DKIM signing and verifying SMTP proxy.
#[derive(Debug, Parser)]
#[command(name = "dkimgate", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve every listener of the files named, until SIGTERM or SIGINT.
    Run(RunArgs),
    /// Show the whole loop on loopback: a message is signed, sent, verified, and a forgery found out.
    Demo(DemoArgs),
    /// Validate configuration files, keys and permissions without serving; with --dns, what is published too.
    ///
    /// Exit status: 0 all is well, 1 the record of a key has to be mended, 75 the DNS was unavailable, 78 a
    /// configuration file or a key cannot be used.
    Check(CheckArgs),
    /// Say which rule and key a message would be signed with; if none, why not.
    Explain(ExplainArgs),
    /// Write configuration files out of those of another program, and say what changes.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Sign a message; it comes out with its new field on top.
    Sign(SignArgs),
    /// Verify the signatures of a message.
    ///
    /// Exit status: 0 a DKIM signature passes, 1 none does, 75 the DNS was unavailable, 2 the input is unusable.
    Verify(VerifyArgs),
    /// Make keys, publish them, change them.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Print what a shell needs to complete this program's command lines.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages, one for each command, into a folder.
    Man {
        /// The folder, such as /usr/local/share/man/man1.
        #[arg(value_name = "DIR")]
        out: PathBuf,
    },
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Configuration files (YAML), one for each role.
    #[arg(required = true, value_name = "CONFIG")]
    pub configs: Vec<PathBuf>,
    /// How many threads do the work; one for each processor if left out.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// How the log looks.
    #[command(flatten)]
    pub log: LogArgs,
}

/// How the log looks, and where it goes.
#[derive(Args, Debug)]
pub struct LogArgs {
    /// The form of the log.
    #[arg(long = "log-format", value_enum, default_value_t = LogFormat::Text)]
    pub format: LogFormat,
    /// The least level that is logged: error, warn, info, debug or trace.
    #[arg(long = "log-level", default_value = "info", value_name = "LEVEL")]
    pub level: tracing::Level,
    /// Where the log goes.
    #[arg(long = "log-output", value_enum, default_value_t = LogOutput::Stderr)]
    pub output: LogOutput,
}

/// Where the log goes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogOutput {
    /// Standard error.
    Stderr,
    /// Standard output, which is where containers are listened to.
    Stdout,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Keep serving afterwards, for messages of your own.
    #[arg(long)]
    pub stay: bool,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Configuration files (YAML).
    #[arg(required = true, value_name = "CONFIG")]
    pub configs: Vec<PathBuf>,
    /// Hold every key against its record in the DNS, and look at SPF and DMARC of its domain.
    #[arg(long)]
    pub dns: bool,
    /// Where the DNS is; with either of these, --dns is meant.
    #[command(flatten)]
    pub from: DnsArgs,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sign`.
#[derive(Args, Debug)]
pub struct SignArgs {
    /// The signing domain, d=.
    #[arg(long, value_parser = Domain::parse, required_unless_present = "template")]
    pub domain: Option<Domain>,
    /// The selector, s=.
    #[arg(long, value_parser = Domain::parse, required_unless_present = "template")]
    pub selector: Option<Domain>,
    /// The private key (PEM).
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The family of the signature.
    #[arg(long, value_enum, default_value_t = Kind::Dkim)]
    pub kind: Kind,
    /// rsa-sha256 or ed25519-sha256; left out, what fits the key. For DomainKeys rsa-sha1.
    #[arg(long)]
    pub algorithm: Option<String>,
    /// Header and body canonicalization, such as relaxed/simple; for DomainKeys nofws or simple.
    #[arg(long, value_name = "H/B")]
    pub canonicalization: Option<String>,
    /// The fields to sign, h= exactly and in this order; a name twice for one instance more.
    #[arg(long, value_name = "A:B:C")]
    pub fields: Option<String>,
    /// Fields to sign once more than they are present; DKIM only.
    #[arg(long, value_name = "A:B")]
    pub oversign: Option<String>,
    /// The identity, i=, written as addresses are: with quotation marks where they need them. DKIM only.
    #[arg(long)]
    pub identity: Option<String>,
    /// The time of signing, t= (seconds since 1970); left out, now. DKIM only.
    #[arg(long, value_name = "UNIX")]
    pub time: Option<u64>,
    /// After how many seconds the signature expires, x=; DKIM only.
    #[arg(long, value_name = "SECONDS")]
    pub expire: Option<u64>,
    /// A file with a whole DKIM-Signature field whose b= is empty: it is filled, and everything else stays. Where b= has
    /// an old value, the new one is folded like it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["fields", "oversign", "identity", "time", "expire", "canonicalization"])]
    pub template: Option<PathBuf>,
    /// Take the bytes as they are, without turning bare LF into CR LF.
    #[arg(long)]
    pub raw: bool,
    /// The message; left out or -, standard input.
    pub file: Option<PathBuf>,
}

/// The family of a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Kind {
    /// DKIM (RFC 6376).
    Dkim,
    /// DomainKeys (RFC 4870), for those who still ask.
    Domainkeys,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct VerifyArgs {
    /// Where the keys are looked up.
    #[command(flatten)]
    pub dns: DnsArgs,
    /// The time to judge by (seconds since 1970); left out, now.
    #[arg(long, value_name = "UNIX")]
    pub now: Option<u64>,
    /// Let rsa-sha1 and RSA keys of 512 to 1023 bits pass: for archives and tests only.
    #[arg(long)]
    pub allow_legacy: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Say of each signature that does not pass what most likely happened, and what to do.
    #[arg(long)]
    pub explain: bool,
    /// Take the bytes as they are, without turning bare LF into CR LF.
    #[arg(long)]
    pub raw: bool,
    /// The message; left out or -, standard input.
    pub file: Option<PathBuf>,
}
