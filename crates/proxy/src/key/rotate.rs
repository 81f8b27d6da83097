//! `dkimgate key rotate` and `retire`: the rotation of [`super::rotation`], with its files and look-ups.

mod tell;

use super::disclose::{DiscloseError, disclose};
use super::file::{self, KeyFileError};
use super::generate;
use super::keyring::{Keyring, KeyringError, Lock};
use super::record::Publication;
use super::resolver::{ResolverError, wait, with_resolver};
use super::rotation::{Entry, Event, Plan, RetireError, Rotation, Sight};
use super::sight::{Look, Observers};
use super::update::{Done, EntryError, SettingsError, Updater};
use crate::cli::key::{DnsArgs, KeyType, PlanArgs, RetireArgs, RotateArgs};
use crate::{exit, host};
use dkim::{KeyKind, PrivateKey};
use mail::Domain;
use std::collections::HashMap;
use std::io;
use std::path::absolute;
use std::process::ExitCode;
use tell::Account;
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
    /// The key that signs is gone.
    #[error("{} is gone, and its key signs: put it back, or withdraw it with `dkimgate key retire --selector {selector}` once another one is published", path.display())]
    Lost {
        /// Its file.
        path: std::path::PathBuf,
        /// Its selector.
        selector: Domain,
    },
    /// Records cannot be entered.
    #[error(transparent)]
    Update(#[from] SettingsError),
    /// A private key cannot be published.
    #[error(transparent)]
    Disclose(#[from] DiscloseError),
    /// A path cannot be made absolute.
    #[error("the working directory is not known: {0}")]
    Here(#[source] io::Error),
}

fn names(selectors: &[Domain]) -> String {
    selectors.iter().map(Domain::as_str).collect::<Vec<_>>().join(", ")
}

/// What came of the record of a key, and at which server.
type Entered = (String, Result<Done, EntryError>);

/// How a run went: the worst of its domains counts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Outcome {
    /// Well, waiting included.
    Well,
    /// A server did not answer, or somebody else is at it: the next run may go better.
    Later,
    /// A record was not entered.
    NotEntered,
    /// A key or the folder cannot be used.
    Unusable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Well => Self::SUCCESS,
            Outcome::Later => exit::TEMPORARY.into(),
            Outcome::NotEntered => Self::FAILURE,
            Outcome::Unusable => exit::UNUSABLE.into(),
        }
    }
}

/// Goes a step further with each domain. What is wrong with one does not keep the others from it.
pub fn rotate(arguments: &RotateArgs) -> Result<ExitCode, RotateError> {
    if let Some(domain) = &arguments.domain {
        let ring = Keyring::new(&arguments.keys, domain.clone());
        return Ok(told(&ring, visit(&ring, arguments)).into());
    }
    let mut outcome = Outcome::Well;
    for ring in Keyring::all(&arguments.keys)? {
        // Without a state, nobody asked for its keys to change.
        let visited = match ring.load() {
            Ok(None) => continue,
            Ok(Some(_)) => visit(&ring, arguments),
            Err(error) => Err(error.into()),
        };
        outcome = outcome.max(told(&ring, visited));
    }
    Ok(outcome.into())
}

/// Says what kept a domain from going further.
fn told(ring: &Keyring, visited: Result<Outcome, RotateError>) -> Outcome {
    visited.unwrap_or_else(|error| {
        eprintln!("dkimgate: {}: {error}", ring.domain());
        // Two timers at once do no harm; whoever came first does the work.
        if matches!(error, RotateError::Keyring(KeyringError::Busy(_))) {
            Outcome::Later
        } else {
            Outcome::Unusable
        }
    })
}

/// One domain.
fn visit(ring: &Keyring, arguments: &RotateArgs) -> Result<Outcome, RotateError> {
    let now = arguments.time.unwrap_or_else(host::now);
    look_through(ring, arguments, now)?;
    let lock = ring.lock()?;
    if let Some(owner) = arguments.owner {
        ring.give(owner, &lock)?;
    }
    let mut rotation = match ring.load()? {
        Some(rotation) => rotation,
        None => begin(ring, arguments.signing.as_ref(), now)?,
    };
    change(&mut rotation.plan, &arguments.plan)?;
    Step { ring, lock, arguments, now }.take(&mut rotation)
}

