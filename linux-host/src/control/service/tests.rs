//! What the service does, with nothing behind it.

use campanile_core::decision::ReplyResult;
use campanile_core::id::Level;
use campanile_core::input::Input;
use campanile_core::record::Record;

use super::*;
use crate::daemon::loaded::Origin as From;
use crate::daemon::mirror::Answer;

struct Nothing;

impl StatusSource for Nothing {
    async fn fill(&self, _: &mut Status) {}
    fn install(&self, _: &str) -> Reinstall {
        Reinstall::Unknown(Vec::new())
    }
    fn ask(&self, _: &str, _: Asker, _: Wish<'_>) -> Option<Result<oneshot::Receiver<Outcome>, Unknown>> {
        None
    }
    fn why_away(&self, _: &str) -> Option<String> {
        None
    }
    async fn retry(&self, _: &str) -> Result<String, String> {
        Err("there is no sink".to_owned())
    }
}

#[tokio::test]
async fn a_press_moves_the_line_even_before_the_journal_has_seen_the_first_record() {
    let text = "node.name = \"porch\"\nboards.desk.kind = \"virtual\"\ninputs.button.line = \"A\"".into();
    let loaded = From::Text { name: "test".into(), text }.load(false).unwrap();
    let (house, intake, board) =
        (Arc::new(House::new(&loaded.program)), Intake::default(), VirtualBoard::new());
    let (reload, _) = mpsc::channel(1);
    let service = Service::new(house, intake.clone(), board.clone(), reload, Nothing, 1);
    let operation = Operation::Press { input: "button".into(), for_us: 60_000_000 };
    let response = service.call(Caller::LOCAL, Request { id: None, operation }).await;
    assert!(response.ok, "{response:?}");
    assert!(board.level("A", now().plus(Duration::from_secs(1))), "it is down, and its bounces are over");
    assert!(intake.messages().try_receive().is_err(), "the loop sees the line, and needs no word of it");
}

#[tokio::test(start_paused = true)]
async fn a_press_that_nobody_confirms_is_released_all_the_same() {
    let text = "node.name = \"porch\"\ninputs.button.line = \"A\"".into();
    let loaded = From::Text { name: "test".into(), text }.load(false).unwrap();
    let (house, intake) = (Arc::new(House::new(&loaded.program)), Intake::default());
    let (reload, _) = mpsc::channel(1);
    let service = Service::new(house, intake.clone(), VirtualBoard::new(), reload, Nothing, 1);
    let operation = Operation::Press { input: "button".into(), for_us: 60_000_000 };
    let response = service.call(Caller::LOCAL, Request { id: None, operation }).await;
    assert!(!response.ok, "{response:?}");
    tokio::time::sleep(StdDuration::from_secs(61)).await;
    let played = std::iter::from_fn(|| match intake.messages().try_receive().ok()? {
        Message::Command { op: Op::Play { level, .. }, .. } => Some(level),
        other => panic!("{other:?}"),
    });
    assert_eq!(played.collect::<Vec<_>>(), [Level::On, Level::Off]);
}

#[tokio::test(start_paused = true)]
async fn a_press_that_comes_twice_is_released_once() {
    let text = "node.name = \"porch\"\ninputs.button.line = \"A\"".into();
    let loaded = From::Text { name: "test".into(), text }.load(false).unwrap();
    let (house, intake) = (Arc::new(House::new(&loaded.program)), Intake::default());
    let (reload, _) = mpsc::channel(1);
    let service = Service::new(house.clone(), intake.clone(), VirtualBoard::new(), reload, Nothing, 1);
    let press = || {
        let operation = Operation::Press { input: "button".into(), for_us: 10_000_000 };
        service.call(Caller::LOCAL, Request { id: Some(7), operation })
    };
    for result in [ReplyResult::Done, ReplyResult::Duplicate] {
        let engine = async {
            tokio::time::sleep(StdDuration::from_secs(1)).await;
            house.answer(&[Answer { origin: Caller::LOCAL.origin, id: 7, result }]);
        };
        assert!(tokio::join!(press(), engine).0.ok);
    }
    tokio::time::sleep(StdDuration::from_secs(60)).await;
    let played = std::iter::from_fn(|| intake.messages().try_receive().ok())
        .filter(|message| matches!(message, Message::Command { op: Op::Play { level: Level::Off, .. }, .. }));
    assert_eq!(played.count(), 1);
}

#[test]
fn what_was_asked_for_before_this_clock_began_is_not_young() {
    let text = "node.name = \"porch\"".into();
    let loaded = From::Text { name: "test".into(), text }.load(false).unwrap();
    let (house, intake) = (Arc::new(House::new(&loaded.program)), Intake::default());
    let (reload, _) = mpsc::channel(1);
    let unix = 1_795_246_200_000_000;
    house.mirror().apply(now(), &Record::Input(Input::Clock { unix, offset: 0, trusted: true }));
    let service = Service::new(house, intake, VirtualBoard::new(), reload, Nothing, 1);
    // As far back as this machine runs, and further.
    assert_eq!(service.issued(Some(unix - 1_000_000_000_000_000)), None);
    assert_eq!(service.issued(Some(unix - 31_000_000)), None);
    assert!(service.issued(Some(unix - 1_000_000)).is_some());
}

#[test]
fn unknown_names_come_with_those_that_are_known() {
    let names = ["chime", "light"];
    assert_eq!(unknown("output", "chim", names.iter().copied()), "no output \"chim\"; did you mean chime?");
    assert_eq!(
        unknown("output", "pump", names.iter().copied()),
        "no output \"pump\"; there are chime, light"
    );
    assert_eq!(unknown("output", "pump", std::iter::empty()), "no output \"pump\": there is none");
}
