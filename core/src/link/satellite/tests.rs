//! Whether a host is there, and what of a session outlives it, or the program.

use super::*;
use crate::capacity::Tiny;
use crate::engine::Engine;
use crate::id::{Level, OutputId};
use crate::input::{COMMAND_TTL, Op, Origin};
use crate::link::{Collector, Heard, Host, Wall};
use crate::time::Duration;

const BOOT: u64 = 1 << 32;
const WALL: Wall = Wall { unix: 0, offset: 0, trusted: false };

/// Both ends say what they have to say, up to where nobody has more. The host pulls the records of whatever start it hears of, if
/// it `pulls`.
fn talk(host: &mut Host, satellite: &mut Satellite, now: Instant, pulls: bool) {
    let engine = Engine::<Tiny>::new();
    let (log, room) = (engine.log(), engine.room());
    let about =
        About { node: "", board: "", room, bundle_max: 0, runs: Runs::default(), health: Health::NO_STORAGE };
    let (mut frame, mut out, mut back) = ([0; MAX_FRAME], Collector::new(), Collector::new());
    loop {
        let asked = host.transmit(now, WALL, &[], &mut frame);
        for byte in &frame[..asked.unwrap_or(0)] {
            out.push(*byte).map(|message| satellite.receive(now, message, &log));
        }
        let answered = satellite.transmit(now, &about, &log, &mut frame);
        for byte in &frame[..answered.unwrap_or(0)] {
            let heard = back.push(*byte).and_then(|message| host.receive(now, message));
            if let Some(Heard::Hello(hello)) = heard
                && pulls
            {
                host.pull(now, hello.tail);
            }
        }
        if asked.is_none() && answered.is_none() {
            return;
        }
    }
}

/// A satellite that its host takes records from.
fn connected() -> (Host, Satellite) {
    let (mut host, mut satellite) = (Host::new(5), Satellite::new(BOOT, 0, 3));
    talk(&mut host, &mut satellite, Instant::ZERO, true);
    assert!(satellite.is_up() && satellite.has_host());
    (host, satellite)
}

#[test]
fn a_host_that_goes_over_to_another_start_is_there_all_the_while() {
    let (mut host, mut satellite) = connected();
    for round in 1..4 {
        let now = Instant::ZERO.plus(Duration::from_secs(round));
        satellite.offer(now, BOOT + round, false);
        assert!(!satellite.is_up() && satellite.has_host());
        talk(&mut host, &mut satellite, now, false);
        assert!(!satellite.is_up() && satellite.has_host(), "it has greeted anew");
        host.pull(now, 1);
        talk(&mut host, &mut satellite, now, true);
        assert!(satellite.is_up());
    }
    // Another one, or the same after a start of its own, is not that one.
    talk(&mut Host::new(6), &mut satellite, Instant::ZERO.plus(Duration::from_secs(5)), false);
    assert!(!satellite.has_host());
}

#[test]
fn a_host_that_does_not_come_back_is_gone() {
    let (_, mut satellite) = connected();
    satellite.offer(Instant::ZERO, BOOT + 1, false);
    satellite.look(Instant::ZERO.plus(PATIENCE));
    assert!(!satellite.has_host());
}

#[test]
fn a_command_without_an_answer_is_not_asked_for_when_the_start_comes_back_as_one_that_is_over() {
    let (mut host, _) = connected();
    let op = Op::Set { output: OutputId(0), level: Level::On };
    assert!(host.command(Instant::ZERO, Origin::Link, 7, op, COMMAND_TTL));
    let mut satellite = Satellite::new(BOOT + 1, 0, 4);
    satellite.offer(Instant::ZERO, BOOT, true);
    host.restart(Instant::ZERO);
    talk(&mut host, &mut satellite, Instant::ZERO, true);
    assert!(host.is_up());
    assert_eq!(host.awaits(), None);
}

#[test]
fn lines_that_were_not_told_when_another_program_took_over_are_looked_at_again() {
    let (_, mut satellite) = connected();
    satellite.session.as_mut().unwrap().look = true;
    satellite.checkpoint_done();
    satellite.session.as_mut().unwrap().asked = Some(9);
    satellite.committed(9, Verdict::Runs);
    assert!(satellite.wants_checkpoint() && !satellite.session.unwrap().tell);
}
