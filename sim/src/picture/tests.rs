//! Pictures of a ring to the letter, and of an eventful life by their form.

use std::collections::BTreeMap;

use campanile_core::id::Level::{Off, On};
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::Instant;
use campanile_delivery::disk::Disk;
use campanile_delivery::{Archive, Body, Item, Next, Position, Storage as _};

use super::*;
use crate::replay::{Bound, Outcome, Piece, Place, Range, Why, replay};
use crate::script::{Action, Bounce};
use crate::testing::{doorbell, input, journal, script};
use crate::world::{Options, play_and_keep};

/// A press that bounces, and a door.
fn ring() -> Recording {
    let steps = vec![
        (200, input("button", On, Bounce::Edges(vec![300, 900, 1_500]))),
        (320, input("button", Off, Bounce::None)),
        (1_000, input("door", On, Bounce::None)),
        (1_200, input("door", Off, Bounce::None)),
    ];
    let played = play_and_keep(&script(1, 1_500, steps), &doorbell(), &BTreeMap::new(), &Options::default());
    let (_, disk) = played.expect("the script plays");
    let archive = Archive::open(&disk).expect("a journal");
    let until = Some(Bound::Engine(Instant::from_micros(1_500_000)));
    record(&archive.index, &Range { from: None, until }).expect("the disk reads").expect("it is known")
}

fn eventful() -> Recording {
    let archive = Archive::open(&journal(1)).expect("a journal");
    record(&archive.index, &Range::default()).expect("the disk reads").expect("it is known")
}

fn dump(recording: &Recording) -> String {
    let mut bytes = Vec::new();
    vcd::write(recording, &mut bytes).expect("memory takes it");
    String::from_utf8(bytes).expect("a dump is text")
}

/// Compares with a file beside this one; `CAMPANILE_BLESS=1` writes it instead.
fn golden(name: &str, drawn: &str) {
    let path = format!("{}/src/picture/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("CAMPANILE_BLESS").is_some() {
        std::fs::write(&path, drawn).expect("the file can be written");
    }
    let expected = std::fs::read_to_string(&path).expect("the golden file is there");
    assert!(expected == drawn, "{name} differs from {path}; look at it, then CAMPANILE_BLESS=1:\n{drawn}");
}

#[test]
fn a_ring_to_the_letter() {
    let ring = ring();
    golden("ring.txt", &terminal::draw(&ring, 60));
    golden("ring.vcd", &dump(&ring));
    golden("ring.svg", &svg::draw(&ring));
}

/// A Pi that has no network, or not yet: the time of day that it believes is better than none, and said to be one.
#[test]
fn a_picture_says_when_it_was_and_whether_the_clock_is_to_be_believed() {
    let (unix, minute) = (1_795_242_600_000_000, 60_000_000);
    let clock = |at_ms, unix, trusted| (at_ms, Action::Clock { unix, offset: 3_600, trusted });
    let recorded = |steps| {
        let played =
            play_and_keep(&script(1, 9_000, steps), &doorbell(), &BTreeMap::new(), &Options::default());
        let archive = Archive::open(&played.expect("the script plays").1).expect("a journal");
        record(&archive.index, &Range::default()).expect("the disk reads").expect("it is known")
    };
    let doubted = recorded(vec![clock(2_000, unix, false)]);
    assert_eq!(doubted.wall, Some(Clock { unix: unix - 2_000_000, offset: 3_600, trusted: false }));
    let drawn = svg::draw(&doubted);
    assert!(drawn.contains("from 2026-11-21 07:29:58 +01:00, by a clock that was not synchronised</title>"));
    assert!(drawn.contains(">07:30:00</text>") && drawn.contains(">records 1-"), "{drawn}");
    let synced = recorded(vec![clock(2_000, unix, false), clock(3_000, unix + minute, true)]);
    assert_eq!(synced.wall, Some(Clock { unix: unix + minute - 3_000_000, offset: 3_600, trusted: true }));
    assert!(svg::draw(&synced).contains("from 2026-11-21 07:30:57 +01:00</title>"));
    assert!(
        terminal::draw(&synced, 80)
            .starts_with("front-door, 9.2 s from 2026-11-21 07:30:57 +01:00\nrecords 1-")
    );
    assert!(dump(&synced).contains("front-door, 9.2 s from 2026-11-21 07:30:57 +01:00"));
    assert_eq!(recorded(vec![clock(2_000, 5 * minute, false)]).wall, None, "a clock that was never set");
}

