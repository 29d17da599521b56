//! The loop itself: drain, run what is due, take one message, wait.

use embassy_futures::select::select4;
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::channel::Receiver;
use embassy_time::Timer;

use super::readings::Readings;
use super::shell::Shell;
use super::ticks::{Ticks, Wall};
use super::{Captured, Edges, Message, Options, Outputs, Recorder, Stopped};
use crate::bits::{Bits, bit, take_lowest};
use crate::capacity::Capacity;
use crate::engine::InstallError;
use crate::fmt::warning;
use crate::id::InputId;
use crate::input::{COMMAND_TTL, Input, Op, OverrunWhy};
use crate::program::verify::LoadError;
use crate::slots::Slots as _;
use crate::storm::Guard;
use crate::time::{Duration, Instant};

/// Behind a deadline by more than this, the loop was stopped or starved.
const STALLED: Duration = Duration::from_millis(100);

/// So many edges, or deadlines, and other tasks have their turn.
const BATCH: usize = 64;

/// Longer than any device runs, and far from where the conversion to ticks would overflow.
const FAR: u64 = 1 << 50;

pub(super) struct Loop<'a, C: Capacity, E, O, R> {
    shell: Shell<'a, C, O, R>,
    edges: &'a mut E,
    slack: Duration,
    ticks: Ticks<'a>,
    guards: C::Guards,
    /// Inputs under the storm guard's mask, a bit each.
    masked: Bits,
    readings: Readings,
    /// Taken and stamped, but a deadline before its stamp may still have an edge before it.
    held: Option<(Instant, Held)>,
    /// What was due before this is known to be late.
    stalled: Instant,
    /// A checkpoint was asked for.
    checkpoint: bool,
}

/// What waits for its stamp.
enum Held {
    Input(Input),
    Install { hash: u64 },
}

/// How a drain of the edges ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drained {
    /// The source has no more.
    All,
    /// A batch is enough for now.
    More,
    /// The log has no room for more.
    NoRoom,
}

/// What an item leads to.
enum Flow {
    Go,
    Stop,
}

impl<'a, C: Capacity, E: Edges, O: Outputs, R: Recorder> Loop<'a, C, E, O, R> {
    pub(super) fn new(shell: Shell<'a, C, O, R>, edges: &'a mut E, options: Options<'a>) -> Self {
        Self {
            shell,
            edges,
            slack: options.slack,
            ticks: Ticks::new(options.zone),
            guards: C::Guards::EMPTY,
            masked: 0,
            readings: Readings::default(),
            held: None,
            stalled: Instant::ZERO,
            checkpoint: false,
        }
    }

    pub(super) async fn run<M: RawMutex, const N: usize>(
        mut self,
        messages: Receiver<'_, M, Message, N>,
    ) -> Stopped {
        self.shell.settle(self.shell.engine.now());
        self.read_all();
        self.look_at_clock();
        loop {
            let now = now();
            self.note_stall(now);
            let drained = self.drain();
            let stuck = drained == Drained::NoRoom && {
                self.shell.record();
                self.shell.is_full()
            };
            // Where the reader of the log makes no room the edges wait, and deadlines do not: a light goes off all the same.
            let more = match drained {
                Drained::More => true,
                Drained::NoRoom if !stuck => true,
                Drained::NoRoom | Drained::All => self.advance(now.minus(self.slack)),
            };
            let mut progress = more;
            if !stuck && !more {
                if self.held.is_none() {
                    self.held = self.take(now, &messages).map(|held| (now, held));
                }
                // What is due at the stamp or before it has its turn first.
                if self.due() > self.held.as_ref().map_or(Instant::NEVER, |(at, _)| *at)
                    && let Some((at, held)) = self.held.take()
                {
                    progress = true;
                    if let Flow::Stop = self.put(at, held) {
                        self.shell.hand_over_all().await;
                        return Stopped { recorded: self.shell.recorded };
                    }
                }
            }
            self.shell.record();
            self.give_checkpoint();
            if progress { yield_now().await } else { self.wait(&messages).await }
        }
    }

    /// The engine's next deadline, or the next tick.
    fn due(&self) -> Instant {
        self.shell.next.min(self.ticks.due())
    }

    fn note_stall(&mut self, now: Instant) {
        let due = self.due();
        if due >= self.stalled && now.since(due) > STALLED {
            self.stalled = now;
            self.ticks.slept(now);
            self.shell.feed(self.shell.engine.now(), Input::Stall { until: now });
        }
    }

