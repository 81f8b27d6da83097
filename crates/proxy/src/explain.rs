//! `dkimgate explain`: why a message would be signed with what, or not at all, in the words of the log.

mod content;

use crate::assemble::{Engine, Missing, assemble};
use crate::cli::explain::ExplainArgs;
use crate::input::{self, InputError};
use crate::metrics::Metrics;
use crate::{exit, faults};
use content::Content;
use dkim::TagList;
use filter::{Client, Envelope, Filter, Pass, Verdict};
use mail::{Header, NewField};
use policy::outbound::Attribute;
use std::process::ExitCode;
use std::sync::Arc;

/// Walks the rules aloud, then does what the engine would do.
pub fn explain(arguments: &ExplainArgs) -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return exit::IO.into();
    };
    let _guard = runtime.enter();
    let (assemblies, reports) =
        assemble(std::slice::from_ref(&arguments.config), Missing::Leave, &Metrics::default());
    faults::show(&reports);
    let Some(assembly) = assemblies.first() else { return exit::CONFIGURATION.into() };
    let Engine::Outbound(engine) = &assembly.engine else {
        eprintln!("dkimgate: {} verifies and signs nothing", arguments.config.display());
        return exit::USAGE.into();
    };
    let message = match message(arguments) {
        Ok(message) => message,
        Err(error) => {
            eprintln!("dkimgate: {error}");
            return exit::UNUSABLE.into();
        }
    };
    let content = Content::taken(&message, assembly);
    if let Some(kind) = content.refused {
        println!("refused: {}", content.words.as_deref().unwrap_or(kind));
        return ExitCode::SUCCESS;
    }
    let (header, _) = Header::split(&content.octets);
    let explanation = engine.explain(&header, &Envelope::default());
    let author = explanation.author.map(|author| author.to_string()).unwrap_or_default();
    let listener = assembly.config.listener.listen.first().map(|listen| listen.value.to_string());
    let envelope = Arc::new(envelope(arguments, author, listener.unwrap_or_default()));
    println!("{}", runtime.block_on(engine.explain_asking(&header, &envelope)));
    let decide = |message: &[u8]| {
        let (header, body) = Header::split(message);
        let mut pass = engine.open(Arc::clone(&envelope));
        let answers = runtime.block_on(pass.header(&header));
        let _ = pass.body(body);
        pass.finish(answers)
    };
    let mut decision = decide(&content.octets);
    let mut words: Vec<String> = Vec::new();
    // What is not signed is left alone.
    if matches!(&decision.verdict, Verdict::Forward(edits) if !edits.is_empty()) {
        let fitted = content.fitted(assembly);
        if let Some(why) = fitted.refused {
            println!("\nrefused: {why}");
            return ExitCode::SUCCESS;
        }
        decision = fitted.message.map_or(decision, |message| decide(&message));
        words.extend(fitted.words);
    }
    words.extend(content.words);
    words.insert(0, decision.account.detail);
    println!("\n{}: {}", decision.account.action, words.join("; "));
    if let Verdict::Forward(edits) = decision.verdict {
        edits.prepend.iter().for_each(show);
    }
    ExitCode::SUCCESS
}

/// What most messages have beside their author.
const USUAL: &[u8] = b"To: x\r\nSubject: x\r\nDate: x\r\nMessage-ID: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n";

/// The message, with the author that was named.
fn message(arguments: &ExplainArgs) -> Result<Vec<u8>, InputError> {
    let from = arguments.from.as_ref().map(|from| format!("From: {from}\r\n").into_bytes());
    let Some(file) = &arguments.file else {
        return Ok([from.unwrap_or_default(), USUAL.to_vec()].concat());
    };
    let message = input::message(Some(file), true)?;
    // A file whose lines all end in LF is a text of this system; its line ends are none of the sender's.
    let is_text = !message.windows(2).any(|pair| pair == b"\r\n");
    let message = if is_text { input::with_crlf(message) } else { message };
    let Some(from) = from else { return Ok(message) };
    let (header, body) = Header::split(&message);
    let kept = header.fields().filter(|field| !field.is("From")).map(|field| field.raw());
    Ok(std::iter::once(from.as_slice())
        .chain(kept)
        .chain([b"\r\n".as_slice(), body])
        .collect::<Vec<_>>()
        .concat())
}

fn envelope(arguments: &ExplainArgs, author: String, listener: String) -> Envelope {
    let mut client =
        Client { address: arguments.client, login: arguments.login.clone(), ..Client::default() };
    for (attribute, value) in &arguments.xforward {
        let place = match attribute {
            Attribute::Name => &mut client.name,
            Attribute::Helo => &mut client.helo,
            Attribute::Ident => &mut client.ident,
            Attribute::Protocol => &mut client.protocol,
            Attribute::Source => &mut client.source,
            Attribute::Login => &mut client.login,
        };
        *place = Some(value.clone());
    }
    Envelope {
        session: "explain".to_owned(),
        listener: arguments.listener.clone().unwrap_or(listener),
        client,
        reverse_path: arguments.mail_from.clone().unwrap_or(author),
        recipients: arguments.rcpt.clone(),
        smtputf8: false,
    }
}

/// What a signature says of itself, or another field that is added.
fn show(field: &NewField) {
    let header = Header::parse(field.raw().to_vec());
    let Some(field) = header.field(0) else { return };
    if !field.is("DKIM-Signature") && !field.is("DomainKey-Signature") {
        println!("  {}", String::from_utf8_lossy(field.raw()).trim_end());
        return;
    }
    let tags = TagList::salvage(field.value());
    let value = |tag| tags.value(tag).unwrap_or_default().split_whitespace().collect::<String>();
    println!(
        "  {}: d={} s={} a={} c={}",
        String::from_utf8_lossy(field.name()),
        value("d"),
        value("s"),
        value("a"),
        value("c")
    );
    for (tag, what) in [("h", "fields"), ("i", "identity"), ("x", "expires")] {
        if !value(tag).is_empty() {
            println!("    {what}: {}", value(tag));
        }
    }
}
