use super::*;
use crate::cli::{Cli, Command, key::KeyCommand};
use crate::key::disk;
use crate::key::rotation::{DAY, Stage};
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const START: u64 = 1_767_225_600;
/// Long enough for a key to be replaced, and the one before to be withdrawn.
const DAYS: u64 = 9;

/// A domain whose key changes every three days, and its administrator, who does at once what is asked for.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        generate::make(&desk.path("keys/example.org/s1.pem"), KeyKind::Ed25519, 0, None).unwrap();
        desk.publish();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ring(&self) -> Keyring {
        Keyring::new(&self.path("keys"), Domain::parse("example.org").unwrap())
    }

    fn rotate(&self, time: u64) -> Result<Outcome, RotateError> {
        let (keys, zone) = (self.path("keys"), self.path("zone.json"));
        let (keys, zone, time) = (keys.to_str().unwrap(), zone.to_str().unwrap(), time.to_string());
        let words = ["dkimgate", "key", "rotate", "--domain", "example.org", "--keys", keys, "--zone", zone];
        let plan =
            ["--time", &time, "--every", "3d", "--settle", "0s", "--keep", "2d", "--naming", "counter"];
        let Command::Key(KeyCommand::Rotate(arguments)) =
            Cli::parse_from(words.into_iter().chain(plan)).command
        else {
            panic!("`key rotate`");
        };
        visit(&self.ring(), &arguments)
    }

    /// Publishes what the keys ask for.
    fn publish(&self) {
        let rotation = self.ring().load().unwrap();
        let stage = |selector: &Domain| {
            let kept = rotation.iter().flat_map(|rotation| &rotation.keys);
            kept.filter(|kept| kept.selector == *selector).map(|kept| kept.stage).next()
        };
        let mut zone = serde_json::Map::new();
        for selector in self.ring().selectors().unwrap() {
            let record = match stage(&selector) {
                Some(Stage::Withdrawing { .. } | Stage::Withdrawn { .. }) => {
                    Publication::revoked(self.ring().domain(), &selector).unwrap()
                }
                _ => self.ring().publication(&selector).unwrap(),
            };
            zone.insert(record.name().to_string(), record.text().into());
        }
        fs::write(self.path("zone.json"), serde_json::Value::from(zone).to_string()).unwrap();
    }

    /// Some key signs, it is there whole, and the DNS shows it.
    fn is_sound(&self) {
        let folder = self.path("keys/example.org");
        let Ok(file) = folder.join("signing").read_link() else {
            assert!(!folder.join("rotation.json").exists(), "a state without a key that signs");
            return;
        };
        let key = file::read(&folder.join(&file)).unwrap().public_key();
        let selector = Domain::parse(file.to_str().unwrap().trim_end_matches(".pem")).unwrap();
        let record = Publication::new(self.ring().domain(), &selector, key).unwrap();
        let zone = fs::read_to_string(self.path("zone.json")).unwrap();
        assert!(zone.contains(record.text()), "{selector} signs, and the DNS does not show it: {zone}");
    }

    /// Where each key is in its life.
    fn stages(&self) -> Vec<(String, Stage)> {
        let rotation = self.ring().load().unwrap().unwrap();
        rotation.keys.iter().map(|kept| (kept.selector.to_string(), kept.stage)).collect()
    }
}

/// Runs once a day; on one of them the run is cut off after so many operations, and another one follows.
fn days(cut: Option<(u64, usize)>) -> (Desk, bool) {
    let (desk, mut was_cut) = (Desk::new(), false);
    for day in 0..DAYS {
        let time = START + day * DAY;
        if let Some((_, operations)) = cut.filter(|(on, _)| *on == day) {
            disk::after(Some(operations));
            let result = desk.rotate(time);
            was_cut = disk::after(None) == Some(0) && result.is_err();
            desk.is_sound();
        }
        assert_eq!(desk.rotate(time).unwrap(), Outcome::Well);
        desk.is_sound();
        desk.publish();
    }
    (desk, was_cut)
}

/// Whatever it is: a key of somebody's, or no key at all.
#[test]
fn a_file_that_is_there_already_is_nobody_elses_next_key() {
    let desk = Desk::new();
    assert_eq!(desk.rotate(START).unwrap(), Outcome::Well);
    fs::write(desk.path("keys/example.org/e1.pem"), "no key").unwrap();
    assert_eq!(desk.rotate(START + 3 * DAY).unwrap(), Outcome::Well);
    let words: Vec<_> =
        desk.stages().into_iter().map(|(name, stage)| format!("{name} {}", stage.word())).collect();
    assert_eq!(words, ["s1 signing", "e2 next"]);
    assert_eq!(fs::read(desk.path("keys/example.org/e1.pem")).unwrap(), b"no key");
}

/// Killed between any two of its file operations, in any stage: the next run goes on as if nothing had been.
#[test]
fn wherever_a_run_is_cut_off_the_next_one_goes_on() {
    let expected = days(None).0.stages();
    let words: Vec<&str> = expected.iter().map(|(_, stage)| stage.word()).collect();
    assert_eq!(words, ["withdrawn", "retired", "signing"]);
    let mut cuts = 0;
    for day in 0..DAYS {
        for operations in 0.. {
            let (desk, was_cut) = days(Some((day, operations)));
            assert_eq!(desk.stages(), expected, "day {day}, cut after {operations}");
            assert_eq!(desk.ring().selectors().unwrap().len(), 3, "no key too many");
            if !was_cut {
                break;
            }
            cuts += 1;
        }
    }
    assert!(cuts > 40, "only {cuts} cuts");
}

#[test]
fn a_key_that_signs_and_is_gone_is_told() {
    let desk = Desk::new();
    desk.rotate(START).unwrap();
    fs::remove_file(desk.path("keys/example.org/s1.pem")).unwrap();
    let error = desk.rotate(START + 1).unwrap_err();
    assert!(matches!(&error, RotateError::Lost { path, .. } if path.ends_with("s1.pem")), "{error}");
}

#[test]
fn a_retired_key_is_published_a_week_after_its_record_is_gone_unless_others_may_use_it() {
    let desk = Desk::new();
    let folder = desk.path("public");
    fs::create_dir(&folder).unwrap();
    let published = |time| {
        let mut rotation = desk.ring().load().unwrap().unwrap();
        rotation.plan.disclose = Some(folder.clone());
        disclose(&desk.ring(), &rotation, time).unwrap()
    };
    for day in 0..15 {
        desk.rotate(START + day * DAY).unwrap();
        desk.publish();
        assert_eq!(published(START + day * DAY), [""; 0].map(PathBuf::from), "day {day}");
    }
    // The first key was there before. The second was withdrawn on the tenth day.
    let gone = desk.stages();
    let (selector, Stage::Withdrawn { since }) = &gone[1] else { panic!("{gone:?}") };
    assert_eq!(selector, "e1");
    assert_eq!(published(since + 7 * DAY - 1), [""; 0].map(PathBuf::from));
    let path = folder.join("e1._domainkey.example.org.pem");
    assert_eq!(published(since + 7 * DAY), std::slice::from_ref(&path));
    assert_eq!(published(since + 8 * DAY), [""; 0].map(PathBuf::from), "once");
    let same = |path: &Path| file::read(path).unwrap().public_key();
    assert_eq!(same(&path), same(&desk.path("keys/example.org/e1.pem")));
    assert!(file::read_guarded(&path).is_err(), "everybody may read it");
}
