//! The command line of `dkimgate key`.

use crate::key::owner::Owner;
use crate::key::rotation::Naming;
use clap::{Args, Subcommand, ValueEnum};
use mail::Domain;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Make keys, publish them, change them.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a private key, and print the DNS record to publish.
    Generate(GenerateArgs),
    /// Hold a key against its record in the DNS.
    ///
    /// Exit status: 0 all is well, 1 the record has to be mended, 75 the DNS was unavailable, 2 the key or the zone file
    /// cannot be used.
    Check(CheckArgs),
    /// Print the DNS record of a key in the form that a name server or provider takes, read such a text back, or enter
    /// the record by dynamic update.
    ///
    /// Exit status with --verify: 0 it publishes this key, 1 it does not; with --update: 0 it is there, 1 the server or
    /// another record there forbids it, 75 the server was unavailable. 2 the text, the key or the settings cannot be
    /// used.
    Record(RecordArgs),
    /// Show the keys of a key directory: type, size, where each is in its life, and what comes next and when.
    List(ListArgs),
    /// Change the key of a domain, a step at a time.
    ///
    /// Made to be run by a timer, say every hour; a dkimgate that runs notices which key signs. Makes the next key and
    /// shows its record, waits until every server of the zone shows it, lets it sign in the place of the one before,
    /// and says when that one's record has to go.
    ///
    /// Exit status: 0 well, waiting included, 1 a record could not be entered, 75 the DNS was unavailable, 2 a key or
    /// the directory cannot be used.
    Rotate(RotateArgs),
    /// Withdraw a key before its time, because somebody else may have it.
    Retire(RetireArgs),
}

/// Arguments of `key generate`.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// The signing domain.
    #[arg(long, value_parser = Domain::parse)]
    pub domain: Domain,
    /// The selector.
    #[arg(long, value_parser = Domain::parse)]
    pub selector: Domain,
    /// The type of key.
    #[arg(long = "type", value_enum, default_value_t = KeyType::Rsa)]
    pub key_type: KeyType,
    /// The size of an RSA key: 2048 to 4096.
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(2048..=4096))]
    pub bits: u32,
    /// The key directory; the file is DIR/DOMAIN/SELECTOR.pem.
    #[arg(long, default_value = "keys", value_name = "DIR")]
    pub out: PathBuf,
    /// Whose the key is: the user that dkimgate runs as. Left out, the one who runs this; for root, who owns DIR.
    #[arg(long, value_parser = Owner::parse, value_name = "USER[:GROUP]")]
    pub owner: Option<Owner>,
    /// Enter the record by dynamic update, with the settings in this file (server, key, zone, ttl).
    #[arg(long, value_name = "FILE")]
    pub update: Option<PathBuf>,
}

/// The type of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum KeyType {
    /// RSA, which everyone verifies.
    Rsa,
    /// Ed25519 (RFC 8463), beside an RSA key.
    Ed25519,
}

/// One key and its place in the DNS.
#[derive(Args, Debug)]
pub struct OneKeyArgs {
    /// The signing domain.
    #[arg(long, value_parser = Domain::parse)]
    pub domain: Domain,
    /// The selector.
    #[arg(long, value_parser = Domain::parse)]
    pub selector: Domain,
    /// The private key (PEM).
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
}

/// Where the DNS is.
#[derive(Args, Clone, Debug, Default)]
pub struct DnsArgs {
    /// A DNS in a file instead of the network: master-file lines, or JSON.
    #[arg(long, value_name = "FILE", conflicts_with = "servers")]
    pub zone: Option<PathBuf>,
    /// A name server to ask, instead of those of the system; may be given more than once.
    #[arg(long = "server", value_name = "IP[:PORT]", value_parser = name_server)]
    pub servers: Vec<SocketAddr>,
}

/// Arguments of `key check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Which key.
    #[command(flatten)]
    pub key: OneKeyArgs,
    /// Where the DNS is.
    #[command(flatten)]
    pub from: DnsArgs,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `key record`.
#[derive(Args, Debug)]
pub struct RecordArgs {
    /// Which key.
    #[command(flatten)]
    pub key: OneKeyArgs,
    /// The form of the record.
    #[arg(long, value_enum, default_value_t = Form::Zone)]
    pub format: Form,
    /// How long others may keep the record, in seconds.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    pub ttl: u32,
    /// The record that revokes the key: an empty p=.
    #[arg(long, conflicts_with = "verify")]
    pub revoked: bool,
    /// Read a record in any of these forms from a file (`-`: standard input), and say whether it publishes this key.
    #[arg(long, value_name = "FILE")]
    pub verify: Option<PathBuf>,
    /// Enter the record by dynamic update instead of printing it, with the settings in this file (server, key, zone,
    /// ttl); with --revoked, revoke the key so.
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    pub update: Option<PathBuf>,
}

