//! System control of a Luminary chip: where its clock comes from. Offsets: LM3S6965 data sheet.

use crate::register::Register;

/// Bit 6: the PLL is locked.
const RIS: usize = 0x50 / 4;
/// Where the processor's clock comes from.
const RCC: usize = 0x60 / 4;
/// Clocks of parts; bit 0: UART0, bit 16: Timer 0.
const RCGC1: usize = 0x104 / 4;
/// Clocks of the ports, a bit each.
const RCGC2: usize = 0x108 / 4;

/// It, at the first of its registers.
pub(crate) struct Sysctl(pub(crate) Register);

impl Sysctl {
    /// 12.5 MHz, from the crystal of 8 MHz by way of the PLL and by 16, in the order that the data sheet asks for; UART0 and
    /// Timer 0 have their clocks.
    pub(crate) fn start(&self) {
        let rcc = self.0.nth(RCC);
        let (bypass, divide, by_16) = (1 << 11, 1 << 22, 0xF << 23);
        let with = rcc.read() & !(divide | 0xF << 23);
        rcc.write(with | bypass);
        // Without: main oscillator off, source, crystal, PLL off.
        let with = with & !(1 | 3 << 4 | 0xF << 6 | 1 << 13) | 0xE << 6 | by_16 | divide;
        rcc.write(with | bypass);
        while self.0.nth(RIS).read() & 1 << 6 == 0 {}
        rcc.write(with & !bypass);
        self.0.nth(RCGC1).set(1 | 1 << 16);
    }

    /// Gives all ports their clock.
    pub(crate) fn start_ports(&self) {
        self.0.nth(RCGC2).set(0x7F);
    }
}