    /// Takes what the source has, up to a batch.
    fn drain(&mut self) -> Drained {
        for _ in 0..BATCH {
            if self.shell.is_full() {
                return Drained::NoRoom;
            }
            let Some(captured) = self.edges.next() else { return Drained::All };
            self.take_captured(captured);
        }
        Drained::More
    }

    fn take_captured(&mut self, Captured { at, input }: Captured) {
        match input {
            Input::Edge { input, .. } | Input::Late { input, .. } => {
                if self.is_thrown_away(at, input) {
                    return;
                }
                self.readings.edge(input);
            }
            Input::Level { input, .. } => self.readings.level(input),
            Input::Overrun { input: Some(input), .. } => self.readings.gap(input),
            _ => {}
        }
        self.count_before(at);
        self.advance_to(at);
        self.shell.feed(at, input);
        self.collect_asked();
    }

    /// What a mask has cost is counted before the first edge that comes behind it, and does not wait for any slack.
    fn count_before(&mut self, edge: Instant) {
        let counts = |held: &mut (Instant, Held)| {
            matches!(held.1, Held::Input(Input::Overrun { why: OverrunWhy::Storm, .. }))
        };
        if let Some((at, Held::Input(overrun))) = self.held.take_if(counts) {
            let at = at.min(edge);
            self.advance_to(at);
            self.shell.feed(at, overrun);
            self.collect_asked();
        }
    }

    /// The storm guard.
    fn is_thrown_away(&mut self, at: Instant, input: InputId) -> bool {
        let rate = self.shell.engine.storm(input);
        let Some(guard) = self.guards.as_mut().get_mut(input.index()) else { return false };
        if self.masked & bit(input.0) != 0 {
            guard.lose();
            return true;
        }
        if guard.admit(at, rate) {
            return false;
        }
        self.masked |= bit(input.0);
        self.edges.mask(input, true);
        true
    }

    /// When the storm guard listens again to some input, and to which.
    fn unmask_due(&self) -> (Instant, InputId) {
        let mut masked = self.masked;
        let mut first = (Instant::NEVER, InputId(0));
        while let Some(input) = take_lowest(&mut masked).map(InputId) {
            let rate = self.shell.engine.storm(input);
            let until = self
                .guards
                .as_ref()
                .get(input.index())
                .map_or(Instant::ZERO, |guard| guard.masked_until(rate));
            if until < first.0 {
                first = (until, input);
            }
        }
        first
    }

    fn unmask(&mut self, input: InputId) -> Input {
        self.masked &= !bit(input.0);
        self.edges.mask(input, false);
        self.readings.gap(input);
        let lost = self.guards.as_mut().get_mut(input.index()).map_or(0, Guard::unmask);
        Input::Overrun { input: Some(input), lost, why: OverrunWhy::Storm }
    }

    /// Runs deadlines and ticks due at or before `to`, in their order. True if there are more, and a batch is enough
    /// for now.
    fn advance(&mut self, to: Instant) -> bool {
        for _ in 0..BATCH {
            let due = self.due();
            if due > to || !due.is_set() {
                return false;
            }
            if self.shell.next <= due {
                self.shell.settle(due);
            } else if let Some(trigger) = self.ticks.take(self.shell.engine.schedules()) {
                self.shell.feed(due, Input::Tick { trigger });
            }
            self.collect_asked();
        }
        true
    }

    fn advance_to(&mut self, to: Instant) {
        while self.advance(to) {}
    }

    /// A line under the mask is not at rest; it is read when the mask is over.
    fn collect_asked(&mut self) {
        self.readings.quiet(core::mem::take(&mut self.shell.asked) & !self.masked);
    }

    /// The next input that is not an edge: what the loop owes itself, then a message.
    fn take<M: RawMutex, const N: usize>(
        &mut self,
        now: Instant,
        messages: &Receiver<'_, M, Message, N>,
    ) -> Option<Held> {
        let (until, input) = self.unmask_due();
        if until <= now {
            return Some(Held::Input(self.unmask(input)));
        }
        if let Some(level) = self.readings.next(now, self.slack, &mut self.shell) {
            return Some(Held::Input(level));
        }
        match messages.try_receive().ok()? {
            Message::Input(input) => Some(Held::Input(input)),
            Message::Command { origin, id, op, issued } => {
                let op = if now.since(issued) > COMMAND_TTL { Op::Expired {} } else { op };
                Some(Held::Input(Input::Command { origin, id, op }))
            }
            Message::Install { hash } => Some(Held::Install { hash }),
            Message::Stop => Some(Held::Input(Input::Stop {})),
            Message::Checkpoint => {
                self.checkpoint = true;
                None
            }
        }
    }

