//! Who may do what. Every way in, the socket and each gateway, goes through here and nowhere else.

use std::fmt;

use campanile_core::input::Origin;

use super::protocol::Operation;

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See the house.
    Look,
    /// Act on it: press, set, start, stop, let, feed.
    Act,
    /// Change what it does and tells: reload, send again.
    Change,
}

/// Somebody outside, and what they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Where they come from; it stands in the record of what they ask for.
    pub origin: Origin,
    look: bool,
    act: bool,
    change: bool,
}

impl Caller {
    /// Whoever may open the control socket: its file's permissions have let them in.
    pub const LOCAL: Self = Self { origin: Origin::Local, look: true, act: true, change: true };

    /// A gateway's client with the rights that the file gives it. None of them may change the program.
    pub const fn remote(origin: Origin, look: bool, act: bool) -> Self {
        Self { origin, look, act, change: false }
    }

    /// Whether they may.
    ///
    /// # Errors
    /// They may not; the text says what they would need.
    pub fn check(&self, operation: &Operation) -> Result<(), Forbidden> {
        let needs = needed(operation);
        let has = match needs {
            Right::Look => self.look,
            Right::Act => self.act,
            Right::Change => self.change,
        };
        if has { Ok(()) } else { Err(Forbidden(needs)) }
    }
}

/// What each operation needs. A new operation does not compile before it has its place here.
const fn needed(operation: &Operation) -> Right {
    match operation {
        Operation::Status {} => Right::Look,
        Operation::Press { .. }
        | Operation::Set { .. }
        | Operation::Start { .. }
        | Operation::Stop { .. }
        | Operation::Let { .. }
        | Operation::Feed { .. }
        | Operation::Message { .. } => Right::Act,
        Operation::Reload {} | Operation::LinkInstall { .. } | Operation::SinkRetry { .. } => Right::Change,
    }
}

/// The caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forbidden(Right);

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Right::Look => "this client may not look at the house",
            Right::Act => "this client may look at the house but not act on it",
            Right::Change => "only someone on this machine may change what the house does and tells",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::switch::Switch;

    #[test]
    fn a_remote_client_may_what_it_was_given_and_never_change_the_program() {
        let set = Operation::Set { output: "chime".into(), to: Switch::On };
        let looker = Caller::remote(Origin::Gateway, true, false);
        let actor = Caller::remote(Origin::Gateway, true, true);
        assert_eq!(looker.check(&Operation::Status {}), Ok(()));
        assert_eq!(looker.check(&set), Err(Forbidden(Right::Act)));
        assert_eq!(actor.check(&set), Ok(()));
        assert_eq!(actor.check(&Operation::Reload {}), Err(Forbidden(Right::Change)));
        assert_eq!(Caller::LOCAL.check(&Operation::Reload {}), Ok(()));
    }
}
