//! What goes over the control socket: one JSON object a line, a request each way.
//!
//! ```json
//! {"do":"set","output":"chime","to":"on"}
//! {"ok":true,"text":"chime is on"}
//! {"ok":false,"error":"no output \"chim\"; did you mean chime?"}
//! ```
//!
//! Names are those of the file. Fields may be added; a request with a field or an operation that this daemon does not
//! know is refused, so that nobody believes it was carried out.

use serde::{Deserialize, Serialize};

use super::status::Status;
use super::switch::Switch;

/// The longest request that is read. The longest that makes sense has a name of 32 bytes.
pub const MAX_REQUEST: usize = 4096;

/// Everything that somebody outside can ask of a running house. Gateways translate to these and to nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// Plays an input as if its line had moved; on the virtual board, moves it.
    Press {
        /// Which.
        input: String,
        /// Released again after so many microseconds.
        for_us: u64,
    },
    /// Drives an output.
    Set {
        /// Which.
        output: String,
        /// Where to.
        to: Switch,
    },
    /// Starts a scenario, whatever its triggers; its condition counts.
    Start {
        /// Which.
        scenario: String,
    },
    /// Ends all runs of a scenario.
    Stop {
        /// Which.
        scenario: String,
    },
    /// Changes a variable.
    Let {
        /// Which.
        variable: String,
        /// To.
        value: i32,
    },
    /// A sensor's value; none if it has failed.
    Feed {
        /// Which.
        sensor: String,
        /// A number with a point if it needs one, as text, so that no digit is lost.
        value: Option<String>,
    },
    /// Sets off whoever waits for a message of this name.
    Message {
        /// Which.
        message: String,
    },
    /// Sends again what a sink has set aside.
    SinkRetry {
        /// Which.
        sink: String,
    },
    /// Brings a satellite's program over again.
    LinkInstall {
        /// Which.
        satellite: String,
    },
    /// Compiles the file again and swaps it in.
    Reload {},
    /// The house at a glance.
    Status {},
}

impl Operation {
    /// A sensor's value as people write it: a number, or `null` if it has failed, for which `none` is another word.
    pub fn feed(sensor: String, value: String) -> Self {
        Self::Feed { sensor, value: (!matches!(value.as_str(), "null" | "none")).then_some(value) }
    }
}

/// A request as it comes over the socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The sender's number for it: sent again with the same number it is carried out once. Drawn by the daemon if it
    /// is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// What to do.
    #[serde(flatten)]
    pub operation: Operation,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Whether it was carried out.
    pub ok: bool,
    /// What was done, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why not, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Of `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Box<Status>>,
}

impl Response {
    /// It was done.
    pub fn done(text: impl Into<String>) -> Self {
        Self { ok: true, text: Some(text.into()), error: None, status: None }
    }

    /// It was not.
    pub fn refused(error: impl Into<String>) -> Self {
        Self { ok: false, text: None, error: Some(error.into()), status: None }
    }

    /// The house at a glance.
    pub fn status(status: Status) -> Self {
        Self { ok: true, text: None, error: None, status: Some(Box::new(status)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_as_the_documentation_says() {
        let set: Request = serde_json::from_str(r#"{"do":"set","output":"chime","to":"on"}"#).unwrap();
        assert_eq!(set.operation, Operation::Set { output: "chime".into(), to: Switch::On });
        let press: Request =
            serde_json::from_str(r#"{"id":7,"do":"press","input":"button","for-us":100000}"#).unwrap();
        assert_eq!(
            press,
            Request { id: Some(7), operation: Operation::Press { input: "button".into(), for_us: 100_000 } }
        );
    }

    #[test]
    fn what_is_not_understood_is_not_carried_out() {
        for wrong in [
            r#"{"do":"set","output":"chime","to":"on","in":"5s"}"#,
            r#"{"do":"toggle","output":"chime"}"#,
            r#"{"do":"let","variable":"rings","value":3000000000}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<Request>(wrong).is_err(), "{wrong}");
        }
    }
}
