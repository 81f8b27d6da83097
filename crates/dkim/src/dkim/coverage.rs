//! Which names stand in `h=` (RFC 6376 §5.4).

use crate::fields::FieldIndex;
use crate::request::{FieldNames, FieldSelection, OVERSIGNED, Oversign};
use std::iter::repeat_n;

/// The names for `h=`, in their order.
pub(super) fn names(selection: &FieldSelection, index: &FieldIndex) -> Vec<String> {
    let mut names: Vec<&str> = match &selection.names {
        FieldNames::Exactly(names) => names.iter().map(String::as_str).collect(),
        FieldNames::Present(names) => present(names, index),
    };
    for name in oversigned(selection) {
        let there = index.places(name).len();
        if selection.oversign == Oversign::Present && name != "From" && there == 0 {
            continue;
        }
        let missing = (there + 1).saturating_sub(count(&names, name));
        names.extend(repeat_n(name, missing));
    }
    names.into_iter().map(str::to_owned).collect()
}

/// Each name once for each of its fields.
fn present<'a>(selected: &'a [String], index: &FieldIndex) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in selected {
        let there = index.places(name).len();
        // Whoever names one twice means it once.
        if there > 0 && count(&names, name) == 0 {
            names.extend(repeat_n(name.as_str(), there));
        }
    }
    names
}

/// The names to be oversigned, From first.
fn oversigned(selection: &FieldSelection) -> Vec<&str> {
    let exact = matches!(selection.names, FieldNames::Exactly(_));
    let mut names: Vec<&str> = match &selection.oversign {
        Oversign::From => Vec::new(),
        Oversign::Present | Oversign::Always => OVERSIGNED.to_vec(),
        Oversign::Names(names) => names.iter().map(String::as_str).collect(),
    };
    let given = exact && matches!(selection.oversign, Oversign::Names(_));
    if !given && count(&names, "From") == 0 {
        names.insert(0, "From");
    }
    names
}

fn count(names: &[&str], wanted: &str) -> usize {
    names.iter().filter(|name| name.eq_ignore_ascii_case(wanted)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::Header;

    fn h(names: FieldNames, oversign: Oversign) -> String {
        let header =
            Header::parse(b"Received: 1\r\nfrom: a@a.example\r\nto: b\r\nTo: c\r\nSubject: x\r\n".to_vec());
        let index = FieldIndex::new(&header);
        super::names(&FieldSelection { names, oversign }, &index).join(":")
    }

    fn list<L: FromIterator<String>>(names: &str) -> L {
        names.split(':').map(String::from).collect()
    }

    #[test]
    fn all_that_are_present() {
        let present = |oversign| h(FieldNames::Present(list("From:To:Cc:Subject:to")), oversign);
        assert_eq!(present(Oversign::From), "From:To:To:Subject:From");
        assert_eq!(present(Oversign::Present), "From:To:To:Subject:From:To:Subject");
        assert_eq!(
            present(Oversign::Always),
            "From:To:To:Subject:From:To:Cc:Subject:Date:Reply-To:Message-ID:Content-Type:MIME-Version"
        );
        assert_eq!(present(Oversign::Names(list("Cc"))), "From:To:To:Subject:From:Cc");
    }

    #[test]
    fn exactly_what_was_given() {
        let exactly = |names, oversign| h(FieldNames::Exactly(list(names)), oversign);
        assert_eq!(exactly("subject:FROM:x:x", Oversign::Names(Vec::new())), "subject:FROM:x:x");
        assert_eq!(
            exactly("from:to", Oversign::Names(list("from:to:subject"))),
            "from:to:from:to:to:subject:subject"
        );
        assert_eq!(exactly("from:from:from", Oversign::From), "from:from:from");
    }
}
