use campanile_core::id::Level::{Off, On};

use super::*;
use crate::bounce::Model;
use crate::compare::first_difference;
use crate::script::{Action, Bounce, Command};
use crate::testing::{doorbell, input, script};

const SWITCH: Bounce = Bounce::Drawn(Model::Switch);

fn trace(script: &Script) -> String {
    play(script, &doorbell(), &BTreeMap::new(), &Options::default()).expect("the script plays").trace
}

/// Without the lamp's blinking, which other tests are about.
fn without_lamp(script: &Script) -> String {
    let dull = ["lamp", "dark"];
    let is_dull = |line: &&str| !dull.iter().any(|word| line.split_whitespace().nth(1) == Some(word));
    trace(script).lines().filter(is_dull).map(|line| format!("{line}\n")).collect()
}

fn expect(script: &Script, expected: &str) {
    if let Some(difference) = first_difference(expected, &without_lamp(script)) {
        panic!("{difference}\n{}", without_lamp(script));
    }
}

#[test]
fn a_bouncing_press_rings_once() {
    let script = script(
        1,
        3_000,
        vec![
            (0, input("button", On, Bounce::Edges(vec![300, 900, 1_500]))),
            (120, input("button", Off, Bounce::None)),
        ],
    );
    expect(
        &script,
        "
        0.002500  button on           onset 0.000000  bounces 3
        0.002500  ring started        by button
        0.002500  rings = 1
        0.002500  chime on            by ring
        0.150000  button off          onset 0.120000
        0.802500  chime off           by ring
        0.802500  ring ended
        ",
    );
}

/// Everything that a script can say, at least once.
fn eventful(seed: u64) -> Script {
    let mut steps = Vec::new();
    for visit in 0..6 {
        steps.push((100 + visit * 700, input("button", On, SWITCH)));
        steps.push((250 + visit * 700, input("button", Off, SWITCH)));
        steps.push((300 + visit * 700, input("door", On, Bounce::Drawn(Model::Reed))));
        steps.push((600 + visit * 700, input("door", Off, Bounce::Drawn(Model::Wet))));
    }
    steps.sort_by_key(|(at, _)| *at);
    // Not at the moment of a deadline: whether a late loop gets to that is another question.
    script(seed, 5_900, steps)
}

/// I3: what the loop does depends on stamps, never on when it was woken.
#[test]
fn wake_up_delays_do_not_change_the_log() {
    let house = doorbell();
    for seed in 0..500 {
        let script = eventful(seed);
        let play = |max_us, slack_us| {
            let options = Options {
                wake_delay: Duration::from_micros(max_us),
                slack: Duration::from_micros(slack_us),
                verbose: true,
                ..Options::default()
            };
            play(&script, &house, &BTreeMap::new(), &options).expect("the script plays")
        };
        let prompt = play(0, 0);
        assert!(prompt.trace.contains("ring started"), "seed {seed}: nothing happens");
        for (delay, slack) in [(3_000, 0), (50_000, 500)] {
            let late = play(delay, slack);
            if prompt.logs != late.logs {
                let difference = first_difference(&prompt.trace, &late.trace);
                let difference = difference.map_or_else(String::new, |difference| difference.to_string());
                panic!("seed {seed}, up to {delay} us late, slack {slack} us: the log differs\n{difference}");
            }
        }
    }
}

#[test]
fn two_runs_of_one_seed_are_the_same_and_another_seed_differs() {
    let house = doorbell();
    let play = |seed| play(&eventful(seed), &house, &BTreeMap::new(), &Options::default()).expect("it plays");
    assert_eq!(play(7), play(7));
    assert_ne!(play(7).logs, play(8).logs);
}

#[test]
fn lost_edges_are_counted_and_the_line_is_read_again() {
    let script = script(1, 2_000, vec![(100, Action::Lose { input: "door".into(), edges: 3, to: On })]);
    expect(
        &script,
        "
        0.100000  door lost 3         in the kernel
        0.100000  door reads on       after a gap
        0.110000  door on             onset 0.100000  bounces 3
        0.110000  light started       by door
        0.110000  light ended
        ",
    );
}

/// Ten edges a millisecond for 150 ms: a burst of 256 passes and what the rate gave meanwhile, the rest is thrown away
/// for 100 ms at a time.
#[test]
fn a_storm_is_masked_and_what_was_lost_is_said() {
    let every = Duration::from_micros(100);
    let storm = Action::Storm { input: "door".into(), edges: 1_500, every };
    let script = script(1, 1_000, vec![(100, storm)]);
    expect(
        &script,
        "
        0.136800  door on             onset 0.100000  bounces 268
        0.136800  light started       by door
        0.136800  light ended
        0.226900  door lost 1000      in a storm
        0.226900  door reads on       after a gap
        0.242100  door off            onset 0.226900  bounces 1053
        0.332200  door lost 178       in a storm
        0.332200  door reads off      after a gap
        ",
    );
}

