//! `dkimgate explain`: why a message would be signed with what, or not at all, in the words of the log.

mod account;
mod content;

use crate::assemble::{Assembly, Engine, Missing, assemble};
use crate::cli::explain::ExplainArgs;
use crate::input::{self, InputError};
use crate::metrics::Metrics;
use crate::{exit, faults};
use account::Account;
use content::Content;
use filter::{Client, Decision, Envelope, Filter, Pass, Verdict};
use mail::Header;
use policy::Outbound;
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
    let account = runtime.block_on(account(arguments, assembly, engine, &message));
    if arguments.json {
        println!("{}", account.json());
    } else {
        print!("{account}");
    }
    ExitCode::SUCCESS
}

/// Goes by the rules, and then does what the engine would do.
async fn account(
    arguments: &ExplainArgs,
    assembly: &Assembly,
    engine: &Arc<Outbound>,
    message: &[u8],
) -> Account {
    let content = Content::taken(message, assembly);
    if let Some(kind) = content.refused {
        return Account::refused(None, content.words.as_deref().unwrap_or(kind));
    }
    let (header, _) = Header::split(&content.octets);
    let explanation = engine.explain(&header, &Envelope::default());
    let author = explanation.author.map(|author| author.to_string()).unwrap_or_default();
    let listener = assembly.config.listener.listen.first().map(|listen| listen.value.to_string());
    let envelope = Arc::new(envelope(arguments, author, listener.unwrap_or_default()));
    let explanation = engine.explain_asking(&header, &envelope).await;
    let mut decision = decide(engine, &envelope, &content.octets).await;
    let mut words: Vec<String> = Vec::new();
    // What is not signed is left alone.
    if matches!(&decision.verdict, Verdict::Forward(edits) if !edits.is_empty()) {
        let fitted = content.fitted(assembly);
        if let Some(why) = fitted.refused {
            return Account::refused(Some(explanation), why);
        }
        if let Some(message) = fitted.message {
            decision = decide(engine, &envelope, &message).await;
        }
        words.extend(fitted.words);
    }
    words.extend(content.words);
    words.insert(0, decision.account.detail);
    let fields = match decision.verdict {
        Verdict::Forward(edits) => edits.prepend,
        _ => Vec::new(),
    };
    Account {
        explanation: Some(explanation),
        action: decision.account.action,
        detail: words.join("; "),
        fields,
    }
}

async fn decide(engine: &Arc<Outbound>, envelope: &Arc<Envelope>, message: &[u8]) -> Decision {
    let (header, body) = Header::split(message);
    let mut pass = engine.open(Arc::clone(envelope));
    let answers = pass.header(&header).await;
    let _ = pass.body(body);
    pass.finish(answers)
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
