//! A satellite in the swarm: engine, loop, link and store as they ship, with its own clock, board, flash and judges. Without
//! flash a reset costs what has not come to its house by then, and the start behind it has another number.

mod checks;
mod chip;
mod ground;
mod life;
mod pins;
mod programs;
mod recorder;
mod storage;

use std::cell::RefCell;
use std::rc::Rc;

use campanile_clock::{Lens, Virtual};
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::satellite::Program;
use campanile_delivery::symbols::Symbols;
use campanile_flash::Store;

use self::chip::{Chip, Supply};
use self::ground::{End, Ground};
use self::life::{Live, Spawn, Wired};
use self::pins::Pins;
pub(super) use self::programs::{Programs, programs};
use self::recorder::{Recorder, is_stirred};
use self::storage::{Found, Look};
use super::judge::link::Held;
use super::judge::news::News;
use super::judge::once::Once;
use super::judge::starts::Starts;
use super::judge::{commands::Commands, lines::Lines, outputs::Outputs, runs::Runs, steps::Steps};
use super::plan::{FlashFault, SatellitePlan};
use super::tape::{Scroll, Tape, mix};
use super::turns::Turns;
use crate::board::Board;
use crate::executor::{Executor, TaskId};
use crate::node::{self, Witness as _};
use crate::prng::Prng;

/// See the [module](self).
pub(super) struct Satellite<'a> {
    plan: SatellitePlan,
    programs: Rc<Programs>,
    /// The program that is linked in.
    factory: u64,
    board: Board,
    /// Its flash, while no start has it.
    chip: Option<Chip>,
    supply: Rc<Supply>,
    /// When the power fails in the middle of a write, it is back after so long.
    doom: Option<u64>,
    pub(super) tape: Rc<RefCell<Tape>>,
    executor: Executor<'a>,
    turns: Turns,
    clock: &'a Virtual,
    lens: Lens,
    /// A start, unless it is off.
    life: Option<Life>,
    noise: Prng,
    running: u64,
    lines: Lines,
    outputs: Outputs,
    commands: Commands,
    steps: Steps,
    runs: Runs,
    held: Held,
    pub(super) news: News,
    pub(super) once: Once,
    starts: Starts,
    pub(super) thorough: bool,
}

struct Life {
    task: TaskId,
    end: Rc<RefCell<End>>,
    pins: Rc<Pins>,
}

impl<'a> Satellite<'a> {
    pub(super) fn new(
        clock: &'a Virtual,
        plan: SatellitePlan,
        programs: &Rc<Programs>,
        factory: u64,
        seed: &Prng,
    ) -> Self {
        let (lines, drift_ppm) = (programs.rulebook.lines, plan.drift);
        let supply = Rc::<Supply>::default();
        let bundle = programs.bundle(factory).map(Program::bundle).unwrap_or_default();
        let chip = plan.flash.as_ref().map(|flash| Chip::new(flash, bundle, &supply, seed.fork("flash")));
        Self {
            starts: Starts::new(chip.is_some(), Duration::from_micros(plan.wake)),
            chip,
            supply,
            doom: None,
            turns: Turns::new(plan.wake, seed.fork("wakes")),
            plan,
            programs: Rc::clone(programs),
            factory,
            board: Board::default(),
            tape: Rc::default(),
            executor: Executor::new(clock, seed.fork("order")),
            clock,
            lens: Lens { since: clock.now(), showed: 0, drift_ppm },
            life: None,
            noise: seed.fork("noise"),
            running: factory,
            lines: Lines::new(lines, Duration::ZERO, true),
            outputs: Outputs::default(),
            commands: Commands::default(),
            steps: Steps::default(),
            runs: Runs::default(),
            held: Held::default(),
            news: News::default(),
            once: Once::default(),
            thorough: true,
        }
    }

    /// Everything that asks for the time from now on asks its clock.
    pub(super) fn enter(&self) -> Instant {
        self.clock.look_through(self.lens);
        node::now()
    }

    pub(super) const fn is_alive(&self) -> bool {
        self.life.is_some()
    }

