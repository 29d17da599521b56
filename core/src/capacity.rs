//! Capacities: how much an engine has room for, as a type. Tiny and large engines live in one build, and the size
//! of each is known to the compiler.

use crate::calendar::Schedule;
use crate::engine::cells::{Output, Scenario, Sensor, Trigger, Variable};
use crate::scenario::run::Run;
use crate::slots::Slots;
use crate::storm::Guard;
use crate::watcher::Watcher;

/// How much an engine has room for. Made by [`capacity!`](crate::capacity!), never by hand.
pub trait Capacity: Clone + 'static {
    /// Watched lines, [`MAX_INPUTS`](crate::id::MAX_INPUTS) at most.
    type Inputs: Slots<Watcher>;
    /// The runner's storm guards, one for each input.
    type Guards: Slots<Guard>;
    /// Driven lines, [`MAX_OUTPUTS`](crate::id::MAX_OUTPUTS) at most.
    type Outputs: Slots<Output>;
    /// Named numbers.
    type Sensors: Slots<Sensor>;
    /// Variables.
    type Variables: Slots<Variable>;
    /// Triggers of all scenarios.
    type Triggers: Slots<Trigger>;
    /// Moments of `at` and `cron`.
    type Schedules: Slots<Schedule>;
    /// Scenarios.
    type Scenarios: Slots<Scenario>;
    /// Runs at the same time; every scenario needs the slots of its mode.
    type Runs: Slots<Run>;
    /// Bytes of code.
    type Code: Slots<u8>;
    /// Bytes of log.
    type Log: Slots<u8>;
}

/// Declares a [`Capacity`]:
///
/// ```
/// campanile_core::capacity! {
///     /// Fits a doorbell.
///     pub Doorbell {
///         inputs: 2, outputs: 1, sensors: 0, variables: 2, triggers: 4, schedules: 1, scenarios: 2, runs: 2,
///         code: 128, log: 512,
///     }
/// }
/// static ENGINE: campanile_core::engine::Engine<Doorbell> = campanile_core::engine::Engine::new();
/// ```
#[macro_export]
macro_rules! capacity {
    ($(#[$doc:meta])* $vis:vis $name:ident {
        inputs: $inputs:expr, outputs: $outputs:expr, sensors: $sensors:expr, variables: $variables:expr,
        triggers: $triggers:expr, schedules: $schedules:expr, scenarios: $scenarios:expr, runs: $runs:expr,
        code: $code:expr, log: $log:expr $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name;

        impl $crate::capacity::Capacity for $name {
            type Inputs = [$crate::watcher::Watcher; $inputs];
            type Guards = [$crate::storm::Guard; $inputs];
            type Outputs = [$crate::engine::cells::Output; $outputs];
            type Sensors = [$crate::engine::cells::Sensor; $sensors];
            type Variables = [$crate::engine::cells::Variable; $variables];
            type Triggers = [$crate::engine::cells::Trigger; $triggers];
            type Schedules = [$crate::calendar::Schedule; $schedules];
            type Scenarios = [$crate::engine::cells::Scenario; $scenarios];
            type Runs = [$crate::scenario::run::Run; $runs];
            type Code = [u8; $code];
            type Log = [u8; $log];
        }

        const _: () = {
            assert!($inputs <= $crate::id::MAX_INPUTS, "64 inputs at most, 32 with the feature `small`");
            assert!($outputs <= $crate::id::MAX_OUTPUTS, "64 outputs at most, 32 with the feature `small`");
            assert!($sensors <= 255 && $variables <= 255 && $triggers <= 255, "255 of each at most");
            assert!($schedules <= 255 && $scenarios <= 255 && $runs <= 254, "255 of each, 254 runs at most");
            assert!($code <= 65535, "64 KiB of code at most");
            assert!($log >= 4 * $crate::record::MAX_RECORD, "the log holds four records of any size at least");
            assert!($log % 8 == 0, "the log is given up in eighths");
        };
    };
}

#[cfg(not(feature = "small"))]
capacity! {
    /// What a Linux host has room for.
    pub Host {
        inputs: 64, outputs: 64, sensors: 64, variables: 255, triggers: 255, schedules: 64, scenarios: 255,
        runs: 254, code: 32768, log: 262144,
    }
}

capacity! {
    /// What the tests fill to the brim.
    pub Tiny {
        inputs: 4, outputs: 4, sensors: 2, variables: 4, triggers: 8, schedules: 2, scenarios: 4, runs: 4,
        code: 128, log: 512,
    }
}
