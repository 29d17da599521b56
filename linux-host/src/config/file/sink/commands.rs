//! `commands = [..]` and `listen = [..]`: what comes in.

use serde_json::Value;

use crate::config::read::{At, Definitions, Node, Read, Report};
use crate::config::scalar::text;
use crate::sinks::commands::{Commands, Verb};

/// One pattern of `commands`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandFilter {
    /// What may be asked for.
    pub verb: Verb,
    /// Of which name; `*` stands for anything.
    pub name: String,
}

text!(CommandFilter, "a command such as \"set:*\"", { "type": "string", "pattern": pattern() }, |text| {
    let (verb, name) = Commands::parse(text).map_err(|what| Wrong::new(what, "such as \"set:chime\" or \"start:*\""))?;
    Ok(Self { verb, name })
});

fn pattern() -> String {
    format!("^({}):.+$", Verb::ALL.map(Verb::word).join("|"))
}

/// The patterns of `commands`: without the key everything, with an empty list nothing.
#[derive(Clone, Debug, Default)]
pub struct CommandFilters(pub Option<Vec<At<CommandFilter>>>);

impl CommandFilters {
    /// What may be asked for.
    pub fn commands(&self) -> Commands {
        match &self.0 {
            None => Commands::default(),
            Some(filters) => {
                Commands::new(filters.iter().map(|filter| (filter.value.verb, filter.value.name.clone())))
            }
        }
    }
}

impl Read for CommandFilters {
    const WHAT: &'static str = "a list of commands such as [\"set:*\"]";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        Vec::read(node, report).map(|filters| Self(Some(filters)))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        Vec::<At<CommandFilter>>::schema(definitions)
    }
}

/// A topic to listen to, with the wildcards of MQTT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenFilter(pub String);

text!(ListenFilter, "a topic such as \"campanile/back-door/message/doorbell\"", { "type": "string", "minLength": 1 }, |text| {
    if text.is_empty() || text.contains('\0') {
        return Err(Wrong::new("a topic is not empty", "such as \"campanile/back-door/message/doorbell\""));
    }
    let levels: Vec<_> = text.split('/').collect();
    let stray = |level: &&str| level.len() > 1 && level.contains(['+', '#']);
    if let Some(level) = levels.iter().find(|level| stray(level)) {
        let what = format!("\"{level}\" mixes a wildcard with a name");
        return Err(Wrong::new(what, "+ stands for one whole level, # for all that follow"));
    }
    if levels.iter().rev().skip(1).any(|level| *level == "#") {
        return Err(Wrong::new("# stands for all levels that follow, so nothing comes behind it", "+ stands for one level"));
    }
    Ok(Self(text.to_owned()))
});