#[test]
fn a_wave_viewer_reads_the_recording_back() {
    let recording = eventful();
    let text = dump(&recording);
    let mut parser = ::vcd::Parser::new(text.as_bytes());
    let header = parser.parse_header().expect("a header");
    let (mut now, mut changes, mut values) = (0, std::collections::HashMap::new(), 0);
    for command in parser {
        match command.expect("a command") {
            ::vcd::Command::Timestamp(time) => {
                assert!(time > now || changes.is_empty(), "time goes on: {now} then {time}");
                now = time;
            }
            ::vcd::Command::ChangeScalar(id, value) => {
                values += 1;
                changes.entry(id).or_insert_with(Vec::new).push((now, value));
            }
            _ => {}
        }
    }
    let bit = |value: bool| if value { ::vcd::Value::V1 } else { ::vcd::Value::V0 };
    for lane in &recording.lanes {
        let Track::Input { raw, reported, .. } = &lane.track else { continue };
        for (name, of) in [(lane.name.clone(), reported), (format!("{}.raw", lane.name), raw)] {
            let var = header.find_var(&["front-door", "inputs", &name]).expect("every lane has its variable");
            let expected: Vec<_> =
                of.iter().map(|(at, value)| (*at, value.map_or(::vcd::Value::X, bit))).collect();
            let mut read = changes[&var.code].clone();
            read.retain(|change| *change != (0, ::vcd::Value::X));
            assert_eq!(read, expected, "{name}");
        }
    }
    assert!(values > 500 && now == recording.length, "{values} values until {now}");
}

#[test]
fn a_picture_is_as_large_as_its_paper() {
    let mut recording = eventful();
    let drawn = svg::draw(&recording);
    for lane in &recording.lanes {
        assert!(drawn.contains(&format!(">{}</text>", lane.name)), "{} is missing", lane.name);
    }
    for mark in ["start 1", "start 4", "stalled", "program installed"] {
        assert!(drawn.contains(mark), "{mark} is missing");
    }
    // A line that never comes to rest.
    let Track::Input { raw, .. } = &mut recording.lanes[0].track else { panic!("inputs come first") };
    *raw = (0..1_000_000).map(|at| (at * 22, Some(at % 2 == 0))).collect();
    let dense = svg::draw(&recording);
    assert!(dense.len() < drawn.len() + 100_000, "{} and {} bytes", drawn.len(), dense.len());
    for width in [0, 1, 40, 80, 300] {
        let drawn = terminal::draw(&recording, width);
        let widest = drawn.lines().skip(2).map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= width.max(60)), "{width}: {drawn}");
    }
}

#[test]
fn words_at_the_edge_stay_on_the_paper_and_a_message_is_there_as_a_whole() {
    let stopped = |at| Recording {
        length: 1_000_000,
        marks: vec![Mark { at, what: What::Stopped }],
        ..Recording::default()
    };
    // From where they would end at the edge to the edge itself.
    for at in (940_000..=1_000_000).step_by(1_000) {
        let drawn = svg::draw(&stopped(at));
        let text = drawn.lines().find(|line| line.contains(">stopped</text>")).expect("it has room");
        let x = text.split("x=\"").nth(1).and_then(|rest| rest.split('"').next()?.parse::<f64>().ok());
        let end = x.expect("a place") + if text.contains("\"start\"") { 7.0 * 6.1 } else { 0.0 };
        assert!(end <= 1192.0, "{at}: {text}");
    }
    let text = "Someone is at the <door>, and has been there since half past seven (17)";
    let sends = [0, 10_000, 500_000].map(|at| Send { at, text: text.into() }).to_vec();
    let lane = Lane { name: "doorbell".into(), track: Track::Message { sends } };
    let drawn = svg::draw(&Recording { length: 1_000_000, lanes: vec![lane], ..Recording::default() });
    let whole = format!("<title>{}</title>", text.replace('<', "&lt;").replace('>', "&gt;"));
    assert_eq!(drawn.matches(&whole).count(), 3, "also where it has no room: {drawn}");
}

