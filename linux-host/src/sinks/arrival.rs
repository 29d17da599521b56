//! What comes in over a sink: commands, and messages that triggers wait for.
//!
//! A sink only says what was asked; whether there is such a name, whether it came before and what follows from it is the
//! daemon's business, through the same door as the control socket's ([`Service`](crate::control::service::Service)).
//! Nothing of it can change the program or name a file.

use crate::control::protocol::Operation;

/// Something that came in.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// From where, for a person: a topic, an account.
    pub from: String,
    /// What it was.
    pub what: What,
}

/// What came in.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Something to do.
    Wish(Wish),
    /// Something that nobody understands, or that may not be asked for: why, in plain words.
    Unclear(String),
    /// So many came faster than they were taken, and are gone.
    Lost(u64),
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// What.
    pub operation: Operation,
    /// The sender's number for it, which is the same when it comes again; one is drawn without it.
    pub id: Option<u32>,
    /// When it began, in microseconds since 1970 by a clock that was synchronised, if it says so: what is older than
    /// the time to live of commands is not carried out.
    pub began: Option<i64>,
}

impl Arrival {
    /// A message that triggers may wait for. `identity` is what tells it from every other, and is the same when it
    /// comes again; without one it counts as new.
    pub fn message(from: impl Into<String>, name: impl Into<String>, identity: Option<&str>) -> Self {
        let operation = Operation::Message { message: name.into() };
        let what = What::Wish(Wish { operation, id: identity.map(number), began: None });
        Self { from: from.into(), what }
    }

    /// Something that cannot be carried out.
    pub fn unclear(from: impl Into<String>, why: impl Into<String>) -> Self {
        Self { from: from.into(), what: What::Unclear(why.into()) }
    }
}

/// The number of an identity.
pub fn number(identity: &str) -> u32 {
    let hash = campanile_core::program::image::hash(identity.as_bytes());
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_number_of_its_identity() {
        let id = |arrival: Arrival| match arrival.what {
            What::Wish(wish) => wish.id,
            _ => None,
        };
        let first = id(Arrival::message("here", "doorbell", Some("back-door 5-9f3c21aa 1042")));
        assert_eq!(first, id(Arrival::message("there", "doorbell", Some("back-door 5-9f3c21aa 1042"))));
        assert_ne!(first, id(Arrival::message("here", "doorbell", Some("back-door 5-9f3c21aa 1043"))));
        assert_eq!(id(Arrival::message("here", "doorbell", None)), None);
    }
}
