//! What outlives a start, wherever the power fails: in a life, in the writing down of its state, in a start.

use std::collections::BTreeMap;

use campanile_core::capacity::Tiny;
use campanile_core::decision::{Decision, Source};
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level, VarId};
use campanile_core::input::{Input, LevelWhy, Op, Origin};
use campanile_core::log::Cursor;
use campanile_core::program::{InputDef, Parts, VarDef, image};
use campanile_core::record::{CORE_REV, Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_flash::{Checkpoint, Of, Recalled, Refused, Start, Store, recall};

use crate::log::PAGES;
use crate::model::Model;

/// What has to outlive everything: the values of variables, the levels of inputs, the last commands.
#[derive(Clone, Debug, PartialEq)]
struct Memory {
    vars: BTreeMap<u8, i32>,
    levels: BTreeMap<u8, bool>,
    commands: Vec<u32>,
}

impl Memory {
    /// As the program has it.
    fn initial() -> Self {
        Self { vars: [(0, INITIAL), (1, INITIAL)].into(), levels: BTreeMap::new(), commands: Vec::new() }
    }

    fn take(&mut self, record: &Record) {
        match *record {
            Record::Decision(Decision::Let { var, value }) => {
                self.vars.insert(var.0, value);
            }
            Record::Decision(Decision::Event {
                source: Source::Input { input }, value: Some(value), ..
            }) => {
                self.levels.insert(input.0, value != 0);
            }
            Record::Decision(Decision::Reply { id, .. }) => {
                self.commands.push(id);
                let old = self.commands.len().saturating_sub(16);
                self.commands.drain(..old);
            }
            _ => {}
        }
    }

    fn of(items: impl Iterator<Item = Restore>) -> Self {
        let mut memory = Self { vars: BTreeMap::new(), ..Self::initial() };
        for item in items {
            match item {
                Restore::Var { var, value } => {
                    memory.vars.insert(var.0, value);
                }
                Restore::Input { input, reported, .. } => {
                    memory.levels.insert(input.0, reported.is_on());
                }
                Restore::Command { id, .. } => memory.commands.push(id),
                other => panic!("{other:?} does not outlive a start"),
            }
        }
        memory
    }
}

const INITIAL: i32 = 5;

/// Two inputs, two variables.
fn program() -> Vec<u8> {
    let inputs = [1, 2].map(|line| InputDef { line, ..InputDef::default() });
    let variables = [1, 2].map(|name| VarDef { name, initial: INITIAL });
    let parts = Parts { inputs: &inputs, variables: &variables, ..Parts::default() };
    let mut bytes = vec![0; 256];
    let len = image::encode(&parts, &mut bytes).unwrap();
    bytes.truncate(len);
    bytes
}

/// A node, as a port makes one of engine and store.
struct Node<'a, const SIZE: usize> {
    store: Store<&'a mut Model<4, SIZE>>,
    engine: Engine<Tiny>,
    sent: Cursor,
    hash: u64,
    memory: &'a mut Memory,
    /// Behind the record that was under way when the power failed.
    maybe: &'a mut Memory,
}

impl<const SIZE: usize> Node<'_, SIZE> {
    fn handle(&mut self, at: Instant, input: Input) -> Result<(), Refused> {
        self.settle(at);
        self.engine.handle(at, input).unwrap();
        self.settle(at);
        self.hand_over()
    }

    fn settle(&mut self, at: Instant) {
        while !matches!(self.engine.poll(at), Step::Idle { .. }) {}
    }

    fn hand_over(&mut self) -> Result<(), Refused> {
        let mut bytes = [0; 200];
        loop {
            let Cursor { seq, at, .. } = self.sent;
            let (len, next) = self.engine.log().copy(self.sent, &mut bytes).unwrap();
            if len == 0 {
                break;
            }
            let mut rest = &bytes[..len];
            while let Some((frame, behind)) = Frame::split(rest) {
                self.maybe.take(&frame.record().unwrap());
                rest = behind;
            }
            self.store.append_records(seq, at, &bytes[..len])?;
            *self.memory = self.maybe.clone();
            self.sent = next;
        }
        if self.store.wants_checkpoint() {
            let mut checkpoint = Checkpoint::of(self.hash);
            let Self { engine, store, .. } = self;
            engine.checkpoint(|item| checkpoint.push(store, &item));
            checkpoint.finish(store)?;
        }
        Ok(())
    }
}

/// What the store recalls is what the oracle has, or has with what was under way.
fn agree<const SIZE: usize>(
    store: &Store<&mut Model<4, SIZE>>,
    recalled: Option<Recalled>,
    memory: &mut Memory,
    maybe: &mut Memory,
) {
    let mut items = recalled.map(|recalled| recalled.items());
    let found = match &mut items {
        Some(items) => Memory::of(std::iter::from_fn(|| items.next(store))),
        None => Memory::initial(),
    };
    assert!(
        *memory == found || *maybe == found,
        "recalled {found:?}\ninstead of {memory:?}\nor        {maybe:?}"
    );
    *memory = found;
    *maybe = memory.clone();
}

