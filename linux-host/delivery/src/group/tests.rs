use super::*;
use crate::position::Boot;
use proptest::prelude::*;

fn group() -> Group {
    let start = Mark {
        at: Position { boot: Boot::new(5, 0x9f3c_21aa), seq: 1041, host: 3 },
        time: Instant::from_micros(1_000_000),
    };
    // Two raw edges of input 3: on after 300 us, off after 5 us.
    let body = vec![0xc3, 0xac, 0x02, 0x83, 0x05];
    let end = Mark { at: Position { seq: 1043, ..start.at }, time: Instant::from_micros(1_000_305) };
    Group { kind: Kind::Engine, start, end, count: 2, body, explains: None, program: 0xa }
}

#[test]
fn golden_bytes() {
    let mut anchored = Vec::new();
    group().encode(7, 128, true, &mut anchored);
    assert_eq!(hex(&anchored), GOLDEN_ANCHORED);
    let mut plain = Vec::new();
    group().encode(7, 152, false, &mut plain);
    assert_eq!(hex(&plain), GOLDEN_PLAIN);
    assert_eq!(plain.len(), group().body.len() + 7, "a group costs seven bytes");
}

const GOLDEN_ANCHORED: &str = "1ac40205aa213c9f910803c0843d0a00000000000000c3ac028305bf13e248";
const GOLDEN_PLAIN: &str = "074002c3ac0283059c69f091";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn a_group_reads_as_it_was_written() {
    let mut bytes = Vec::new();
    group().encode(7, 128, true, &mut bytes);
    bytes.push(0);
    let Found::Group(block) = decode(&bytes, 7, 128) else { panic!("not found") };
    assert_eq!(
        (block.kind, block.anchor, block.count),
        (Kind::Engine, Some(Anchor { start: group().start, program: 0xa }), 2)
    );
    assert_eq!((block.body, block.size as usize), (&group().body[..], bytes.len() - 1));
    assert_eq!(block.end(group().start), group().end);
    assert!(matches!(decode(&bytes[block.size as usize..], 7, 128 + block.size), Found::End));
}

#[test]
fn no_other_place_takes_it() {
    let mut bytes = Vec::new();
    group().encode(7, 128, true, &mut bytes);
    for (segment, offset) in [(8, 128), (6, 128), (7, 129), (7, 0), (7 + (1 << 32), 128)] {
        assert!(matches!(decode(&bytes, segment, offset), Found::Bad), "{segment} {offset}");
    }
}

proptest! {
    #[test]
    fn a_flipped_bit_never_passes(bit in 0usize..200) {
        let mut bytes = Vec::new();
        group().encode(7, 128, true, &mut bytes);
        let at = bit % (bytes.len() * 8);
        bytes[at / 8] ^= 1 << (at % 8);
        prop_assert!(!matches!(decode(&bytes, 7, 128), Found::Group(_)));
    }

    #[test]
    fn a_cut_never_passes(keep in 0usize..32) {
        let mut bytes = Vec::new();
        group().encode(7, 128, true, &mut bytes);
        let keep = keep.min(bytes.len() - 1);
        bytes[keep..].fill(0);
        prop_assert!(!matches!(decode(&bytes, 7, 128), Found::Group(_)));
    }

    #[test]
    fn any_bytes_are_looked_at_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Found::Group(block) = decode(&bytes, 1, 1) {
            prop_assert!(block.size as usize <= bytes.len());
        }
    }
}
