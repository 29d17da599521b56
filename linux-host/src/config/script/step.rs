//! Steps of a script.

use campanile_core::id::Level;
use campanile_core::time::Duration;
use campanile_sim::script::{Action, Bounce, Command};
use serde_json::Value;

use super::super::file::LinkState;
use super::super::read::{At, Definitions, Node, Read, Report, Table, add_to_each, choice};
use super::super::scalar::{Decimal, Int, Number, Positive, Text};
use super::names::Kind;
use super::value::{Time, count, offset_of};

/// Edges of one storm: each is laid down beforehand, and takes memory.
const STORM_MAX: i64 = 100_000;

/// One thing that happens, and when.
#[derive(Clone, Debug)]
pub struct Step {
    /// When it happens.
    pub at: At<Duration>,
    /// What happens.
    pub event: Event,
}

impl Read for Step {
    const WHAT: &'static str = Event::WHAT;
    const LIST: &'static str = Event::LIST;
    const KEYS: &'static [&'static str] = &["at"];

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let at = Table::open::<Self>(node, report)?.required(Self::KEYS[0], report)?;
        Some(Self { at, event: Event::read(node.without(Self::KEYS), report)? })
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let event = Event::schema(definitions);
        let at = Duration::schema(definitions);
        add_to_each(definitions, &event, Self::KEYS[0], &at);
        event
    }
}

choice! {
    /// What happens.
    pub enum Event("a step", list "a list of steps", each "a step of ") {
        /// A line moves.
        Input(InputStep) {
            /// Which input.
            "input" input (required): At<Text>,
            /// Where it comes to rest.
            "to" to (required): Level,
            /// How it gets there: further edges in microseconds after the first, or "switch", "reed", "wet".
            "bounce" bounce (optional): Bounce,
        }
        /// A sensor's value arrives.
        Feed(FeedStep) {
            /// Which sensor.
            "feed" sensor (required): At<Text>,
            /// Its value; without one it is lost.
            "value" value (optional): Decimal,
        }
        /// Somebody asks for something.
        Command(CommandStep) {
            /// For what.
            "command" command (required): CommandTable,
            /// The sender's number for it.
            "id" id (optional): Int<0, { u32::MAX as i64 }>,
            /// How long it was under way.
            "late" late (= "0s"): Duration,
        }
        /// The power is cut and comes back.
        Restart(RestartStep) {
            /// How long it is off.
            "restart" off (required): Duration,
            /// Whether the node knows how long that was; if not, it waits for a trusted clock to tell.
            "known" known (= true): bool,
        }
        /// The process dies and is started again.
        Kill(KillStep) {
            /// How long it is gone.
            "kill" off (required): Duration,
        }
        /// The process stands still.
        Stall(StallStep) {
            /// How long.
            "stall" length (required): Positive,
        }
        /// The wall clock is set.
        Clock(ClockStep) {
            /// To which time, such as "2026-11-21T07:30:00Z".
            "clock" time (required): At<Time>,
            /// How far local time is ahead of UTC, such as "+01:00"; that of the time without it.
            "offset" offset (optional): At<Text>,
            /// Whether it is synchronised.
            "trusted" trusted (= true): bool,
        }
        /// A line does not come to rest.
        Storm(StormStep) {
            /// Which input.
            "storm" input (required): At<Text>,
            /// How many edges.
            "edges" edges (required): Int<1, STORM_MAX>,
            /// From one to the next.
            "every" every (required): Positive,
        }
        /// The kernel loses edges.
        Lose(LoseStep) {
            /// Of which input.
            "lose" input (required): At<Text>,
            /// How many.
            "edges" edges (required): Int<1, { u32::MAX as i64 }>,
            /// Where the line comes to rest.
            "to" to (required): Level,
        }
        /// Another program takes over.
        Swap(SwapStep) {
            /// Its file, relative to this one.
            "swap" house (required): At<Text>,
        }
        /// A sink or peer comes or goes.
        Link(LinkStep) {
            /// Which.
            "link" peer (required): At<Text>,
            /// Comes or goes.
            "to" to (required): LinkState,
        }
        /// The hardware refuses an output's levels from now on.
        Fail(FailStep) {
            /// Which output.
            "fail" output (required): At<Text>,
        }
        /// The hardware takes an output's levels again.
        Heal(HealStep) {
            /// Which output.
            "heal" output (required): At<Text>,
        }
    }
}