/// What the arguments forbid shows before anything is made or kept.
fn look_through(ring: &Keyring, arguments: &RotateArgs, now: u64) -> Result<(), RotateError> {
    if let Some(settings) = &arguments.plan.update {
        match Updater::read(settings) {
            // A name server that does not answer is no reason to keep a key.
            Ok(_) | Err(SettingsError::Server { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if ring.load()?.is_none() {
        begin(ring, arguments.signing.as_ref(), now)?;
    }
    Ok(())
}

/// Withdraws a key before its time.
pub fn retire(arguments: &RetireArgs) -> Result<ExitCode, RotateError> {
    let ring = Keyring::new(&arguments.keys, arguments.domain.clone());
    let load = || ring.load()?.ok_or_else(|| RotateError::NoRotation(arguments.domain.clone()));
    // To lock makes the folder.
    load()?;
    let lock = ring.lock()?;
    let mut rotation = load()?;
    let events = rotation.retire(&arguments.selector, arguments.time.unwrap_or_else(host::now))?;
    ring.save(&rotation, &lock)?;
    let entered = enter(&ring, &rotation)?;
    let account = Account { events, entered, ..Account::default() };
    account.tell(&ring, &rotation)?;
    Ok(account.outcome().into())
}

/// A rotation that takes over the key that there is.
fn begin(ring: &Keyring, signing: Option<&Domain>, now: u64) -> Result<Rotation, RotateError> {
    let mut rotation = Rotation::new(Plan::default());
    let selectors = ring.selectors()?;
    match (signing, selectors.as_slice()) {
        (Some(selector), _) => {
            let key = file::read_stored(&ring.path(selector))?.public_key();
            rotation.plan.ed25519 = key.kind() == KeyKind::Ed25519;
            rotation.adopt(selector.clone(), now);
        }
        (None, []) => {}
        (None, [only]) => return begin(ring, Some(only), now),
        (None, _) => return Err(RotateError::WhichSigns { domain: ring.domain().clone(), selectors }),
    }
    if rotation.plan.ed25519 {
        "e".clone_into(&mut rotation.plan.prefix);
    }
    Ok(rotation)
}

/// Takes over what the arguments say of the plan.
fn change(plan: &mut Plan, said: &PlanArgs) -> Result<(), RotateError> {
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
    // A timer may stand in another folder.
    if let Some(path) = &said.update {
        plan.update = Some(absolute(path).map_err(RotateError::Here)?);
    }
    if let Some(folder) = &said.publish_private {
        plan.disclose = Some(absolute(folder).map_err(RotateError::Here)?);
    }
    if said.no_update {
        plan.update = None;
    }
    if said.no_publish_private {
        plan.disclose = None;
    }
    Ok(())
}

/// What a step of one domain is taken with.
struct Step<'a> {
    ring: &'a Keyring,
    lock: Lock,
    arguments: &'a RotateArgs,
    now: u64,
}

impl Step<'_> {
    fn take(self, rotation: &mut Rotation) -> Result<Outcome, RotateError> {
        let Self { ring, lock, arguments, now } = &self;
        let now = *now;
        // An earlier run may have been cut off before it made the key that it had decided on.
        if let Some(selector) = rotation.next() {
            make(ring, &rotation.plan, selector)?;
        }
        is_there(ring, rotation.signing())?;
        let looks = look(ring, rotation, &arguments.from)?;
        let sight = |selector: &Domain| looks.get(selector).map_or(Sight::Unknown, Look::sight);
        let mut events = rotation.advance(now, sight);
        let wanted = rotation.wanted(now, arguments.now, &ring.selectors()?);
        if let Some(selector) = &wanted {
            rotation.made(selector.clone(), now);
        }
        ring.save(rotation, lock)?;
        if let Some(selector) = wanted {
            make(ring, &rotation.plan, &selector)?;
        }
        // What happened is told once, whatever comes of the rest.
        let (mut entered, trouble) = match enter(ring, rotation) {
            Ok(entered) => (entered, Ok(())),
            Err(error) => (HashMap::new(), Err(error)),
        };
        self.evade(rotation, &mut entered, &mut events)?;
        let account = Account { events, looks, entered };
        account.tell(ring, rotation)?;
        trouble?;
        for path in disclose(ring, rotation, now)? {
            println!("  a private key that nobody needs any more is published: {}", path.display());
        }
        Ok(account.outcome())
    }

    /// Makes the next key under another name as long as another record stands at its name.
    fn evade(
        &self,
        rotation: &mut Rotation,
        entered: &mut HashMap<Domain, Entered>,
        events: &mut Vec<Event>,
    ) -> Result<(), RotateError> {
        let Self { ring, lock, now, .. } = self;
        let is_foreign = |entered: &Entered| matches!(entered, (_, Err(EntryError::Foreign { .. })));
        while let Some(selector) =
            rotation.next().filter(|next| entered.get(*next).is_some_and(is_foreign)).cloned()
            && let Some(event) = rotation.occupied(*now)
        {
            entered.remove(&selector);
            events.push(event);
            // Its time has come: the one that was given up was on its way.
            let other = rotation.wanted(*now, true, &ring.selectors()?);
            if let Some(other) = &other {
                rotation.made(other.clone(), *now);
            }
            ring.save(rotation, lock)?;
            if let Some(other) = &other {
                make(ring, &rotation.plan, other)?;
            }
            entered.extend(enter(ring, rotation)?);
        }
        Ok(())
    }
}

/// The key that signs has to be there.
fn is_there(ring: &Keyring, signing: Option<&Domain>) -> Result<(), RotateError> {
    match signing.map(|selector| (ring.path(selector), selector)) {
        Some((path, selector)) if path.symlink_metadata().is_err() => {
            Err(RotateError::Lost { path, selector: selector.clone() })
        }
        _ => Ok(()),
    }
}

/// Enters what is not published yet, and revokes what is to go, if that is done by dynamic update. What stands there
/// already is left as it is.
fn enter(ring: &Keyring, rotation: &Rotation) -> Result<HashMap<Domain, Entered>, RotateError> {
    let mut all = HashMap::new();
    let unpublished: Vec<_> = rotation.unpublished().collect();
    let Some(settings) = rotation.plan.update.as_ref().filter(|_| !unpublished.is_empty()) else {
        return Ok(all);
    };
    let updater = Updater::read(settings)?;
    for (selector, entry) in unpublished {
        let key = ring.key(selector)?;
        let done = match (entry, &key) {
            (Entry::Key, Some(key)) => {
                let record = ring.publication(selector)?;
                wait(updater.publish(&record, key))
            }
            // Its file is made first, so it is there.
            (Entry::Key, None) => continue,
            (Entry::Revocation, key) => {
                let record = Publication::revoked(ring.domain(), selector).map_err(KeyFileError::Name)?;
                wait(updater.revoke(&record, key.as_ref()))
            }
        };
        let done = match done? {
            // Where another record stands, that of our key does not.
            Err(EntryError::Foreign { .. }) if entry == Entry::Revocation && key.is_some() => {
                Ok(Done::Absent)
            }
            done => done,
        };
        all.insert(selector.clone(), (updater.to_string(), done));
    }
    Ok(all)
}

/// Looks every key up whose record matters.
fn look(ring: &Keyring, rotation: &Rotation, from: &DnsArgs) -> Result<HashMap<Domain, Look>, RotateError> {
    let mut questions = Vec::new();
    for selector in rotation.watched() {
        questions.push((selector.clone(), ring.publication(selector)?.name().clone(), ring.key(selector)?));
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

/// Makes a key, unless an earlier run made it and was cut off before it could write that down.
fn make(ring: &Keyring, plan: &Plan, selector: &Domain) -> Result<(), KeyFileError> {
    let path = ring.path(selector);
    let kind = if plan.ed25519 { KeyKind::Ed25519 } else { KeyKind::Rsa };
    match generate::make(&path, kind, plan.bits, None) {
        Ok(_) => Ok(()),
        Err(KeyFileError::Exists(_)) => file::read_stored(&path).map(drop),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