#[test]
fn a_swap_in_a_storm_says_what_was_lost_before_it() {
    let every = Duration::from_micros(100);
    let others =
        BTreeMap::from([("louder".to_owned(), House::new(crate::testing::louder(), doorbell().symbols))]);
    let script = script(
        1,
        400,
        vec![
            (100, Action::Storm { input: "door".into(), edges: 501, every }),
            (200, Action::Swap { house: "louder".into() }),
            (300, input("door", Off, Bounce::None)),
        ],
    );
    let outcome = play(&script, &doorbell(), &others, &Options::default()).expect("the script plays");
    let at_swap: String = outcome
        .trace
        .lines()
        .filter(|line| line.starts_with("0.200"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let expected = "
        0.200000  door lost 232       in a storm
        0.200000  door reads on       after a gap
        0.200000  program installed
        ";
    assert_eq!(first_difference(expected, &at_swap), None, "{}", outcome.trace);
    assert!(outcome.trace.contains("0.310000  door off            onset 0.300000"), "{}", outcome.trace);
}

#[test]
fn a_stall_misses_moments_instead_of_bursting() {
    let script = script(1, 3_000, vec![(100, Action::Stall { span: Duration::from_millis(1_900) })]);
    let trace = trace(&script);
    assert!(trace.contains("stalled             until 2.000000"), "{trace}");
    assert!(trace.contains("every 250ms missed 7  of dark"), "{trace}");
}

#[test]
fn an_output_that_fails_is_a_fault_until_it_works_again() {
    let chime = |works| Action::Hardware { output: "chime".into(), works };
    let script = script(
        1,
        4_000,
        vec![
            (50, chime(false)),
            (100, input("button", On, Bounce::None)),
            (200, input("button", Off, Bounce::None)),
            (1_500, chime(true)),
            (2_000, input("button", On, Bounce::None)),
        ],
    );
    let trace = without_lamp(&script);
    assert_eq!(trace.matches("fault output failed  at chime").count(), 1, "{trace}");
    assert!(trace.contains("2.001000  chime works again"), "{trace}");
}

#[test]
fn the_calendar_ticks_when_the_clock_is_trusted() {
    let clock = |trusted| Action::Clock { unix: 1_795_246_195_000_000, offset: 0, trusted };
    let untrusted = script(1, 20_000, vec![(1_000, clock(false))]);
    assert!(!without_lamp(&untrusted).contains("ring"), "an untrusted clock fires nothing");
    // Five seconds before half past seven, UTC.
    let script = script(1, 20_000, vec![(1_000, clock(true))]);
    expect(
        &script,
        "
        1.000000  clock 2026-11-21 07:29:55 +00:00  trusted
        6.000000  ring started        by at 07:30
        6.000000  rings = 1
        6.000000  chime on            by ring
        6.800000  chime off           by ring
        6.800000  ring ended
        ",
    );
}

#[test]
fn a_name_that_the_program_has_not_is_an_error_with_its_time() {
    let script = script(1, 2_000, vec![(1_500, input("bell", On, Bounce::None))]);
    let error = play(&script, &doorbell(), &BTreeMap::new(), &Options::default()).expect_err("no such input");
    assert_eq!(error.to_string(), "the step at 1.500000 names the input `bell`, which the program has not");
}

#[test]
fn commands_are_answered_and_repeats_are_known() {
    let set = |id, late_s| Action::Command {
        command: Command::Set { output: "lamp".into(), to: On },
        id: Some(id),
        late: Duration::from_secs(late_s),
    };
    let script = script(1, 60_200, vec![(60_010, set(7, 0)), (60_020, set(7, 0)), (60_030, set(8, 40))]);
    let trace = trace(&script);
    let tail: String = trace
        .lines()
        .skip_while(|line| !line.starts_with("60.01"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let expected = "
        60.010000  command set lamp on  from script  id 7
        60.010000  lamp on              by command
        60.020000  command set lamp on  from script  id 7
        60.020000  command duplicate    from script  id 7
        60.030000  command too late     from script  id 8
        60.030000  command expired      from script  id 8
        ";
    assert_eq!(first_difference(expected, &tail), None, "{tail}");
}

#[test]
fn what_was_synced_outlives_a_power_cut() {
    let script = script(
        1,
        20_000,
        vec![
            (100, input("button", On, Bounce::None)),
            (150, input("button", Off, Bounce::None)),
            (600, Action::Restart { off: Duration::from_secs(10), known: true }),
            // The door is opened while nobody looks.
            (5_000, input("door", On, Bounce::None)),
            (12_000, input("button", On, Bounce::None)),
        ],
    );
    expect(
        &script,
        "
        0.101000  button on           onset 0.100000
        0.101000  ring started        by button
        0.101000  rings = 1
        0.101000  chime on            by ring
        0.180000  button off          onset 0.150000
        10.600000  boot 2             off 10.350000
        10.600000  ring ended         by restart
        10.600000  door on
        12.001000  button on          onset 12.000000
        12.001000  ring started       by button
        12.001000  rings = 2
        12.001000  chime on           by ring
        12.801000  chime off          by ring
        12.801000  ring ended
        ",
    );
}

#[test]
fn a_kill_loses_nothing_and_another_program_outlives_it() {
    let mut other = doorbell();
    other.symbols.scenarios[0] = "peal".into();
    other.image = crate::testing::louder();
    let others = BTreeMap::from([("other".to_owned(), other)]);
    let script = script(
        1,
        5_000,
        vec![
            (100, input("button", On, Bounce::None)),
            (200, input("button", Off, Bounce::None)),
            (1_000, Action::Swap { house: "other".into() }),
            (1_001, Action::Kill { off: Duration::from_secs(1) }),
            (3_000, input("button", On, Bounce::None)),
        ],
    );
    let outcome = play(&script, &doorbell(), &others, &Options::default()).expect("the script plays");
    let (_, after) = outcome.trace.split_once("3.001000  peal started        by button").expect("it rings");
    assert!(after.contains("3.001000  rings = 2"), "{}", outcome.trace);
    assert!(!after.contains("chime off"), "the new program's chime is longer: {after}");
}
