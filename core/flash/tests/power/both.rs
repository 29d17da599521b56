//! What is tested on both: a small flash, whose log comes round soon, and that of the micro:bit.

use crate::log::PAGES;
use crate::model::{Model, PAGE};

/// Tests that take a blank flash, whose slots have `SLOT` pages.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod small {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::model::Model::<4>::new(crate::log::PAGES + 2 * super::SLOT));
                }
            )*
        }

        mod microbit {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::model::Model::nrf51());
                }
            )*
        }
    };
}

pub(crate) use on_both;

/// So many of what is `n` in the small flash: it comes as far round the log.
pub(crate) fn as_far<const UNIT: usize, const SIZE: usize>(n: u64, flash: &Model<UNIT, SIZE>) -> u64 {
    n * (flash.erased.len() * SIZE / (PAGES * PAGE)) as u64
}
