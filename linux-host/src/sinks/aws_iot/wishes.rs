//! What is wished for through the shadow: each wish once, however often the shadow says it.
//!
//! A shadow says with every change of it what is desired and not reported, so the same wish comes again and again until it
//! is fulfilled or withdrawn. What the node reports ends the wish for it; one that comes after that is new, even if its
//! value is the same. Answers need not come in the order of the versions that they tell of.

use std::collections::HashMap;

use campanile_delivery::symbols::Symbols;
use serde_json::{Map, Value};

use crate::control::protocol::Operation;
use crate::control::switch::Switch;
use crate::sinks::arrival::{Arrival, What, Wish, number};

/// What can be wished for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settable {
    outputs: Vec<String>,
    variables: Vec<String>,
}

impl Settable {
    /// Outputs and variables of a program.
    pub fn of(symbols: &Symbols) -> Self {
        let outputs = symbols.outputs.iter().map(|output| output.name.clone()).collect();
        Self { outputs, variables: symbols.variables.clone() }
    }

    fn operation(&self, name: &str, value: &Value) -> Result<Operation, String> {
        if self.outputs.iter().any(|output| output == name) {
            let to = match value {
                Value::String(word) if word == "on" => Switch::On,
                Value::String(word) if word == "off" => Switch::Off,
                Value::Bool(on) => {
                    if *on {
                        Switch::On
                    } else {
                        Switch::Off
                    }
                }
                _ => return Err(format!("{name} is \"on\" or \"off\", and not {value}")),
            };
            return Ok(Operation::Set { output: name.to_owned(), to });
        }
        if self.variables.iter().any(|variable| variable == name) {
            let number = value.as_i64().and_then(|value| i32::try_from(value).ok());
            let value =
                number.ok_or_else(|| format!("{name} is a whole number of 32 bits, and not {value}"))?;
            return Ok(Operation::Let { variable: name.to_owned(), value });
        }
        Err(format!("there is no output and no variable {name}"))
    }
}

/// The wishes that stand. At most as many as a shadow has room for.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    standing: HashMap<String, Standing>,
    /// The latest version that told of wishes.
    version: u64,
}

#[derive(Debug)]
struct Standing {
    value: Value,
    /// The latest version that had it.
    seen: u64,
}

impl Wishes {
    /// All that is desired and not reported, as of a version; those that are new.
    pub(super) fn stand(&mut self, version: u64, all: Map<String, Value>) -> Vec<(String, Value)> {
        if version < self.version {
            return Vec::new();
        }
        self.version = version;
        self.standing.retain(|name, _| all.contains_key(name));
        let mut new = Vec::new();
        for (name, value) in all {
            match self.standing.get_mut(&name) {
                Some(standing) if standing.value == value => standing.seen = version,
                _ => {
                    self.standing.insert(name.clone(), Standing { value: value.clone(), seen: version });
                    new.push((name, value));
                }
            }
        }
        new
    }

    /// A version ended these wishes. One that was seen after it is another of the same value.
    pub(super) fn end(&mut self, version: u64, names: &[String]) -> Vec<(String, Value)> {
        let mut new = Vec::new();
        for name in names {
            match self.standing.get(name) {
                Some(standing) if standing.seen > version => new.push((name.clone(), standing.value.clone())),
                Some(_) => drop(self.standing.remove(name)),
                None => {}
            }
        }
        new
    }

    /// A wish as the daemon takes it. Told twice, it is carried out once.
    pub(super) fn arrival(&self, settable: &Settable, (name, value): &(String, Value)) -> Arrival {
        let what = match settable.operation(name, value) {
            Ok(operation) => {
                let id = Some(number(&format!("shadow {} {name}", self.version)));
                What::Wish(Wish { operation, id, began: None })
            }
            Err(why) => What::Unclear(why),
        };
        Arrival { from: "the device shadow".to_owned(), what }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn names(new: &[(String, Value)]) -> Vec<&str> {
        new.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn a_wish_is_new_once_and_again_when_it_ended_between() {
        let mut wishes = Wishes::default();
        assert_eq!(names(&wishes.stand(5, all(json!({ "lamp": "on" })))), ["lamp"]);
        assert_eq!(names(&wishes.stand(6, all(json!({ "lamp": "on", "n": 1 })))), ["n"], "the lamp is known");
        assert_eq!(names(&wishes.stand(7, all(json!({ "lamp": "off", "n": 1 })))), ["lamp"], "another value");
        assert_eq!(names(&wishes.stand(6, all(json!({ "lamp": "on" })))), [""; 0], "what was before");
        assert_eq!(names(&wishes.end(8, &["lamp".into(), "other".into()])), [""; 0]);
        assert_eq!(
            names(&wishes.stand(9, all(json!({ "lamp": "off", "n": 1 })))),
            ["lamp"],
            "wished for anew"
        );
        assert_eq!(names(&wishes.stand(10, all(json!({ "n": 1 })))), [""; 0], "withdrawn");
        assert_eq!(names(&wishes.stand(11, all(json!({ "lamp": "off", "n": 1 })))), ["lamp"]);
    }

    #[test]
    fn an_end_that_is_told_late_ends_only_what_was_before_it() {
        let mut wishes = Wishes::default();
        wishes.stand(5, all(json!({ "lamp": "on" })));
        // The report ended it with version 6, and it was wished for again with version 7, of which we hear first.
        assert_eq!(names(&wishes.stand(7, all(json!({ "lamp": "on" })))), [""; 0]);
        assert_eq!(names(&wishes.end(6, &["lamp".into()])), ["lamp"], "the second wish");
        assert_eq!(names(&wishes.end(8, &["lamp".into()])), [""; 0]);
    }

    #[test]
    fn a_wish_says_what_to_do_or_why_not() {
        let settable = Settable { outputs: vec!["lamp".into()], variables: vec!["quiet".into()] };
        let wishes = Wishes::default();
        let what = |name: &str, value: Value| wishes.arrival(&settable, &(name.into(), value)).what;
        let asked = |what: What| match what {
            What::Wish(wish) => Ok(wish.operation),
            What::Unclear(why) => Err(why),
            What::Lost(_) => Err("lost".into()),
        };
        let set = |to| Operation::Set { output: "lamp".into(), to };
        assert_eq!(asked(what("lamp", json!("on"))), Ok(set(Switch::On)));
        assert_eq!(asked(what("lamp", json!(false))), Ok(set(Switch::Off)));
        assert_eq!(
            asked(what("quiet", json!(-1))),
            Ok(Operation::Let { variable: "quiet".into(), value: -1 })
        );
        for (name, value, words) in [
            ("lamp", json!("up"), "\"on\" or \"off\""),
            ("quiet", json!(1.5), "whole number"),
            ("quiet", json!(1_u64 << 40), "whole number"),
            ("door", json!("open"), "no output and no variable door"),
        ] {
            assert!(asked(what(name, value)).unwrap_err().contains(words), "{name}");
        }
    }
}
