use std::string::String;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::id::{Level, OutputId};
use crate::link::VERSION;
use crate::program::image::Counts;

const TOKEN: u32 = 0x1234;

fn all() -> Vec<(Message<'static>, &'static str)> {
    let counts = Counts {
        inputs: 16,
        outputs: 8,
        sensors: 2,
        variables: 8,
        triggers: 16,
        schedules: 2,
        scenarios: 16,
        code: 160,
    };
    let hello = Hello {
        token: TOKEN,
        nonce: 7,
        boot: 5 << 32 | 0x9f3c_21aa,
        core_rev: 1,
        bundle: 0xabcd,
        tail: 1,
        head: 300,
        room: Room { counts, runs: 16 },
        bundle_max: 1024,
        node: "porch",
        board: "microbit",
        over: true,
    };
    let op = Op::Set { output: OutputId(1), level: Level::On };
    let base = Instant::from_micros(1_000_000);
    vec![
        (Message::Greet { version: VERSION, nonce: 7 }, "000703"),
        (
            Message::Hello(hello),
            "01b4240307aac3f0f95901cdd70201ac0210080208100210a00110800805706f726368086d6963726f62697401",
        ),
        (Message::Assign { boot: 5 << 32 | 1 }, "02b4248180808050"),
        (Message::Ack { seq: 300 }, "03b424ac02"),
        (
            Message::Records(Records { first: 300, gap: true, program: Some(5), base, bytes: &[0xc0, 5] }),
            "04b424ac02010105c0843dc005",
        ),
        (
            Message::Command { origin: Origin::Link, id: 9, op, ttl: Duration::from_secs(30) },
            "05b42403090001018087a70e",
        ),
        (Message::Reply { id: 9, result: ReplyResult::Done }, "06b4240900"),
        (Message::Image { hash: 0xabcd, len: 600, offset: 200, bytes: b"xyz" }, "07b424cdd702d804c80178797a"),
        (Message::Stored { hash: 0xabcd, offset: 203 }, "08b424cdd702cb01"),
        (Message::Commit { hash: 0xabcd }, "09b424cdd702"),
        (Message::Committed { hash: 0xabcd, verdict: Verdict::UnknownLine }, "0ab424cdd70204"),
        (Message::Ping { unix: 1_000_000, offset: 3600, trusted: true }, "0bb42480897aa03801"),
        (Message::Pong { at: base }, "0cb424c0843d"),
        (
            Message::Health(Health { storage: Storage::Worn, cycles: 300, refused: 2, lost: 3, dropped: 4 }),
            "0db42403ac02020304",
        ),
        (Message::Trace { frames: &[2, 7, 0] }, "0eb424020700"),
        (Message::Look, "0fb424"),
        (
            Message::Lines(Lines { seq: 300, inputs: 7, inputs_on: 2, outputs: 1 << 63, outputs_on: 0 }),
            "10b424ac0207028080808080808080800100",
        ),
    ]
}

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut out = [0; crate::link::MAX_MESSAGE];
    let len = message.encode(TOKEN, &mut out).unwrap();
    out[..len].to_vec()
}

fn token_of(message: &Message<'_>) -> u32 {
    if let Message::Greet { nonce, .. } = message { *nonce } else { TOKEN }
}

#[test]
fn golden_bytes() {
    for (message, golden) in all() {
        let bytes = encoded(&message);
        let hex: String = bytes.iter().map(|byte| std::format!("{byte:02x}")).collect();
        assert_eq!(hex, golden, "{message:?}");
        assert_eq!(Message::decode(&bytes), Ok((token_of(&message), message)));
    }
}

#[test]
fn trailing_bytes_and_cuts_are_refused() {
    for (message, _) in all() {
        let open = matches!(message, Message::Records { .. } | Message::Image { .. } | Message::Trace { .. });
        let mut bytes = encoded(&message);
        for cut in (0..bytes.len()).filter(|_| !open) {
            assert_eq!(Message::decode(&bytes[..cut]), Err(Misread::Unknown), "{message:?} up to {cut}");
        }
        bytes.push(0);
        let longer = Message::decode(&bytes);
        if open {
            assert_ne!(longer, Ok((TOKEN, message)), "the bytes go to the end");
        } else {
            assert_eq!(longer, Err(Misread::Unknown), "{message:?}");
        }
    }
}

#[test]
fn another_version_is_told_from_noise() {
    let greeting = [0, 7, VERSION + 1, 99, 98, 97];
    let theirs = VERSION + 1;
    assert_eq!(Message::decode(&greeting), Err(Misread::Version { theirs, greeting: Some(7) }));
    let hello = [1, 7, VERSION + 1, 99, 98, 97];
    assert_eq!(Message::decode(&hello), Err(Misread::Version { theirs, greeting: None }));
    assert_eq!(Message::decode(&[99, 1, 2, 3]), Err(Misread::Unknown));
    assert_eq!(Message::decode(&[]), Err(Misread::Unknown));
}

#[test]
fn what_is_too_long_is_not_written() {
    let message = Message::Image { hash: 1, len: 1, offset: 0, bytes: &[0; 300] };
    assert_eq!(message.encode(TOKEN, &mut [0; crate::link::MAX_MESSAGE]), None);
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_of_one_form_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok((token, message)) = Message::decode(&bytes) {
            let mut out = [0; crate::link::MAX_MESSAGE];
            let len = message.encode(token, &mut out).unwrap();
            prop_assert_eq!(&out[..len], bytes);
        }
    }
}
