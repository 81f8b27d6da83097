//! Who logged in, as our own MTA says it in the Received field that it put on top (RFC 5321 §4.4).
//!
//! Postfix says it with `smtpd_sasl_authenticated_header = yes`, in a comment behind the client's name, and
//! OpenSMTPD with `received-auth`, in two words behind the protocol:
//!
//! ```text
//! Received: from laptop (laptop.example [192.0.2.7])
//!     (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
//!     (Authenticated sender: joe@example.org)
//!     by mail.example.org (Postfix) with ESMTPSA id 4cYx for <ann@example.net>; Fri, 27 Nov 2026 …
//! Received: from laptop (laptop.example [192.0.2.7])
//!     by mail.example.org (OpenSMTPD) with ESMTPSA id 1b2c3d (TLSv1.3:…:NO) auth=yes user=joe; Fri, …
//! ```
//!
//! A sender can write such a field as well, and has a hand in ours: in the name by which the client greets, in a TLS
//! certificate's, in the login. So the field is read strictly, a comment within a comment says nothing, and the
//! field has to be proven ours, by the queue id or by our name.

use filter::Client;
use mail::{Domain, Header};

/// The words of RFC 3848 and RFC 6531 for a client that logged in.
const AUTHENTICATED: [&str; 8] =
    ["ESMTPA", "ESMTPSA", "LMTPA", "LMTPSA", "UTF8SMTPA", "UTF8SMTPSA", "UTF8LMTPA", "UTF8LMTPSA"];

/// Whom our own MTA names in the topmost Received field; `None` if it names nobody, or if the field may be another's.
///
/// Ours is the field whose `id` is the queue id that XFORWARD IDENT tells, and whose `by` is the name given. One of
/// the two must be known, and neither may differ.
pub(super) fn login(header: &Header, client: &Client, by: Option<&Domain>) -> Option<String> {
    let (_, field) = header.named("Received").next()?;
    let trace = Trace::read(field.value())?;
    let same_id = client.ident.as_deref().map(|ident| trace.id == Some(ident));
    let same_host = by.map(|by| Domain::parse(trace.by).as_ref() == Ok(by));
    let ours = [same_id, same_host];
    if ours.contains(&Some(false)) || ours == [None, None] {
        return None;
    }
    trace.user.filter(|_| trace.authenticated).map(str::to_owned)
}

/// What a Received field says, as far as it matters here.
#[derive(Debug, Default, PartialEq)]
struct Trace<'a> {
    by: &'a str,
    id: Option<&'a str>,
    authenticated: bool,
    user: Option<&'a str>,
}

impl<'a> Trace<'a> {
    /// `from` NAME comments `by` NAME, then `via`, `with`, `id`, `for`, each once at most. Anything else is nothing.
    fn read(value: &'a [u8]) -> Option<Self> {
        let items = items(std::str::from_utf8(value).ok()?)?;
        let mut trace = Self::default();
        let mut users = Vec::new();
        let mut seen = Vec::new();
        let mut items = items.into_iter();
        (items.next()? == Item::Word("from")).then_some(())?;
        items.next().filter(|item| matches!(item, Item::Word(_)))?;
        loop {
            match items.next()? {
                Item::Comment(comment) => users.extend(comment.strip_prefix("Authenticated sender: ")),
                Item::Word("by") => break,
                Item::Word(_) => return None,
            }
        }
        let Some(Item::Word(by)) = items.next() else { return None };
        trace.by = by;
        let mut words = items.filter_map(Item::word);
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some(("user", name)) if !seen.contains(&"user") => users.push(name),
                Some(("auth", _)) => {}
                Some(_) => return None,
                None if seen.contains(&word) => return None,
                None => trace.clause(word, words.next()?)?,
            }
            seen.push(word.split_once('=').map_or(word, |(name, _)| name));
        }
        // Who is named twice is not known.
        if let [user] = users.as_slice() {
            trace.user = Some(user);
        }
        Some(trace)
    }

    fn clause(&mut self, name: &str, value: &'a str) -> Option<()> {
        match name {
            "via" | "for" => {}
            "id" => self.id = Some(value),
            "with" => {
                self.authenticated = AUTHENTICATED.iter().any(|word| word.eq_ignore_ascii_case(value));
            }
            _ => return None,
        }
        Some(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Item<'a> {
    Word(&'a str),
    /// What stands between the outermost parentheses.
    Comment(&'a str),
}

impl<'a> Item<'a> {
    fn word(self) -> Option<&'a str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Comment(_) => None,
        }
    }
}

/// The words and comments before the semicolon; `None` if it is missing, or for what cannot be read for certain.
fn items(text: &str) -> Option<Vec<Item<'_>>> {
    let mut items = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let end = match rest.chars().next()? {
            ';' => return is_folded(text).then_some(items),
            '(' => {
                let end = comment(rest)?;
                items.push(Item::Comment(&rest[1..end - 1]));
                end
            }
            _ => {
                let end = rest.find([' ', '\t', '\r', '\n', '(', ')', ';']).unwrap_or(rest.len());
                let word = &rest[..end];
                // Neither quoted strings nor backslashes stand in the fields of the two.
                (!word.is_empty() && !word.contains(['"', '\\'])).then_some(())?;
                items.push(Item::Word(word));
                end
            }
        };
        rest = &rest[end..];
    }
}

