//! Journals that lack something, or have something else in its place: what that is, and all the rest is replayed.

use campanile_delivery::Storage as _;

use super::*;

/// What a report says of the pieces that were not the same.
fn whys(report: &Report) -> Vec<Why> {
    passed(&report.pieces)
}

fn passed(pieces: &[Piece]) -> Vec<Why> {
    let passed = pieces.iter().filter_map(|piece| match &piece.outcome {
        Outcome::Passed(why) => Some(why.clone()),
        Outcome::Same | Outcome::Diverged { .. } => None,
    });
    passed.collect()
}

fn files(disk: &Disk, suffix: &str) -> Vec<String> {
    let mut names = disk.list().expect("the disk lists");
    names.retain(|name| name.contains(suffix));
    names.sort();
    names
}

#[test]
fn another_revision_is_named_and_the_starts_of_this_one_are_replayed() {
    let copy = edited(&journal(1), |at, record| match record {
        Record::Input(Input::Boot { boot, core_rev, hash, off }) if at.boot.counter() == 2 => {
            Record::Input(Input::Boot { boot, core_rev: core_rev + 1, hash, off })
        }
        other => other,
    });
    let report = replayed(&copy, &Range::default());
    let rev = Why::CoreRev(campanile_core::record::CORE_REV + 1);
    assert_eq!(whys(&report), std::slice::from_ref(&rev));
    let comparison = with(&copy, &doorbell(), &Range::default());
    assert_eq!(passed(&comparison.passed), [rev], "its decisions are compared with nobody's");
    assert_eq!(comparison.passed[0].first.at.boot.counter(), 2);
    assert!(!comparison.is_whole() && comparison.last.at.boot.counter() == 4, "{comparison:?}");
    assert!(!report.is_same() && report.divergences().count() == 0);
    let same: Vec<u32> = report
        .pieces
        .iter()
        .filter(|piece| piece.outcome == Outcome::Same)
        .map(|piece| piece.first.at.boot.counter())
        .collect();
    assert_eq!(same, [1, 3, 4]);
}

#[test]
fn a_program_that_was_not_copied_is_named_and_the_others_stretches_are_replayed() {
    let disk = journal(1);
    let whole = replayed(&disk, &Range::default());
    for program in files(&disk, "program-") {
        let hash = u64::from_str_radix(&program[8..24], 16).expect("a hash");
        disk.tamper(&program, |bytes| bytes[20] ^= 1).expect("it is there");
        let report = replayed(&disk, &Range::default());
        let damaged = "the stored program is damaged: copy its program-* file again";
        let is_bad = |why: &Why| *why == Why::BadProgram(hash, damaged.to_owned());
        assert!(whys(&report).iter().all(is_bad) && !report.is_same(), "{report:?}");
        disk.tamper(&program, |bytes| bytes[20] ^= 1).expect("it is there");
        let aside = format!("aside-{program}");
        disk.rename(&program, &aside).expect("it is there");
        let report = replayed(&disk, &Range::default());
        let whys = whys(&report);
        assert!(!whys.is_empty() && whys.iter().all(|why| *why == Why::NoProgram(hash)), "{whys:?}");
        assert!(report.records > 100 && report.records < whole.records, "{}", report.records);
        let comparison = with(&disk, &doorbell(), &Range::default());
        let not_compared = passed(&comparison.passed);
        assert!(not_compared.contains(&Why::NoProgram(hash)) && !comparison.is_whole(), "{not_compared:?}");
        disk.rename(&aside, &program).expect("it is there");
    }
}

