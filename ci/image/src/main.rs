//! The engine on a Cortex-M0.
#![no_std]
#![no_main]

use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    #[cfg(feature = "panicking")]
    may_panic();
    loop {
        core::hint::spin_loop();
    }
}

/// An index that the compiler cannot see to be in bounds.
#[cfg(feature = "panicking")]
fn may_panic() {
    let table = core::hint::black_box([1u8, 2, 3]);
    core::hint::black_box(table[core::hint::black_box(1usize)]);
}

/// Never inlined: if anything in the image can panic, its symbol is there to be found.
#[panic_handler]
#[inline(never)]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
