//! Forms in JSON and YAML: Route 53, Cloudflare, PowerDNS, octoDNS.

use super::read::{Found, ReadError, strings_of};
use crate::key::record::Publication;
use serde_json::{Map, Value, json};

/// A change batch.
pub(super) fn route53(record: &Publication, ttl: u32) -> String {
    pretty(&json!({
        "Comment": format!("DKIM key {}", record.name()),
        "Changes": [{
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": format!("{}.", record.name()),
                "Type": "TXT",
                "TTL": ttl,
                "ResourceRecords": [{ "Value": record.strings() }],
            },
        }],
    }))
}

/// One DNS record.
pub(super) fn cloudflare(record: &Publication, ttl: u32) -> String {
    pretty(&json!({
        "type": "TXT",
        "name": record.name().as_str(),
        "content": record.strings(),
        "ttl": ttl,
    }))
}

/// One set of records.
pub(super) fn powerdns(record: &Publication, ttl: u32) -> String {
    pretty(&json!({
        "rrsets": [{
            "name": format!("{}.", record.name()),
            "type": "TXT",
            "ttl": ttl,
            "changetype": "REPLACE",
            "records": [{ "content": record.strings(), "disabled": false }],
        }],
    }))
}

/// One name of a zone. octoDNS wants semicolons escaped, and splits the text by itself.
pub(super) fn octodns(record: &Publication, ttl: u32) -> String {
    let text = record.text().replace(';', "\\;").replace('\'', "''");
    format!("{}:\n  ttl: {ttl}\n  type: TXT\n  value: '{text}'", record.relative_name())
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// Finds TXT records anywhere in JSON of these forms.
pub(super) fn read_json(text: &str) -> Result<Vec<Found>, ReadError> {
    let value: Value = serde_json::from_str(text).map_err(|error| ReadError::Json(error.to_string()))?;
    let mut found = Vec::new();
    collect(&value, &mut found)?;
    Ok(found)
}

fn collect(value: &Value, found: &mut Vec<Found>) -> Result<(), ReadError> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, found)),
        Value::Object(object) if is_txt(object) => {
            let name = field(object, "name").and_then(Value::as_str).map(str::to_owned);
            for content in contents(object) {
                found.push(Found { name: name.clone(), text: strings_of(content)? });
            }
            Ok(())
        }
        Value::Object(object) => object.values().try_for_each(|inner| collect(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// A member, whatever the case of its name: Route 53 writes `Name` where others write `name`.
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn is_txt(object: &Map<String, Value>) -> bool {
    field(object, "type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("TXT"))
}

/// The texts of a record or of a set of them.
fn contents(object: &Map<String, Value>) -> Vec<&str> {
    let mut texts = Vec::new();
    for name in ["content", "value", "values", "records", "resourcerecords"] {
        match field(object, name) {
            Some(Value::Array(items)) => {
                for item in items {
                    let inner = item
                        .as_object()
                        .and_then(|item| field(item, "content").or_else(|| field(item, "value")));
                    texts.extend(inner.unwrap_or(item).as_str());
                }
            }
            Some(value) => texts.extend(value.as_str()),
            None => {}
        }
    }
    texts
}

/// Reads a zone of octoDNS: each name has a record, or a list of them.
pub(super) fn read_octodns(text: &str) -> Result<Vec<Found>, ReadError> {
    let zone: Map<String, Value> =
        serde_saphyr::from_str(text).map_err(|error| ReadError::Yaml(error.to_string()))?;
    let mut found = Vec::new();
    for (name, entry) in &zone {
        let records = entry.as_array().map_or(std::slice::from_ref(entry), Vec::as_slice);
        for record in records.iter().filter_map(Value::as_object).filter(|record| is_txt(record)) {
            found.extend(
                contents(record).into_iter().map(|text| Found {
                    name: Some(name.clone()),
                    text: text.replace("\\;", ";").into_bytes(),
                }),
            );
        }
    }
    Ok(found)
}