    /// It starts: from what its flash has, and from the program that is linked in.
    pub(super) fn begin(&mut self) -> Result<(), String> {
        if self.is_alive() {
            return Ok(());
        }
        self.supply.comes_back();
        self.lens = Lens { since: self.clock.now(), ..self.lens };
        let now = self.enter();
        let programs = Rc::clone(&self.programs);
        let linked_in = programs.bundle(self.factory).ok_or("a satellite without a program")?;
        let (random, noise) = (self.noise.bits() as u32, self.noise.bits() as u32);
        let last = self.starts.last(&self.tape.borrow());
        let look = Look {
            chip: self.chip.take(),
            linked_in: linked_in.bundle(),
            houses: &programs.houses,
            random,
            last,
        };
        let Found { store, boot, image, program, wanted, kept, left, room } =
            self.plan.size.build(look).ok_or("a satellite without a program")?;
        if !self.supply.has_power() {
            // It has not come so far as to do anything.
            self.chip = store.map(Store::close);
            return Ok(());
        }
        let house = programs.houses.get(&program).ok_or("a satellite without a program")?;
        self.running = program;
        self.board.wire(house);
        self.starts.begin(&self.tape.borrow(), boot, left)?;
        self.tape.borrow_mut().begin(boot);
        self.lines.begin(now);
        self.commands.begin();
        self.steps = Steps::default();
        self.runs = Runs::default();
        self.held = Held::default();
        self.held.installed(programs.safe(program), &programs.rules(program)?.outputs);
        let (flash, which) = ((store, &self.supply), (self.factory, program));
        let ground = Ground::new(flash, boot, &programs, which, &self.tape);
        let end = Rc::new(RefCell::new(End::new(ground, boot, noise, room)));
        let recorder = Recorder::new(Rc::clone(&end), Rc::clone(&self.tape));
        let draws = Prng::new(self.noise.bits());
        let size = (&self.plan, room.counts.inputs);
        let pins = Rc::new(Pins::new(&self.board, &programs, program, size, draws));
        let lines = Wired {
            board: self.board.clone(),
            pins: Rc::clone(&pins),
            programs: Rc::clone(&programs),
            end: Rc::clone(&end),
        };
        let live = Live { image, boot, kept, wanted, lines, recorder };
        let task = self.plan.size.build(Spawn { executor: &mut self.executor, live });
        self.turns.begin();
        self.life = Some(Life { task, end, pins });
        // `every` counts from the start, so that a start is never late.
        self.run()
    }

    /// It is off, in the middle of whatever it did, and its outputs with it.
    pub(super) fn end(&mut self) -> Result<(), String> {
        let now = self.enter();
        if let Some(life) = self.life.take() {
            self.judge()?;
            self.executor.kill(life.task);
            let port = &mut life.end.borrow_mut().port;
            let refused = self.supply.has_refused.get();
            self.starts.end(now, &self.tape.borrow(), (port.kept, port.tail), refused)?;
            self.chip = port.close();
            self.check_start()?;
            self.check_replay(None)?;
        }
        self.board.power_off();
        Ok(())
    }

    /// Whether its flash has not taken something, other than for want of power.
    pub(super) fn flash_refuses(&self) -> bool {
        self.supply.has_refused.get()
    }

    /// Its flash does not work any more as it did.
    pub(super) fn spoils_flash(&self, fault: FlashFault) {
        self.supply.spoils(fault);
    }

    /// Another board like it stands in its place, with a blank flash; it is off.
    pub(super) fn is_exchanged(&mut self) {
        if let Some(flash) = &self.plan.flash {
            let bundle = self.programs.bundle(self.factory).map(Program::bundle).unwrap_or_default();
            self.supply = Rc::default();
            self.chip = Some(Chip::new(flash, bundle, &self.supply, Prng::new(self.noise.bits())));
        }
        self.doom = None;
        self.starts.another_board(&self.tape.borrow());
    }

    /// The power fails after so many bytes more that it writes to its flash, and is back after `off`; without flash nothing
    /// comes of it.
    pub(super) fn breaks(&mut self, bytes: u32, off: u64) {
        self.supply.lasts_for(Some(bytes.into()));
        self.doom = Some(off);
    }

    /// The power lasts.
    pub(super) fn power_lasts(&mut self) {
        self.doom = None;
        self.supply.lasts_for(None);
    }

    /// The power has failed in the middle of a write: for how long.
    pub(super) fn doomed(&mut self) -> Option<u64> {
        self.doom.take_if(|_| !self.supply.has_power())
    }

