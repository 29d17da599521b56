//! The time of day as an input: told to the engine at the start, when it steps by more than a second, when trust in it
//! or the zone's offset changes, and every five minutes.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use campanile_core::input::Input;
use campanile_core::runner::Message;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use super::intake::Intake;
use super::lines::now;

/// Told again after so long even if nothing happened: two clocks drift apart.
const EVERY: Duration = Duration::from_secs(300);

/// While nobody has set the clock, it is looked at this often: the kernel does not tell when that happens.
const UNTRUSTED_EVERY: Duration = Duration::from_secs(15);

/// A smaller step is the daemon of the time service at work.
const STEP_US: i64 = 1_000_000;

/// The time of day at a moment of the loop's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Microseconds since 1970.
    pub unix: i64,
    /// Seconds that local time is ahead of UTC.
    pub offset: i32,
    /// The kernel says that it is synchronised.
    pub trusted: bool,
    /// The same moment in the loop's time.
    pub monotonic: i64,
}

impl Sample {
    /// Looks at the clocks.
    pub fn take(zone: &TimeZone) -> Self {
        let time = Timestamp::now();
        Self {
            unix: time.as_microsecond(),
            offset: zone.to_offset(time).seconds(),
            trusted: synchronised(),
            monotonic: i64::try_from(now().micros()).unwrap_or(i64::MAX),
        }
    }

    /// As the engine takes it.
    pub const fn input(&self) -> Input {
        let Self { unix, offset, trusted, .. } = *self;
        Input::Clock { unix, offset, trusted }
    }

    /// Whether somebody who knows `self` has to be told `later`.
    fn is_outdated_by(&self, later: &Self) -> bool {
        let step = (later.unix - self.unix) - (later.monotonic - self.monotonic);
        step.abs() > STEP_US || (self.offset, self.trusted) != (later.offset, later.trusted)
    }
}

/// Whether the kernel's clock is kept by a time service.
fn synchronised() -> bool {
    // SAFETY: all zeros is a valid `timex`: integers only.
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `state` is valid for the call and no longer; with no modes set, the call only reads the clock.
    let result = unsafe { libc::adjtimex(&raw mut state) };
    result >= 0 && state.status & libc::STA_UNSYNC == 0
}

/// Tells the engine the time of day, for ever. `told` is what it knows.
pub async fn keep(intake: Intake, zone: TimeZone, mut told: Sample) {
    let steps = StepWatch::new()
        .inspect_err(|error| tracing::warn!("steps of the clock are seen late: {error}"))
        .ok();
    let mut since_told = tokio::time::Instant::now();
    loop {
        let mut pause = if told.trusted { EVERY } else { UNTRUSTED_EVERY };
        if let Some(change) = zone.following(Timestamp::now()).next() {
            let left = Timestamp::now().duration_until(change.timestamp());
            pause =
                pause.min(Duration::try_from(left).unwrap_or(EVERY).saturating_add(Duration::from_millis(1)));
        }
        match &steps {
            Some(steps) => {
                // A wake-up without a step is a look too many, no more.
                let _ = tokio::time::timeout(pause, steps.stepped()).await;
            }
            None => tokio::time::sleep(pause).await,
        }
        let sample = Sample::take(&zone);
        if told.is_outdated_by(&sample) || since_told.elapsed() >= EVERY {
            intake.send(Message::Input(sample.input())).await;
            (told, since_told) = (sample, tokio::time::Instant::now());
        }
    }
}

/// A timer far in the future that the kernel cancels when somebody sets the clock.
struct StepWatch(AsyncFd<OwnedFd>);

impl StepWatch {
    fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        arm(&timer)?;
        // SAFETY: the `OwnedFd` inside gives the same open descriptor until the `AsyncFd` is dropped.
        Ok(Self(unsafe { AsyncFd::register_with_interest(timer, tokio::io::Interest::READABLE) }?))
    }

    /// Resolves when the clock was set.
    async fn stepped(&self) {
        let Ok(mut ready) = self.0.readable().await else { return std::future::pending().await };
        // The read says that the timer was cancelled; it has to be armed anew.
        let _ = rustix::io::read(self.0.get_ref(), &mut [0; 8]);
        ready.clear_ready();
        if let Err(error) = arm(self.0.get_ref()) {
            tracing::warn!("steps of the clock are seen late: {error}");
        }
    }
}

fn arm(timer: &OwnedFd) -> io::Result<()> {
    let never = Timespec { tv_sec: i64::from(i32::MAX) * 8, tv_nsec: 0 };
    let when = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: never };
    timerfd_settime(timer, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &when)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_a_change_of_trust_and_one_of_offset_are_told_and_drift_is_not() {
        let told = Sample { unix: 1_000_000_000, offset: 3600, trusted: true, monotonic: 500 };
        let later = Sample { unix: told.unix + 60_000_000, monotonic: told.monotonic + 60_000_000, ..told };
        assert!(!told.is_outdated_by(&later));
        assert!(!told.is_outdated_by(&Sample { unix: later.unix + 900_000, ..later }));
        assert!(told.is_outdated_by(&Sample { unix: later.unix - 1_000_001, ..later }));
        assert!(told.is_outdated_by(&Sample { trusted: false, ..later }));
        assert!(told.is_outdated_by(&Sample { offset: 7200, ..later }));
    }

    #[test]
    fn a_sample_has_the_time_of_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let sample = Sample::take(&zone);
        assert_eq!(sample.offset, 7200);
        assert!((Timestamp::now().as_microsecond() - sample.unix).abs() < 10_000_000);
    }
}
