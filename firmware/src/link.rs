//! The satellite's end of the link, which is the flash package's, over the serial line and the board's pins: it stands where the
//! log's way out is otherwise.

use core::cell::RefCell;
use core::future::pending;

use campanile_core::id::{Level, OutputId};
use campanile_core::link::bundle::Bundle;
use campanile_core::link::{MAX_FRAME, Verdict};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::verify::{LoadError, Room};
use campanile_core::restore::Restore;
use campanile_core::runner::{Message, Recorder};
use campanile_core::time::Instant;
use campanile_flash::{End, News, Port, Wired};
use embassy_futures::select::select3;

use crate::board::{Board, This};
use crate::storage::{self, LINKED_IN, Storage};
use crate::{MESSAGES, OUTPUTS, choice, clock, serial, trace, wiring};

/// Bytes of what the firmware says of itself in one frame.
#[cfg(feature = "defmt")]
const TRACES: usize = 96;

/// What the end stands on.
struct Ground<'a> {
    store: Option<&'a RefCell<Storage>>,
}

impl Port for Ground<'_> {
    type Flash = <This as Board>::Flash;

    const BOARD: &'static str = env!("BOARD");

    fn now(&self) -> Instant {
        clock::now()
    }

    fn store(&self) -> Option<&RefCell<Storage>> {
        self.store
    }

    fn linked_in(&self) -> impl Iterator<Item = &[u8]> {
        LINKED_IN.iter().copied()
    }

    fn has_heard(&self) -> bool {
        serial::has_heard()
    }

    fn hear(&mut self) -> Option<u8> {
        serial::take()
    }

    fn takes_frame(&self) -> bool {
        serial::free() >= MAX_FRAME
    }

    fn say(&mut self, frame: &[u8]) {
        serial::push(frame);
    }

    fn takes_message(&self) -> bool {
        MESSAGES.free_capacity() > 0
    }

    fn tell(&mut self, message: Message) {
        let _ = MESSAGES.try_send(message);
    }

    fn check(&self, bundle: &Bundle<'_>, room: &Room) -> Result<(), Verdict> {
        choice::check(bundle, room).map(drop)
    }

    fn program(&self) -> u64 {
        wiring::with(|wiring| wiring.program)
    }

    fn generation(&self) -> u32 {
        wiring::with(|wiring| wiring.generation)
    }

    fn output(&self, output: OutputId) -> Option<Wired> {
        let output = wiring::output(output)?;
        let safe_without_link = output.safe_without_link.then_some(Level::from_bool(output.safe));
        Some(Wired { pin: output.pin, safe_without_link })
    }

    fn note(&mut self, news: News) {
        match news {
            News::Assigned { own, number } => trace::info!("start {=u64:#x} is {=u64:#x} there", own, number),
            News::Runs { program } => trace::info!("program {=u64:016x} has taken over", program),
            News::NotTaken { bundle, verdict } => {
                trace::info!("bundle {=u64:016x} is not taken: {}", bundle, verdict);
            }
            News::Host { up } => trace::info!("the host is there: {=bool}", up),
        }
    }
}

/// Takes the log, and the host's words.
pub(crate) struct Link<'a> {
    end: End<Ground<'a>, { <This as Board>::RAM_BUNDLE_MAX }, OUTPUTS>,
}

impl<'a> Link<'a> {
    /// Of the start `own`, 0 without storage, in which the program runs whose pins are connected.
    // Apart, so that it is on the stack while it is made, and no longer.
    #[inline(never)]
    pub(crate) fn new(store: Option<&'a RefCell<Storage>>, own: u64, room: Room) -> Self {
        let ground = Ground { store };
        trace::info!("start {=u64:#x} with program {=u64:016x}", own, ground.program());
        Self { end: End::new(ground, own, This::random(), room) }
    }

    /// What the firmware says of itself, when nothing else is to be said.
    #[cfg(feature = "defmt")]
    fn speak_of_itself(&mut self) {
        let mut frames = [0; TRACES];
        if self.end.takes_trace() {
            let len = trace::take(&mut frames);
            self.end.trace(frames.get(..len).unwrap_or_default());
        }
    }
}

impl Recorder for Link<'_> {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let recorded = self.end.visit(log, from);
        #[cfg(feature = "defmt")]
        self.speak_of_itself();
        recorded
    }

    fn is_stirred(&self) -> bool {
        self.end.is_stirred()
    }

    async fn room(&mut self) {
        self.stirred().await;
    }

    async fn stirred(&mut self) {
        let is_choked = self.end.is_choked();
        let room = async {
            if is_choked {
                serial::room(MAX_FRAME).await;
            } else {
                pending::<()>().await;
            }
        };
        select3(serial::heard(), clock::wait_until(self.end.due()), room).await;
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.end.wants_checkpoint()
    }

    fn checkpoint(&mut self, item: Restore) {
        self.end.checkpoint(&item);
    }

    fn checkpoint_done(&mut self) {
        self.end.checkpoint_done();
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        let store = self.end.port.store.map(RefCell::borrow);
        let bundle = self.end.staged(hash).or_else(|| storage::bundle_of(store.as_deref(), hash))?;
        // It was checked when it came: the engine takes it.
        wiring::prepare(bundle)
    }

    fn install_failed(&mut self, _: u64, _: LoadError) {
        self.end.install_failed();
    }
}
