//! The processor: entry, exceptions and sleep.

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "arm")]
pub(crate) use cortex_m::*;
