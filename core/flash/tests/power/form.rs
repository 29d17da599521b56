//! The bytes in the flash, for ever: a store of an older build is read by every newer one.

use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_flash::{Checkpoint, Flash as _, Of, Start, Store};

use crate::model::{Model, PAGE};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn golden_bytes() {
    let mut flash = Model::<4>::new(6);
    let mut store = Store::open(&mut flash, 1).unwrap();
    let program = b"a program";
    let hash = campanile_core::program::image::hash(program);
    store.stage(program.len(), hash, None, |_| None).unwrap();
    store.write_program(hash, 0, program).unwrap();
    store.commit(hash).unwrap();
    let boot = store.next_boot(0xDEAD_BEEF);
    store.begin(Start { boot, of: Of { program: 300, core_rev: 1 } }).unwrap();
    store.append_records(1, Instant::ZERO, &[0xC1, 5, 0x81, 0xAC, 0x02]).unwrap();
    store.append_records(9, Instant::from_micros(1_000), &[0xC1, 5, 0x81, 0xAC, 0x02]).unwrap();
    let mut checkpoint = Checkpoint::of(300);
    checkpoint.push(&mut store, &Restore::Halted {});
    checkpoint.finish(&mut store).unwrap();
    // One of two pieces: the first is full, the second has its index.
    let mut checkpoint = Checkpoint::of(300);
    (0..221).for_each(|_| checkpoint.push(&mut store, &Restore::Halted {}));
    checkpoint.finish(&mut store).unwrap();

    store.name(boot, 0x65_0000_0007).unwrap();
    let named = (3 * PAGE + 324, NAMED.len() / 2);
    // On the next page the head has it, too.
    while store.health().cycles == 0 {
        store.append_records(store.head().seq, store.head().at, &[0xC1, 5, 0x81, 0xAC, 0x02]).unwrap();
    }

    let bytes = flash.bytes();
    assert_eq!(hex(&bytes[named.0..][..named.1]), NAMED);
    assert_eq!(hex(&bytes[4 * PAGE..][..HEAD_NAMED.len() / 2]), HEAD_NAMED);
    // Of the log the first page that is used is the second: turns begin with 1.
    assert_eq!(hex(&bytes[PAGE..PAGE + 44]), SLOT);
    assert_eq!(hex(&bytes[3 * PAGE..3 * PAGE + 80]), LOG);
    assert_eq!(hex(&bytes[3 * PAGE + 312..3 * PAGE + 324]), SECOND);
}

const SLOT: &str = "436d530101000000090000003561be0fdabcbb163407ad5df6b9962cffffffff\
                    612070726f6772616dffffff";

const LOG: &str = "0801701723ff0101000000000100ffff\
                   08027117e4f7effdb6f51dac0201ffff\
                   0503f6d8f8d3c10581ac02ff\
                   03059ab34bc109e807ffffff\
                   050378fdcdc7c10581ac02ff\
                   050400fb2d0b03ac02010fff";

const SECOND: &str = "03046ae843c902010fffffff";

const NAMED: &str = "0b06fe313ebbeffdb6f51d87808080d00cffffff";

const HEAD_NAMED: &str = "18015e9ff5650102000000effdb6f51d23e526ef\
                          fdb6f51d87808080d00cffff";
