//! A satellite's end of the link whose loop is busy: what its log no longer has when it looks, and what finds no room.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says so by failing")]

#[allow(dead_code, reason = "here it is a type and no more")]
#[path = "../power/model.rs"]
mod model;
mod world;

use campanile_core::decision::ReplyResult;
use campanile_core::id::{Level, PeerId};
use campanile_core::input::{Input, Op, Origin};
use campanile_core::link::{PATIENCE, RETRY, Verdict};
use campanile_core::runner::Message;
use campanile_core::time::Duration;

use world::{BUTTON, HORN, LAMP, World, bundle, image_of, wired};

const SECOND: Duration = Duration::from_secs(1);
const ON: Op = Op::Set { output: LAMP, level: Level::On };
const OFF: Op = Op::Set { output: LAMP, level: Level::Off };
/// What the scenarios are told when the host has gone.
const GONE: Message = Message::Input(Input::Link { peer: PeerId(0), up: false });

/// What the loop is to do to make the lamp safe, if that is it.
fn makes_safe(message: &Message) -> bool {
    matches!(message, Message::Command { origin: Origin::Local, op: OFF, .. })
}

#[test]
fn an_answer_that_was_overwritten_comes_when_the_host_asks_again() {
    let mut world = World::connected();
    world.ask(1, ON);
    world.carry();
    world.do_message();
    world.flood();
    world.run(SECOND);
    assert_eq!(world.replies, [(1, ReplyResult::Duplicate)]);
    assert_eq!(world.output(LAMP), Level::On);
    world.ask(2, OFF);
    world.run(SECOND);
    assert_eq!(world.replies[1..], [(2, ReplyResult::Done)], "the next one comes as ever");
}

#[test]
fn an_answer_behind_those_that_were_overwritten_is_said_once() {
    let mut world = World::connected();
    world.ask(1, ON);
    world.carry();
    world.flood();
    world.visit();
    world.run(SECOND);
    assert_eq!(world.replies, [(1, ReplyResult::Done)]);
}

#[test]
fn what_the_host_holds_goes_safe_though_nobody_saw_how_it_was_switched() {
    let mut world = World::connected();
    world.ask(1, ON);
    world.carry();
    world.do_message();
    world.flood();
    world.run(SECOND);
    world.is_cut = true;
    world.run(PATIENCE.plus(SECOND));
    assert!(matches!(world.done.as_slice(), [.., safe, GONE] if makes_safe(safe)), "{:?}", world.done);
    assert_eq!(world.output(LAMP), Level::Off);
}

#[test]
fn what_somebody_else_has_switched_since_is_not_the_hosts_though_nobody_saw_it() {
    let mut world = World::connected();
    world.ask(1, ON);
    world.run(SECOND);
    for (id, op) in [(1, OFF), (2, ON)] {
        world.feed(Input::Command { origin: Origin::Local, id, op });
    }
    world.flood();
    world.is_cut = true;
    world.run(PATIENCE.plus(SECOND));
    assert_eq!(world.done.last(), Some(&GONE));
    assert!(!world.done.iter().any(makes_safe), "{:?}", world.done);
    assert_eq!(world.output(LAMP), Level::On);
}

#[test]
fn a_program_runs_though_nobody_saw_it_take_over() {
    let mut world = World::connected();
    let new = bundle(2);
    world.bring(&new);
    world.run_until_told();
    assert!(world.install());
    world.flood();
    world.run(SECOND);
    assert_eq!(world.verdicts, [Verdict::Runs]);
}

#[test]
fn a_host_that_goes_while_a_program_is_to_take_over_is_noticed_behind_that() {
    for is_taken in [true, false] {
        let mut world = World::connected();
        world.ask(1, ON);
        world.run(SECOND);
        let new = bundle(2);
        world.bring(&new);
        world.run_until_told();
        assert_eq!(world.end.port.messages, [Message::Install { hash: image_of(&new) }]);
        world.is_cut = true;
        world.is_busy = true;
        world.run(PATIENCE.plus(SECOND));
        assert_eq!(world.end.port.messages.len(), 1, "its outputs may have other ids soon");
        world.is_busy = false;
        if is_taken {
            assert!(world.install());
        } else {
            world.end.port.messages.clear();
            world.end.install_failed();
        }
        world.run(SECOND);
        assert!(matches!(world.done.as_slice(), [.., safe, GONE] if makes_safe(safe)), "{:?}", world.done);
    }
}

