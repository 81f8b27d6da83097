//! Which names stand in `h=` (RFC 6376 §5.4).

use crate::fields::FieldIndex;
use crate::request::{FieldNames, FieldSelection, OVERSIGNED, Oversign};

/// The names for `h=`, in their order.
pub(super) fn names(selection: &FieldSelection, index: &FieldIndex) -> Vec<String> {
    let mut names = match &selection.names {
        FieldNames::Exactly(names) => names.to_vec(),
        FieldNames::Present(names) => distinct(names)
            .flat_map(|name| std::iter::repeat_n(name.clone(), index.places(name).len()))
            .collect(),
    };
    for name in oversigned(selection) {
        if selection.oversign == Oversign::Present && name != "From" && index.places(&name).is_empty() {
            continue;
        }
        let wanted = index.places(&name).len() + 1;
        let missing = wanted.saturating_sub(count(&names, &name));
        names.extend(std::iter::repeat_n(name, missing));
    }
    names
}

/// The names to be oversigned, From first.
fn oversigned(selection: &FieldSelection) -> Vec<String> {
    let exact = matches!(selection.names, FieldNames::Exactly(_));
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut names = match &selection.oversign {
        Oversign::From => Vec::new(),
        Oversign::Present | Oversign::Always => own(&OVERSIGNED),
        Oversign::Names(names) => names.clone(),
    };
    let given = exact && matches!(selection.oversign, Oversign::Names(_));
    if !given && count(&names, "From") == 0 {
        names.insert(0, "From".to_owned());
    }
    names
}

fn count(names: &[String], wanted: &str) -> usize {
    names.iter().filter(|name| name.eq_ignore_ascii_case(wanted)).count()
}

/// The names without repetitions.
fn distinct(names: &[String]) -> impl Iterator<Item = &String> {
    names.iter().enumerate().filter(|(at, name)| count(&names[..*at], name) == 0).map(|(_, name)| name)
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
