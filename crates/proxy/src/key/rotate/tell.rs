//! What a run of `dkimgate key rotate` says.

use super::{Entered, Outcome, RotateError};
use crate::key::file::KeyFileError;
use crate::key::keyring::Keyring;
use crate::key::record::Publication;
use crate::key::rotation::{Event, Rotation, Stage};
use crate::key::sight::{Look, View};
use crate::key::update::Done;
use mail::Domain;
use std::collections::HashMap;

/// What was seen of the keys, and what was done about them.
#[derive(Default)]
pub(super) struct Account {
    pub(super) events: Vec<Event>,
    pub(super) looks: HashMap<Domain, Look>,
    pub(super) entered: HashMap<Domain, Entered>,
}

impl Account {
    /// How the run went.
    pub(super) fn outcome(&self) -> Outcome {
        let mut views = self.looks.values().flat_map(|look| &look.views);
        let is_silent = views.any(|(_, view)| matches!(view, View::Silent(_)));
        let looked = if is_silent { Outcome::Later } else { Outcome::Well };
        let entered = self.entered.values().map(|(_, done)| match done {
            Ok(_) => Outcome::Well,
            Err(error) if error.is_temporary() => Outcome::Later,
            Err(_) => Outcome::NotEntered,
        });
        entered.fold(looked, Outcome::max)
    }

    /// Says what happened, and what comes next and when.
    pub(super) fn tell(&self, ring: &Keyring, rotation: &Rotation) -> Result<(), RotateError> {
        let domain = ring.domain();
        println!("{domain}");
        for event in &self.events {
            println!("  {}", happened(event));
        }
        for kept in &rotation.keys {
            let selector = &kept.selector;
            println!("  {selector} {}: {}", kept.stage.word(), kept.outlook(&rotation.plan, domain));
            match kept.stage {
                Stage::Next { shown: None, .. } => {
                    println!("    {}", ring.publication(selector)?.zone_line());
                }
                Stage::Withdrawing { .. } => {
                    let record = Publication::revoked(domain, selector).map_err(KeyFileError::Name)?;
                    println!("    {}", record.zone_line());
                }
                Stage::Next { .. } | Stage::Signing { .. } | Stage::Retired { .. } => {}
                Stage::Withdrawn { .. } | Stage::Abandoned { .. } => continue,
            }
            if let Some(entered) = self.entered.get(selector) {
                println!("    {}", done(entered));
            }
            for (server, view) in self.looks.get(selector).iter().flat_map(|look| &look.views) {
                println!("    {server}: {}", seen(view));
            }
        }
        Ok(())
    }
}

fn done((server, result): &Entered) -> String {
    match result {
        Ok(Done::Entered) => format!("entered at {server}"),
        Ok(Done::Present) => format!("it is there at {server}"),
        Ok(Done::Absent) => format!("another record stands at {server}, and is left alone"),
        Err(error) => format!("not entered: {error}"),
    }
}

fn happened(event: &Event) -> String {
    match event {
        Event::Shown(selector) => format!("every server shows {selector} now"),
        Event::Signs(selector) => format!("{selector} signs from now on"),
        Event::Retired(selector) => format!("{selector} signs no more; leave its record where it is"),
        Event::Withdraw(selector) => format!("the record of {selector} has to go now"),
        Event::Withdrawn(selector) => format!("the record of {selector} is gone"),
        Event::Abandoned(selector) => {
            format!("{selector} is given up: another record stands at its name, so another name is taken")
        }
        Event::Endangered(selector) => {
            format!("WARNING: {selector} is still needed, and not every server shows its record")
        }
    }
}

fn seen(view: &View) -> String {
    match view {
        View::Shown => "shows it".to_owned(),
        View::Gone => "shows no key".to_owned(),
        View::Other(what) | View::Foreign(what) => format!("shows something else: {what}"),
        View::Silent(why) => format!("not known, {why}"),
    }
}
