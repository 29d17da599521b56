//! What a message says, by name: for templates, for texts that people read, and for the key that tells repeats.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::message::{Kind, Message};

/// What one message says, or several that a quota has gathered into one: then these are the fields of the last.
#[derive(Clone, Debug)]
pub struct Fields {
    kind: Kind,
    name: String,
    object: Map<String, Value>,
    /// What a person reads.
    text: String,
    count: usize,
    /// Of the first.
    since: Option<Timestamp>,
    /// Any of them was set aside before, and goes out once more.
    late: bool,
}

impl Fields {
    /// Of one message, or of several in their order.
    pub fn of(messages: &[Message]) -> Self {
        let Some(last) = messages.last() else { return Self::nothing() };
        let object = |message: &Message| match serde_json::from_str(&message.payload) {
            Ok(Value::Object(object)) => object,
            _ => Map::new(),
        };
        let mut fields = Self {
            kind: last.kind,
            name: name(last).to_owned(),
            object: object(last),
            count: messages.len(),
            ..Self::nothing()
        };
        fields.since = messages.first().and_then(|first| moment(&object(first)));
        fields.late = messages.iter().any(|message| object(message).get("late") == Some(&Value::Bool(true)));
        fields.text = fields.sentence();
        if messages.len() > 1 {
            fields.text = fields.summary(messages);
        }
        if fields.late {
            // Nobody stands at the door any more: whoever reads only the text has to know that.
            fields.text.insert_str(0, "late: ");
        }
        fields
    }

    fn nothing() -> Self {
        Self {
            kind: Kind::Message,
            name: String::new(),
            object: Map::new(),
            text: String::new(),
            count: 0,
            since: None,
            late: false,
        }
    }

    /// What stands in a place of a template.
    pub fn get(&self, place: &str) -> Option<String> {
        Some(match place {
            "kind" => self.kind.word().to_owned(),
            "name" => self.name.clone(),
            "text" => self.text.clone(),
            "id" => self.id(),
            "count" => self.count.to_string(),
            "late" => self.late.to_string(),
            "clock" => clock(moment(&self.object)?),
            "since" => clock(self.since?),
            _ => match place.split_once('.') {
                Some((outer, inner)) => plain(self.object.get(outer)?.get(inner)?),
                None => plain(self.object.get(place)?),
            },
        })
    }

    /// What a person reads.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// When it happened, if that is known.
    pub fn onset(&self) -> Option<Timestamp> {
        moment(&self.object)
    }

    /// Why this is too late for what only helps at once; a message whose time nobody knows is not.
    pub fn too_old(&self, max: Option<Duration>) -> Option<String> {
        let age = Duration::try_from(Timestamp::now().duration_since(self.onset()?)).ok()?;
        let max = max.filter(|max| age > *max)?;
        Some(format!("it happened {} s ago, and `max-age` is {} s", age.as_secs(), max.as_secs()))
    }

    /// How many messages these are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The same each time that this is sent, and of nothing else: from node, boot and seq. What has no number of its own
    /// is told by the host's and by its name.
    pub fn id(&self) -> String {
        let part = |key: &str| self.object.get(key).map(plain).unwrap_or_default();
        if let Some(beat) = self.object.get("beat") {
            return format!("{}/{}/beat-{beat}", part("node"), part("boot"));
        }
        let mut id = format!("{}/{}/{}", part("node"), part("boot"), part("seq"));
        if let Some(host) = self.object.get("host") {
            let _ = write!(id, "/{}/{}/{}", plain(host), self.kind.word(), self.name);
        }
        if self.count > 1 {
            let _ = write!(id, "+{}", self.count);
        }
        id
    }

    fn sentence(&self) -> String {
        match self.object.get("text").and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None if self.kind.is_state() => {
                format!("{} {}", self.name, self.object.get("value").map(plain).unwrap_or_default())
            }
            None => self.name.clone(),
        }
    }

    /// `doorbell 7 times, leak once since 10:02`, and the last word if all are of one kind.
    fn summary(&self, messages: &[Message]) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for message in messages {
            match counts.iter_mut().find(|(known, _)| *known == name(message)) {
                Some((_, count)) => *count += 1,
                None => counts.push((name(message), 1)),
            }
        }
        let times = |&(name, count): &(&str, usize)| match count {
            1 => format!("{name} once"),
            2 => format!("{name} twice"),
            count => format!("{name} {count} times"),
        };
        let mut text = counts.iter().map(times).collect::<Vec<_>>().join(", ");
        if let Some(since) = self.since {
            let _ = write!(text, " since {}", clock(since));
        }
        if counts.len() == 1 && self.text != self.name {
            let _ = write!(text, ": {}", self.text);
        }
        text
    }
}

