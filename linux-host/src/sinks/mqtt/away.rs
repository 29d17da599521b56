//! What others say while the connection is away: the broker keeps it for a while, and tells it to the next one.
//!
//! What this node says is in the journal, and goes again from there. So of the client's own side of a session there is never
//! anything to go on with, and it is taken up as an empty one.

use std::future::{Future, ready};
use std::pin::Pin;

use rumqttc::{
    MqttOptions, PersistedAckMode, PersistedSession, SessionStore, SessionStoreError, SessionStoreKey,
};

/// What a store answers with.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SessionStoreError>> + Send + 'a>>;

/// In seconds: as old as a message of another node may be here, by its own time.
const KEPT_S: u32 = 30;

/// Asks the broker to keep what comes meanwhile.
pub(super) fn keep(options: &mut MqttOptions) {
    options.set_clean_start(false).set_session_expiry_interval(Some(KEPT_S));
    let window = options.get_outgoing_inflight_upper_limit();
    options.set_session_store(Empty { window });
}

/// Behind the login nothing of the session is saved here: each message would have the whole window copied.
pub(super) fn save_nothing(options: &mut MqttOptions) {
    options.set_clean_start(true);
}

/// A store that has an empty session of whatever client.
#[derive(Debug)]
struct Empty {
    window: Option<u16>,
}

impl SessionStore for Empty {
    fn load<'a>(&'a self, key: &'a SessionStoreKey) -> Answer<'a, Option<PersistedSession>> {
        Box::pin(ready(Ok(Some(PersistedSession {
            format_version: 1,
            client_id: key.client_id().to_owned(),
            clean_start: false,
            session_expiry_interval: Some(KEPT_S),
            outgoing_inflight_upper_limit: self.window,
            ack_mode: PersistedAckMode::Automatic,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        }))))
    }

    fn save<'a>(&'a self, _: &'a SessionStoreKey, _: &'a PersistedSession) -> Answer<'a, ()> {
        Box::pin(ready(Ok(())))
    }

    fn clear<'a>(&'a self, _: &'a SessionStoreKey) -> Answer<'a, ()> {
        Box::pin(ready(Ok(())))
    }
}
