//! The keeper in front of a store whose flash takes nothing: the node goes on, and what it published before stays published.

use campanile_core::capacity::Tiny;
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level};
use campanile_core::input::Input;
use campanile_core::link::Storage;
use campanile_core::log::Cursor;
use campanile_core::program::{InputDef, Parts, image};
use campanile_core::record::CORE_REV;
use campanile_core::time::{Duration, Instant};
use campanile_flash::{Keeper, Of, Start, Store};

use crate::model::Model;

/// A node with one input, its keeper, and what it was told may be published.
struct Node {
    engine: Engine<Tiny>,
    keeper: Keeper,
    begun: Cursor,
    published: Cursor,
    moves: u64,
}

impl Node {
    fn new() -> Self {
        let mut bytes = [0; 64];
        let inputs = [InputDef { line: 1, ..InputDef::default() }];
        let len = image::encode(&Parts { inputs: &inputs, ..Parts::default() }, &mut bytes).unwrap();
        let mut engine = Engine::new();
        let begun = engine.log().head();
        engine.load(Instant::ZERO, &bytes[..len]).unwrap();
        Self { engine, keeper: Keeper::new(), begun, published: begun, moves: 0 }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.moves * 200_000)
    }

    /// Its input moves, and a while later the keeper is asked.
    fn moves(&mut self, store: &mut Store<Model<4, 1024>>) {
        self.moves += 1;
        let level = Level::from_bool(self.moves % 2 == 1);
        while !matches!(self.engine.poll(self.now()), Step::Idle { .. }) {}
        self.engine.handle(self.now(), Input::Edge { input: InputId(0), level }).unwrap();
        while !matches!(self.engine.poll(self.now()), Step::Idle { .. }) {}
        self.keeps(store, Duration::ZERO);
        self.keeps(store, Keeper::WINDOW);
    }

    fn keeps(&mut self, store: &mut Store<Model<4, 1024>>, after: Duration) {
        let (now, log) = (self.now().plus(after), self.engine.log());
        let published = self.keeper.keep(Some(store), &log, self.begun, (now, Keeper::WINDOW));
        assert!(published.seq >= self.published.seq, "what was published is taken back");
        self.published = published;
    }

    fn head(&self) -> u64 {
        self.engine.log().head().seq
    }
}

#[test]
fn a_dead_flash_holds_up_neither_the_node_nor_for_ever_what_it_publishes() {
    let flash = Model::nrf51();
    let weak = flash.weak.clone();
    let mut store = Store::open(flash, 4).unwrap();
    let boot = store.next_boot(1);
    store.begin(Start { boot, of: Of { program: 1, core_rev: CORE_REV } }).unwrap();
    let mut node = Node::new();
    (0..10).for_each(|_| node.moves(&mut store));
    assert_eq!((store.head().seq, node.published.seq), (node.head(), node.head()), "all is in the flash");
    weak.set(true);
    let before = node.head();
    for _ in 0..200 {
        node.moves(&mut store);
        let waits = node.engine.log().head().pos - node.published.pos;
        assert!(waits <= node.engine.log().capacity() as u64 / 2, "{waits} bytes wait for a dead flash");
    }
    assert_eq!(store.head().seq, before, "none of it is in the flash");
    assert!(node.published.seq > before, "it is given up, and goes out");
    assert_ne!(store.health().storage, Storage::Good);
    weak.set(false);
    // The flash is left alone for a minute, as every try erases a page.
    (0..600).for_each(|_| node.moves(&mut store));
    assert_eq!((store.head().seq, node.published.seq), (node.head(), node.head()), "it takes up again");
    let health = store.health();
    assert!(health.lost > 0 && health.refused > 0, "what it missed is counted: {health:?}");
}