    fn put(&mut self, at: Instant, held: Held) -> Flow {
        match held {
            Held::Input(input) => {
                self.shell.feed(at, input);
                match input {
                    Input::Clock { .. } => self.look_at_clock(),
                    Input::Stop {} => return Flow::Stop,
                    _ => {}
                }
            }
            Held::Install { hash } => self.install(at, hash),
        }
        self.collect_asked();
        Flow::Go
    }

    fn install(&mut self, at: Instant, hash: u64) {
        self.pay_off(at);
        let Some(image) = self.shell.recorder.image(hash) else {
            return self.shell.recorder.install_failed(hash, LoadError::NotAnImage);
        };
        match self.shell.engine.install(at, image) {
            Ok(_) => {
                self.shell.outputs.installed(hash);
                // The lines are others now, and so are their guards.
                self.guards = C::Guards::EMPTY;
                self.shell.settle(at);
                self.read_all();
                self.ticks.swap(at, self.shell.engine.schedules());
            }
            Err(InstallError::Load(why)) => self.shell.recorder.install_failed(hash, why),
            // Neither can be: everything due was done before, and the loop ends with `Stop`.
            Err(why @ (InstallError::Busy | InstallError::Stopped)) => warning!("install refused: {:?}", why),
        }
    }

    /// Says and reads what is owed under the ids of the program that may go.
    fn pay_off(&mut self, at: Instant) {
        let mut masked = self.masked;
        while let Some(input) = take_lowest(&mut masked).map(InputId) {
            let overrun = self.unmask(input);
            self.shell.feed(at, overrun);
        }
        while let Some(level) = self.readings.next(at, Duration::ZERO, &mut self.shell) {
            self.shell.feed(at, level);
        }
        self.shell.settle(at);
    }

    /// Inputs of which the engine knows nothing are read next. So are the others: a reading that the old program was owed
    /// went with its ids, and a line may have been opened anew.
    fn read_all(&mut self) {
        let all = self.shell.inputs();
        let mut inputs = all;
        let mut unknown = 0;
        while let Some(input) = take_lowest(&mut inputs).map(InputId) {
            if self.shell.engine.input(input).is_none_or(|state| state.raw.is_none()) {
                unknown |= bit(input.0);
            }
        }
        self.shell.asked = 0;
        self.readings.start(unknown);
        self.readings.quiet(all & !unknown);
    }

    fn look_at_clock(&mut self) {
        if let Some((at, Input::Clock { unix, offset, trusted })) = self.shell.engine.clock() {
            self.ticks.set(Wall { at, unix, offset, trusted }, self.shell.engine.schedules());
        }
    }

    fn give_checkpoint(&mut self) {
        if self.shell.is_recorded() && (self.recorder_asks() || self.checkpoint) {
            self.checkpoint = false;
            let Shell { engine, recorder, .. } = &mut self.shell;
            engine.checkpoint(|item| recorder.checkpoint(item));
            recorder.checkpoint_done();
        }
    }

    fn recorder_asks(&mut self) -> bool {
        self.shell.recorder.wants_checkpoint()
    }

    /// Waits for whatever comes next: a deadline, an edge, a message, room in the recorder.
    async fn wait<M: RawMutex, const N: usize>(&mut self, messages: &Receiver<'_, M, Message, N>) {
        let open = !self.shell.is_full();
        let mut wake = self.due().plus(self.slack);
        if open && self.held.is_none() {
            wake = wake.min(self.readings.due(self.slack)).min(self.unmask_due().0);
        }
        let behind = !self.shell.is_recorded();
        let listening = open && self.held.is_none();
        let (edges, recorder) = (&mut *self.edges, &mut *self.shell.recorder);
        select4(
            async { if open { edges.ready().await } else { never().await } },
            async { if listening { messages.ready_to_receive().await } else { never().await } },
            sleep_until(wake),
            async { if behind { recorder.room().await } else { recorder.stirred().await } },
        )
        .await;
    }
}

async fn never() {
    core::future::pending().await
}

/// The time, on the clock that also stamps edges.
fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}

/// Never before `at`, also where a tick is longer than a microsecond.
async fn sleep_until(at: Instant) {
    let Some(at) = at.to_option() else { return never().await };
    let micros = at.micros().min(FAR);
    let mut deadline = embassy_time::Instant::from_micros(micros);
    if deadline.as_micros() < micros {
        deadline = embassy_time::Instant::from_ticks(deadline.as_ticks().saturating_add(1));
    }
    Timer::at(deadline).await;
}
