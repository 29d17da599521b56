//! Registers: the one place where the hardware's addresses are read and written.

/// A 32-bit register.
#[derive(Clone, Copy)]
pub(crate) struct Register(usize);

impl Register {
    /// The register at an address.
    ///
    /// # Safety
    /// Between this address and the highest that [`nth`](Self::nth) will be asked for there are registers, or what
    /// takes reads and writes as harmlessly; no write makes the hardware touch memory.
    pub(crate) const unsafe fn at(address: usize) -> Self {
        Self(address)
    }

    /// The `n`th of a row of registers.
    pub(crate) const fn nth(self, n: usize) -> Self {
        Self(self.0 + n * size_of::<u32>())
    }

    pub(crate) fn read(self) -> u32 {
        // SAFETY: `at` demands it.
        unsafe { core::ptr::with_exposed_provenance::<u32>(self.0).read_volatile() }
    }

    pub(crate) fn write(self, value: u32) {
        // SAFETY: `at` demands it.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(self.0).write_volatile(value) }
    }

    #[allow(dead_code, reason = "not every chip needs it")]
    /// Sets bits and leaves the others. Not against an interrupt that does the same.
    pub(crate) fn set(self, bits: u32) {
        self.write(self.read() | bits);
    }

    #[allow(dead_code, reason = "as above")]
    /// Clears bits and leaves the others. As [`set`](Self::set).
    pub(crate) fn clear(self, bits: u32) {
        self.write(self.read() & !bits);
    }
}

/// Declares registers: `registers! { NAME: 0x4000_0000, "what it does"; .. }`. The block is a board's promise of what
/// [`Register::at`] demands.
macro_rules! registers {
    ($($name:ident: $address:expr, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            // SAFETY: the board's file gives the addresses as its reference manual has them.
            const $name: $crate::register::Register = unsafe { $crate::register::Register::at($address) };
        )*
    };
}
pub(crate) use registers;
