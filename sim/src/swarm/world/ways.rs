//! The ways between nodes and receivers: what the sinks ask for, and what arrives.

use campanile_core::decision::{Decision, Source};
use campanile_core::record::{Frame, Record};

use super::{Event, World};
use crate::swarm::courier::Errand;
use crate::swarm::judge::receipt;
use crate::swarm::judge::window::Window;
use crate::swarm::plan::Ring;
use crate::swarm::receiver::{Answer, Content, Forgotten, Letter, Parcel};
use crate::swarm::tape::mix;

impl World<'_> {
    /// The sinks of a node do what there is to do; which is the first is drawn.
    pub(super) fn errands(&mut self, node: usize) -> Result<(), String> {
        let world = self.clock.now();
        let now = self.stations[node].enter();
        let Some(journal) = self.stations[node].journal() else { return Ok(()) };
        let life = self.stations[node].life;
        let ways = self.stations[node].ways.len();
        let first = if ways > 1 { self.order.below(ways as u64) as usize } else { 0 };
        for place in (first..ways).chain(0..first) {
            loop {
                let way = &mut self.stations[node].ways[place];
                let Some(courier) = way.courier.as_mut().filter(|courier| courier.is_due(now)) else { break };
                let errand = courier.turn(&journal.borrow(), now);
                match errand {
                    Errand::Rest => break,
                    Errand::Pass(lagged, word) => {
                        self.stations[node].passes(place, lagged);
                        let Some(word) = word else { continue };
                        self.stations[node].release_journal(now);
                        let mut journal = journal.borrow_mut();
                        journal.record(&word, now);
                        journal.commit(now);
                    }
                    Errand::Connect => {
                        let connection = way.receiver.connect(world);
                        courier.connected(connection, now);
                        if connection.is_some() {
                            way.window = Window::default();
                            self.goes_on(node, place);
                        }
                    }
                    Errand::Send(ticket, letter) => {
                        self.stations[node].tells(&letter);
                        let station = &mut self.stations[node];
                        let (way, plan) = (&mut station.ways[place], &station.plan.sinks[place]);
                        way.window.sent(ticket, plan.window).map_err(|why| format!("{}: {why}", way.name))?;
                        // A receiver may be dead, and the sink not know it yet.
                        let Some(connection) = way.courier.as_ref().and_then(|courier| courier.connection)
                        else {
                            break;
                        };
                        let copies = way.receiver.copies(world);
                        let Some(at) = way.receiver.arrival(world) else { continue };
                        let parcel = Parcel { life, connection, ticket, letter };
                        for _ in 0..copies {
                            self.at(at, node, Event::Arrive { way: place, parcel: parcel.clone() });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The receiver goes on with what it has kept of a sink that is back.
    fn goes_on(&mut self, node: usize, place: usize) {
        let world = self.clock.now();
        let receiver = &mut self.stations[node].ways[place].receiver;
        let turns: Vec<u64> = (0..receiver.waiting()).map(|_| receiver.hands_on(world)).collect();
        for at in turns {
            self.at(at, node, Event::HandOn { way: place });
        }
    }

    pub(super) fn arrive(&mut self, node: usize, place: usize, parcel: Parcel) {
        let world = self.clock.now();
        let Parcel { life, connection, .. } = parcel;
        let receiver = &mut self.stations[node].ways[place].receiver;
        // What a dead process sent last may still arrive, but nothing behind a new connection.
        if receiver.connection != connection {
            return;
        }
        match receiver.accept(world, parcel) {
            Ok(at) => self.at(at, node, Event::HandOn { way: place }),
            Err(Forgotten) => {
                if let Some(at) = receiver.answer_at(world) {
                    self.at(at, node, Event::Broken { way: place, life, connection });
                }
            }
        }
    }

    /// A receiver hands on the next of what waits.
    pub(super) fn hand_on(&mut self, node: usize, place: usize) -> Result<(), String> {
        let world = self.clock.now();
        let station = &mut self.stations[node];
        let receiver = &mut station.ways[place].receiver;
        let Some(parcel) = receiver.next(world) else { return Ok(()) };
        let Parcel { life, ticket, ref letter, .. } = parcel;
        let tape = station.node.witness.borrow();
        receipt::read(letter, &tape)?;
        let chapter = tape.chapter(letter.at.boot.0).ok_or("a letter of no start")?;
        drop(tape);
        // The answer goes over the connection that there is now.
        let connection = receiver.connection;
        let answer = receiver.take(world, &parcel, chapter).map_err(|why| format!("sink-{place}: {why}"))?;
        let print = receiver.received.print;
        let at = receiver.answer_at(world);
        let rings = station.plan.sinks[place].rings.as_ref().filter(|_| says_on(letter));
        let rung = rings.and_then(|ring| Some((ring, receiver.answer_at(world)?)));
        if let Some((Ring { node, ask }, at)) = rung
            && usize::from(*node) < self.stations.len()
        {
            let (to, ask, id) = (usize::from(*node), ask.clone(), number(letter));
            self.at(at, to, Event::Rings { ask, id });
        }
        self.note(node, print);
        let Some(at) = at else { return Ok(()) };
        if answer != Answer::Broken {
            self.at(at, node, Event::Answered { way: place, life, connection, ticket, answer });
        }
        if matches!(answer, Answer::Broken | Answer::Last) {
            let life = self.stations[node].life;
            self.at(at, node, Event::Broken { way: place, life, connection });
        }
        Ok(())
    }
}

/// Whether a letter says that an input is on.
fn says_on(letter: &Letter) -> bool {
    let Content::Engine(bytes) = &letter.body else { return false };
    let record = Frame::split(bytes).and_then(|(frame, _)| frame.record());
    let on = Some(1);
    matches!(
        record,
        Some(Record::Decision(Decision::Event { source: Source::Input { .. }, value, .. })) if value == on
    )
}

/// The same for the same record, however often it comes.
fn number(letter: &Letter) -> u32 {
    mix(mix(0, &letter.at.boot.0.to_le_bytes()), &letter.at.seq.to_le_bytes()) as u32
}
