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
    let Some(Value::Object(table)) = definitions.get_mut(name) else { return };
    if let Some(Value::Object(properties)) = table.get_mut("properties") {
        properties.insert(KIND[0].to_owned(), json!({ "const": word }));
    }
    if let (false, Some(Value::Array(required))) = (default, table.get_mut("required")) {
        required.push(KIND[0].into());
    }
}
