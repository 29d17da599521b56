//! Topics: where messages go. The file may change them; `{node}`, `{kind}` and `{name}` stand for what they say.

use super::message::kind::Kind;

/// The topics of one sink; by default those that the file has without a word about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// Whether the node is there, retained.
    pub status: String,
    /// States, retained.
    pub state: String,
    /// What scenarios send.
    pub message: String,
    /// Losses and faults.
    pub diagnostics: String,
    /// How the sink itself is doing, retained.
    pub figures: String,
    /// Arrays of messages, if they go out in batches.
    pub batch: String,
    /// Where commands come from.
    pub command: String,
}

impl Topics {
    /// The topic of a message.
    pub fn of(&self, node: &str, kind: Kind, name: &str) -> String {
        let template = match kind {
            Kind::Message => &self.message,
            Kind::Diagnostics => &self.diagnostics,
            _ => &self.state,
        };
        expand(template, node, kind.word(), name)
    }

    /// The topic of a sink's figures.
    pub fn figures(&self, node: &str, sink: &str) -> String {
        expand(&self.figures, node, "figures", sink)
    }

    /// The topic of batches.
    pub fn batch(&self, node: &str) -> String {
        expand(&self.batch, node, "batch", "")
    }

    /// The topic of a command.
    pub fn command(&self, node: &str, verb: &str, name: &str) -> String {
        expand(&self.command, node, verb, name)
    }

    /// The topic of the availability message.
    pub fn status(&self, node: &str) -> String {
        expand(&self.status, node, "status", "")
    }
}

/// What a topic has at the places of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured<'t> {
    /// `{node}`, if the template has it.
    pub node: Option<&'t str>,
    /// `{kind}`, if the template has it.
    pub kind: Option<&'t str>,
    /// `{name}`; empty if the template has it not.
    pub name: &'t str,
}

/// Reads a topic by a template; `None` if it is of another form. A place is a part of one level.
pub fn capture<'t>(template: &str, topic: &'t str) -> Option<Captured<'t>> {
    let mut captured = Captured { node: None, kind: None, name: "" };
    let (mut template, mut topic) = (template, topic);
    loop {
        let Some((before, place, behind)) = next_place(template) else {
            return (template == topic).then_some(captured);
        };
        topic = topic.strip_prefix(before)?;
        // Up to what stands behind the place, at the most to the end of the level.
        let (ends, level) = (next_text(behind), topic.find('/').unwrap_or(topic.len()));
        let end = if ends.is_empty() { level } else { topic.find(ends).filter(|end| *end <= level)? };
        let (value, rest) = topic.split_at(end);
        if value.is_empty() {
            return None;
        }
        match place {
            "node" => captured.node = Some(value),
            "kind" => captured.kind = Some(value),
            _ => captured.name = value,
        }
        (template, topic) = (behind, rest);
    }
}

/// A filter for all topics of a template: the places that are not given stand for anything.
pub fn filter(template: &str, node: Option<&str>, kind: &str, name: Option<&str>) -> String {
    let open = |level: &str| {
        (node.is_none() && level.contains("{node}")) || (name.is_none() && level.contains("{name}"))
    };
    let levels = template.split('/').map(|level| {
        if open(level) {
            "+".to_owned()
        } else {
            expand(level, node.unwrap_or_default(), kind, name.unwrap_or_default())
        }
    });
    levels.collect::<Vec<_>>().join("/")
}

/// What stands in front of the first place of a template, the place, and what stands behind it.
fn next_place(template: &str) -> Option<(&str, &str, &str)> {
    let places = ["node", "kind", "name"].into_iter().filter_map(|place| {
        let at = template.find(&format!("{{{place}}}"))?;
        Some((at, place))
    });
    let (at, place) = places.min()?;
    Some((&template[..at], place, &template[at + place.len() + 2..]))
}

/// What a template begins with, up to its first place and to the end of its first level.
fn next_text(template: &str) -> &str {
    let text = next_place(template).map_or(template, |(before, ..)| before);
    &text[..text.find('/').map_or(text.len(), |at| at + 1)]
}

/// One pass, so that a name with braces in it is not expanded again.
fn expand(template: &str, node: &str, kind: &str, name: &str) -> String {
    let mut topic = String::with_capacity(template.len() + node.len() + name.len());
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('{') {
        topic.push_str(before);
        let places = [("node}", node), ("kind}", kind), ("name}", name)];
        match places.iter().find(|(place, _)| from.starts_with(place)) {
            Some((place, value)) => {
                topic.push_str(value);
                rest = &from[place.len()..];
            }
            None => {
                topic.push('{');
                rest = from;
            }
        }
    }
    topic + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_the_rest_stays() {
        let topics = Topics::default();
        assert_eq!(topics.of("front", Kind::Input, "button"), "campanile/front/input/button");
        assert_eq!(topics.of("front", Kind::Message, "bell"), "campanile/front/message/bell");
        assert_eq!(topics.of("front", Kind::Diagnostics, ""), "campanile/front/diagnostics");
        assert_eq!(topics.status("front"), "campanile/front/status");
        assert_eq!(expand("a/{x}/{name}/{", "n", "k", "{node}"), "a/{x}/{node}/{");
    }

    #[test]
    fn a_topic_is_read_as_it_was_made() {
        let captured = |node, kind, name| Some(Captured { node, kind, name });
        let (node, kind) = (Some("porch"), Some("set"));
        for (template, topic, expected) in [
            ("campanile/{node}/{kind}/{name}", "campanile/porch/set/chime", captured(node, kind, "chime")),
            ("{kind}-{name}@{node}", "set-the-chime@porch", captured(node, kind, "the-chime")),
            ("home/{name}", "home/chime", captured(None, None, "chime")),
            ("home/{name}/do", "home/chime/do", captured(None, None, "chime")),
            ("home/{name}/do", "home/chime/undo", None),
            ("home/{name}", "home/chime/more", None),
            ("home/{name}", "home/", None),
            ("home", "home", captured(None, None, "")),
        ] {
            assert_eq!(capture(template, topic), expected, "{template} {topic}");
        }
    }

    #[test]
    fn a_filter_opens_the_levels_of_what_is_not_given() {
        assert_eq!(
            filter("campanile/{node}/{kind}/{name}", Some("porch"), "set", None),
            "campanile/porch/set/+"
        );
        assert_eq!(
            filter("campanile/{node}/message/{name}", None, "message", Some("bell")),
            "campanile/+/message/bell"
        );
        assert_eq!(filter("c/x-{node}-{name}", None, "", Some("bell")), "c/+");
    }
}
