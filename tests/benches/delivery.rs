//! From an edge on a pin to bytes at an MQTT subscriber: how soon, and how many. The daemon with its journal, a real
//! broker, QoS 1; figures, no judgement. `cargo bench -p campanile-tests --bench delivery`

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant as Std};

use campanile::daemon::lines::now;
use campanile::daemon::loaded::Origin;
use campanile::daemon::{Daemon, Options};
use campanile_core::time::{Duration as Span, Instant};
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::{Received, Subscriber};

/// Single presses for the latency.
const PRESSES: usize = 2_000;
/// Edges for the throughput, and how many a second are offered.
const EDGES: u64 = 400_000;
const OFFERED: u64 = 60_000;
/// They come in bursts, as from contacts: so many, so far apart in microseconds.
const BURST: u64 = 30;
const APART: u64 = 3;
/// Laid down on the virtual line at once.
const CHUNK: u64 = 600;

fn main() {
    // `cargo test` builds and runs benches too, with another argument: nothing is measured then.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let broker = Mosquitto::open(dir.path());
    let url = broker.url();
    let text = format!(
        "[node]\nname = \"bench\"\n[boards.desk]\nkind = \"virtual\"\n\
         [inputs.pin]\nline = \"PIN\"\npull = \"down\"\ndebounce = \"none\"\nstorm = \"off\"\n\
         [sinks.home]\nkind = \"mqtt\"\nurl = \"{url}\"\n"
    );
    let subscriber = Subscriber::new(broker.port, "campanile/bench/input/pin", None);
    let origin = Origin::Text { name: "the benchmark's house".to_owned(), text };
    let options = Options { origin, state: dir.path().join("state"), color: false, began: Std::now() };
    // On a thread of its own, as in a process of its own.
    let (board, started) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("house".to_owned());
    let house = thread.spawn(move || {
        runtime.block_on(async {
            let daemon = Daemon::start(options).await.expect("the house runs");
            board.send(daemon.virtual_board.clone()).expect("somebody waits");
            // An error is a stop too.
            let _ = stopped.await;
            daemon.stop().await.expect("it stops in order");
        });
    });
    let house = house.expect("a thread");
    let board = started.recv().expect("the house runs");
    subscriber.wait("the first state", Duration::from_secs(10), |received| !received.is_empty());

    latency(&board, &subscriber, "edge to bytes at an MQTT subscriber");
    let noise = Noise::begin(dir.path());
    latency(&board, &subscriber, "the same while another process syncs the disk");
    figure("so often it synced 4 MB meanwhile", &noise.end().to_string());
    throughput(&board, &subscriber);

    drop(stop);
    house.join().expect("the house stops");
}

type Board = std::sync::Arc<campanile::boards::VirtualBoard>;

/// Another process that writes to the same disk and syncs it, without a pause, and says each time that it has.
struct Noise(Child);

impl Noise {
    fn begin(dir: &Path) -> Self {
        let write = format!("dd if=/dev/zero of='{}/noise' bs=64k count=64 conv=fsync", dir.display());
        let shell = Command::new("sh")
            .arg("-c")
            .arg(format!("while {write} 2>/dev/null; do echo synced || exit; done"))
            .stdout(Stdio::piped())
            .spawn();
        Self(shell.expect("a shell"))
    }

    /// How often it has: none would mean that nothing was measured beside it.
    fn end(mut self) -> usize {
        self.0.kill().and_then(|()| self.0.wait()).expect("it was there");
        let mut said = String::new();
        // To the end of the last `dd` too, which has the pipe as well.
        self.0.stdout.take().expect("it is piped").read_to_string(&mut said).expect("what it said");
        let syncs = said.lines().count();
        assert!(syncs > 0, "the other process wrote nothing: is there no dd, or no room?");
        syncs
    }
}

fn latency(board: &Board, subscriber: &Subscriber, what: &str) {
    let mut spans = Vec::with_capacity(PRESSES);
    for press in 0..PRESSES {
        let before = subscriber.count();
        let stamp = now();
        board.play("PIN", [(stamp, press % 2 == 0)]);
        while subscriber.count() == before {
            std::thread::sleep(Duration::from_micros(200));
        }
        let read = subscriber.last().expect("a message").at_us;
        spans.push(read.saturating_sub(stamp.micros()));
        // Uneven, so that no timer of anybody's keeps step with it.
        std::thread::sleep(Duration::from_micros(3_000 + (press as u64 * 7_919) % 4_000));
    }
    spans.sort_unstable();
    let at = |share: usize| spans[(spans.len() * share / 1_000).min(spans.len() - 1)];
    for (percentile, share) in [("p50", 500), ("p90", 900), ("p99", 990), ("max", 1_000)] {
        figure(&format!("{what}, {percentile}"), &format!("{} us", at(share)));
    }
}

fn throughput(board: &Board, subscriber: &Subscriber) {
    let before = subscriber.count();
    let pause = Span::from_micros(BURST * 1_000_000 / OFFERED - (BURST - 1) * APART);
    let begin = now().plus(Span::from_millis(20));
    let (mut at, mut level) = (begin, false);
    for _ in 0..EDGES / CHUNK {
        let moves: Vec<_> = (0..CHUNK)
            .map(|edge| {
                level = !level;
                at = at.plus(if edge % BURST == 0 { pause } else { Span::from_micros(APART) });
                (at, level)
            })
            .collect();
        board.play("PIN", moves);
        // A little ahead of the pin, and not more than the line holds.
        let ahead = Span::from_millis(20);
        let wait = at.since(now()).minus(ahead);
        std::thread::sleep(Duration::from_micros(wait.micros()));
    }
    let sent = (EDGES / CHUNK * CHUNK) as usize;
    // Until all are there, or nothing moves any more: what the line's own buffer lost is not delivered.
    let (mut seen, mut since) = (0, Std::now());
    while seen < before + sent && since.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(5));
        let count = subscriber.count();
        if count > seen {
            (seen, since) = (count, Std::now());
        }
    }
    let all = subscriber.received();
    let ours = &all[before..];
    let took = ours.last().map_or(0, |last| last.at_us).saturating_sub(begin.micros());
    let order = if in_order(ours) { "in order" } else { "NOT in order" };
    let rate = ours.len() as f64 / (took as f64 / 1e6);
    let lost = sent - ours.len();
    figure(
        "edges a second to a QoS 1 broker",
        &format!("{rate:.0}, {order}, {lost} of {sent} lost in front"),
    );
    let lag = lag(ours, at) / 1_000;
    figure(&format!("lag behind the last of them, offered {OFFERED} a second"), &format!("{lag} ms"));
}

fn figure(what: &str, figure: &str) {
    println!("{what:<58} {figure}");
}

/// Numbers grow: what is twice or out of turn would show.
fn in_order(received: &[Received]) -> bool {
    let numbers: Vec<_> = received.iter().map(|message| message.json()["seq"].as_u64()).collect();
    numbers.is_sorted_by(|a, b| a < b)
}

fn lag(received: &[Received], last: Instant) -> u64 {
    received.last().map_or(0, |message| message.at_us.saturating_sub(last.micros()))
}
