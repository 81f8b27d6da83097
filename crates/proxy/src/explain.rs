//! `dkimgate explain`: why a message would be signed with what, or not at all, in the words of the log.

use crate::assemble::{Engine, Missing, assemble};
use crate::cli::explain::ExplainArgs;
use crate::input::{self, InputError};
use crate::{exit, faults};
use dkim::TagList;
use filter::{Client, Envelope, Filter, Pass, Verdict};
use mail::{Header, NewField};
use std::process::ExitCode;
use std::sync::Arc;

/// Walks the rules aloud, then does what the engine would do.
pub fn explain(arguments: &ExplainArgs) -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return exit::IO.into();
    };
    let _guard = runtime.enter();
    let (assemblies, reports) = assemble(std::slice::from_ref(&arguments.config), Missing::Leave);
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
    let listener = assembly.config.listener.listen.first().map(|listen| listen.value.to_string());
    let (header, body) = Header::split(&message);
    let explanation = engine.explain(&header, &Envelope::default());
    let author = explanation.author.map(|author| author.to_string()).unwrap_or_default();
    let envelope = envelope(arguments, author, listener.unwrap_or_default());
    println!("{}", engine.explain(&header, &envelope));
    let mut pass = engine.open(Arc::new(envelope));
    runtime.block_on(pass.header(&header));
    let _ = pass.body(body);
    let decision = pass.finish(());
    println!("\n{}: {}", decision.account.action, decision.account.detail);
    if let Verdict::Forward(edits) = decision.verdict {
        edits.prepend.iter().for_each(show);
    }
    ExitCode::SUCCESS
}

/// The message, with the author that was named.
fn message(arguments: &ExplainArgs) -> Result<Vec<u8>, InputError> {
    let from = arguments.from.as_ref().map(|from| format!("From: {from}\r\n").into_bytes());
    let Some(file) = &arguments.file else {
        return Ok([from.unwrap_or_default(), b"\r\n".to_vec()].concat());
    };
    let message = input::message(Some(file), false)?;
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
    let client = Client { address: arguments.client, login: arguments.login.clone(), ..Client::default() };
    Envelope {
        session: "explain".to_owned(),
        listener: arguments.listener.clone().unwrap_or(listener),
        client,
        reverse_path: arguments.mail_from.clone().unwrap_or(author),
        recipients: arguments.rcpt.clone(),
        smtputf8: false,
    }
}

/// What a signature says of itself.
fn show(field: &NewField) {
    let header = Header::parse(field.raw().to_vec());
    let Some(field) = header.field(0) else { return };
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