#[test]
fn a_start_keeps_its_name_in_a_crowd() {
    use What::{Installed, Stalled, Start, Stopped};
    // Three starts, with all that a restart brings, further and further apart: over each other, then side by side.
    let happened = [Start(1), Installed, Stalled, Stopped, Start(2), Installed, Stopped, Start(3), Installed];
    for apart in [0, 1, 3_000, 20_000, 70_000, 110_000] {
        let marks = (0..).zip(happened).map(|(number, what)| Mark { at: number * apart, what }).collect();
        let recording = Recording { length: 1_000_000, marks, ..Recording::default() };
        let drawn = svg::draw(&recording);
        for start in ["start 1", "start 2", "start 3"] {
            assert!(drawn.contains(start), "{start} at {apart}: {drawn}");
            for width in [0, 40, 80, 200] {
                let drawn = terminal::draw(&recording, width);
                assert!(drawn.contains(start), "{start} at {apart} in {width}: {drawn}");
            }
        }
        assert_eq!(drawn.matches("class=\"mark\"").count(), if apart < 1_000 { 3 } else { 9 }, "{drawn}");
    }
    // Whatever has room in a wide picture is there.
    let marks = (0..).zip(happened).map(|(number, what)| Mark { at: number * 110_000, what }).collect();
    let drawn = terminal::draw(&Recording { length: 1_000_000, marks, ..Recording::default() }, 200);
    for (what, count) in [("start", 3), ("installed", 3), ("│stalled", 1), ("stopped", 2)] {
        assert_eq!(drawn.matches(what).count(), count, "{what}: {drawn}");
    }
}

#[test]
fn a_range_shows_what_was_known_at_its_beginning() {
    let archive = Archive::open(&journal(1)).expect("a journal");
    let at = |ms: u64| Some(Bound::Engine(Instant::from_micros(ms * 1_000)));
    let whole = record(&archive.index, &Range::default()).expect("the disk reads").expect("it is known");
    let part = record(&archive.index, &Range { from: at(2_500), until: at(3_000) })
        .expect("the disk reads")
        .expect("it is known");
    assert_eq!((part.engine, part.length), (2_500_000, 500_000));
    for (part, whole) in part.lanes.iter().zip(&whole.lanes) {
        let (Track::Output { levels: part }, Track::Output { levels: whole }) = (&part.track, &whole.track)
        else {
            continue;
        };
        for at in (0..500_000).step_by(1_000) {
            let (part, whole) = (recording::value_at(part, at), recording::value_at(whole, at + 2_500_000));
            assert_eq!(part, whole, "{at} us into the part");
        }
    }
}

