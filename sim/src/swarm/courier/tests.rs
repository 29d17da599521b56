use campanile_delivery::Options;
use campanile_delivery::disk::Faults;

use super::*;

fn sec(s: u64) -> Instant {
    Instant::ZERO.plus(Duration::from_secs(s))
}

/// A journal with some words of the host in it.
fn journal(disk: &Arc<Disk>) -> Journal<Disk> {
    let node = "front-door".parse().expect("a name");
    let opened = Journal::open(disk, &node, Options::default(), 7, Instant::ZERO);
    let (mut journal, _) = opened.expect("a new disk works");
    for segment in 0..2 {
        journal.record(&HostRecord::Torn { segment, offset: 0 }, Instant::ZERO);
    }
    journal.commit(Instant::ZERO);
    journal
}

/// What goes until there is nothing more to send.
fn sent(courier: &mut Courier, journal: &Journal<Disk>, now: Instant) -> Vec<Ticket> {
    std::iter::from_fn(|| match courier.turn(journal, now) {
        Errand::Send(ticket, _) => Some(ticket),
        Errand::Connect | Errand::Pass(..) | Errand::Rest => None,
    })
    .collect()
}

/// The answers to the first letter are as many as the letters; the others are lost, and are sent again all the same.
#[test]
fn an_answer_that_comes_again_does_not_stand_for_one_that_is_lost() {
    let disk = Arc::new(Disk::new(1));
    let journal = journal(&disk);
    let name = "sink-0".parse().expect("a name");
    let mut courier = Courier::new(&name, &SinkPlan::default(), &disk, &journal, sec(0)).expect("a sink");
    assert!(matches!(courier.turn(&journal, sec(0)), Errand::Connect));
    courier.connected(Some(1), sec(0));
    let first = sent(&mut courier, &journal, sec(0));
    assert!(first.len() >= 2, "{first:?}");
    for _ in &first {
        courier.acked(first[0], 1, sec(1));
    }
    assert_eq!(sent(&mut courier, &journal, sec(1)), []);

    let given_up = sec(1).plus(PATIENCE);
    sent(&mut courier, &journal, given_up.minus(Duration::from_micros(1)));
    assert_eq!(courier.connection, Some(1), "not before");
    sent(&mut courier, &journal, given_up);
    assert_eq!(courier.connection, None, "a receiver that owes answers and is silent is given up");
    let again = courier.due().expect("it tries again");
    assert!(matches!(courier.turn(&journal, again), Errand::Connect));
    courier.connected(Some(2), again);
    assert_eq!(sent(&mut courier, &journal, again).len(), first.len() - 1, "all but the first");
}

/// A plan of the swarm: a sink passed what a disk had spoiled when it had rested, and never looked what came behind.
#[test]
fn who_has_rested_is_due_until_it_rests_again() {
    let disk = Arc::new(Disk::new(1));
    let journal = journal(&disk);
    let name = "sink-0".parse().expect("a name");
    let mut courier = Courier::new(&name, &SinkPlan::default(), &disk, &journal, sec(0)).expect("a sink");
    assert!(matches!(courier.turn(&journal, sec(0)), Errand::Connect));
    courier.connected(Some(1), sec(0));
    disk.set_faults(Faults { reads: Some(io::ErrorKind::Other), ..Faults::default() });
    assert!(matches!(courier.turn(&journal, sec(0)), Errand::Rest));
    disk.set_faults(Faults::default());
    let later = sec(0).plus(DISK_PATIENCE);
    assert!(!courier.is_due(sec(0)) && courier.is_due(later));
    assert!(matches!(courier.turn(&journal, later), Errand::Send(..)));
    assert!(courier.is_due(later), "there is more");
}
