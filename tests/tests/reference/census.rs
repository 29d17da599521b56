//! A count of what random days hold: a kind of decision that none of them leads to would be held against nothing.

use std::collections::BTreeMap;

use campanile_core::decision::{By, Cause, Decision, Source};
use campanile_core::record::Record;

use crate::calm;
use crate::life::Life;
use crate::story::{START, draw};
use crate::tape::Tape;

/// Every kind of decision, with its reasons; without those that the check at load excludes.
const KINDS: [&str; 47] = [
    "Event Input",
    "Event Sensor lost",
    "Event Sensor known",
    "Run Started",
    "Run Queued",
    "Run Restarted",
    "Run Resumed",
    "Run by Trigger",
    "Run by Scenario",
    "Run by Command",
    "Skip Condition",
    "Skip Unknown",
    "Skip Busy",
    "Skip Value",
    "Timed out",
    "Timed out no more",
    "Wait for ever",
    "Wait limited",
    "End Done",
    "End Ended",
    "End Stopped",
    "End Fault",
    "End Reboot",
    "End Swap",
    "Set by Run",
    "Set by Command",
    "Set by Start",
    "Set by MaxOn",
    "Set by RunEnded",
    "Set by Stop",
    "Set by Fault",
    "Let",
    "Send",
    "Reply Done",
    "Reply Duplicate",
    "Reply Unknown",
    "Reply Expired",
    "Reply Refused",
    "Missed",
    "Arm",
    "Disarm",
    "Fault DivisionByZero",
    "Fault Cascade",
    "Fault AgendaFull",
    "Fault OutputFailed",
    "Fault SafetyHolds",
    "Late",
];

fn kinds(record: &Record) -> Vec<String> {
    let Record::Decision(decision) = record else {
        return vec![if record.kind() == 2 { "Late".to_owned() } else { String::new() }];
    };
    let kind = match *decision {
        Decision::Event { source: Source::Input { .. }, .. } => "Event Input".to_owned(),
        Decision::Event { value: None, .. } => "Event Sensor lost".to_owned(),
        Decision::Event { .. } => "Event Sensor known".to_owned(),
        Decision::Run { cause, how, .. } => {
            let by = match cause {
                Cause::Trigger { .. } => "Run by Trigger",
                Cause::Scenario { .. } => "Run by Scenario",
                Cause::Command { .. } => "Run by Command",
            };
            return vec![by.to_owned(), format!("Run {how:?}")];
        }
        Decision::Skip { why, .. } => format!("Skip {why:?}"),
        Decision::TimedOut { timed_out: true, .. } => "Timed out".to_owned(),
        Decision::TimedOut { .. } => "Timed out no more".to_owned(),
        Decision::Wait { left: None, .. } => "Wait for ever".to_owned(),
        Decision::Wait { .. } => "Wait limited".to_owned(),
        Decision::End { why, .. } => format!("End {why:?}"),
        Decision::Set { by: By::Run { .. }, .. } => "Set by Run".to_owned(),
        Decision::Set { by: By::Command { .. }, .. } => "Set by Command".to_owned(),
        Decision::Set { by: By::Safety { why }, .. } => format!("Set by {why:?}"),
        Decision::Let { .. } => "Let".to_owned(),
        Decision::Send { .. } => "Send".to_owned(),
        Decision::Reply { result, .. } => format!("Reply {result:?}"),
        Decision::Missed { .. } => "Missed".to_owned(),
        Decision::Arm { left: Some(_), .. } => "Arm".to_owned(),
        Decision::Arm { left: None, .. } => "Disarm".to_owned(),
        Decision::Fault { what, .. } => format!("Fault {what:?}"),
    };
    vec![kind]
}

/// Tapes that are always the same.
fn some_tapes(count: u64) -> impl Iterator<Item = Vec<u8>> {
    (1..=count).map(|seed| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let byte = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        std::iter::repeat_with(byte).take(900).collect()
    })
}

#[test]
fn every_kind_of_decision_is_drawn() {
    let mut census: BTreeMap<String, usize> = BTreeMap::new();
    for tape in some_tapes(400) {
        let (_, images, moments) = draw(&mut Tape::new(&tape));
        for (images, moments) in [(images, moments), calm::draw(&mut Tape::new(&tape))] {
            let mut life = Life::load(START, &images, 0);
            moments.iter().for_each(|moment| life.live(moment, &images));
            let records = life.records();
            let kinds = records.iter().flat_map(|(_, record)| kinds(record));
            kinds.for_each(|kind| *census.entry(kind).or_default() += 1);
        }
    }
    let missing: Vec<&str> = KINDS.into_iter().filter(|kind| !census.contains_key(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?} are in no day: {census:#?}");
}
