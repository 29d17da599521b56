//! `quota`: what does not go together with it.

use campanile_core::time::Duration;

use crate::config::file::{Beat, Link, Quota};
use crate::config::read::{At, Report};
use crate::config::scalar::duration_text;
use crate::config::source::Diagnostic;

/// A heartbeat is a delivery as any other: one that takes all of them leaves nothing for what happens.
pub(super) fn check_heartbeat(quota: Option<Quota>, heartbeat: Option<&At<Beat>>, report: &mut Report<'_>) {
    let (Some(Quota(rate)), Some(beat)) = (quota, heartbeat) else { return };
    let every = beat.value.0;
    let period = u64::try_from(rate.period.as_micros()).unwrap_or(u64::MAX);
    let beats = period / every.micros().max(1);
    if beats < rate.count as u64 {
        return;
    }
    let period = duration_text(Duration::from_micros(period));
    report.push(
        Diagnostic::error(beat.span.clone(), "the heartbeat alone uses up the quota")
            .label(format!("{beats} in {period}, of {} that may go out", rate.count))
            .help("a longer `heartbeat`, or none here and one on a sink without a quota"),
    );
}

/// What a quota gathers goes to one address, that of the last message.
pub(super) fn check_address(quota: Option<Quota>, address: &At<Link>, report: &mut Report<'_>) {
    let template = &address.value.template;
    let Some(place) = ["name", "kind"].into_iter().find(|place| template.has(place)) else { return };
    if quota.is_none() || address.is_broken() {
        return;
    }
    report.push(
        Diagnostic::warning(address.span.clone(), format!("{{{place}}} in an address, with a quota"))
            .label("what the quota gathers into one goes to the address of the last")
            .help("leave it out, or give each address a sink of its own with `only`"),
    );
}
