//! Property number one: fresh + checkpoint k + tail = whole, for every k (SEMANTICS, what outlives a run).

use proptest::prelude::*;

use crate::life::{Life, records};
use crate::story::{START, draw};
use crate::tape::{Tape, cases, tapes};

fn every_checkpoint_goes_on(tape: &[u8]) -> Result<(), TestCaseError> {
    let (_, images, moments) = draw(&mut Tape::new(tape));
    let mut whole = Life::load(START, &images, 0);
    let mut marks = Vec::new();
    for moment in &moments {
        marks.push((
            whole.checkpoint(),
            whole.program,
            whole.log.len(),
            whole.effects.len(),
            whole.engine.now(),
        ));
        whole.live(moment, &images);
    }
    prop_assume!(!whole.restless);
    whole.assert_bounded();
    let last = whole.checkpoint();
    for (k, (items, program, len, effects, now)) in marks.iter().enumerate() {
        let mut tail = Life::resume(&images, *program, items);
        assert_eq!(&tail.checkpoint(), items, "checkpoint {k} is not what its engine gives");
        moments[k..].iter().for_each(|moment| tail.live(moment, &images));
        if tail.log != whole.log[*len..] {
            let (tail, whole) = (records(&tail.log, *now), records(&whole.log[*len..], *now));
            let first =
                tail.iter().zip(&whole).position(|(a, b)| a != b).unwrap_or(tail.len().min(whole.len()));
            panic!(
                "behind checkpoint {k}, record {first} differs: {:?}\nin the whole: {:?}\nbefore it: {:?}\n{items:?}",
                tail.get(first),
                whole.get(first),
                &whole[..first],
            );
        }
        assert_eq!(tail.effects, whole.effects[*effects..], "effects behind checkpoint {k}");
        assert_eq!(tail.checkpoint(), last, "state at the end, behind checkpoint {k}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn fresh_and_checkpoint_and_tail_are_the_whole(tape in tapes(500)) {
        every_checkpoint_goes_on(&tape)?;
    }
}
