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
        if text.is_empty() || text.starts_with(['#', ';']) {
            return None;
        }
        let (name, value) = text.split_once(|c: char| c.is_whitespace() || c == '=').unwrap_or((text, ""));
        let value = value.trim_start_matches(|c: char| c.is_whitespace() || c == '=');
        let value = value.split_once(" #").map_or(value, |(value, _)| value).trim();
        Some(Setting { file, line, name: name.to_owned(), value: value.to_owned(), role: None })
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
        for word in text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';')) {
            let Some(option) = word.strip_prefix("--") else { continue };
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = expand(value, &variables);
            settings.push(Setting { file, line, name: name.replace('-', "_"), value, role });
        }
        settings.extend(positions(file, line, text, role));
    }
    settings
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
        if text == format!("${name}") {
            (*content).clone_into(&mut text);
        }
    }
    text
}