/// A life of so many deeds, until the power fails.
fn live<const SIZE: usize>(
    flash: &mut Model<4, SIZE>,
    memory: &mut Memory,
    maybe: &mut Memory,
    deeds: u32,
) -> Result<(), Refused> {
    let image = program();
    let hash = image::hash(&image);
    let mut store = Store::open(flash, SLOT_PAGES).unwrap();
    let mut engine = Engine::<Tiny>::new();
    let recalled = recall(&mut store, &mut engine, |_, wanted| {
        // As the store's own would be; there are no two programs here.
        (wanted == hash).then_some(IMAGE.get_or_init(program).as_slice())
    })?;
    agree(&store, recalled, memory, maybe);
    let boot = store.next_boot(3);
    store.begin(Start { boot, of: Of { program: hash, core_rev: CORE_REV } })?;
    let mut engine = Engine::new();
    let sent = engine.log().head();
    engine.load(Instant::ZERO, &image).unwrap();
    let mut node = Node { store, engine, sent, hash, memory, maybe };
    node.handle(Instant::ZERO, Input::Boot { boot, core_rev: CORE_REV, hash, off: None })?;
    let mut items = recalled.map(|recalled| recalled.items());
    while let Some(item) = items.as_mut().and_then(|items| items.next(&node.store)) {
        node.handle(Instant::ZERO, Input::Restore { item })?;
    }
    for (&input, &on) in &node.memory.levels.clone() {
        let (input, level) = (InputId(input), Level::from_bool(on));
        node.handle(Instant::ZERO, Input::Level { input, level, why: LevelWhy::Start })?;
    }
    node.handle(Instant::ZERO, Input::Clock { unix: 0, offset: 0, trusted: false })?;
    for n in 1..=deeds {
        let at = Instant::from_micros(u64::from(n) * 10_000);
        let value = (boot >> 32) as i32 * 1_000 + n as i32;
        let op = Op::Let { var: VarId((n % 2) as u8), value };
        let id = (boot >> 32) as u32 * 1_000 + n;
        match n % 3 {
            0 => {
                let (input, level) = (InputId((n % 2) as u8), Level::from_bool(n % 4 < 2));
                node.handle(at, Input::Edge { input, level })?;
            }
            _ => node.handle(at, Input::Command { origin: Origin::Local, id, op })?,
        }
    }
    Ok(())
}

/// Of each of the two slots for programs.
const SLOT_PAGES: usize = 1;

static IMAGE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();

/// Cuts the power after every `nth` step of a life, and the lives behind it in their starts. Before it there were lives of so many
/// deeds.
fn cut_everywhere<const SIZE: usize>(mut flash: Model<4, SIZE>, lives_before: &[u32], nth: usize) {
    let (mut memory, mut maybe) = (Memory::initial(), Memory::initial());
    for deeds in lives_before {
        live(&mut flash, &mut memory, &mut maybe, *deeds).unwrap();
    }
    for steps in (1..).step_by(nth) {
        let mut flash = flash.clone().again(steps, steps);
        let (mut memory, mut maybe) = (memory.clone(), maybe.clone());
        if live(&mut flash, &mut memory, &mut maybe, 50).is_ok() {
            assert!(steps > 300, "a life of {steps} steps has little to cut");
            return;
        }
        // Again and again it is cut off before it has come far.
        for steps in [3, 20, 50, 90, 130] {
            flash = flash.again(steps, steps);
            let _ = live(&mut flash, &mut memory, &mut maybe, 0);
        }
        flash = flash.again(u64::MAX, 0);
        live(&mut flash, &mut memory, &mut maybe, 3).unwrap();
        live(&mut flash, &mut memory, &mut maybe, 0).unwrap();
    }
}

#[test]
fn a_cut_in_the_first_life() {
    cut_everywhere(Model::new(PAGES + 2), &[], 1);
}

#[test]
fn a_cut_in_a_life_whose_log_has_come_round() {
    cut_everywhere(Model::new(PAGES + 2), &[50, 50, 50], 3);
}

#[test]
fn a_cut_in_the_first_life_of_a_microbit() {
    cut_everywhere(Model::nrf51(), &[], 1);
}

/// The life before ends just in front of the end of the ring, so that the life that is cut erases what is in use.
#[test]
fn a_cut_in_a_life_of_a_microbit_whose_log_comes_round() {
    let comes_round = |lives: &[u32]| {
        let mut flash = Model::nrf51();
        let (mut memory, mut maybe) = (Memory::initial(), Memory::initial());
        lives.iter().for_each(|deeds| live(&mut flash, &mut memory, &mut maybe, *deeds).unwrap());
        flash.erased[2 * SLOT_PAGES..].iter().any(|times| *times > 1)
    };
    let (mut before, mut behind) = (0, 1 << 14);
    while behind - before > 1 {
        let middle = u32::midpoint(before, behind);
        if comes_round(&[middle]) { behind = middle } else { before = middle }
    }
    assert!(
        !comes_round(&[before]) && comes_round(&[before, 50]),
        "the life that is cut is not at the end of the ring"
    );
    cut_everywhere(Model::nrf51(), &[before], 1);
}

#[test]
fn a_long_life_is_recalled_from_its_checkpoints() {
    let mut flash = Model::new(PAGES + 2);
    let (mut memory, mut maybe) = (Memory::initial(), Memory::initial());
    live(&mut flash, &mut memory, &mut maybe, 2_000).unwrap();
    assert!(flash.erased[2..].iter().all(|times| *times > 3), "the log came round: {:?}", flash.erased);
    live(&mut flash, &mut memory, &mut maybe, 0).unwrap();
    assert_eq!(memory.vars.values().copied().max(), Some(1_000 + 2_000));
}
