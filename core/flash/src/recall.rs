//! What outlived the last start. The last checkpoint, or the start itself, is taken by an engine, which then executes
//! what was recorded behind it, and so has the state of the last moment. What of it shall live on is written down as a
//! checkpoint of another kind, before the number of the next start: however often that start is cut off before it has
//! taken all of it back, the next one finds it there.

use campanile_core::capacity::Capacity;
use campanile_core::decision::By;
use campanile_core::engine::{Engine, Step};
use campanile_core::input::Input;
use campanile_core::record::{CORE_REV, FIRST_DECISION, Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_core::watcher::Watcher;
use campanile_core::wire::{Reader, Wire as _};

use crate::medium::{Flash, Refused};
use crate::place::{Item, Of, Place, Start, State};
use crate::store::{Checkpoint, Store};

/// What outlived the last start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// The hash of the image that its ids are of. Load that for the start, even if another program is to run: the swap
    /// knows what goes on under other ids.
    pub program: u64,
    /// Where the items begin.
    place: Place,
}

/// Finds what outlived the last start, and has it where the next one finds it too. The engine is a new one, and is to be
/// made new again. `image` gives the image of a hash, if there is one.
///
/// # Errors
/// The flash does not take it.
pub fn recall<C: Capacity, F: Flash>(
    store: &mut Store<F>,
    engine: &mut Engine<C>,
    image: impl for<'a> Fn(&'a Store<F>, u64) -> Option<&'a [u8]>,
) -> Result<Option<Recalled>, Refused> {
    let Bases { start, full, outlived } = Bases::find(store);
    let is_behind = |base: Option<Base>, other: Option<Base>| {
        base.map(|base| base.order) > other.map(|other| other.order)
    };
    // What was once written for a start holds until that start is over.
    if is_behind(outlived, start) && is_behind(outlived, full) {
        return Ok(outlived.map(Base::recalled));
    }
    let base = if is_behind(full, start) { full } else { start };
    let Some(base) = base else { return Ok(None) };
    let has_it = base.of.core_rev == CORE_REV
        && image(store, base.of.program).is_some_and(|first| {
            let again = Again { engine, loaded: false, restoring: true };
            again.run(store, base.place, first, |hash| image(store, hash))
        });
    if !has_it {
        // A start that was cut off, or records of another revision: the last that was written down.
        let last = if is_behind(full, outlived) { full } else { outlived };
        return Ok(last.map(Base::recalled));
    }
    let program = engine.program().unwrap_or(base.of.program);
    let mut checkpoint = Checkpoint::outlived(program);
    engine.checkpoint(|item| outlives(item).into_iter().for_each(|item| checkpoint.push(store, &item)));
    let place = checkpoint.finish(store)?;
    Ok(Some(Recalled { program, place }))
}

impl Recalled {
    /// The items to feed behind `Boot`. Each call looks for one, so that the store can be written in between.
    pub fn items(&self) -> Items {
        Items { place: self.place, taken: 0, over: false }
    }
}

/// The items of a checkpoint, of which those that outlive a start are given.
pub struct Items {
    place: Place,
    /// Bytes taken of the piece there.
    taken: usize,
    over: bool,
}

impl Items {
    /// The next.
    pub fn next<F: Flash>(&mut self, store: &Store<F>) -> Option<Restore> {
        while !self.over {
            let Some((at, Item::State(state), behind)) = store.next(self.place) else { return None };
            let mut r = Reader::new(state.items.get(self.taken..).unwrap_or_default());
            let left = r.rest().len();
            match Restore::get(&mut r) {
                Some(item) => {
                    (self.place, self.taken) = (at, self.taken + left - r.rest().len());
                    if let Some(item) = outlives(item) {
                        return Some(item);
                    }
                }
                None => (self.place, self.taken, self.over) = (behind, 0, state.last),
            }
        }
        None
    }
}

/// What becomes of an item over a start; `None` for what is read anew then.
fn outlives(item: Restore) -> Option<Restore> {
    match item {
        Restore::Command { .. } | Restore::Var { .. } | Restore::Run { .. } | Restore::Stopped { .. } => {
            Some(item)
        }
        Restore::Input { input, reported, .. } => Some(Restore::Input { input, raw: reported, reported }),
        Restore::Watch { .. } => {
            Watcher::unread(&item).map(|(input, reported)| Restore::Input { input, raw: reported, reported })
        }
        Restore::Trigger { trigger, left: left @ Some(_), .. } => {
            Some(Restore::Trigger { trigger, armed: false, left })
        }
        Restore::Output { output, level, by: by @ By::Run { .. }, .. } => {
            Some(Restore::Output { output, level, by, max_left: None, failed: false, held: false })
        }
        Restore::Clock { unix, trusted: true, .. } => Some(Restore::Stopped { unix }),
        _ => None,
    }
}

/// Where a state can be had from.
#[derive(Clone, Copy)]
struct Base {
    place: Place,
    of: Of,
    /// Later ones have more.
    order: (u32, usize),
}

impl Base {
    fn recalled(self) -> Recalled {
        Recalled { program: self.of.program, place: self.place }
    }
}