#[test]
fn a_range_in_which_nothing_happened_shows_what_was_known_then() {
    let archive = Archive::open(&journal(1)).expect("a journal");
    let whole = eventful();
    let mut reader = archive.index.reader(Position::START);
    let mut places: Vec<Place> = Vec::new();
    while let Next::Item(Item { at, time, wall, body, .. }) = reader.next().expect("the disk reads") {
        places.extend(matches!(body, Body::Engine(_)).then_some(Place { at, time, wall }));
    }
    let long =
        |two: &&[Place]| two[0].at.boot == two[1].at.boot && two[1].time.since(two[0].time).micros() > 10_000;
    let pauses: Vec<_> = places.windows(2).filter(long).collect();
    let mut dated = 0;
    for two in pauses {
        let after = |us: u64| Instant::from_micros(two[0].time.micros() + us);
        let engine = |us| Some(Bound::Engine(after(us)));
        let unix = |us: i64| Some(Bound::Unix(two[0].unix()? + us));
        let ranges = [(engine(2_000), engine(6_000)), (unix(2_000), unix(6_000))];
        for (from, until) in ranges.into_iter().filter(|range| range.0.is_some()) {
            let part = record(&archive.index, &Range { from, until }).expect("the disk reads");
            let part = part.expect("it is known");
            assert_eq!((part.length, part.records), (4_000, None), "{two:?}");
            assert_eq!(part.engine, after(2_000).micros());
            let began = unix(2_000).filter(|_| part.wall.is_some());
            assert_eq!(part.wall.map(|clock| Bound::Unix(clock.unix)), began);
            dated += u32::from(began.is_some());
            for lane in &part.lanes {
                let Track::Output { levels } = &lane.track else { continue };
                let of = whole.lanes.iter().find(|of| of.name == lane.name).expect("it is in the whole");
                let Track::Output { levels: all } = &of.track else { panic!("{}", lane.name) };
                let at = after(2_000).micros() - whole.engine;
                assert_eq!(recording::value_at(levels, 0), recording::value_at(all, at), "{}", lane.name);
            }
        }
    }
    assert!(dated > 0);
    let none =
        |from, until| record(&archive.index, &Range { from, until }).expect("the disk reads").is_none();
    assert!(none(Some(Bound::Record { start: 99, seq: 0 }), None), "behind its end");
    assert!(none(Some(Bound::Unix(i64::MAX)), None) && none(None, Some(Bound::Record { start: 0, seq: 3 })));
}

#[test]
fn of_a_range_whose_records_are_lost_nothing_is_known() {
    let disk = journal(1);
    let names = disk.list().expect("a disk");
    let segment = names.iter().find(|name| name.ends_with(".segment")).expect("a segment");
    disk.tamper(segment, |bytes| {
        let used = bytes.iter().rposition(|byte| *byte != 0).expect("it is written");
        bytes[used / 3] ^= 1;
    })
    .expect("it is there");
    let archive = Archive::open(&disk).expect("a journal");
    let report = replay(&archive.index, &Range::default(), |_, _| ()).expect("the disk reads");
    let is_lost = |piece: &&Piece| matches!(piece.outcome, Outcome::Passed(Why::Missing(Some(_))));
    let lost = report.pieces.iter().find(is_lost).expect("a hole");
    let at = |place: &Place, us: i64| {
        Some(Bound::Engine(Instant::from_micros(place.time.micros().saturating_add_signed(us))))
    };
    let drawn = |from, until| record(&archive.index, &Range { from, until }).expect("the disk reads");
    assert!(lost.last.time.since(lost.first.time).micros() > 2, "{lost:#?}");
    assert!(drawn(at(&lost.first, 1), at(&lost.last, -1)).is_none());
    assert!(drawn(at(&lost.first, 1), None).is_some(), "behind it there is more");
}