/// Whole, but of another program: what was decided with the right one is not held against it.
#[test]
fn a_file_with_another_program_in_it_is_named() {
    let disk = journal(1);
    let programs = files(&disk, "program-");
    let [one, other] = programs.as_slice() else { panic!("{programs:?}") };
    let mut bytes = Vec::new();
    disk.tamper(one, |file| bytes.clone_from(file)).expect("it is there");
    disk.tamper(other, |file| *file = bytes).expect("it is there");
    let (report, comparison) =
        (replayed(&disk, &Range::default()), with(&disk, &doorbell(), &Range::default()));
    let hash = |name: &str| u64::from_str_radix(&name[8..24], 16).expect("a hash");
    let said = format!("its file has program {} in it: copy its program-* file again", &one[8..24]);
    let why = Why::BadProgram(hash(other), said);
    assert_eq!(report.divergences().count(), 0, "{:#?}", report.pieces);
    assert!(report.records > 0 && !report.is_same() && whys(&report).iter().all(|found| *found == why));
    assert!(passed(&comparison.passed).contains(&why) && !comparison.is_whole(), "{comparison:#?}");
}

#[test]
fn what_is_missing_is_said_from_its_first_record_to_its_last() {
    let disk = visits();
    let copy = rewritten(&disk, |at, record| {
        let is_lost = at.boot.counter() == 1 && (100..=140).contains(&at.seq);
        (!is_lost).then_some(record)
    });
    let gap = Why::Gap(41, campanile_delivery::GapWhy::Overrun);
    let report = replayed(&copy, &Range::default());
    let comparison = with(&copy, &doorbell(), &Range::default());
    assert_eq!(comparison.differing, 0, "{:#?}", comparison.moments);
    assert!(!report.is_same() && !comparison.is_whole());
    for pieces in [&report.pieces, &comparison.passed] {
        let is_gap = |piece: &&Piece| piece.outcome == Outcome::Passed(gap.clone());
        let gaps: Vec<_> = pieces.iter().filter(is_gap).collect();
        let [gap] = gaps.as_slice() else { panic!("{pieces:#?}") };
        assert_eq!((gap.first.at.seq, gap.last.at.seq), (100, 140), "{gap:#?}");
        assert!(gap.first.time < gap.last.time, "it took some time: {gap:#?}");
    }
    assert_eq!(report.pieces[0].last.at.seq, 99);
    // What is missing before a range is not missing in it.
    let second = Range { from: Some(Bound::Record { start: 2, seq: 0 }), until: None };
    let (report, comparison) = (replayed(&copy, &second), with(&copy, &doorbell(), &second));
    assert!(report.is_same() && report.records > 0, "{:#?}", report.pieces);
    assert!(comparison.is_whole() && comparison.inputs > 0, "{comparison:#?}");
}

#[test]
fn what_is_missing_before_a_range_is_said_where_the_range_is_shorter_by_it() {
    let copy = rewritten(&visits(), |at, record| {
        let is_lost = at.boot.counter() == 1 && (100..=140).contains(&at.seq);
        (!is_lost).then_some(record)
    });
    let gap = Why::Gap(41, campanile_delivery::GapWhy::Overrun);
    // No checkpoint comes before the second start.
    let range = Range { from: Some(Bound::Record { start: 1, seq: 200 }), until: None };
    let (report, comparison) = (replayed(&copy, &range), with(&copy, &doorbell(), &range));
    for pieces in [&report.pieces, &comparison.passed] {
        assert_eq!(passed(pieces), [gap.clone(), Why::NoCheckpoint], "{pieces:#?}");
    }
    assert!(!report.is_same() && !comparison.is_whole(), "{comparison:#?}");
    assert_eq!(comparison.first.expect("the second start").at.boot.counter(), 2);
}

#[test]
fn a_comparison_says_what_cannot_be_read() {
    let disk = visits();
    let segment = files(&disk, ".segment").remove(0);
    let whole = with(&disk, &doorbell(), &Range::default());
    disk.tamper(&segment, |bytes| {
        let used = bytes.iter().rposition(|byte| *byte != 0).expect("it is written");
        bytes[used / 3] ^= 1;
    })
    .unwrap();
    let comparison = with(&disk, &doorbell(), &Range::default());
    let [Why::Missing(Some(count)), ..] = passed(&comparison.passed)[..] else {
        panic!("{:#?}", comparison.passed)
    };
    let missing = &comparison.passed[0];
    assert_eq!(missing.last.at.seq - missing.first.at.seq + 1, count, "{missing:#?}");
    assert!(missing.first.time < missing.last.time, "{missing:#?}");
    assert!(comparison.inputs < whole.inputs && comparison.differing == 0, "{comparison:#?}");
    assert!(!comparison.is_whole() && whole.is_whole());
}