/// The last of each kind.
#[derive(Clone, Copy, Default)]
struct Bases {
    start: Option<Base>,
    /// A whole checkpoint.
    full: Option<Base>,
    /// What outlived the start before.
    outlived: Option<Base>,
}

impl Bases {
    /// Looks through ever more of the newest pages until there is all that a start needs.
    fn find<F: Flash>(store: &Store<F>) -> Self {
        let mut pages = 2;
        loop {
            let bases = Self::of(store, store.newest(pages));
            let order = |base: Option<Base>| base.map(|base| base.order);
            // In front of every start but the first stands what outlived the one before.
            let enough =
                bases.full.is_some() && order(bases.full) > order(bases.start) || bases.outlived.is_some();
            if enough || pages >= store.pages() {
                return bases;
            }
            pages = pages.saturating_mul(2).min(store.pages());
        }
    }

    fn of<F: Flash>(store: &Store<F>, mut place: Place) -> Self {
        let mut bases = Self::default();
        // With the index of the piece that is to come.
        let mut begun: Option<(Base, u16)> = None;
        while let Some((at, item, behind)) = store.next(place) {
            let order = (at.turn, at.offset);
            match item {
                Item::Start(Start { of, .. }) => {
                    bases.start = Some(Base { place: at, of, order });
                    begun = None;
                }
                Item::State(state) => {
                    if let Some(of) = state.first {
                        begun = Some((Base { place: at, of, order }, 0));
                    }
                    begun = begun
                        .filter(|(_, index)| *index == state.index)
                        .and_then(|(base, index)| Some((base, index.checked_add(1)?)));
                    if state.last
                        && let Some((base, _)) = begun.take()
                    {
                        *(if state.outlived { &mut bases.outlived } else { &mut bases.full }) = Some(base);
                    }
                }
                Item::Records(_) | Item::Lost { .. } | Item::Named(_) => begun = None,
            }
            place = behind;
        }
        bases
    }
}

/// Executes what was recorded again.
struct Again<'a, C: Capacity> {
    engine: &'a mut Engine<C>,
    loaded: bool,
    /// What comes is the checkpoint that it begins with.
    restoring: bool,
}

impl<C: Capacity> Again<'_, C> {
    /// From a base to the end, or to a gap. False if there is no whole state then.
    fn run<'a, F: Flash>(
        mut self,
        store: &Store<F>,
        base: Place,
        first: &[u8],
        image: impl Fn(u64) -> Option<&'a [u8]>,
    ) -> bool {
        let (mut place, mut seq) = (base, None);
        while let Some((at, item, behind)) = store.next(place) {
            // Damage: what comes behind it is of another state.
            if seq.is_some_and(|seq| seq != (at.boot, at.seq)) {
                break;
            }
            let goes_on = match item {
                Item::Start(_) => {
                    self.restoring = false;
                    true
                }
                Item::State(state) => !self.restoring || self.take_state(&state, first),
                Item::Records(bytes) => self.take_records(bytes, at.at, first, &image),
                Item::Lost { .. } => false,
                Item::Named(_) => true,
            };
            if !goes_on {
                break;
            }
            (place, seq) = (behind, Some((behind.boot, behind.seq)));
        }
        let mut starting = !self.loaded;
        let now = self.engine.now();
        self.settle(now);
        self.engine.checkpoint(|item| starting |= matches!(item, Restore::Head { starting: true, .. }));
        !starting
    }

    fn take_state(&mut self, state: &State<'_>, image: &[u8]) -> bool {
        if state.first.is_some() {
            self.loaded = self.engine.load(Instant::ZERO, image).is_ok();
        }
        let mut r = Reader::new(state.items);
        while let Some(item) = Restore::get(&mut r) {
            self.engine.restore(&item);
        }
        self.restoring = !state.last;
        self.loaded
    }

    fn take_records<'a>(
        &mut self,
        mut bytes: &[u8],
        mut at: Instant,
        first: &[u8],
        image: &impl Fn(u64) -> Option<&'a [u8]>,
    ) -> bool {
        while let Some((frame, rest)) = Frame::split(bytes) {
            (bytes, at) = (rest, at.plus(frame.dt));
            // What the loading decides comes first, at its time.
            if !self.loaded && self.engine.load(at, first).is_err() {
                return false;
            }
            self.loaded = true;
            if frame.kind() < FIRST_DECISION {
                self.settle(at);
                if !self.take(&frame, at, image) {
                    return false;
                }
            }
        }
        self.settle(at);
        true
    }

    fn take<'a>(&mut self, frame: &Frame<'_>, at: Instant, image: &impl Fn(u64) -> Option<&'a [u8]>) -> bool {
        match frame.record() {
            Some(Record::Input(Input::Install { hash })) => {
                image(hash).is_some_and(|image| self.engine.install(at, image).is_ok())
            }
            Some(Record::Input(input)) => self.engine.handle(at, input).is_ok(),
            _ => false,
        }
    }

    /// Does what is due at or before `at`.
    fn settle(&mut self, at: Instant) {
        while !matches!(self.engine.poll(at), Step::Idle { .. }) {}
    }
}
