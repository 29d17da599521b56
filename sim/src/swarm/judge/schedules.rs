//! Schedules: each `at` and `cron` comes at its moments of the wall clock, each moment once, and never while the clock is not
//! trusted. A clock that is set a little neither repeats a moment nor leaves one out; what fell into a stall comes once.

use campanile_core::id::TriggerId;
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::{Duration, Instant};

use crate::swarm::plan::ZonePlan;
use crate::swarm::rules::Rules;
use crate::swarm::tape::Entry;

/// A clock set by less than this went wrong a little, in microseconds: core/SEMANTICS.md.
const A_LITTLE: u64 = 3_600_000_000;
/// What has been due for longer than this is missing.
const MISSING: Duration = Duration::from_secs(2);

/// What the last `Clock` said.
#[derive(Clone, Copy, Debug)]
struct Clock {
    at: Instant,
    unix: i64,
    trusted: bool,
}

impl Clock {
    /// Microseconds since 1970.
    const fn unix_at(&self, now: Instant) -> i64 {
        self.unix.saturating_add_unsigned(now.since(self.at).micros())
    }

    const fn second_at(&self, now: Instant) -> i64 {
        self.unix_at(now).div_euclid(1_000_000)
    }
}

/// What is known of the wall clock of a process, and what was due by it.
#[derive(Default)]
pub(in crate::swarm) struct Schedules {
    clock: Option<Clock>,
    /// Moments up to this second are over, for each trigger.
    over_s: Vec<i64>,
    /// The loop has told of a stall up to here.
    stalled: Instant,
    /// Records were lost, and nobody knows what they said.
    blind: bool,
    /// The local time.
    zone: ZonePlan,
}

impl Schedules {
    /// Of a process that starts in this zone.
    pub(in crate::swarm) fn new(zone: &ZonePlan) -> Self {
        Self { zone: zone.clone(), ..Self::default() }
    }

    pub(in crate::swarm) fn see(&mut self, entry: &Entry, rules: &Rules) -> Result<(), String> {
        match entry.record {
            None => self.blind = true,
            Some(Record::Input(Input::Clock { unix, trusted, .. })) => {
                self.set(Clock { at: entry.at, unix, trusted }, rules);
            }
            Some(Record::Input(Input::Install { .. })) => self.swap(entry.at, rules),
            Some(Record::Input(Input::Stall { until })) => self.stalled = until,
            Some(Record::Input(Input::Tick { trigger })) if !self.blind => {
                return self.tick(entry.at, trigger, rules);
            }
            _ => {}
        }
        Ok(())
    }

    fn set(&mut self, clock: Clock, rules: &Rules) {
        let before = self.clock.replace(clock).filter(|before| before.trusted);
        let a_little = before.is_some_and(|before| before.unix_at(clock.at).abs_diff(clock.unix) < A_LITTLE);
        if !a_little {
            // A moment that is just now is still to come.
            let over = clock.unix.saturating_sub(1).div_euclid(1_000_000);
            self.over_s = vec![over; rules.schedules.len()];
        }
    }

    /// Another program begins now: what it would have done before is no business of its.
    fn swap(&mut self, at: Instant, rules: &Rules) {
        let now = self.clock.map_or(i64::MIN, |clock| clock.second_at(at));
        let over = self.over_s.iter().copied().fold(now, i64::max);
        self.over_s = vec![over; rules.schedules.len()];
    }

    /// The next moment of a trigger, in seconds since 1970.
    fn next(&self, trigger: usize, rules: &Rules) -> Option<i64> {
        let schedule = rules.schedules.get(trigger).copied().flatten()?;
        let over = self.over_s.get(trigger)?;
        schedule.next_after(*over, &self.zone.table())
    }

