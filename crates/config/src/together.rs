//! What several files would do to each other.

use crate::fault::{Fault, Place, Placed, Report};
use crate::listen::Listen;
use crate::{Config, NextHop};
use std::collections::HashMap;

/// Looks for listeners that are in each other's way, or send mail around in a circle, within a file and between
/// files. One report for each file that has faults.
#[must_use]
pub fn check_together(configs: &[Config]) -> Vec<Report> {
    let mut taken = HashMap::new();
    let mut reports = Vec::new();
    for (index, config) in configs.iter().enumerate() {
        let mut faults = Vec::new();
        for listen in config.listener.listen.iter().filter(|listen| !is_any(&listen.value)) {
            if let Some(owner) = taken.insert(&listen.value, &config.file.name) {
                faults.push(taken_twice(listen, owner));
            }
        }
        faults.extend(metrics_in_the_way(config, configs));
        faults.extend(circle(configs, index));
        if !faults.is_empty() {
            reports.push(config.report(faults));
        }
    }
    reports
}

/// Several files may tell their metrics at one address, but nobody sends mail there.
fn metrics_in_the_way(config: &Config, configs: &[Config]) -> Option<Fault> {
    let metrics = &config.listener.metrics.as_ref()?.listen;
    let here = Listen::Address(metrics.value);
    let owner =
        configs.iter().find(|config| config.listener.listen.iter().any(|listen| listen.value == here))?;
    let problem = format!("`metrics` is `{here}`, where mail is listened for, by {}", owner.file.name);
    Some(Fault::unusable(
        metrics.place,
        problem,
        "give the metrics a port of their own, such as `127.0.0.1:9127`",
    ))
}

/// Port 0 is a free one each time.
fn is_any(listen: &Listen) -> bool {
    matches!(listen, Listen::Address(address) if address.port() == 0)
}

fn taken_twice(listen: &Placed<Listen>, owner: &str) -> Fault {
    let remedy = match listen.value {
        Listen::Inherited(_) => {
            "write `systemd:NAME` in each file, with the `FileDescriptorName=` of its socket"
        }
        Listen::Address(_) | Listen::Unix(_) => "give each listener an address or port of its own",
    };
    Fault::unusable(listen.place, format!("`{}` is listened on already, by {owner}", listen.value), remedy)
}

/// The hop by which mail that leaves this file comes back to it through others.
fn circle(configs: &[Config], start: usize) -> Option<Fault> {
    // Within a file it is refused before.
    let mut reached: Vec<(usize, Step)> = steps(configs, start).filter(|(to, _)| *to != start).collect();
    let mut next = 0;
    while let Some((at, first)) = reached.get(next).copied() {
        next += 1;
        for (to, _) in steps(configs, at) {
            if to == start {
                return Some(loops(&configs[at].file.name, first));
            }
            if !reached.iter().any(|(known, _)| *known == to) {
                reached.push((to, first));
            }
        }
    }
    None
}

/// A hop of one file that another file listens for.
#[derive(Clone, Copy)]
struct Step<'a> {
    hop: &'a NextHop,
    place: Place,
}

/// Where the mail of a file may go, within these files.
fn steps(configs: &[Config], from: usize) -> impl Iterator<Item = (usize, Step<'_>)> {
    configs[from].listener.relay.iter().flat_map(move |hop| {
        let hears =
            |config: &Config| config.listener.listen.iter().any(|listen| listen.value.hears(&hop.value));
        let step = Step { hop: &hop.value, place: hop.place };
        configs.iter().enumerate().filter(move |(_, config)| hears(config)).map(move |(to, _)| (to, step))
    })
}

fn loops(back: &str, Step { hop, place }: Step<'_>) -> Fault {
    let problem = format!("mail that goes to `{hop}` comes back here by way of {back}: a mail loop");
    Fault::contradiction(
        place,
        problem,
        "name the port where your MTA takes the mail back, such as `127.0.0.1:10026`",
    )
}
