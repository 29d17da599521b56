//! The device shadow of AWS IoT: what is said to it, and what it answers ("Device Shadow MQTT topics" and "Device Shadow
//! service documents" of the AWS IoT Core Developer Guide, November 2026).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::sinks::mqtt::answers::NotTaken;

/// The key that an answer repeats; it stands last in what is sent.
const TOKEN: &str = ",\"clientToken\":\"";
const END: &str = "\"}";
/// The token of what takes names out: no record has it.
pub(super) const CLEAR: &str = "gone";

/// A change of the reported state, a JSON object, under a name by which the answer is known. With `desired`, also an object,
/// what was wished for is no longer: whatever came of it is what is reported.
pub(in crate::sinks) fn update(reported: &str, desired: Option<&str>, token: &str) -> String {
    let desired = desired.map_or_else(String::new, |desired| format!(",\"desired\":{desired}"));
    format!("{{\"state\":{{\"reported\":{reported}{desired}}}{TOKEN}{token}{END}")
}

/// What an [`update`] changes.
#[derive(Deserialize)]
#[serde(from = "Update")]
pub(super) struct Change {
    pub(super) reported: Map<String, Value>,
    pub(super) desired: Option<Map<String, Value>>,
    pub(super) token: String,
}

impl Change {
    /// `None` if it is none.
    pub(super) fn of(update: &str) -> Option<Self> {
        serde_json::from_str(update).ok()
    }
}

/// A change that takes these names out of the reported state.
pub(super) fn clear(names: &[String]) -> String {
    let gone: Map<String, Value> = names.iter().map(|name| (name.clone(), Value::Null)).collect();
    update(&Value::from(gone).to_string(), None, CLEAR)
}

/// Adds a number to the token of an [`update`], so that no two that are under way have the same; gives the whole.
pub(super) fn number(update: &mut String, number: u64) -> String {
    update.truncate(update.len().saturating_sub(END.len()));
    let begin = update.rfind(TOKEN).map_or(update.len(), |place| place + TOKEN.len());
    update.push_str(&format!(".{number}"));
    let token = update.get(begin..).unwrap_or_default().to_owned();
    update.push_str(END);
    token
}

/// The topics of a thing's classic shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topics {
    prefix: String,
}

impl Topics {
    pub(super) fn new(thing: &str) -> Self {
        Self { prefix: format!("$aws/things/{thing}/shadow") }
    }

    /// Where changes go.
    pub(super) fn update(&self) -> String {
        format!("{}/update", self.prefix)
    }

    /// Where the whole of it is asked for.
    pub(super) fn get(&self) -> String {
        format!("{}/get", self.prefix)
    }

    /// What to listen to, in one request, which AWS allows for eight. It asks not to use wildcards here.
    pub(super) fn answers(&self) -> Vec<String> {
        ["update/accepted", "update/rejected", "update/delta", "get/accepted", "get/rejected"]
            .map(|topic| format!("{}/{topic}", self.prefix))
            .to_vec()
    }

    /// What a message on one of them says; `None` if it is none of them, or not of the documented form.
    pub(super) fn read(&self, topic: &str, payload: &[u8]) -> Option<Heard> {
        let topic = topic.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        match topic {
            "update/accepted" => {
                let Accepted { token, version, state } = serde_json::from_slice(payload).ok()?;
                let ended =
                    state.desired.unwrap_or_default().into_iter().filter(|(_, value)| value.is_null());
                Some(Heard::Accepted { token, version, ended: ended.map(|(name, _)| name).collect() })
            }
            "update/rejected" => {
                let Rejected { token, code, message } = serde_json::from_slice(payload).ok()?;
                Some(Heard::Rejected { token: token?, why: refusal(code, &message) })
            }
            "update/delta" => {
                let Delta { version, state } = serde_json::from_slice(payload).ok()?;
                Some(Heard::Wished { version, state })
            }
            "get/accepted" => {
                let Got { version, state: Whole { delta, reported } } =
                    serde_json::from_slice(payload).ok()?;
                let reported = reported.into_iter().map(|(name, _)| name).collect();
                Some(Heard::Got(Ok(Document { version, delta, reported })))
            }
            "get/rejected" => {
                let Rejected { code, message, .. } = serde_json::from_slice(payload).ok()?;
                Some(Heard::Got(if code == 404 { Err(None) } else { Err(Some(refusal(code, &message))) }))
            }
            _ => None,
        }
    }
}