#[test]
fn what_finds_the_loop_busy_comes_later() {
    let mut world = World::connected();
    let clocks = |world: &World| {
        world.done.iter().filter(|done| matches!(done, Message::Input(Input::Clock { .. }))).count()
    };
    let before = clocks(&world);
    world.is_busy = true;
    while world.end.port.has_room() {
        world.end.port.messages.push_back(Message::Checkpoint);
    }
    world.unix += 10_000_000;
    world.ask(1, ON);
    world.run(SECOND.plus(SECOND));
    assert!(world.replies.is_empty() && clocks(&world) == before);
    world.is_busy = false;
    world.run(SECOND.plus(SECOND));
    assert_eq!(world.replies, [(1, ReplyResult::Done)]);
    assert_eq!(clocks(&world), before + 1);
}

#[test]
fn all_that_the_host_holds_goes_safe_though_nothing_is_recorded_between() {
    let mut world = World::connected();
    for (id, output) in [(1, LAMP), (2, HORN)] {
        world.ask(id, Op::Set { output, level: Level::On });
        world.run(SECOND);
    }
    (world.is_cut, world.is_busy) = (true, true);
    world.run(PATIENCE.plus(SECOND));
    world.is_busy = false;
    world.run(SECOND);
    assert_eq!([LAMP, HORN].map(|output| world.output(output)), [Level::Off; 2]);
}

#[test]
fn a_host_that_is_gone_is_noticed_though_the_wire_takes_nothing() {
    let mut world = World::connected();
    world.ask(1, ON);
    world.run(SECOND);
    (world.is_cut, world.end.port.is_full) = (true, true);
    world.run(PATIENCE.plus(SECOND));
    assert_eq!((world.done.last(), world.output(LAMP)), (Some(&GONE), Level::Off));
}

/// Records were sent and not acknowledged, and are to be sent again.
#[test]
fn what_the_wire_does_not_take_leaves_the_loop_its_sleep_until_it_does() {
    let mut world = World::connected();
    world.is_cut = true;
    world.feed(Input::Edge { input: BUTTON, level: Level::On });
    world.visit();
    world.end.port.is_full = true;
    world.run(RETRY.plus(RETRY));
    let now = world.end.port.now;
    assert!(!world.end.is_stirred() && world.end.due() > now, "{:?}", world.end.due());
    world.end.port.is_full = false;
    assert!(world.end.is_stirred());
}

#[test]
fn a_program_whose_record_is_seen_behind_what_was_overwritten_takes_over_once() {
    let mut world = World::connected();
    let new = bundle(2);
    world.bring(&new);
    world.run_until_told();
    world.flood();
    assert!(world.install());
    world.run(SECOND);
    assert_eq!((world.verdicts.as_slice(), world.end.port.messages.len()), (&[Verdict::Runs][..], 0));
}

#[test]
fn a_program_with_the_same_image_and_other_lines_runs_when_it_has_taken_over() {
    let mut world = World::connected();
    let new = wired(1, false);
    world.bring(&new);
    world.run_until_told();
    assert_eq!(image_of(&new), world.end.port.program);
    world.is_busy = true;
    world.flood();
    world.run(SECOND);
    assert_eq!(world.verdicts, [], "the loop has not come to it");
    assert!(world.install());
    world.flood();
    world.is_busy = false;
    world.run(SECOND);
    assert_eq!(world.verdicts, [Verdict::Runs]);
    world.ask(1, ON);
    world.run(SECOND);
    world.is_cut = true;
    world.run(PATIENCE.plus(SECOND));
    assert_eq!((world.done.last(), world.output(LAMP)), (Some(&GONE), Level::On));
}

#[test]
fn who_has_nothing_to_say_of_itself_says_nothing() {
    let mut world = World::connected();
    assert!(world.end.takes_trace());
    world.end.trace(&[]);
    assert!(world.end.port.is_silent());
    world.end.trace(&[1]);
    assert!(!world.end.port.is_silent());
}
