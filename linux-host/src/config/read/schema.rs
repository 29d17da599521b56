//! Pieces of a JSON Schema.

use serde_json::{Map, Value, json};

use super::{Definitions, KIND};

/// The schema of one key.
pub fn property(schema: Value, doc: &str, default: Option<Value>) -> Value {
    let mut object = match schema {
        Value::Object(object) if !object.contains_key("$ref") => object,
        reference => Map::from_iter([("allOf".to_owned(), json!([reference]))]),
    };
    let doc = doc.trim();
    if !doc.is_empty() {
        object.insert("description".to_owned(), doc.into());
    }
    if let Some(default) = default {
        object.insert("default".to_owned(), default);
    }
    Value::Object(object)
}

/// A reference to a definition, which is made if it is not there yet.
pub fn definition(
    name: &'static str,
    definitions: &mut Definitions,
    make: impl FnOnce(&mut Definitions) -> Value,
) -> Value {
    if !definitions.contains_key(name) {
        // Present before it is made: a definition may contain itself.
        definitions.insert(name, Value::Null);
        let made = make(definitions);
        definitions.insert(name, made);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Adds `kind` to the definition of one variant.
pub fn add_kind(definitions: &mut Definitions, name: &str, word: &str, default: bool) {
    add_key(definitions, name, KIND[0], &json!({ "const": word }), !default);
}

/// Adds a key that must be there to all tables of a choice.
pub fn add_to_each(definitions: &mut Definitions, choice: &Value, key: &str, schema: &Value) {
    let name = |reference: &Value| {
        let path = reference.get("$ref").and_then(Value::as_str).unwrap_or_default();
        path.trim_start_matches("#/$defs/").to_owned()
    };
    let tables = definitions.get(name(choice).as_str()).and_then(|choice| choice.get("anyOf"));
    let tables: Vec<_> = tables.and_then(Value::as_array).into_iter().flatten().map(name).collect();
    for table in tables {
        add_key(definitions, &table, key, schema, true);
    }
}

fn add_key(definitions: &mut Definitions, name: &str, key: &str, schema: &Value, required: bool) {
    let Some(Value::Object(table)) = definitions.get_mut(name) else { return };
    if let Some(Value::Object(properties)) = table.get_mut("properties") {
        properties.insert(key.to_owned(), schema.clone());
    }
    if let (true, Some(Value::Array(keys))) = (required, table.get_mut("required")) {
        keys.push(key.into());
    }
}
