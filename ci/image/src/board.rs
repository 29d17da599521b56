//! The few registers of the nRF51822 that the image touches.

use core::ptr;

/// The pins' levels.
const GPIO_IN: usize = 0x5000_0510;
/// Sets the pins whose bits are written.
const GPIO_OUTSET: usize = 0x5000_0508;
/// Clears the pins whose bits are written.
const GPIO_OUTCLR: usize = 0x5000_050C;
/// Starts the timer.
const TIMER_START: usize = 0x4000_8000;
/// Copies the timer's count into `TIMER_CC0`.
const TIMER_CAPTURE0: usize = 0x4000_8040;
/// 3 makes the count 32 bits wide.
const TIMER_BITMODE: usize = 0x4000_8508;
/// What was captured: microseconds at the reset value of the prescaler.
const TIMER_CC0: usize = 0x4000_8540;
/// Sends a byte.
const UART_TXD: usize = 0x4000_251C;
/// The flash page in which a host leaves the program.
const PROGRAM_PAGE: usize = 0x0003_F000;
/// Bytes of that page.
const PAGE_LEN: usize = 1024;

fn read(register: usize) -> u32 {
    // SAFETY: every address above is a readable, aligned, 32-bit register of the nRF51822.
    unsafe { ptr::read_volatile(ptr::with_exposed_provenance(register)) }
}

fn write(register: usize, value: u32) {
    // SAFETY: every address above is a writable, aligned, 32-bit register of the nRF51822; none of them
    // touches memory.
    unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(register), value) }
}

/// All pins at once.
pub(crate) fn pins() -> u32 {
    read(GPIO_IN)
}

/// Drives one pin.
pub(crate) fn drive(pin: u32, high: bool) {
    write(if high { GPIO_OUTSET } else { GPIO_OUTCLR }, 1u32.checked_shl(pin).unwrap_or(0));
}

/// Hands a byte of the log to whoever listens.
pub(crate) fn send(byte: u8) {
    write(UART_TXD, u32::from(byte));
}

/// Microseconds since the start, beyond the 71 minutes of the hardware's counter.
pub(crate) struct Clock {
    last: u32,
    wraps: u32,
}

impl Clock {
    /// Starts the timer.
    pub(crate) fn start() -> Self {
        write(TIMER_BITMODE, 3);
        write(TIMER_START, 1);
        Self { last: 0, wraps: 0 }
    }

    /// Now. To be asked at least once in 71 minutes.
    pub(crate) fn now(&mut self) -> u64 {
        write(TIMER_CAPTURE0, 1);
        let count = read(TIMER_CC0);
        if count < self.last {
            self.wraps = self.wraps.wrapping_add(1);
        }
        self.last = count;
        u64::from(self.wraps) << 32 | u64::from(count)
    }
}

/// The program: the page starts with its length, two bytes, little-endian.
pub(crate) fn program() -> &'static [u8] {
    // SAFETY: the page is flash, mapped, never written while the image runs, and 1 KiB long.
    let page: &'static [u8] =
        unsafe { core::slice::from_raw_parts(ptr::with_exposed_provenance(PROGRAM_PAGE), PAGE_LEN) };
    let Some((len, rest)) = page.split_first_chunk() else { return &[] };
    rest.get(..usize::from(u16::from_le_bytes(*len))).unwrap_or(&[])
}
