//! The connections of the control socket: a bounded number, of which one that only waits makes room for a new one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// Connections at a time.
pub(super) const MAX: usize = 32;

/// Nobody has to go who has waited for less: whoever has just come is about to ask.
const GRACE: Duration = Duration::from_secs(1);

/// All of them. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Clients(Arc<Shared>);

#[derive(Default)]
struct Shared {
    open: Mutex<Open>,
    /// Something has changed.
    news: Notify,
}

#[derive(Default)]
struct Open {
    /// By the order in which they came.
    all: BTreeMap<u64, Client>,
    next: u64,
}

struct Client {
    task: Option<AbortHandle>,
    /// Since when the house waits for it: for its next request, or for it to take an answer.
    waiting: Option<Instant>,
}

impl Clients {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more, as soon as there is one: if all are taken, that of the one that the house has waited for
    /// longest.
    pub(super) async fn place(&self) -> Place {
        loop {
            let news = self.0.news.notified();
            let Some(longest) = self.longest() else { return self.take() };
            match longest {
                Some((id, since)) if since + GRACE <= Instant::now() => self.close(id),
                Some((_, since)) => {
                    tokio::select! {
                        () = news => {}
                        () = sleep_until(since + GRACE) => {}
                    }
                }
                None => news.await,
            }
        }
    }

    /// If all places are taken: whom the house has waited for longest, if for anybody.
    fn longest(&self) -> Option<Option<(u64, Instant)>> {
        let open = self.open();
        let waiting = open.all.iter().filter_map(|(id, client)| Some((*id, client.waiting?)));
        (open.all.len() >= MAX).then(|| waiting.min_by_key(|(_, since)| *since))
    }

    fn take(&self) -> Place {
        let mut open = self.open();
        let id = open.next;
        open.next += 1;
        open.all.insert(id, Client { task: None, waiting: Some(Instant::now()) });
        Place { clients: self.clone(), id }
    }

    fn close(&self, id: u64) {
        let client = self.open().all.remove(&id);
        if let Some(task) = client.and_then(|client| client.task) {
            task.abort();
        }
    }

    /// The task that serves the client of this number: ended when the client has to go.
    pub(super) fn serves(&self, id: u64, task: AbortHandle) {
        // It may be over already.
        if let Some(client) = self.open().all.get_mut(&id) {
            client.task = Some(task);
        }
    }
}

/// The place of one client, free again when it is dropped.
pub(super) struct Place {
    clients: Clients,
    /// Its number.
    pub(super) id: u64,
}

impl Place {
    /// From now on the house works for the client, or it waits for it.
    pub(super) fn set_working(&self, working: bool) {
        if let Some(client) = self.clients.open().all.get_mut(&self.id) {
            client.waiting = (!working).then(Instant::now);
        }
        self.clients.0.news.notify_waiters();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.open().all.remove(&self.id);
        self.clients.0.news.notify_waiters();
    }
}
