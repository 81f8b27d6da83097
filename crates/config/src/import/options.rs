//! The options in a file: lines of a name and a value, or the command lines of an init script.

use crate::fault::Source;

/// One option.
#[derive(Clone, Debug)]
pub(super) struct Setting<'a> {
    pub(super) file: &'a Source,
    pub(super) line: usize,
    pub(super) name: String,
    /// Without the blanks around it; empty for a flag.
    pub(super) value: String,
    /// Whether the words around it say which listener is meant.
    pub(super) role: Option<Role>,
}

/// Which listener is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Outbound,
    Inbound,
}

impl Setting<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// As both programs read it; a flag on a command line is on.
    pub(super) fn is_on(&self) -> bool {
        matches!(self.value.to_ascii_lowercase().as_str(), "" | "1" | "yes" | "y" | "true" | "t" | "on")
    }
}

/// The options of a file of either form.
pub(super) fn settings(file: &Source) -> Vec<Setting<'_>> {
    if is_script(&file.text) { command_lines(file) } else { plain(file) }
}

fn is_script(text: &str) -> bool {
    text.starts_with("#!")
        || text.lines().any(|line| line.contains("--") && !line.trim_start().starts_with('#'))
}

fn plain(file: &Source) -> Vec<Setting<'_>> {
    let setting = |(line, text): (usize, &str)| {
        let text = text.trim();
        if text.starts_with([';']) {
            return None;
        }
        let comment = text.match_indices('#').find(|(at, _)| text[..*at].ends_with(char::is_whitespace));
        let text =
            if text.starts_with('#') { "" } else { comment.map_or(text, |(at, _)| text[..at].trim_end()) };
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, value) = text.split_at(end);
        // `name value`, `name = value` or `name: value`.
        let value = value.trim_start();
        let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim_start();
        (!name.is_empty()).then(|| Setting {
            file,
            line,
            name: name.to_owned(),
            value: value.to_owned(),
            role: None,
        })
    };
    (1..).zip(file.text.lines()).filter_map(setting).collect()
}

/// The options in the commands and variables of a script. Its variables are put in where they are plain.
fn command_lines(file: &Source) -> Vec<Setting<'_>> {
    let mut settings = Vec::new();
    let mut role = None;
    let mut open_quote = false;
    let variables = variables(&file.text);
    for (line, text) in (1..).zip(file.text.lines()) {
        let text = text.trim();
        if text.starts_with('#') {
            continue;
        }
        // An assignment that goes on over several lines, or a command with `\` at its end, keeps its role.
        if !open_quote {
            role = role_of(text);
        }
        let quotes = text.matches('"').count() % 2 == 1;
        open_quote = (open_quote != quotes) || text.ends_with('\\');
        let mut words = words(text).into_iter().peekable();
        while let Some(word) = words.next() {
            let Some(option) = word.strip_prefix("--").filter(|option| !option.is_empty()) else { continue };
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, value),
                // The value may be the next word; addresses at the end are not.
                None if is_flag(option) => (option, ""),
                None => (option, words.next_if(|next| !next.starts_with("--")).unwrap_or_default()),
            };
            let value = expand(value, &variables);
            settings.push(Setting { file, line, name: name.replace('-', "_"), value, role });
        }
        settings.extend(positions(file, line, text, role));
    }
    settings
}

/// The words of a line of a script. Parentheses hold together what is in them.
fn words(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let words = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (c.is_whitespace() && depth == 0) || matches!(c, '"' | '\'' | ';')
    });
    words.filter(|word| !word.is_empty() && *word != "\\").collect()
}

/// The options of DKIMproxy's that have no value.
fn is_flag(name: &str) -> bool {
    matches!(
        name.replace('-', "_").as_str(),
        "daemonize" | "background" | "setsid" | "reject_fail" | "reject_error" | "debugtrace" | "help"
    )
}

/// `LISTEN RELAY` at the end of a command.
fn positions<'a>(file: &'a Source, line: usize, text: &str, role: Option<Role>) -> Vec<Setting<'a>> {
    let is_address = |word: &&str| {
        let port = word.rsplit_once(':').map(|(_, port)| port.parse::<u16>().is_ok());
        port == Some(true) && !word.contains('=')
    };
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
    let addresses: Vec<&str> = words.into_iter().filter(is_address).collect();
    let [listen, relay] = addresses.as_slice() else { return Vec::new() };
    let setting = |name: &str, value: &str| Setting {
        file,
        line,
        name: name.to_owned(),
        value: value.to_owned(),
        role,
    };
    vec![setting("listen", listen), setting("relay", relay)]
}

fn role_of(text: &str) -> Option<Role> {
    let word = text.split(['=', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    let is = |name: &str| {
        text.contains(&format!("dkimproxy.{name}"))
            || word.contains(&format!("_{name}"))
            || word.contains(&format!("dkim{name}"))
    };
    match (is("out"), is("in")) {
        (true, false) => Some(Role::Outbound),
        (false, true) => Some(Role::Inbound),
        _ => None,
    }
}

/// The variables of a script that are set to one word.
fn variables(text: &str) -> Vec<(&str, &str)> {
    let assignment = |line: &'_ str| -> Option<(usize, usize)> {
        let (name, value) = line.split_once('=')?;
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let value = value.trim_matches(['"', '\'']);
        (plain && !value.contains(['`', '$', ' ', '"']) && !value.is_empty())
            .then_some((name.len(), value.len()))
    };
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some((name, length)) = assignment(line) {
            let value = line[name + 1..].trim_start_matches(['"', '\'']);
            found.push((&line[..name], &value[..length]));
        }
    }
    found
}

fn expand(value: &str, variables: &[(&str, &str)]) -> String {
    let mut text = value.to_owned();
    for (name, content) in variables {
        text = text.replace(&format!("${{{name}}}"), content);
        let plain = format!("${name}");
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_';
        while let Some((at, _)) =
            text.match_indices(&plain).find(|(at, _)| !text[at + plain.len()..].starts_with(goes_on))
        {
            text.replace_range(at..at + plain.len(), content);
        }
    }
    text
}
