//! What satellites send: triggers that wait for a message of one hear of it.

use std::sync::Arc;

use campanile_core::input::Origin;
use tokio::sync::mpsc;

use super::house::House;
use crate::control::access::Caller;
use crate::control::protocol::{Operation, Request};
use crate::control::service::{Service, StatusSource};
use crate::satellites::Sent;
use crate::sinks::arrival;

/// What waits to be heard; beyond it a message sets off nothing.
pub const WAITING: usize = 64;

/// Tells the loop of one message after the other, if a trigger waits for it.
pub async fn hear<T: StatusSource + 'static>(
    service: Service<T>,
    house: Arc<House>,
    mut sent: mpsc::Receiver<Sent>,
) {
    let sender = Caller::remote(Origin::Link, false, true);
    while let Some(Sent { message, identity }) = sent.recv().await {
        // Nobody has to wait for what a satellite sends.
        if house.names().await.symbols.find_heard(&message).is_none() {
            continue;
        }
        let id = Some(arrival::number(&identity));
        let request = Request { id, operation: Operation::Message { message: message.clone() } };
        if let Some(why) = service.call(sender, request).await.error {
            tracing::warn!("{message}: {why}");
        }
    }
}
