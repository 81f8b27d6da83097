//! The command line of `dkimgate key`.

use clap::{Args, Subcommand, ValueEnum};
use mail::Domain;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Make keys, publish them, change them.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a private key, and print the DNS record to publish.
    Generate(GenerateArgs),
    /// Hold a key against its record in the DNS. Exit status: 0 all is well, 1 the record has to be mended, 75 the
    /// DNS was unavailable, 2 the key or the zone file cannot be used.
    Check(CheckArgs),
    /// Print the DNS record of a key in the form that a name server or provider takes, or read such a text back.
    /// Exit status with --verify: 0 it publishes this key, 1 it does not, 2 the text or the key cannot be used.
    Record(RecordArgs),
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
    /// The size of an RSA key: 1024 to 8192.
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1024..=8192))]
    pub bits: u32,
    /// The key directory; the file is DIR/DOMAIN/SELECTOR.pem.
    #[arg(long, default_value = "keys", value_name = "DIR")]
    pub out: PathBuf,
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
    /// The body for Cloudflare's API (POST zones/ZONE/dns_records).
    Cloudflare,
    /// The body for PowerDNS's API (PATCH servers/localhost/zones/ZONE).
    Powerdns,
    /// An entry of a zone in octoDNS (YAML).
    Octodns,
    /// A line of tinydns-data.
    Tinydns,
    /// What to paste into the fields of a web form.
    Web,
}

/// An address, with port 53 where none is named.
fn name_server(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>().ok();
    let without = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53));
    with_port
        .or_else(without)
        .ok_or_else(|| "expected an IP address, such as 192.0.2.1 or [2001:db8::1]:5353".to_owned())
}
