//! Nordic nRF51. Addresses and offsets here and in the chip's boards: nRF51 Series Reference Manual 3.0.

mod clock;
mod gpio;
mod nvmc;
mod rng;
mod timer;
mod uart;

pub(crate) use clock::Clock;
pub(crate) use gpio::Gpio;
pub(crate) use nvmc::Nvmc;
pub(crate) use rng::Rng;
pub(crate) use timer::Timer;
pub(crate) use uart::Uart;