/// As before a power cut, or at the end of the picture.
#[test]
fn what_was_known_for_a_moment_only_is_seen() {
    // In the middle of a column, at its first microsecond, and in the last one.
    for (at, column) in [(506_000, 40), (500_000, 40), (1_000_000, 79)] {
        let levels = |level| Track::Output { levels: vec![(at, Some(level)), (at, None)] };
        let values = vec![(at, Some(30)), (at, None)];
        let tracks =
            [Track::Sensor { values, decimals: 1, unit: String::new() }, levels(true), levels(false)];
        let lanes = tracks.map(|track| Lane { name: "x".into(), track }).to_vec();
        let recording = Recording { length: 1_000_000, lanes, ..Recording::default() };
        let drawn = terminal::draw(&recording, 83);
        let seen: Vec<Option<char>> = drawn
            .lines()
            .filter(|line| line.starts_with('x'))
            .map(|line| line.chars().nth(3 + column))
            .collect();
        // Its value has precedence at the right edge.
        let reading = if column < 70 { '▁' } else { '0' };
        assert_eq!(seen, [reading, '▆', '▁'].map(Some), "{at}: {drawn}");
        let end = 168.0 + at as f64 / 1_000_000.0 * 1_008.0 + 3.0;
        let drawn_svg = svg::draw(&recording);
        assert!(drawn_svg.contains(&format!("H{end:.1}\"/>")), "{at}: a line of {end}: {drawn_svg}");
        let lines = drawn.lines().filter(|line| line.starts_with('x'));
        assert!(lines.flat_map(str::chars).filter(|c| "▁▆".contains(*c)).count() <= 3, "{at}: {drawn}");
    }
}

/// The program of each start and each swap.
fn programs_in_turn(archive: &Archive<Disk>) -> Vec<u64> {
    let mut reader = archive.index.reader(Position::START);
    let mut programs = Vec::new();
    while let Next::Item(Item { body, .. }) = reader.next().expect("the disk reads") {
        let Body::Engine(frame) = body else { continue };
        if let Some(Record::Input(Input::Boot { hash, .. } | Input::Install { hash })) = frame.record() {
            programs.push(hash);
        }
    }
    programs
}

/// As of a satellite that ran what was linked into its firmware, until its house brought it another program.
#[test]
fn where_a_program_was_not_kept_the_picture_says_so_and_names_all_that_ran() {
    let disk = journal(1);
    let whole = eventful();
    let [first, second] = whole.programs.as_slice() else { panic!("{:?}", whole.programs) };
    let source = format!(", programs {first:016x} and {second:016x}");
    assert!(svg::draw(&whole).contains(&source), "both of them: {source}");
    let names = disk.list().expect("the disk lists");
    let kept =
        names.iter().find(|name| name.starts_with(&format!("program-{first:016x}"))).expect("it is kept");
    disk.rename(kept, "elsewhere").expect("it is there");
    let archive = Archive::open(&disk).expect("a journal");
    let drawn = |range: &Range| record(&archive.index, range).expect("the disk reads").expect("it is known");
    let lacking = drawn(&Range::default());
    let at = |recording: &Recording, what: What| -> Vec<u64> {
        recording.marks.iter().filter(|mark| mark.what == what).map(|mark| mark.at).collect()
    };
    // Where a start or a swap brings it, and another one ran before.
    let begins = |mark: &&Mark| matches!(mark.what, What::Start(_) | What::Installed);
    let begun = programs_in_turn(&archive);
    assert_eq!(begun.len(), lacking.marks.iter().filter(begins).count());
    let before = [0].iter().chain(&begun);
    let expected: Vec<u64> = (lacking.marks.iter().filter(begins).zip(&begun).zip(before))
        .filter_map(|((mark, program), before)| (program == first && before != first).then_some(mark.at))
        .collect();
    assert_eq!(at(&lacking, What::NoProgram), expected, "once each time: {:?}", lacking.marks);
    assert!(expected.len() > 1 && expected[0] == 0, "from its first record on: {expected:?}");
    assert_eq!((&lacking.programs, lacking.records), (&whole.programs, whole.records));
    for text in [svg::draw(&lacking), terminal::draw(&lacking, 120)] {
        assert!(text.contains("program not known") && text.contains(&source), "{text}");
    }
    // Also where all of it is before what was asked for.
    let within = Range {
        from: Some(Bound::Record { start: 1, seq: 40 }),
        until: Some(Bound::Record { start: 1, seq: 60 }),
    };
    let within = drawn(&within);
    assert_eq!((at(&within, What::NoProgram), &within.programs[..]), (vec![0], &[*first][..]));
    assert!(!at(&whole, What::NoProgram).contains(&0));
}
