//! Steps of a script.

use std::ops::Range;

use campanile_core::id::Level;
use campanile_core::time::Duration;
use campanile_sim::script::{Action, Bounce, Command};

use super::super::file::LinkState;
use super::super::read::{At, Report, choice, table};
use super::super::scalar::{Decimal, Int, Number, Text};
use super::value::{Time, count, offset_of};

choice! {
    /// One thing that happens.
    pub enum Step("a step") {
        /// A line moves.
        "input" => Input(InputStep),
        /// A sensor's value arrives.
        "feed" => Feed(FeedStep),
        /// Somebody asks for something.
        "command" => Command(CommandStep),
        /// The power is cut and comes back.
        "restart" => Restart(RestartStep),
        /// The process dies and is started again.
        "kill" => Kill(KillStep),
        /// The process stands still.
        "stall" => Stall(StallStep),
        /// The wall clock is set.
        "clock" => Clock(ClockStep),
        /// A line does not come to rest.
        "storm" => Storm(StormStep),
        /// The kernel loses edges.
        "lose" => Lose(LoseStep),
        /// Another program takes over.
        "swap" => Swap(SwapStep),
        /// A sink or peer comes or goes.
        "link" => Link(LinkStep),
        /// The hardware refuses an output's levels from now on.
        "fail" => Fail(FailStep),
        /// The hardware takes them again.
        "heal" => Heal(HealStep),
    }
}

table! {
    /// A line moves.
    pub struct InputStep("a step of `input`") {
        /// When.
        "at" at (required): At<Duration>,
        /// Which input.
        "input" input (required): Text,
        /// Where it comes to rest.
        "to" to (required): Level,
        /// How it gets there: further edges in microseconds after the first, or "switch", "reed", "wet".
        "bounce" bounce (optional): Bounce,
    }
}

table! {
    /// A sensor's value arrives.
    pub struct FeedStep("a step of `feed`") {
        /// When.
        "at" at (required): At<Duration>,
        /// Which sensor.
        "feed" sensor (required): Text,
        /// Its value; without one it is lost.
        "value" value (optional): Decimal,
    }
}

table! {
    /// Somebody asks for something.
    pub struct CommandStep("a step of `command`") {
        /// When.
        "at" at (required): At<Duration>,
        /// For what.
        "command" command (required): CommandTable,
        /// The sender's number for it.
        "id" id (optional): Int<0, { u32::MAX as i64 }>,
        /// How long it was under way.
        "late" late (= "0s"): Duration,
    }
}

choice! {
    /// What somebody asks for.
    pub enum CommandTable("a command") {
        /// Drive an output.
        "set" => Set(SetCommand),
        /// Start a scenario.
        "start" => Start(StartCommand),
        /// End its runs.
        "stop" => Stop(StopCommand),
        /// Change a variable.
        "let" => Let(LetCommand),
        /// Play an input.
        "press" => Press(PressCommand),
    }
}

table! {
    /// Drive an output.
    pub struct SetCommand("the command `set`") {
        /// Which output.
        "set" output (required): Text,
        /// To which level.
        "to" to (required): Level,
    }
}

table! {
    /// Start a scenario.
    pub struct StartCommand("the command `start`") {
        /// Which.
        "start" scenario (required): Text,
    }
}

table! {
    /// End the runs of a scenario.
    pub struct StopCommand("the command `stop`") {
        /// Which.
        "stop" scenario (required): Text,
    }
}

table! {
    /// Change a variable.
    pub struct LetCommand("the command `let`") {
        /// Which.
        "let" variable (required): Text,
        /// To which value.
        "be" value (required): Number,
    }
}

table! {
    /// Play an input as if its line had moved.
    pub struct PressCommand("the command `press`") {
        /// Which.
        "press" input (required): Text,
        /// How long; for ever without it.
        "for" length (optional): Duration,
    }
}

table! {
    /// The power is cut and comes back.
    pub struct RestartStep("a step of `restart`") {
        /// When.
        "at" at (required): At<Duration>,
        /// How long it is off.
        "restart" off (required): Duration,
        /// Whether the node knows how long that was; if not, it waits for a trusted clock to tell.
        "known" known (= true): bool,
    }
}

table! {
    /// The process dies and is started again.
    pub struct KillStep("a step of `kill`") {
        /// When.
        "at" at (required): At<Duration>,
        /// How long it is gone.
        "kill" off (required): Duration,
    }
}

table! {
    /// The process stands still.
    pub struct StallStep("a step of `stall`") {
        /// When.
        "at" at (required): At<Duration>,
        /// How long.
        "stall" length (required): Duration,
    }
}

table! {
    /// The wall clock is set.
    pub struct ClockStep("a step of `clock`") {
        /// When.
        "at" at (required): At<Duration>,
        /// To which time, such as "2026-11-21T07:30:00Z".
        "clock" time (required): At<Time>,
        /// How far local time is ahead of UTC, such as "+01:00"; that of the time without it.
        "offset" offset (optional): At<Text>,
        /// Whether it is synchronised.
        "trusted" trusted (= true): bool,
    }
}