#[test]
fn a_segment_that_cannot_be_read_is_said_wherever_it_stands() {
    let options = JournalOptions { size: 80 * 1024, ..JournalOptions::default() };
    let disk = copied(&journal(1), &options, |_, record| Some(record));
    let segments = files(&disk, ".segment");
    assert!(segments.len() >= 3 && replayed(&disk, &Range::default()).is_same(), "{segments:?}");
    for segment in &segments {
        let mut bytes = Vec::new();
        disk.tamper(segment, |file| bytes = std::mem::replace(file, vec![0x5a; 8192])).expect("it is there");
        let archive = Archive::open(&disk).expect("the disk reads");
        let report = replay(&archive.index, &Range::default(), |_, _| ()).expect("the disk reads");
        let comparison = with(&disk, &doorbell(), &Range::default());
        assert!(report.divergences().count() == 0 && report.records > 0, "{segment}: {:#?}", report.pieces);
        let is_said = |is_whole: bool| !is_whole || !archive.damaged.is_empty();
        assert!(is_said(report.is_same()), "{segment}: {:#?}", report.pieces);
        assert!(is_said(comparison.is_whole()), "{segment}: {:#?}", comparison.passed);
        disk.tamper(segment, |file| *file = bytes).expect("it is there");
    }
    // One that somebody has forgotten to copy.
    disk.rename(&segments[1], "elsewhere").expect("it is there");
    let (report, comparison) =
        (replayed(&disk, &Range::default()), with(&disk, &doorbell(), &Range::default()));
    assert!(!report.is_same() && !comparison.is_whole(), "{:#?}", report.pieces);
}

/// Whatever is done to the bytes: nothing is found different, nothing panics, and what is missing is said.
#[test]
fn a_damaged_journal_is_replayed_as_far_as_it_goes() {
    let mut random = crate::prng::Prng::new(7);
    let disk = journal(2);
    let whole = replayed(&disk, &Range::default());
    let segment = files(&disk, ".segment").remove(0);
    let mut original = Vec::new();
    disk.tamper(&segment, |bytes| original.clone_from(bytes)).unwrap();
    let used = original.iter().rposition(|byte| *byte != 0).expect("it is written");
    let mut cut_short = 0;
    for round in 0..30 {
        disk.tamper(&segment, |bytes| bytes.clone_from(&original)).unwrap();
        // Its header too, from the first byte on.
        let at = if round < 9 { 15 * round } else { random.below(used as u64) as usize };
        disk.tamper(&segment, |bytes| match round % 3 {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at..].fill(0),
            _ => bytes.truncate(at),
        })
        .unwrap();
        let archive = Archive::open(&disk).expect("the disk reads");
        let report = replay(&archive.index, &Range::default(), |_, _| ()).expect("the disk reads");
        assert_eq!(report.divergences().count(), 0, "round {round}, byte {at}: {:#?}", report.pieces);
        // Zeros may be the end of a journal; whatever else was done is noticed.
        let damaged = !archive.damaged.is_empty() || !archive.headers.is_empty() || archive.lost > 0;
        let said = !report.is_same() || archive.torn.is_some() || damaged;
        // Without the header, every record is found by the groups.
        let is_header = round % 3 == 0 && at < 128;
        assert!(!is_header || report.records == whole.records, "byte {at}: {:#?}", report.pieces);
        assert!(said || round % 3 == 1 || report.records == whole.records, "round {round}, byte {at}");
        assert!(report.records <= whole.records);
        cut_short += u32::from(report.records < whole.records);
    }
    assert!(cut_short > 15, "{cut_short} of 30");
}
