//! A zone as a JSON object.

use super::{Node, Zone, ZoneError, ZoneFault, key};
use crate::Unavailable;
use serde_json::{Map, Value};

/// Reads the whole of a JSON zone.
pub(super) fn parse(text: &[u8]) -> Result<Zone, ZoneError> {
    let names: Map<String, Value> = serde_json::from_slice(text)
        .map_err(|error| ZoneError { line: error.line(), fault: ZoneFault::Json(error.to_string()) })?;
    let nodes = names
        .iter()
        .map(|(name, value)| {
            let node = node(value).ok_or_else(|| ZoneError {
                line: line_of(text, name),
                fault: ZoneFault::JsonValue(name.clone()),
            })?;
            Ok((key(name), node))
        })
        .collect::<Result<_, ZoneError>>()?;
    Ok(Zone { nodes })
}

fn node(value: &Value) -> Option<Node> {
    match value {
        Value::Null => Some(Node::Txt(Vec::new())),
        Value::String(text) => Some(Node::Txt(vec![text.clone().into_bytes()])),
        Value::Array(texts) => texts
            .iter()
            .map(|text| Some(text.as_str()?.as_bytes().to_vec()))
            .collect::<Option<_>>()
            .map(Node::Txt),
        Value::Object(object) => match object.get("error")?.as_str()? {
            "timeout" => Some(Node::Trouble(Unavailable::Timeout)),
            "servfail" => Some(Node::Trouble(Unavailable::ServFail)),
            _ => None,
        },
        Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The line on which a name stands as it is written; the first line if escapes hide it.
fn line_of(text: &[u8], name: &str) -> usize {
    let quoted = format!("\"{name}\"");
    let at = text.windows(quoted.len()).position(|window| window == quoted.as_bytes()).unwrap_or(0);
    text[..at].split(|&byte| byte == b'\n').count()
}