    fn tick(&mut self, at: Instant, trigger: TriggerId, rules: &Rules) -> Result<(), String> {
        let Some(clock) = self.clock.filter(|clock| clock.trusted) else {
            return Err(format!("{trigger:?} comes at {} us, and the clock is not trusted", at.micros()));
        };
        let (now, next) = (clock.second_at(at), self.next(trigger.index(), rules));
        if next.is_none_or(|next| next > now) {
            return Err(format!(
                "{trigger:?} comes at {} us, when the clock shows {now} s, and its next moment is {next:?}",
                at.micros()
            ));
        }
        if let Some(over) = self.over_s.get_mut(trigger.index()) {
            *over = clock.second_at(at.max(self.stalled));
        }
        Ok(())
    }

    /// Nothing that was due is missing: the loop has had its turn by `now`.
    pub(in crate::swarm) fn check(&self, now: Instant, rules: &Rules) -> Result<(), String> {
        let Some(clock) = self.clock.filter(|clock| clock.trusted && !self.blind) else { return Ok(()) };
        let due_at = now.minus(MISSING);
        if due_at < clock.at {
            return Ok(());
        }
        let due = clock.second_at(due_at);
        let mut triggers = 0..rules.schedules.len();
        let missing = triggers.find_map(|trigger| {
            let next = self.next(trigger, rules)?;
            (next <= due).then_some((trigger, next))
        });
        missing.map_or(Ok(()), |(trigger, next)| {
            Err(format!(
                "trigger {trigger} was due when the clock showed {next} s, and has not come by {} us",
                now.micros()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::calendar::Schedule;

    use super::*;

    /// Saturday, 21 November 2026, 07:00 UTC.
    const SEVEN_S: i64 = 1_795_244_400;

    fn rules() -> Rules {
        let half_past = Schedule::at(7, 30, 0, Schedule::ALL_WEEKDAYS);
        let mut rules = Rules::default();
        rules.schedules.push(Some(half_past));
        rules
    }

    /// At these seconds of the node's clock: the clock shows so much past seven, or the trigger comes.
    fn life(steps: &[(u64, Option<i64>)]) -> Result<Schedules, String> {
        let mut schedules = Schedules::default();
        for (at, clock) in steps {
            let input = clock.map_or(Input::Tick { trigger: TriggerId(0) }, |past| Input::Clock {
                unix: (SEVEN_S + past) * 1_000_000,
                offset: 0,
                trusted: true,
            });
            schedules
                .see(&Entry::new(Instant::from_micros(at * 1_000_000), Record::Input(input)), &rules())?;
        }
        Ok(schedules)
    }

    fn check(schedules: &Schedules, at: u64) -> Result<(), String> {
        schedules.check(Instant::from_micros(at * 1_000_000), &rules())
    }

    #[test]
    fn a_moment_comes_once_and_not_before_it_is_there() {
        assert!(life(&[(0, None)]).is_err(), "nobody knows the time");
        assert!(life(&[(0, Some(0)), (1_799, None)]).is_err(), "too early");
        let on_time = life(&[(0, Some(0)), (1_800, None)]).unwrap();
        check(&on_time, 80_000).unwrap();
        assert!(life(&[(0, Some(0)), (1_800, None), (1_801, None)]).is_err(), "again");
        let set_back = [(0, Some(0)), (1_800, None), (1_810, Some(1_790)), (1_820, None)];
        assert!(life(&set_back).is_err(), "a clock that is set back a little repeats nothing");
        let far = [(0, Some(0)), (1_800, None), (1_810, Some(-7_200)), (1_810 + 9_000, None)];
        life(&far).expect("one that is set back far starts anew");
    }

    #[test]
    fn what_has_not_come_is_missing() {
        let waits = life(&[(0, Some(0))]).unwrap();
        check(&waits, 1_801).unwrap();
        assert!(check(&waits, 1_802).is_err());
        let set_on = life(&[(0, Some(0)), (10, Some(3_000))]).unwrap();
        check(&set_on, 11).expect("it was set just now");
        assert!(check(&set_on, 12).is_err(), "a clock that is set on a little leaves nothing out");
        let far = life(&[(0, Some(0)), (10, Some(9_000))]).unwrap();
        check(&far, 13).expect("one that is set on far starts anew");
    }
}
