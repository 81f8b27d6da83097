use super::outlook::date;
use super::*;
use std::collections::HashMap;

const HOUR: u64 = 60 * 60;
/// 2026-01-01
const START: u64 = 1_767_225_600;

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn plan() -> Plan {
    Plan { every: 90 * DAY, ..Plan::default() }
}

fn words(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Shown(selector) => format!("{selector} shown"),
        Event::Signs(selector) => format!("{selector} signs"),
        Event::Retired(selector) => format!("{selector} retired"),
        Event::Withdraw(selector) => format!("{selector} withdraw"),
        Event::Withdrawn(selector) => format!("{selector} withdrawn"),
        Event::Abandoned(selector) => format!("{selector} abandoned"),
        Event::Endangered(selector) => format!("{selector} endangered"),
    };
    events.iter().map(word).collect()
}

/// A domain whose administrator publishes and withdraws within two days of being asked, and a timer that runs every
/// six hours.
#[test]
fn a_year_goes_by() {
    let mut rotation = Rotation::new(plan());
    // What the DNS shows, and from when on.
    let mut dns: HashMap<Domain, (u64, Sight)> = HashMap::new();
    let mut told = Vec::new();
    let mut signed_always = true;
    for now in (START..START + 365 * DAY).step_by(6 * 3600) {
        let sight = |selector: &Domain| match dns.get(selector) {
            Some(&(from, sight)) if now >= from => sight,
            Some((_, Sight::Gone)) => Sight::Shown,
            _ => Sight::Gone,
        };
        for event in rotation.advance(now, sight) {
            if let Event::Withdraw(selector) = &event {
                dns.insert(selector.clone(), (now + 2 * DAY, Sight::Gone));
            }
            told.push(format!("{} {}", date(now), words(std::slice::from_ref(&event))[0]));
        }
        if let Some(selector) = rotation.wanted(now, false, &[]) {
            dns.insert(selector.clone(), (now + 2 * DAY, Sight::Shown));
            rotation.made(selector, now);
        }
        signed_always &= rotation.signing().is_some() || now < START + 3 * DAY;
        let count = |word: &str| rotation.keys.iter().filter(|key| key.stage.word() == word).count();
        assert!(count("signing") <= 1 && count("next") <= 1);
    }
    assert!(signed_always);
    assert_eq!(
        told,
        [
            "2026-01-03 r20260101 shown",
            "2026-01-03 r20260101 signs",
            "2026-04-05 r20260403 shown",
            "2026-04-05 r20260101 retired",
            "2026-04-05 r20260403 signs",
            "2026-04-19 r20260101 withdraw",
            "2026-04-21 r20260101 withdrawn",
            "2026-07-06 r20260704 shown",
            "2026-07-06 r20260403 retired",
            "2026-07-06 r20260704 signs",
            "2026-07-20 r20260403 withdraw",
            "2026-07-22 r20260403 withdrawn",
            "2026-10-06 r20261004 shown",
            "2026-10-07 r20260704 retired",
            "2026-10-07 r20261004 signs",
            "2026-10-21 r20260704 withdraw",
            "2026-10-23 r20260704 withdrawn",
        ]
    );
}

#[test]
fn a_key_signs_only_after_every_server_showed_it_for_a_while() {
    let mut rotation = Rotation::new(plan());
    rotation.adopt(domain("old"), START);
    rotation.made(domain("new"), START);
    let at =
        |rotation: &mut Rotation, now, sight| {
            words(&rotation.advance(START + now, |selector| {
                if selector.as_str() == "new" { sight } else { Sight::Shown }
            }))
        };
    assert_eq!(at(&mut rotation, 10, Sight::Gone), [""; 0]);
    assert_eq!(at(&mut rotation, 20, Sight::Mixed), [""; 0]);
    assert_eq!(at(&mut rotation, 30, Sight::Shown), ["new shown"]);
    assert_eq!(at(&mut rotation, 40, Sight::Unknown), [""; 0]);
    // It went away again: the hour begins anew.
    assert_eq!(at(&mut rotation, 50, Sight::Mixed), [""; 0]);
    assert_eq!(at(&mut rotation, HOUR + 40, Sight::Shown), ["new shown"]);
    assert_eq!(at(&mut rotation, 2 * HOUR + 39, Sight::Shown), [""; 0]);
    assert_eq!(rotation.signing(), Some(&domain("old")));
    assert_eq!(at(&mut rotation, 2 * HOUR + 40, Sight::Shown), ["old retired", "new signs"]);
    assert_eq!(rotation.signing(), Some(&domain("new")));
}

#[test]
fn a_record_that_vanishes_while_it_is_needed_is_told() {
    let mut rotation = Rotation::new(plan());
    rotation.adopt(domain("old"), START);
    rotation.made(domain("new"), START);
    let _ = rotation.advance(START, |_| Sight::Shown);
    let _ = rotation.advance(START + HOUR, |_| Sight::Shown);
    assert_eq!(words(&rotation.advance(START + DAY, |_| Sight::Gone)), ["old endangered", "new endangered"]);
    assert_eq!(words(&rotation.advance(START + DAY, |_| Sight::Mixed)), ["old endangered", "new endangered"]);
    assert_eq!(words(&rotation.advance(START + DAY, |_| Sight::Unknown)), [""; 0]);
}