/// The forms in which records are entered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Form {
    /// A line of a zone file (RFC 1035), split where a string must end.
    Zone,
    /// The text alone, as one string.
    String,
    /// Commands for BIND's nsupdate.
    Nsupdate,
    /// A change batch for `aws route53 change-resource-record-sets`.
    Route53,
    /// The body for Cloudflare's API, to create a record.
    Cloudflare,
    /// The body for PowerDNS's API, to change a zone.
    Powerdns,
    /// An entry of a zone in octoDNS (YAML).
    Octodns,
    /// A line of tinydns-data.
    Tinydns,
    /// What to paste into the fields of a web form.
    Web,
}

/// Arguments of `key list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// The key directory, with a folder for each domain.
    #[arg(default_value = "keys", value_name = "DIR")]
    pub keys: PathBuf,
}

/// Arguments of `key rotate`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    /// The domain; left out, every domain of the directory whose keys are changed already.
    #[arg(long, value_parser = Domain::parse)]
    pub domain: Option<Domain>,
    /// The key directory; keys and state are in DIR/DOMAIN.
    #[arg(long, default_value = "keys", value_name = "DIR")]
    pub keys: PathBuf,
    /// Make the next key now, however young the one is that signs.
    #[arg(long)]
    pub now: bool,
    /// The selector of the key that signs today, where the folder holds several and no state.
    #[arg(long, value_parser = Domain::parse, requires = "domain", value_name = "SELECTOR")]
    pub signing: Option<Domain>,
    /// How keys are changed; what is named is remembered.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Gives the folder of the domain, and what is in it, to this user: the one that dkimgate runs as. What root makes
    /// there later is theirs too.
    #[arg(long, value_parser = Owner::parse, value_name = "USER[:GROUP]", requires = "domain")]
    pub owner: Option<Owner>,
    /// Goes by this time (seconds since 1970) instead of now: for trials.
    #[arg(long, value_name = "UNIX")]
    pub time: Option<u64>,
    /// Where the DNS is; left out, the servers of each zone are asked.
    #[command(flatten)]
    pub from: DnsArgs,
}

/// How keys are changed.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// The type of new keys [at first: rsa].
    #[arg(long = "type", value_enum)]
    pub key_type: Option<KeyType>,
    /// The size of new RSA keys [at first: 2048].
    #[arg(long, value_parser = clap::value_parser!(u32).range(2048..=4096))]
    pub bits: Option<u32>,
    /// How selectors are named [at first: by date].
    #[arg(long, value_enum)]
    pub naming: Option<Naming>,
    /// What selectors begin with [at first: r, or e for Ed25519].
    #[arg(long, value_parser = prefix)]
    pub prefix: Option<String>,
    /// How long a key signs, such as 90d [at first: 180d].
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub every: Option<u64>,
    /// How long every server has to show a key before it signs [at first: 1h].
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub settle: Option<u64>,
    /// How long the record of a key stays after its last signature [at first: 14d].
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub keep: Option<u64>,
    /// Enter and revoke records by dynamic update, with the settings in this file (server, key, zone, ttl).
    #[arg(long, value_name = "FILE")]
    pub update: Option<PathBuf>,
    /// Show records instead, for somebody to enter them.
    #[arg(long, conflicts_with = "update")]
    pub no_update: bool,
    /// Publish private keys in this folder, a week after their records are gone: then a signature proves nothing any
    /// more to those who steal old mail.
    #[arg(long, value_name = "DIR")]
    pub publish_private: Option<PathBuf>,
    /// Publish no private keys any more.
    #[arg(long, conflicts_with = "publish_private")]
    pub no_publish_private: bool,
}

/// Arguments of `key retire`.
#[derive(Args, Debug)]
pub struct RetireArgs {
    /// The domain.
    #[arg(long, value_parser = Domain::parse)]
    pub domain: Domain,
    /// The selector of the key.
    #[arg(long, value_parser = Domain::parse)]
    pub selector: Domain,
    /// The key directory.
    #[arg(long, default_value = "keys", value_name = "DIR")]
    pub keys: PathBuf,
    /// Goes by this time (seconds since 1970) instead of now: for trials.
    #[arg(long, value_name = "UNIX")]
    pub time: Option<u64>,
}

/// A time with its unit, in seconds.
fn duration(text: &str) -> Result<u64, String> {
    let expected = || "expected a number with a unit: 45m, 36h or 90d".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => return Err(expected()),
    };
    let number = text[..text.len() - 1].parse::<u64>().map_err(|_| expected())?;
    number.checked_mul(unit).ok_or_else(expected)
}

/// What can begin a selector.
fn prefix(text: &str) -> Result<String, String> {
    match Domain::parse(&format!("{text}1")) {
        Ok(name) if name.as_str().len() <= 40 => Ok(text.to_ascii_lowercase()),
        Ok(_) => Err("expected at most 39 characters".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// An address, with port 53 where none is named.
fn name_server(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>().ok();
    let without = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53));
    with_port
        .or_else(without)
        .ok_or_else(|| "expected an IP address, such as 192.0.2.1 or [2001:db8::1]:5353".to_owned())
}
