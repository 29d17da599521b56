//! The JSON Schema of the file, from the declarations that read it.

use serde_json::{Value, json};

use super::file::House;
use super::read::{Definitions, Read};

/// The schema, for editors: completion, descriptions, defaults and checks.
pub fn schema() -> Value {
    let mut definitions = Definitions::new();
    let house = House::schema(&mut definitions);
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Campanile",
        "$defs": definitions,
    });
    if let (Some(root), Some(reference)) = (root.as_object_mut(), house.get("$ref")) {
        root.insert("$ref".to_owned(), reference.clone());
    }
    root
}