choice! {
    /// What somebody asks for.
    pub enum CommandTable("a command", list "a list of commands", each "the command ") {
        /// Drive an output.
        Set(SetCommand) {
            /// Which output.
            "set" output (required): At<Text>,
            /// To which level.
            "to" to (required): Level,
        }
        /// Start a scenario.
        Start(StartCommand) {
            /// Which.
            "start" scenario (required): At<Text>,
        }
        /// End the runs of a scenario.
        Stop(StopCommand) {
            /// Which.
            "stop" scenario (required): At<Text>,
        }
        /// Change a variable.
        Let(LetCommand) {
            /// Which variable.
            "let" variable (required): At<Text>,
            /// To which value.
            "be" value (required): Number,
        }
        /// A message comes, as from another node.
        Message(MessageCommand) {
            /// Its name.
            "message" message (required): At<Text>,
        }
        /// Play an input as if its line had moved.
        Press(PressCommand) {
            /// Which input.
            "press" input (required): At<Text>,
            /// How long; for ever without it.
            "for" length (optional): Positive,
        }
    }
}

impl Event {
    /// What it names in the house, and of which kind that is.
    pub(super) const fn named(&self) -> Option<(Kind, &At<String>)> {
        Some(match self {
            Self::Input(t) => (Kind::Input, &t.input),
            Self::Feed(t) => (Kind::Sensor, &t.sensor),
            Self::Command(t) => match &t.command {
                CommandTable::Set(t) => (Kind::Output, &t.output),
                CommandTable::Start(t) => (Kind::Scenario, &t.scenario),
                CommandTable::Stop(t) => (Kind::Scenario, &t.scenario),
                CommandTable::Let(t) => (Kind::Variable, &t.variable),
                CommandTable::Press(t) => (Kind::Input, &t.input),
                CommandTable::Message(t) => (Kind::Message, &t.message),
                CommandTable::Broken => return None,
            },
            Self::Storm(t) => (Kind::Input, &t.input),
            Self::Lose(t) => (Kind::Input, &t.input),
            Self::Link(t) => (Kind::Sink, &t.peer),
            Self::Fail(t) => (Kind::Output, &t.output),
            Self::Heal(t) => (Kind::Output, &t.output),
            Self::Restart(_)
            | Self::Kill(_)
            | Self::Stall(_)
            | Self::Clock(_)
            | Self::Swap(_)
            | Self::Broken => return None,
        })
    }

    /// What it is to the simulator; `None` after an error.
    pub(super) fn action(self, report: &mut Report<'_>) -> Option<Action> {
        Some(match self {
            Self::Input(t) => {
                Action::Input { input: t.input.value, to: t.to, bounce: t.bounce.unwrap_or_default() }
            }
            Self::Feed(t) => Action::Feed { sensor: t.sensor.value, value: t.value.map(Decimal::to_f64) },
            Self::Command(t) => Action::Command {
                command: t.command.command()?,
                id: t.id.and_then(|id| u32::try_from(id.0).ok()),
                late: t.late,
            },
            Self::Restart(t) => Action::Restart { off: t.off, known: t.known },
            Self::Kill(t) => Action::Kill { off: t.off },
            Self::Stall(t) => Action::Stall { span: t.length.0 },
            Self::Clock(t) => {
                let Time { unix, offset } = t.time.value;
                let offset = match t.offset {
                    None => offset,
                    Some(text) => offset_of(&text, report)?,
                };
                Action::Clock { unix, offset, trusted: t.trusted }
            }
            Self::Storm(t) => {
                Action::Storm { input: t.input.value, edges: count(t.edges.0), every: t.every.0 }
            }
            Self::Lose(t) => Action::Lose { input: t.input.value, edges: count(t.edges.0), to: t.to },
            Self::Swap(t) => Action::Swap { house: t.house.value },
            Self::Link(t) => Action::Link { peer: t.peer.value, up: t.to == LinkState::Up },
            Self::Fail(t) => Action::Hardware { output: t.output.value, works: false },
            Self::Heal(t) => Action::Hardware { output: t.output.value, works: true },
            Self::Broken => return None,
        })
    }
}

impl CommandTable {
    fn command(self) -> Option<Command> {
        Some(match self {
            Self::Set(t) => Command::Set { output: t.output.value, to: t.to },
            Self::Start(t) => Command::Start { scenario: t.scenario.value },
            Self::Stop(t) => Command::Stop { scenario: t.scenario.value },
            Self::Let(t) => Command::Let {
                variable: t.variable.value,
                value: i32::try_from(t.value.0).unwrap_or_default(),
            },
            Self::Message(t) => Command::Message { message: t.message.value },
            Self::Press(t) => Command::Press { input: t.input.value, span: t.length.map(|length| length.0) },
            Self::Broken => return None,
        })
    }
}