#[test]
fn a_key_in_other_hands_is_withdrawn_at_once_if_another_can_sign() {
    let mut rotation = Rotation::new(plan());
    rotation.adopt(domain("old"), START);
    assert_eq!(rotation.retire(&domain("none"), START), Err(RetireError::Unknown));
    assert_eq!(rotation.retire(&domain("old"), START), Err(RetireError::Alone));
    assert_eq!(rotation.wanted(START, false, &[]), None);
    let next = rotation.wanted(START, true, &[]).unwrap();
    rotation.made(next.clone(), START);
    assert_eq!(rotation.wanted(START, true, &[]), None, "one at a time");
    assert_eq!(rotation.retire(&domain("old"), START), Err(RetireError::Alone));
    let _ = rotation.advance(START + 1, |_| Sight::Shown);
    let events = rotation.retire(&domain("old"), START + 2).unwrap();
    assert_eq!(words(&events), ["old retired", "r20260101 signs", "old withdraw"]);
    assert_eq!(rotation.signing(), Some(&next));
    assert_eq!(rotation.retire(&domain("old"), START + 3), Err(RetireError::Withdrawn));
}

#[test]
fn a_key_whose_name_is_somebody_elses_gives_way_to_one_of_another_name() {
    let mut rotation = Rotation::new(Plan { naming: Naming::Counter, ..plan() });
    rotation.adopt(domain("old"), START);
    assert_eq!(rotation.occupied(START), None, "no key is on its way");
    // A file of this name is there already.
    let files = [domain("r7")];
    for number in 8..11 {
        let selector = rotation.wanted(START, true, &files).unwrap();
        assert_eq!(selector.as_str(), format!("r{number}"));
        rotation.made(selector, START);
        assert_eq!(words(rotation.occupied(START).as_slice()), [format!("r{number} abandoned")]);
    }
    let last = rotation.wanted(START, true, &files).unwrap();
    rotation.made(last.clone(), START);
    assert_eq!(rotation.occupied(START), None, "all names are somebody else's");
    assert_eq!(rotation.watched().collect::<Vec<_>>(), [&domain("old"), &last]);
    assert_eq!(rotation.retire(&domain("r8"), START), Err(RetireError::Withdrawn));
    // Withdrawn by hand, it waits for nothing that is not its own.
    rotation.retire(&last, START).unwrap();
    let foreign = |selector: &Domain| if *selector == last { Sight::Foreign } else { Sight::Shown };
    assert_eq!(words(&rotation.advance(START, foreign)), ["r11 withdrawn"]);
}

#[test]
fn selectors_are_named_by_date_or_number_and_never_used_twice() {
    let mut dated = Rotation::new(plan());
    let mut counted = Rotation::new(Plan { naming: Naming::Counter, prefix: "k".into(), ..plan() });
    counted.adopt(domain("k7"), START);
    for (date, count) in [("r20260101", "k8"), ("r20260101-1", "k9"), ("r20260101-2", "k10")] {
        for (rotation, expected) in [(&mut dated, date), (&mut counted, count)] {
            let selector = rotation.wanted(START, true, &[]).unwrap();
            assert_eq!(selector.as_str(), expected);
            rotation.made(selector.clone(), START);
            rotation.retire(&selector, START).unwrap();
        }
    }
    assert_eq!(Rotation::new(Plan { prefix: "no name".into(), ..plan() }).wanted(START, false, &[]), None);
}

#[test]
fn days_have_dates() {
    for (seconds, expected) in [
        (0, "1970-01-01"),
        (951_782_400, "2000-02-29"),
        (951_868_800, "2000-03-01"),
        (START - 1, "2025-12-31"),
        (START, "2026-01-01"),
        (4_107_542_400, "2100-03-01"),
    ] {
        assert_eq!(date(seconds), expected);
    }
}

/// Whatever the DNS shows, in whatever order: a signing key is never lost, and a state that was written is read again.
#[test]
fn every_short_history_keeps_a_key_signing() {
    let sights = [Sight::Shown, Sight::Gone, Sight::Mixed, Sight::Foreign, Sight::Unknown];
    for history in 0..5_usize.pow(6) {
        let mut rotation = Rotation::new(Plan { every: DAY, settle: 0, keep: DAY, ..plan() });
        rotation.adopt(domain("old"), START);
        for step in 0..6_u32 {
            let now = START + u64::from(step) * DAY;
            let sight = sights[history / 5_usize.pow(step) % 5];
            let _ = rotation.advance(now, |_| sight);
            if let Some(selector) = rotation.wanted(now, false, &[]) {
                rotation.made(selector, now);
            }
            assert!(rotation.signing().is_some());
            let written = serde_json::to_string(&rotation).unwrap();
            assert_eq!(serde_json::from_str::<Rotation>(&written).unwrap(), rotation);
        }
    }
}