/// Of a message whose topic is the usual one: what is behind node and kind.
fn name(message: &Message) -> &str {
    message.topic.splitn(4, '/').nth(3).unwrap_or_else(|| message.kind.word())
}

fn moment(object: &Map<String, Value>) -> Option<Timestamp> {
    object.get("time")?.as_str()?.parse().ok()
}

/// The time of day of this machine.
fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%H:%M").to_string()
}

/// Text without its quotes, everything else as JSON has it, nothing for `null`.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A ring: what the scenario sent, with its number.
    pub(crate) fn doorbell(text: &str, seq: u64) -> Message {
        let text = Value::from(text);
        let payload = format!(
            "{{\"value\":\"doorbell\",\"time\":\"2026-11-21T07:30:{:02}.000000Z\",\"trusted\":true,\"node\":\"front-door\",\
             \"boot\":\"5-9f3c21aa\",\"seq\":{seq},\"text\":{text},\"data\":{{\"who\":\"anna\"}}}}",
            seq % 60
        );
        let topic = "campanile/front-door/message/doorbell".to_owned();
        Message { topic, payload, retain: false, kind: Kind::Message, every: None }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::doorbell;
    use super::*;

    #[test]
    fn one_message_says_what_it_says() {
        let fields = Fields::of(&[doorbell("Someone is at the door", 7)]);
        assert_eq!(fields.text(), "Someone is at the door");
        assert_eq!(fields.id(), "front-door/5-9f3c21aa/7");
        assert_eq!(fields.get("value").as_deref(), Some("doorbell"));
        assert_eq!(fields.get("trusted").as_deref(), Some("true"));
        assert_eq!((fields.get("nothing"), fields.get("data.nobody")), (None, None));
        assert_eq!(fields.get("late").as_deref(), Some("false"));
        assert_eq!(fields.onset(), "2026-11-21T07:30:07Z".parse().ok());
    }

    #[test]
    fn what_was_set_aside_before_says_that_it_is_late() {
        let fields = Fields::of(&[doorbell("Someone is at the door", 7).late()]);
        assert_eq!(fields.text(), "late: Someone is at the door");
        assert_eq!(fields.get("late").as_deref(), Some("true"));
        assert_eq!(fields.id(), "front-door/5-9f3c21aa/7", "and is the same for all that");
    }

    #[test]
    fn a_state_is_a_sentence_and_the_states_of_one_place_have_keys_of_their_own() {
        let state = |name: &str| Message {
            topic: format!("campanile/front-door/input/{name}"),
            payload: "{\"value\":\"on\",\"time\":null,\"node\":\"n\",\"boot\":\"1-0\",\"seq\":3,\"host\":2}"
                .into(),
            retain: true,
            kind: Kind::Input,
            every: None,
        };
        let fields = Fields::of(&[state("door")]);
        assert_eq!((fields.text(), fields.id().as_str()), ("door on", "n/1-0/3/2/input/door"));
        assert_ne!(fields.id(), Fields::of(&[state("window")]).id());
        assert_eq!(fields.get("clock"), None);
    }

    #[test]
    fn several_are_counted_since_the_first() {
        let rings: Vec<_> = (2..9).map(|n| doorbell(&format!("ring {n}"), n)).collect();
        let fields = Fields::of(&rings);
        let since = fields.get("since").unwrap();
        assert_eq!(fields.text(), format!("doorbell 7 times since {since}: ring 8"));
        assert_eq!(fields.id(), "front-door/5-9f3c21aa/8+7");
        let mut some = rings.clone();
        some[3] = some[3].clone().late();
        let late = Fields::of(&some);
        assert_eq!(late.text(), format!("late: doorbell 7 times since {since}: ring 8"));
        let mut leak = doorbell("Water!", 9);
        leak.topic = "campanile/front-door/message/leak".into();
        let mixed = [rings[0].clone(), rings[1].clone(), leak];
        assert_eq!(Fields::of(&mixed).text(), format!("doorbell twice, leak once since {since}"));
    }
}
