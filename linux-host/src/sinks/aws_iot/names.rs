//! The names under which the house stands in the device shadow. It forgets nothing by itself: what is there of a house that
//! was another is taken out, and what the records of that time still have to tell does not bring it back.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::shadow::{self, Change};
use crate::sinks::mqtt::answers::NotTaken;

/// Those of the program, over one connection.
#[derive(Debug)]
pub(super) struct Names {
    /// None without a program: then nobody knows what there is, and a trial takes nothing out.
    known: Arc<BTreeSet<String>>,
    /// What is being taken out.
    gone: Vec<String>,
}

impl Names {
    pub(super) fn new(known: &Arc<BTreeSet<String>>) -> Self {
        Self { known: Arc::clone(known), gone: Vec::new() }
    }

    /// The change that takes out what is reported and of nothing that the program has, if anything is.
    pub(super) fn clear(&mut self, mut reported: Vec<String>) -> Option<String> {
        reported.retain(|name| !self.known.contains(name));
        self.gone = if self.known.is_empty() { Vec::new() } else { reported };
        (!self.gone.is_empty()).then(|| shadow::clear(&self.gone))
    }

    /// What became of a change, if it was that one.
    pub(super) fn cleared(&self, token: &str, answer: Result<(), &NotTaken>) {
        if !token.starts_with(shadow::CLEAR) {
            return;
        }
        let gone = self.gone.join(", ");
        match answer {
            Ok(()) => tracing::info!("the device shadow is rid of what the house has no more: {gone}"),
            Err(why) => {
                tracing::warn!("what the house has no more stays in the device shadow ({gone}): {why:?}")
            }
        }
    }

    /// Takes out of a change what it reports of names that the program does not have: its record may be of an earlier one.
    /// Whether anything is left that the shadow has to know.
    pub(super) fn keep(&self, payload: &mut String) -> bool {
        if self.known.is_empty() {
            return true;
        }
        let Some(Change { mut reported, desired, token }) = Change::of(payload) else { return true };
        let before = reported.len();
        // What is null is taken out, of whatever it was.
        reported.retain(|name, value| value.is_null() || self.known.contains(name));
        if reported.len() < before {
            let desired = desired.filter(|desired| !desired.is_empty());
            if desired.is_none() && reported.is_empty() {
                return false;
            }
            let json = |map: Map<String, Value>| Value::from(map).to_string();
            *payload = shadow::update(&json(reported), desired.map(json).as_deref(), &token);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(known: &[&str]) -> Names {
        Names::new(&Arc::new(known.iter().map(|name| (*name).to_owned()).collect()))
    }

    #[test]
    fn what_the_program_has_no_more_is_taken_out() {
        let reported = || vec!["door".to_owned(), "gate".to_owned(), "quiet".to_owned()];
        assert_eq!(
            names(&["gate"]).clear(reported()).unwrap(),
            r#"{"state":{"reported":{"door":null,"quiet":null}},"clientToken":"gone"}"#
        );
        assert_eq!(names(&["door", "gate", "quiet"]).clear(reported()), None);
        assert_eq!(names(&[]).clear(reported()), None, "nobody knows what there is");
    }

    #[test]
    fn a_record_of_an_earlier_program_brings_no_name_back() {
        let keep = |reported: &str, desired: Option<&str>| {
            let mut payload = shadow::update(reported, desired, "5-9f3c21aa.1042");
            names(&["gate", "lamp"]).keep(&mut payload).then_some(payload)
        };
        let as_it_is = |reported, desired| Some(shadow::update(reported, desired, "5-9f3c21aa.1042"));
        let same = r#"{"lamp":"on"}"#;
        assert_eq!(keep(same, None), as_it_is(same, None));
        assert_eq!(keep(r#"{"door":"open"}"#, None), None, "nothing is left");
        assert_eq!(keep(r#"{"door":"open","gate":"open"}"#, None), as_it_is(r#"{"gate":"open"}"#, None));
        let ends = Some(r#"{"door":null}"#);
        assert_eq!(keep(r#"{"door":"open"}"#, ends), as_it_is("{}", ends), "a wish ends all the same");
        let takes = r#"{"door":null,"gate":"open"}"#;
        assert_eq!(keep(takes, None), as_it_is(takes, None), "what it takes out is no name that comes back");
        let mut payload = shadow::update(r#"{"door":"open"}"#, None, "t");
        assert!(names(&[]).keep(&mut payload), "a trial knows no names");
    }

    #[test]
    fn a_change_that_has_been_kept_is_numbered_as_any() {
        let mut payload = shadow::update(r#"{"door":"open","gate":"open"}"#, None, "5-9f3c21aa.1042");
        assert!(names(&["gate"]).keep(&mut payload));
        assert_eq!(shadow::number(&mut payload, 7), "5-9f3c21aa.1042.7");
        assert!(payload.ends_with(r#","clientToken":"5-9f3c21aa.1042.7"}"#), "{payload}");
    }
}
