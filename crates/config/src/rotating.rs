//! Folders whose keys change: `dkimgate key rotate` keeps a state in them, and a link to the key that signs.

use crate::signature::Selector;
use crate::text::FromText;
use mail::Domain;
use std::path::Path;

/// The link to the key that signs.
const LINK: &str = "signing";
/// The state.
const STATE: &str = "rotation.json";

/// What such a folder says of the key that signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Rotating {
    /// Its keys do not change.
    No,
    /// None signs yet: its record is on its way into the DNS.
    Waiting,
    /// This one, with its selector and the name of its file.
    Signs(Domain, String),
}

impl Rotating {
    /// What is in such a folder, and in no other.
    pub(crate) const MARKS: [&str; 2] = [LINK, STATE];

    /// Looks into a folder.
    pub(crate) fn of(folder: &Path) -> Self {
        let Ok(target) = folder.join(LINK).read_link() else {
            let has_state = folder.join(STATE).exists();
            return if has_state { Self::Waiting } else { Self::No };
        };
        let file = target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let selector = file.strip_suffix(".pem").and_then(|stem| Selector::from_text(stem).ok());
        // A link to what is no key file is not one of ours.
        selector.map_or(Self::No, |Selector(selector)| Self::Signs(selector, file.to_owned()))
    }
}
