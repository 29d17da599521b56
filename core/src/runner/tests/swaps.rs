//! What a start or a swap must not forget: outputs that were refused, and lines that moved meanwhile.

use super::*;

fn done(ok: bool) -> impl Fn(&Record) -> bool {
    move |record| *record == Record::Input(Input::Done { output: LAMP, ok })
}

fn set(id: u32, level: Level) -> Message {
    Message::Command { origin: Origin::Local, id, op: Op::Set { output: LAMP, level }, issued: at(100_000) }
}

#[test]
fn what_was_refused_at_the_start_is_recorded_when_it_works_again() {
    let bench = Bench::new();
    bench.broken.set(true);
    let bench = play_on(bench, &program(), 0, |bench| async move {
        bench.broken.set(false);
        bench.say(set(1, Level::On)).await;
        until(110_000).await;
        bench.broken.set(true);
        bench.say(set(2, Level::Off)).await;
        until(120_000).await;
        bench.broken.set(false);
    });
    assert_eq!((bench.count(done(false)), bench.count(done(true))), (2, 2));
}

/// `Done` would end the start in which the rest of what is kept has still to come.
#[test]
fn what_is_refused_at_the_start_is_told_behind_it() {
    let started = [TriggerDef { scenario: ScenarioId(0), on: On::Started {} }];
    let bench = Bench::new();
    bench.broken.set(true);
    let bench = play_on(bench, &lighting(&started, 0), 0, |_| async {});
    let place = |what: &str, is: &dyn Fn(&Record) -> bool| {
        let records = bench.records.borrow();
        records.iter().position(|(_, record)| is(record)).unwrap_or_else(|| panic!("no {what}"))
    };
    let places = [
        place("boot", &|record| matches!(record, Record::Input(Input::Boot { .. }))),
        place("clock", &|record| matches!(record, Record::Input(Input::Clock { .. }))),
        place("run", &|record| matches!(record, Record::Decision(Decision::Run { .. }))),
        place("refusal", &done(false)),
    ];
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(bench.count(done(false)), 1);
}

#[test]
fn an_output_that_takes_the_id_of_a_refused_one_is_refused_on_its_own() {
    let other = lighting_on(3, &[], 0);
    let bench = Bench::new();
    bench.programs.borrow_mut().push(other.clone());
    let bench = play_on(bench, &program(), 0, |bench| async move {
        bench.broken.set(true);
        bench.say(set(1, Level::On)).await;
        until(110_000).await;
        assert_eq!(bench.count(done(false)), 1);
        bench.say(Message::Install { hash: image::hash(&other) }).await;
        until(120_000).await;
    });
    assert_eq!(bench.count(done(false)), 2);
    let fault = Decision::Fault { what: FaultKind::OutputFailed, at: LAMP.0 };
    assert_eq!(bench.count(|record| *record == Record::Decision(fault)), 2);
}

#[test]
fn a_line_that_moved_unseen_is_read_behind_a_swap() {
    let other = lighting(&[], 0);
    let bench = Bench::new();
    bench.programs.borrow_mut().push(other.clone());
    let bench = play_on(bench, &program(), 500, |bench| async move {
        bench.line.set(Level::On);
        bench.say(Message::Install { hash: image::hash(&other) }).await;
        until(150_000).await;
    });
    let found = Input::Level { input: DOOR, level: Level::On, why: LevelWhy::Quiet };
    assert_eq!(bench.count(|record| *record == Record::Input(found)), 1);
    assert_eq!(bench.count(|record| *record == event(1, 10_000, 0)), 1);
}
