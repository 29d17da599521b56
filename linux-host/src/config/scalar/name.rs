//! Names that the author chose, or the system has.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::super::read::{Definitions, NAME_PATTERN, Node, Read, Report, wrong_kind};
use super::{Text, Wrong, text};

/// The longest name.
pub const NAME_MAX: usize = 32;

/// Words of expressions, which nothing can be named by.
const RESERVED: [&str; 11] =
    ["and", "or", "not", "on", "off", "true", "false", "hour", "minute", "weekday", "timed-out"];

/// A name for something of the house: it stands in expressions, topics and commands.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), Wrong> {
    let near: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let near = near.trim_matches(|c: char| !c.is_ascii_alphabetic());
    let such = match near.get(..NAME_MAX).unwrap_or(near).trim_end_matches('-') {
        "" => String::new(),
        near => format!(", such as \"{near}\""),
    };
    let rule = format!("a name begins with a letter, then letters, digits, - and _, up to {NAME_MAX}{such}");
    let mut bytes = name.bytes();
    if !bytes.next().is_some_and(|first| first.is_ascii_alphabetic()) {
        return Err(Wrong::new(format!("\"{name}\" does not begin with a letter"), rule));
    }
    if let Some(wrong) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
        return Err(Wrong::new(format!("\"{name}\" contains {wrong:?}"), rule));
    }
    if name.ends_with('-') {
        return Err(Wrong::new(format!("\"{name}\" ends with -"), rule));
    }
    if name.len() > NAME_MAX {
        return Err(Wrong::new(format!("\"{name}\" has {} characters", name.len()), rule));
    }
    if RESERVED.contains(&name) {
        return Err(Wrong::new(
            format!("`{name}` is a reserved word in expressions"),
            format!("choose another name, such as \"my-{name}\""),
        ));
    }
    Ok(())
}

/// A name for something of the house. A wrong one stays a name, so that those who use it are not wrong too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub String);

impl Read for Name {
    const WHAT: &'static str = "a name";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let name = Text::read(node, report)?;
        if let Err(wrong) = check_name(&name) {
            report.push(wrong.at(node.span()));
        }
        Some(Self(name))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": NAME_PATTERN })
    }

    fn broken() -> Option<Self> {
        Text::broken().map(Self)
    }
}

/// The name of a message that triggers may wait for: one of another node's, or a satellite's with the satellite's name in
/// front, such as "porch.doorbell".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardName(pub String);

impl HeardName {
    /// The satellite that it is of, and what it is called there; `None` for that of another node.
    pub fn of_satellite(&self) -> Option<(&str, &str)> {
        self.0.split_once('.')
    }
}

impl Read for HeardName {
    const WHAT: &'static str = "the name of a message";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let name = Text::read(node, report)?;
        let (satellite, message) = name.split_once('.').unwrap_or(("n", &name));
        if let Err(wrong) = check_name(satellite).and_then(|()| check_name(message)) {
            report.push(wrong.at(node.span()));
        }
        Some(Self(name))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": HEARD_PATTERN })
    }

    fn broken() -> Option<Self> {
        Text::broken().map(Self)
    }
}

/// What the names of messages look like that triggers wait for.
const HEARD_PATTERN: &str =
    "^([A-Za-z]([A-Za-z0-9_-]{0,30}[A-Za-z0-9_])?\\.)?[A-Za-z]([A-Za-z0-9_-]{0,30}[A-Za-z0-9_])?$";

/// The name of the node: it stands in topics and host names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName(pub String);

text!(NodeName, "a name of a-z, 0-9 and -", { "type": "string", "pattern": "^[a-z0-9-]{1,32}$" }, |text| {
    if text.parse::<campanile_delivery::NodeName>().is_ok() {
        Ok(Self(text.to_owned()))
    } else {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let near: String = text.to_lowercase().replace([' ', '_', '.'], "-");
        let near: String = near.chars().filter(|c| u8::try_from(*c).is_ok_and(good)).take(NAME_MAX).collect();
        let near = if near.is_empty() { "front-door" } else { &near };
        Err(Wrong::new(
            format!("\"{text}\" is not a valid node name"),
            format!("a-z, 0-9 and -, up to {NAME_MAX}, such as \"{near}\""),
        ))
    }
}, broken: Self("house".to_owned()));

/// The name of an environment variable that holds a secret. What is none may be the secret itself: it is not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableName(pub String);

impl VariableName {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if text.bytes().all(of_a_name) && text.starts_with(|first: char| !first.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        let help = "letters, digits and _, such as \"CAMPANILE_PASSWORD\"; the secret itself does not belong in this file: \
                    the variable holds it, for the service in /etc/default/campanile";
        Err(Wrong::new("this is not a valid name for an environment variable", help).secret())
    }
}

impl Read for VariableName {
    const WHAT: &'static str = "the name of an environment variable such as \"CAMPANILE_PASSWORD\"";

    /// A wrong one stays a name, so that nobody asks for one.
    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::String(text) = node.value() else {
            wrong_kind::<Self>(node, report);
            return Self::broken();
        };
        Self::parse(text).map_err(|wrong| report.push(wrong.at(node.span()))).ok().or_else(Self::broken)
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" })
    }

    fn hint(_: Node<'_>, _: &Report<'_>) -> Option<String> {
        Some("its name, between quotes: the variable holds the secret".to_owned())
    }

    fn broken() -> Option<Self> {
        Some(Self(String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_name_and_what_is_none_is_not_repeated() {
        for good in ["MQTT_PASSWORD", "_", "token", "A1"] {
            assert_eq!(VariableName::parse(good), Ok(VariableName(good.to_owned())));
        }
        for wrong in ["", "1A", "hunter2-secret", "hunter2 secret", "$hunter2", "hunter2=", "hünter2"] {
            let (what, help) = VariableName::parse(wrong).unwrap_err().into_words();
            assert!(!format!("{what} {help}").contains("nter2"), "{what}: {help}");
        }
    }
}