table! {
    /// A line does not come to rest.
    pub struct StormStep("a step of `storm`") {
        /// When.
        "at" at (required): At<Duration>,
        /// Which input.
        "storm" input (required): Text,
        /// How many edges.
        "edges" edges (required): Int<1, { u32::MAX as i64 }>,
        /// From one to the next.
        "every" every (required): Duration,
    }
}

table! {
    /// The kernel loses edges.
    pub struct LoseStep("a step of `lose`") {
        /// When.
        "at" at (required): At<Duration>,
        /// Of which input.
        "lose" input (required): Text,
        /// How many.
        "edges" edges (required): Int<1, { u32::MAX as i64 }>,
        /// Where the line comes to rest.
        "to" to (required): Level,
    }
}

table! {
    /// Another program takes over.
    pub struct SwapStep("a step of `swap`") {
        /// When.
        "at" at (required): At<Duration>,
        /// Its file, relative to this one.
        "swap" house (required): At<Text>,
    }
}

table! {
    /// A sink or peer comes or goes.
    pub struct LinkStep("a step of `link`") {
        /// When.
        "at" at (required): At<Duration>,
        /// Which.
        "link" peer (required): Text,
        /// Comes or goes.
        "to" to (required): LinkState,
    }
}

table! {
    /// The hardware refuses an output's levels from now on.
    pub struct FailStep("a step of `fail`") {
        /// When.
        "at" at (required): At<Duration>,
        /// Which output.
        "fail" output (required): Text,
    }
}

table! {
    /// The hardware takes an output's levels again.
    pub struct HealStep("a step of `heal`") {
        /// When.
        "at" at (required): At<Duration>,
        /// Which output.
        "heal" output (required): Text,
    }
}

/// Applies to the table of any step.
macro_rules! any {
    ($step:expr, $table:ident => $result:expr) => {
        match $step {
            Step::Input($table) => $result,
            Step::Feed($table) => $result,
            Step::Command($table) => $result,
            Step::Restart($table) => $result,
            Step::Kill($table) => $result,
            Step::Stall($table) => $result,
            Step::Clock($table) => $result,
            Step::Storm($table) => $result,
            Step::Lose($table) => $result,
            Step::Swap($table) => $result,
            Step::Link($table) => $result,
            Step::Fail($table) => $result,
            Step::Heal($table) => $result,
        }
    };
}

impl Step {
    /// When it happens.
    pub(super) const fn at(&self) -> &At<Duration> {
        any!(self, table => &table.at)
    }

    /// Where it stands.
    pub(super) fn span(&self) -> Range<usize> {
        any!(self, table => table.span.clone())
    }

    /// What it is to the simulator; `None` after an error.
    pub(super) fn action(self, report: &mut Report<'_>) -> Option<Action> {
        Some(match self {
            Self::Input(t) => {
                Action::Input { input: t.input, to: t.to, bounce: t.bounce.unwrap_or_default() }
            }
            Self::Feed(t) => Action::Feed { sensor: t.sensor, value: t.value.map(Decimal::to_f64) },
            Self::Command(t) => Action::Command {
                command: t.command.into(),
                id: t.id.and_then(|id| u32::try_from(id.0).ok()),
                late: t.late,
            },
            Self::Restart(t) => Action::Restart { off: t.off, known: t.known },
            Self::Kill(t) => Action::Kill { off: t.off },
            Self::Stall(t) => Action::Stall { span: t.length },
            Self::Clock(t) => {
                let Time { unix, offset } = t.time.value;
                let offset = match t.offset {
                    None => offset,
                    Some(text) => offset_of(&text, report)?,
                };
                Action::Clock { unix, offset, trusted: t.trusted }
            }
            Self::Storm(t) => Action::Storm { input: t.input, edges: count(t.edges.0), every: t.every },
            Self::Lose(t) => Action::Lose { input: t.input, edges: count(t.edges.0), to: t.to },
            Self::Swap(t) => Action::Swap { house: t.house.value },
            Self::Link(t) => Action::Link { peer: t.peer, up: t.to == LinkState::Up },
            Self::Fail(t) => Action::Hardware { output: t.output, works: false },
            Self::Heal(t) => Action::Hardware { output: t.output, works: true },
        })
    }
}

impl From<CommandTable> for Command {
    fn from(table: CommandTable) -> Self {
        match table {
            CommandTable::Set(t) => Self::Set { output: t.output, to: t.to },
            CommandTable::Start(t) => Self::Start { scenario: t.scenario },
            CommandTable::Stop(t) => Self::Stop { scenario: t.scenario },
            CommandTable::Let(t) => {
                Self::Let { variable: t.variable, value: i32::try_from(t.value.0).unwrap_or_default() }
            }
            CommandTable::Press(t) => Self::Press { input: t.input, span: t.length },
        }
    }
}
