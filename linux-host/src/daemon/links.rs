//! Who of the peers is there, sinks and satellites: the loop is told by the ids of the program that it has.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_core::id::PeerId;
use campanile_core::input::Input;
use campanile_core::runner::Message;
use campanile_delivery::SinkName;
use campanile_delivery::symbols::Symbols;
use tokio::sync::mpsc;

use super::house::House;
use super::intake::Intake;

/// See the [module](self).
#[derive(Default)]
pub struct Links(Mutex<HashSet<SinkName>>);

impl Links {
    fn there(&self) -> MutexGuard<'_, HashSet<SinkName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the loop who comes and goes, in the order in which they do.
    pub async fn tell(
        self: Arc<Self>,
        house: Arc<House>,
        intake: Intake,
        mut news: mpsc::UnboundedReceiver<(SinkName, bool)>,
    ) {
        while let Some((name, up)) = news.recv().await {
            // Until the loop has it: a reload would give the peer another id in between.
            let names = house.names().await;
            let peer = names.symbols.find_peer(name.as_str());
            if up {
                self.there().insert(name);
            } else {
                self.there().remove(&name);
            }
            if let Some(peer) = peer {
                intake.send(Message::Input(Input::Link { peer, up })).await;
            }
        }
    }

    /// Tells the loop again behind a swap: another program has other ids.
    pub async fn tell_again(&self, symbols: &Symbols, intake: &Intake) {
        let news: Vec<_> = {
            let mut there = self.there();
            there.retain(|name| symbols.find_peer(name.as_str()).is_some());
            let is_there = |name: &String| there.iter().any(|known| known.as_str() == name);
            (0..).map(PeerId).zip(symbols.peers.iter().map(is_there)).collect()
        };
        for (peer, up) in news {
            intake.send(Message::Input(Input::Link { peer, up })).await;
        }
    }
}