/// What the shadow says.
pub(super) enum Heard {
    /// A change is in it.
    Accepted {
        /// Which; others who change a shadow need not give a token.
        token: Option<String>,
        /// Which it made.
        version: u64,
        /// What is not wished for any more.
        ended: Vec<String>,
    },
    /// A change is not.
    Rejected {
        /// Which.
        token: String,
        /// Why, and whether it ever will be.
        why: NotTaken,
    },
    /// All that is desired and not reported.
    Wished {
        /// As of which version.
        version: u64,
        /// Names and values.
        state: Map<String, Value>,
    },
    /// The whole. Or that there is none yet, or why not.
    Got(Result<Document, Option<NotTaken>>),
}

/// What matters of a whole shadow.
pub(super) struct Document {
    /// Rises with each change.
    pub(super) version: u64,
    /// What is desired and not reported.
    pub(super) delta: Map<String, Value>,
    /// The names of what is reported.
    pub(super) reported: Vec<String>,
}

#[derive(Deserialize)]
struct Update {
    state: Told,
    #[serde(rename = "clientToken")]
    token: String,
}

#[derive(Deserialize)]
struct Told {
    reported: Map<String, Value>,
    desired: Option<Map<String, Value>>,
}

impl From<Update> for Change {
    fn from(Update { state: Told { reported, desired }, token }: Update) -> Self {
        Self { reported, desired, token }
    }
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "clientToken")]
    token: Option<String>,
    #[serde(default)]
    version: u64,
    state: Changed,
}

#[derive(Deserialize)]
struct Changed {
    desired: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Delta {
    version: u64,
    state: Map<String, Value>,
}

#[derive(Deserialize)]
struct Got {
    version: u64,
    state: Whole,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    delta: Map<String, Value>,
    #[serde(default)]
    reported: Map<String, Value>,
}

#[derive(Deserialize)]
struct Rejected {
    #[serde(rename = "clientToken")]
    token: Option<String>,
    code: u16,
    #[serde(default)]
    message: String,
}

/// The codes are those of HTTP.
fn refusal(code: u16, message: &str) -> NotTaken {
    match code {
        // Somebody else was faster, the service has too much to do, or trouble of its own.
        409 | 429 | 500.. => {
            NotTaken::Now(format!("the device shadow cannot take a change now ({code}: {message})"))
        }
        413 => NotTaken::ForGood(format!("the device shadow is full: 8 KB is all that it takes ({message})")),
        401 | 403 => {
            NotTaken::ForGood("the certificate's policy forbids to change the device shadow".to_owned())
        }
        _ => NotTaken::ForGood(format!("the device shadow does not take this ({code}: {message})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(topic: &str, payload: &str) -> Option<Heard> {
        Topics::new("porch").read(topic, payload.as_bytes())
    }

    #[test]
    fn a_token_is_numbered_and_found_again_in_the_answer() {
        let mut sent = update("{\"door\":\"open\"}", None, "5-9f3c21aa.1042");
        let token = number(&mut sent, 7);
        assert_eq!(sent, r#"{"state":{"reported":{"door":"open"}},"clientToken":"5-9f3c21aa.1042.7"}"#);
        let answer =
            format!(r#"{{"state":{{"reported":{{"door":"open"}}}},"version":3,"clientToken":"{token}"}}"#);
        let said = heard("$aws/things/porch/shadow/update/accepted", &answer);
        assert!(matches!(said, Some(Heard::Accepted { token: Some(of), version: 3, .. }) if of == token));
    }

    #[test]
    fn what_will_never_be_taken_is_told_apart_from_what_will_later() {
        for (code, for_good) in
            [(400, true), (403, true), (413, true), (409, false), (429, false), (503, false)]
        {
            let answer = format!(r#"{{"code":{code},"message":"because","timestamp":1,"clientToken":"t"}}"#);
            let Some(Heard::Rejected { token, why }) =
                heard("$aws/things/porch/shadow/update/rejected", &answer)
            else {
                panic!("{code} is a rejection")
            };
            assert_eq!((token.as_str(), matches!(why, NotTaken::ForGood(_))), ("t", for_good), "{code}");
        }
    }

    #[test]
    fn what_others_say_is_not_an_answer() {
        let theirs =
            heard("$aws/things/porch/shadow/update/accepted", r#"{"state":{"desired":{"a":null,"b":1}}}"#);
        assert!(matches!(theirs, Some(Heard::Accepted { token: None, ended, .. }) if ended == ["a"]));
        assert!(heard("$aws/things/other/shadow/update/accepted", r#"{"clientToken":"t"}"#).is_none());
        assert!(heard("$aws/things/porch/shadow/update/accepted", "not JSON").is_none());
    }
}
