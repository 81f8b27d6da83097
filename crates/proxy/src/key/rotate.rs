//! `dkimgate key rotate` and `retire`: the rotation of [`super::rotation`], with its files and look-ups.

use super::file::{self, KeyFileError};
use super::generate;
use super::keyring::{Keyring, KeyringError, Lock};
use super::record::Publication;
use super::resolver::{ResolverError, with_resolver};
use super::rotation::{Event, Plan, RetireError, Rotation, Stage};
use super::sight::{Look, Observers, View};
use crate::cli::key::{DnsArgs, KeyType, PlanArgs, RetireArgs, RotateArgs};
use crate::{exit, host};
use dkim::{KeyKind, PrivateKey, PublicKey};
use mail::Domain;
use std::collections::HashMap;
use std::process::ExitCode;
use thiserror::Error;

/// Why keys cannot be changed.
#[derive(Debug, Error)]
pub enum RotateError {
    /// The folder cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Nothing can be looked up.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    /// There are keys, and nobody says which of them signs.
    #[error("{domain} has several keys ({}): name the one that signs with --signing", names(.selectors))]
    WhichSigns {
        /// Whose.
        domain: Domain,
        /// Their selectors.
        selectors: Vec<Domain>,
    },
    /// There is no rotation.
    #[error("the keys of {0} are not changed by `dkimgate key rotate`")]
    NoRotation(Domain),
    /// The key cannot be retired.
    #[error(transparent)]
    Retire(#[from] RetireError),
}

fn names(selectors: &[Domain]) -> String {
    selectors.iter().map(Domain::as_str).collect::<Vec<_>>().join(", ")
}

/// Goes a step further with each domain. What is wrong with one does not keep the others from it.
pub fn rotate(arguments: &RotateArgs) -> Result<ExitCode, RotateError> {
    if let Some(domain) = &arguments.domain {
        let is_silent = visit(&Keyring::new(&arguments.keys, domain.clone()), arguments)?;
        return Ok(if is_silent { exit::TEMPORARY.into() } else { ExitCode::SUCCESS });
    }
    let (mut is_silent, mut has_failed) = (false, false);
    for ring in Keyring::all(&arguments.keys)? {
        // Without a state, nobody asked for its keys to change.
        let visited = match ring.load() {
            Ok(None) => continue,
            Ok(Some(_)) => visit(&ring, arguments),
            Err(error) => Err(error.into()),
        };
        match visited {
            Ok(silent) => is_silent |= silent,
            Err(error) => {
                eprintln!("dkimgate: {}: {error}", ring.domain());
                has_failed = true;
            }
        }
    }
    Ok(match (has_failed, is_silent) {
        (true, _) => exit::UNUSABLE.into(),
        (false, true) => exit::TEMPORARY.into(),
        (false, false) => ExitCode::SUCCESS,
    })
}

/// One domain; tells whether a server was silent.
fn visit(ring: &Keyring, arguments: &RotateArgs) -> Result<bool, RotateError> {
    let lock = ring.lock()?;
    let mut rotation = match ring.load()? {
        Some(rotation) => rotation,
        None => begin(ring, arguments.signing.as_ref())?,
    };
    change(&mut rotation.plan, &arguments.plan);
    step(ring, &lock, &mut rotation, arguments)
}

/// Withdraws a key before its time.
pub fn retire(arguments: &RetireArgs) -> Result<ExitCode, RotateError> {
    let ring = Keyring::new(&arguments.keys, arguments.domain.clone());
    let lock = ring.lock()?;
    let mut rotation = ring.load()?.ok_or_else(|| RotateError::NoRotation(arguments.domain.clone()))?;
    let events = rotation.retire(&arguments.selector, host::now())?;
    ring.save(&rotation, &lock)?;
    tell(&ring, &rotation, &events, &HashMap::new())?;
    Ok(ExitCode::SUCCESS)
}

/// A rotation that takes over the key that there is.
fn begin(ring: &Keyring, signing: Option<&Domain>) -> Result<Rotation, RotateError> {
    let mut rotation = Rotation::new(Plan::default());
    let selectors = ring.selectors()?;
    match (signing, selectors.as_slice()) {
        (Some(selector), _) => {
            let key = file::read(&ring.path(selector))?.public_key();
            rotation.plan.ed25519 = key.kind() == KeyKind::Ed25519;
            rotation.adopt(selector.clone(), host::now());
        }
        (None, []) => {}
        (None, [only]) => return begin(ring, Some(only)),
        (None, _) => return Err(RotateError::WhichSigns { domain: ring.domain().clone(), selectors }),
    }
    if rotation.plan.ed25519 {
        "e".clone_into(&mut rotation.plan.prefix);
    }
    Ok(rotation)
}

/// Takes over what the arguments say of the plan.
fn change(plan: &mut Plan, said: &PlanArgs) {
    if let Some(key_type) = said.key_type {
        plan.ed25519 = key_type == KeyType::Ed25519;
        // Selectors of both types in one zone are not to clash.
        let usual = if plan.ed25519 { "e" } else { "r" };
        if matches!(plan.prefix.as_str(), "r" | "e") {
            usual.clone_into(&mut plan.prefix);
        }
    }
    plan.bits = said.bits.unwrap_or(plan.bits);
    plan.naming = said.naming.unwrap_or(plan.naming);
    plan.prefix = said.prefix.clone().unwrap_or_else(|| plan.prefix.clone());
    plan.every = said.every.unwrap_or(plan.every);
    plan.settle = said.settle.unwrap_or(plan.settle);
    plan.keep = said.keep.unwrap_or(plan.keep);
}

/// One step; tells whether a server was silent.
fn step(
    ring: &Keyring,
    lock: &Lock,
    rotation: &mut Rotation,
    arguments: &RotateArgs,
) -> Result<bool, RotateError> {
    let looks = look(ring, rotation, &arguments.from)?;
    let now = host::now();
    let sight = |selector: &Domain| looks.get(selector).map_or(super::rotation::Sight::Unknown, Look::sight);
    let events = rotation.advance(now, sight);
    if let Some(selector) = rotation.wanted(now, arguments.now) {
        make(ring, &rotation.plan, &selector)?;
        rotation.made(selector, now);
    }
    ring.save(rotation, lock)?;
    tell(ring, rotation, &events, &looks)?;
    Ok(looks.values().any(|look| look.views.iter().any(|(_, view)| matches!(view, View::Silent(_)))))
}

/// Looks every key up whose record matters.
fn look(ring: &Keyring, rotation: &Rotation, from: &DnsArgs) -> Result<HashMap<Domain, Look>, RotateError> {
    let mut questions = Vec::new();
    for selector in rotation.watched() {
        questions.push((selector.clone(), publication(ring, selector)?.name().clone(), key(ring, selector)?));
    }
    let looks = with_resolver(from, async |resolver| {
        let observers = match from {
            DnsArgs { zone: Some(path), .. } => {
                Observers::Named(vec![(path.display().to_string(), resolver)])
            }
            DnsArgs { servers, .. } if !servers.is_empty() => {
                Observers::at(servers).map_err(ResolverError::System)?
            }
            _ => Observers::Authoritative(resolver),
        };
        let mut looks = HashMap::new();
        for (selector, name, key) in questions {
            looks.insert(selector, observers.look(&name, key.as_ref()).await);
        }
        Ok::<_, ResolverError>(looks)
    })??;
    Ok(looks)
}

/// The public half of a key; `None` once its file was deleted.
fn key(ring: &Keyring, selector: &Domain) -> Result<Option<PublicKey>, KeyFileError> {
    let path = ring.path(selector);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    file::read(&path).map(|key| Some(key.public_key()))
}

/// What to publish for a key; without its file, what revokes it.
fn publication(ring: &Keyring, selector: &Domain) -> Result<Publication, KeyFileError> {
    let record = match key(ring, selector)? {
        Some(key) => Publication::new(ring.domain(), selector, key),
        None => Publication::revoked(ring.domain(), selector),
    };
    record.map_err(KeyFileError::Name)
}

/// Makes a key, unless an earlier run made it and was cut off before it could write that down.
fn make(ring: &Keyring, plan: &Plan, selector: &Domain) -> Result<(), KeyFileError> {
    let path = ring.path(selector);
    let kind = if plan.ed25519 { KeyKind::Ed25519 } else { KeyKind::Rsa };
    match generate::make(&path, kind, plan.bits) {
        Ok(_) => Ok(()),
        Err(KeyFileError::Exists(_)) => file::read(&path).map(drop),
        Err(error) => Err(error),
    }
}

/// Says what happened, and what comes next and when.
fn tell(
    ring: &Keyring,
    rotation: &Rotation,
    events: &[Event],
    looks: &HashMap<Domain, Look>,
) -> Result<(), RotateError> {
    let domain = ring.domain();
    println!("{domain}");
    for event in events {
        println!("  {}", happened(event));
    }
    for kept in &rotation.keys {
        let selector = &kept.selector;
        println!("  {selector} {}: {}", kept.stage.word(), kept.outlook(&rotation.plan, domain));
        match kept.stage {
            Stage::Next { shown: None, .. } => println!("    {}", publication(ring, selector)?.zone_line()),
            Stage::Withdrawing { .. } => {
                let record = Publication::revoked(domain, selector).map_err(KeyFileError::Name)?;
                println!("    {}", record.zone_line());
            }
            Stage::Next { .. } | Stage::Signing { .. } | Stage::Retired { .. } => {}
            Stage::Withdrawn { .. } => continue,
        }
        for (server, view) in looks.get(selector).iter().flat_map(|look| &look.views) {
            println!("    {server}: {}", seen(view));
        }
    }
    Ok(())
}

fn happened(event: &Event) -> String {
    match event {
        Event::Shown(selector) => format!("every server shows {selector} now"),
        Event::Signs(selector) => format!("{selector} signs from now on: reload dkimgate"),
        Event::Retired(selector) => format!("{selector} signs no more; leave its record where it is"),
        Event::Withdraw(selector) => format!("the record of {selector} has to go now"),
        Event::Withdrawn(selector) => format!("the record of {selector} is gone"),
        Event::Endangered(selector) => {
            format!("WARNING: {selector} is still needed, and not every server shows its record")
        }
    }
}

fn seen(view: &View) -> String {
    match view {
        View::Shown => "shows it".to_owned(),
        View::Gone => "shows no key".to_owned(),
        View::Other(what) => format!("shows something else: {what}"),
        View::Silent(why) => format!("not known, {why}"),
    }
}
