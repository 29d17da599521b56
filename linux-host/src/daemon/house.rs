//! What the threads of a running house share: its programs, its state as the records tell it, and whoever waits for
//! an answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_core::decision::{Decision, ReplyResult, Source};
use campanile_core::input::{Input, Origin};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, Record};
use campanile_delivery::Batch;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, oneshot};

use super::mirror::{Answer, Mirror};
use super::programs::{Program, Programs};

/// Requests that may wait for an answer at a time; more are refused.
const MAX_WAITING: usize = 256;

/// See the [module](self).
pub struct House {
    /// The programs.
    pub programs: Programs,
    /// See [`names`](Self::names).
    addressed: RwLock<Arc<Program>>,
    running: Mutex<Option<Arc<Program>>>,
    mirror: Mutex<Mirror>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    replies: HashMap<(Origin, u32), oneshot::Sender<ReplyResult>>,
    install: Option<(u64, oneshot::Sender<Result<(), LoadError>>)>,
}

/// What a batch of records brought.
#[derive(Default)]
pub struct Seen {
    /// To be given out once the records are written.
    pub answers: Vec<Answer>,
    /// Another program runs.
    pub installed: Option<u64>,
    /// A start began.
    pub started: bool,
    /// Something in it has to be on the disk before it is published.
    pub durable: bool,
}

impl House {
    /// A house that has this program once its start is over.
    pub fn new(program: &Arc<Program>) -> Self {
        let mirror = Mirror::new(program.symbols.clone(), &program.initial);
        Self {
            programs: Programs::default(),
            addressed: RwLock::new(program.clone()),
            running: Mutex::new(None),
            mirror: Mutex::new(mirror),
            waiting: Mutex::default(),
        }
    }

    /// The program whose ids the loop knows by the time it comes to what is sent now; from the first moment on that is
    /// the one which a start is about to install. To be held from the look at a name until the message with its id is
    /// sent, so that no swap comes between, and no longer.
    pub async fn names(&self) -> RwLockReadGuard<'_, Arc<Program>> {
        self.addressed.read().await
    }

    /// Has everybody who wants [`names`](Self::names) wait until it is known whose they are.
    pub async fn rename(&self) -> RwLockWriteGuard<'_, Arc<Program>> {
        self.addressed.write().await
    }

    /// The program of the last record; none before the first.
    pub fn running(&self) -> Option<Arc<Program>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The state of the house.
    pub fn mirror(&self) -> MutexGuard<'_, Mirror> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a batch of records; `durable` are the inputs of the program that runs.
    pub fn observe(&self, batch: &Batch<'_>, durable: &mut u64) -> Seen {
        let mut seen = Seen::default();
        let mut mirror = self.mirror();
        let (mut at, mut rest) = (batch.base, batch.bytes);
        while let Some((frame, behind)) = Frame::split(rest) {
            rest = behind;
            at = at.plus(frame.dt);
            let Some(record) = frame.record() else { continue };
            seen.answers.extend(mirror.apply(at, &record));
            match record {
                Record::Decision(Decision::Event { source: Source::Input { input }, .. }) => {
                    seen.durable |= durable.checked_shr(u32::from(input.0)).unwrap_or(0) & 1 != 0;
                }
                Record::Input(Input::Install { hash } | Input::Boot { hash, .. }) => {
                    if let Some(program) = self.programs.get(hash) {
                        mirror.install(program.symbols.clone(), &program.initial);
                        *durable = program.durable;
                        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(program);
                    }
                    match record {
                        Record::Input(Input::Install { .. }) => seen.installed = Some(hash),
                        _ => seen.started = true,
                    }
                }
                _ => {}
            }
        }
        seen
    }

    /// Waits for the answer to a command; `None` if too many wait already.
    pub fn expect_reply(&self, origin: Origin, id: u32) -> Option<oneshot::Receiver<ReplyResult>> {
        let mut waiting = self.waiting();
        waiting.replies.retain(|_, sender| !sender.is_closed());
        if waiting.replies.len() >= MAX_WAITING {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        waiting.replies.insert((origin, id), sender);
        Some(receiver)
    }

    /// Gives out the answers.
    pub fn answer(&self, answers: &[Answer]) {
        if answers.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        for answer in answers {
            if let Some(sender) = waiting.replies.remove(&(answer.origin, answer.id)) {
                // Whoever asked may be gone.
                let _ = sender.send(answer.result);
            }
        }
    }

    /// Waits for the program of this hash to run, or to be refused.
    pub fn expect_install(&self, hash: u64) -> oneshot::Receiver<Result<(), LoadError>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting().install = Some((hash, sender));
        receiver
    }

    /// It runs, or was refused.
    pub fn installed(&self, hash: u64, result: Result<(), LoadError>) {
        if let Some((_, sender)) = self.waiting().install.take_if(|(waiting, _)| *waiting == hash) {
            // Whoever asked may be gone.
            let _ = sender.send(result);
        }
        match result {
            Ok(()) => self.programs.keep_only(hash),
            Err(_) => self.programs.forget(hash),
        }
    }
}