/// Whether each line end only folds, and no other control character is there.
fn is_folded(text: &str) -> bool {
    let plain = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    !plain.contains(|c: char| c.is_control() && c != '\t')
}

/// Where a comment ends. Both MTAs put a question mark in the place of a backslash that somebody else chose.
fn comment(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, octet) in text.bytes().enumerate() {
        match octet {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\\' => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTFIX: &str = "Received: from laptop (laptop.example [192.0.2.7])\r\n\
        \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n\t key-exchange X25519 (x))\r\n\
        \t(Client CN \"cn\", Issuer \"i (verified OK)\" (verified OK))\r\n\
        \t(Authenticated sender: joe@a.example)\r\n\
        \tby mail.a.example (Postfix) with ESMTPSA id 4cYx\r\n\tfor <ann@b.example>; Fri, 27 Nov 2026 10:00:00 +0000 (UTC)\r\n";
    const OPENSMTPD: &str = "Received: from laptop (laptop.example [192.0.2.7])\r\n\
        \tby mail.a.example (OpenSMTPD) with ESMTPSA id 4cYx (TLSv1.3:X:256:NO) auth=yes user=joe@a.example;\r\n\tFri, 27 Nov 2026 10:00:00 +0000 (UTC)\r\n";

    fn of(header: &str, ident: Option<&str>, by: Option<&str>) -> Option<String> {
        let client = Client { ident: ident.map(str::to_owned), ..Client::default() };
        let by = by.map(|by| Domain::parse(by).unwrap());
        login(&Header::parse(header.as_bytes().to_vec()), &client, by.as_ref())
    }

    #[test]
    fn our_own_mta_names_the_one_who_logged_in() {
        for field in [POSTFIX, OPENSMTPD] {
            for (ident, by, known) in [
                (Some("4cYx"), None, true),
                (None, Some("Mail.A.Example"), true),
                (Some("4cYx"), Some("mail.a.example"), true),
                (None, None, false),
                (Some("4cYX"), None, false),
                (Some("other"), Some("mail.a.example"), false),
                (Some("4cYx"), Some("other.example"), false),
            ] {
                assert_eq!(of(field, ident, by).is_some(), known, "{ident:?} {by:?} {field}");
            }
            assert_eq!(of(field, Some("4cYx"), None).as_deref(), Some("joe@a.example"));
        }
    }

    /// What a client has a hand in must not become the name of another.
    #[test]
    fn nobody_writes_himself_another_name() {
        let with = |old: &str, new: &str| POSTFIX.replace(old, new);
        let without = with("\t(Authenticated sender: joe@a.example)\r\n", "");
        let below = format!("{without}{POSTFIX}");
        let claim = "(Authenticated sender: boss@a.example)";
        for field in [
            without.clone(),
            // A field of the sender's own stands below ours.
            below,
            // In the greeting, the name, the certificate, the address.
            without.replace("from laptop ", &format!("from {claim} ")),
            without.replace("from laptop ", &format!("from laptop{claim} by x with ESMTPA id 4cYx; ")),
            without.replace("laptop.example [", &format!("{claim} [")),
            without.replace("CN \"cn\"", &format!("CN \"cn {claim}\"")),
            without.replace("<ann@b.example>", &format!("<ann@b.example> {claim}")),
            without.replace("<ann@b.example>", "<ann@b.example> user=boss@a.example id 4cYx"),
            without.replace("; Fri", &format!("; {claim} Fri")),
            // In the login itself.
            with("joe@a.example)", "joe@a.example) (Authenticated sender: boss@a.example)"),
            OPENSMTPD.replace("user=joe@a.example", "user=joe user=boss@a.example"),
            POSTFIX.replace("id 4cYx", "id 4cYx auth=yes user=boss@a.example"),
            // Not logged in at all, or not readable for certain.
            with("ESMTPSA", "ESMTPS"),
            with("with ESMTPSA ", ""),
            with("from laptop ", "from lap top "),
            with("(Client", "(Client \\"),
            with("(Client", ") (Client"),
            with("bits)", "bits"),
            with("id 4cYx", "id 4cYx id 4cYx"),
            with("id 4cYx", "by 4cYx"),
            with("; Fri", ", Fri"),
            with("\r\n\tby", "\n\tby"),
            with("joe@a.example", "joe\u{0}@a.example"),
            POSTFIX.replace("Received: from laptop (laptop.example [192.0.2.7])", "Received:"),
        ] {
            assert_eq!(of(&field, Some("4cYx"), Some("mail.a.example")), None, "{field}");
        }
    }
}
