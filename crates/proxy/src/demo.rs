//! `dkimgate demo`: the whole loop on loopback, told step by step.
//!
//! Both listeners run with the settings of the shipped YAML files, but on free ports, with a key made on the spot, a
//! zone in memory, and return ports of the demo's own in the place of the MTA.

mod client;
mod return_port;
mod stage;

use crate::cli::DemoArgs;
use crate::signals::Signals;
use auth::AuthenticationResults;
use client::SendError;
use config::Report;
use mail::Header;
use stage::Stage;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;

/// No step takes nearly as long; what does is broken.
const PATIENCE: Duration = Duration::from_secs(20);
const AUTHOR: &str = "joe@example.org";
const READER: &str = "ann@reader.example";
const MESSAGE: &str = "From: Joe <joe@example.org>\r\nTo: Ann <ann@reader.example>\r\nSubject: Lunch\r\n\
    Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <lunch@example.org>\r\n\r\nShall we meet at noon?\r\n";

/// Why the loop did not come round.
#[derive(Debug, Error)]
enum DemoError {
    /// A shipped file has a fault.
    #[error("{0}")]
    Files(Report),
    /// The system refused a port or a folder.
    #[error("no port or folder: {0}")]
    System(#[from] io::Error),
    /// A message was not taken.
    #[error("a message was not taken: {0}")]
    Send(#[from] SendError),
    /// Nothing arrived in time.
    #[error("a message did not arrive")]
    Lost,
    /// The user had enough.
    #[error("it was interrupted")]
    Interrupted,
    /// What arrived is not what has to arrive.
    #[error("unexpected: {0}")]
    Unexpected(String),
}

/// Plays the loop; success only if all of it came out right.
pub fn demo(arguments: &DemoArgs) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let played = runtime.map_err(DemoError::from).and_then(|runtime| runtime.block_on(play(arguments.stay)));
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dkimgate: the demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn play(stay: bool) -> Result<(), DemoError> {
    // From here on a signal ends the demo by way of what it cleans up.
    let mut signals = Signals::listen()?;
    let mut stage = Stage::set().await?;
    tokio::select! {
        looped = go_round(&mut stage) => looped?,
        () = signals.stop() => return Err(DemoError::Interrupted),
    }
    if stay {
        remain(&mut stage, &mut signals).await;
    }
    stage.clear().await;
    Ok(())
}

/// The loop, once.
async fn go_round(stage: &mut Stage) -> Result<(), DemoError> {
    introduce(stage);
    let signed = sign(stage).await?;
    verify(stage, &signed).await?;
    forge(stage, &signed).await?;
    say("All came out right.");
    tell("Next: README.md, \"The first ten minutes\".\n");
    Ok(())
}

fn introduce(stage: &Stage) {
    tell(&format!(
        "dkimgate signs mail on the way out, and verifies it on the way in. Here both stand on loopback:\n\n  \
         Joe's MTA ──► {}  dkimgate signs     ──► {}  back to Joe's MTA\n  \
         Ann's MTA ──► {}  dkimgate verifies  ──► {}  back to Ann's MTA\n",
        stage.outbound, stage.signed.address, stage.inbound, stage.verified.address
    ));
    say("A key was made for example.org. Its public half goes into the DNS (here, a zone in memory):");
    tell(&format!("{}\n", stage.record));
}

/// The way out.
async fn sign(stage: &mut Stage) -> Result<Vec<u8>, DemoError> {
    say("Joe's MTA hands this message to the outbound listener:");
    show(MESSAGE.as_bytes());
    client::send(stage.outbound, AUTHOR, READER, MESSAGE.as_bytes()).await?;
    let signed = arrival(&mut stage.signed).await?;
    let field = added(&signed, "DKIM-Signature", MESSAGE.as_bytes())?;
    say("It comes back with one field on top, and is otherwise the same, octet for octet:");
    show(&field);
    Ok(signed)
}

/// The way in.
async fn verify(stage: &mut Stage, signed: &[u8]) -> Result<(), DemoError> {
    client::send(stage.inbound, AUTHOR, READER, signed).await?;
    let verified = arrival(&mut stage.verified).await?;
    let field = added(&verified, "Authentication-Results", signed)?;
    say("Ann's MTA hands it to the inbound listener. It comes back with what was found out:");
    show(&field);
    expect(&field, "pass")
}

/// The way in, with another text.
async fn forge(stage: &mut Stage, signed: &[u8]) -> Result<(), DemoError> {
    let forged = String::from_utf8_lossy(signed).replace("at noon", "at midnight").into_bytes();
    client::send(stage.inbound, AUTHOR, READER, &forged).await?;
    let verified = arrival(&mut stage.verified).await?;
    let field = added(&verified, "Authentication-Results", &forged)?;
    say("Somebody on the way makes \"at noon\" into \"at midnight\". This time Ann's MTA learns:");
    show(&field);
    expect(&field, "fail")
}

/// Serves messages of the user's own until a signal comes.
async fn remain(stage: &mut Stage, signals: &mut Signals) {
    say("Both listeners stay. Send a message of your own, for example:");
    let (outbound, inbound) = (stage.outbound.port(), stage.inbound.port());
    tell(&format!(
        "swaks --server 127.0.0.1:{outbound} --from you@example.org --to {READER}     is signed\n\
         swaks --server 127.0.0.1:{inbound} --from you@example.org --to {READER}     is verified\n\n\
         What comes back is shown here. Ctrl-C ends it.\n"
    ));
    loop {
        tokio::select! {
            Some(message) = stage.signed.message() => arrived("outbound", &message),
            Some(message) = stage.verified.message() => arrived("inbound", &message),
            () = signals.stop() => return,
        }
    }
}

fn arrived(listener: &str, message: &[u8]) {
    say(&format!("Through the {listener} listener came:"));
    show(message);
}

async fn arrival(port: &mut return_port::ReturnPort) -> Result<Vec<u8>, DemoError> {
    timeout(PATIENCE, port.message()).await.ok().flatten().ok_or(DemoError::Lost)
}

/// The one field on top of a message that is otherwise `before`.
fn added(message: &[u8], name: &str, before: &[u8]) -> Result<Vec<u8>, DemoError> {
    let (header, _) = Header::split(message);
    let top = header.field(0).filter(|field| field.is(name));
    let field = top.ok_or_else(|| DemoError::Unexpected(format!("no {name} field on top")))?;
    if &message[field.raw().len()..] != before {
        return Err(DemoError::Unexpected("the message was altered below its new field".to_owned()));
    }
    Ok(field.raw().to_vec())
}

/// Whether the field says what it has to say.
fn expect(field: &[u8], result: &str) -> Result<(), DemoError> {
    let header = Header::parse(field.to_vec());
    let value = header.field(0).map(|field| field.value()).unwrap_or_default();
    let parsed =
        AuthenticationResults::parse(value).map_err(|error| DemoError::Unexpected(error.to_string()))?;
    let found: Vec<&str> = parsed.results.iter().map(|found| found.result.as_str()).collect();
    if found == [result] {
        Ok(())
    } else {
        Err(DemoError::Unexpected(format!("{found:?} instead of {result}")))
    }
}

fn say(step: &str) {
    tell(&format!("\n── {step}\n\n"));
}

fn show(text: &[u8]) {
    tell(&String::from_utf8_lossy(text).replace("\r\n", "\n"));
}

/// Writes to standard output. Whoever read it may have gone; the demo still has to clean up.
fn tell(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
