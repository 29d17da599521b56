//! Topics: where messages go. The file may change them; `{node}`, `{kind}` and `{name}` stand for what they say.

use super::message::Kind;

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

    /// The topic of the availability message.
    pub fn status(&self, node: &str) -> String {
        expand(&self.status, node, "status", "")
    }
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
}
