//! `payloads = { state = "{value}" }`: payloads of one's own instead of the documented objects.

use crate::sinks::fields::Fields;
use crate::sinks::message::{Kind, Message};
use crate::sinks::template::{Escape, Template};

/// What payloads look like; without a template they are the documented objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payloads {
    /// Of states.
    pub state: Option<Template>,
    /// Of what scenarios send.
    pub message: Option<Template>,
    /// Of losses and faults.
    pub diagnostics: Option<Template>,
}

impl Payloads {
    /// The payload of a message.
    pub(super) fn of(&self, message: Message) -> String {
        let template = match message.kind {
            Kind::Message => &self.message,
            Kind::Diagnostics => &self.diagnostics,
            _ => &self.state,
        };
        match template {
            None => message.payload,
            Some(template) => {
                // What looks like an object stays one, whatever is filled in.
                let escape = if template.begins_with('{') { Escape::Json } else { Escape::Plain };
                template.fill(&Fields::of(&[message]), escape)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::fields::testing::doorbell;

    #[test]
    fn a_payload_of_ones_own_takes_the_place_of_the_object() {
        let template = |text: &str| Some(Template::parse(text).unwrap());
        let message = || doorbell("a \"b\"", 7);
        assert_eq!(Payloads::default().of(message()), message().payload);
        let plain = Payloads { message: template("{name}: {text}"), ..Payloads::default() };
        assert_eq!(plain.of(message()), "doorbell: a \"b\"");
        let object = Payloads { message: template("{\"t\":\"{text}\"}"), ..Payloads::default() };
        assert_eq!(object.of(message()), "{\"t\":\"a \\\"b\\\"\"}");
        let other = Payloads { state: template("{value}"), ..Payloads::default() };
        assert_eq!(other.of(message()), message().payload, "each class has its own");
    }
}