    /// When it has something to do, in the world's time, besides its tasks' timers.
    pub(super) fn due(&self) -> Option<u64> {
        let life = self.life.as_ref()?;
        let due = life.end.borrow().due().min(life.pins.due());
        let due = due.to_option().map(|due| self.lens.world(due.micros()));
        [due, self.turns.wakes()].into_iter().flatten().filter(|due| *due > self.clock.now()).min()
    }

    /// Whether it can go on now.
    pub(super) fn has_work(&mut self) -> bool {
        let now = self.enter();
        if let Some(life) = &self.life {
            if life.pins.due() <= now {
                life.pins.interrupt();
            }
            let mut end = life.end.borrow_mut();
            if is_stirred(&end) {
                end.port.wake();
            }
        }
        self.turns.has(self.clock.now(), self.executor.is_ready())
    }

    /// It runs until it waits.
    pub(super) fn run(&mut self) -> Result<(), String> {
        self.enter();
        self.executor.settle().map_err(|stuck| stuck.to_string())?;
        self.judge()
    }

    /// The frames that it has sent.
    pub(super) fn sent(&mut self) -> Vec<Vec<u8>> {
        self.life.as_ref().map(|life| life.end.borrow_mut().port.sent()).unwrap_or_default()
    }

    /// All that it has sent is on the wire.
    pub(super) fn has_sent(&self) {
        if let Some(life) = &self.life {
            life.end.borrow_mut().port.has_sent();
        }
    }

    /// Bytes have come.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        let now = self.enter();
        if let Some(life) = &self.life {
            self.held.heard(now);
            life.end.borrow_mut().port.receive(bytes);
        }
    }

    /// An input's line moves.
    pub(super) fn moves(&mut self, line: usize, to: Level) {
        let now = self.enter();
        let Some(input) = self.input_on(line).filter(|input| self.board.input(*input) != Some(to)) else {
            return;
        };
        self.board.move_input(now, input, to);
        self.lines.stir(now);
        if let Some(life) = &self.life {
            life.pins.moved(line);
        }
    }

    /// An input's line moves so often that its interrupts leave the loop no turn, until so many edges or one more find the
    /// queue full, or would have if that had not disabled the pin.
    pub(super) fn loses(&mut self, line: usize, lost: u32, to: Level) {
        let mut left = self.plan.waiting.edges() + lost as usize;
        while left > 0 || self.level(line) != to {
            self.moves(line, self.level(line).opposite());
            let Some(life) = &self.life else { return };
            life.pins.interrupt();
            left = left.saturating_sub(1);
        }
    }

    pub(super) fn symbols(&self) -> Option<&Symbols> {
        self.programs.symbols(self.running)
    }

    /// The line of an input that the program of now has.
    pub(super) fn line(&self, input: &str) -> Option<usize> {
        let rules = self.programs.rulebook.of(self.running)?;
        rules.line(self.symbols()?.find_input(input)?)
    }

    fn input_on(&self, line: usize) -> Option<InputId> {
        let rules = self.programs.rulebook.of(self.running)?;
        let place = rules.lines.iter().position(|known| *known == line)?;
        u8::try_from(place).ok().map(InputId)
    }

    /// The level of the line on which an input is.
    pub(super) fn level(&self, line: usize) -> Level {
        self.input_on(line).and_then(|input| self.board.input(input)).unwrap_or_default()
    }

    /// An output's hardware breaks, or is mended.
    pub(super) fn set_hardware(&self, output: OutputId, works: bool) {
        self.board.set_hardware(output, works);
    }

    /// A print of everything that it has written, and its flash was asked for.
    pub(super) fn print(&self) -> u64 {
        mix(self.tape.borrow().print, &self.supply.print().to_le_bytes())
    }

    /// The number of the last record of the start that runs.
    pub(super) fn last(&self) -> u64 {
        self.tape.borrow().now().map_or(0, Scroll::head)
    }

    /// How many records it has written.
    pub(super) fn records(&self) -> u64 {
        self.tape.borrow().lives.iter().map(Scroll::head).sum()
    }

    /// Something happens, after which it takes time until all is at rest.
    pub(super) fn stir(&mut self) {
        let now = self.enter();
        self.lines.stir(now);
    }
}
