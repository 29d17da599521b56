//! Parts that chips of several makers have, for boards that have them.
#![allow(dead_code, unused_imports, reason = "each board has some of them")]

pub(crate) mod clint;
pub(crate) mod cmsdk_timer;
pub(crate) mod cmsdk_uart;
pub(crate) mod gptm;
pub(crate) mod lm3s_sysctl;
pub(crate) mod no_flash;
pub(crate) mod nrf51;
pub(crate) mod pl011;
pub(crate) mod pl061;
pub(crate) mod plic;
pub(crate) mod recording;
pub(crate) mod sifive_gpio;
pub(crate) mod sifive_uart;
