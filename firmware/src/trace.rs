//! What the firmware says of itself, for whoever develops it: with the feature `defmt` in frames that wait here until the link
//! has nothing else to carry, else not at all. What there is no room for is not said; nothing waits for it.

/// Says something, if anybody may want to hear it.
macro_rules! info {
    ($text:literal $(, $arg:expr)* $(,)?) => {{
        #[cfg(feature = "defmt")]
        defmt::info!($text $(, $arg)*);
        #[cfg(not(feature = "defmt"))]
        { $(let _ = &$arg;)* }
    }};
}
pub(crate) use info;

#[cfg(feature = "defmt")]
pub(crate) use frames::take;

#[cfg(feature = "defmt")]
mod frames {
    use core::cell::{Cell, RefCell};

    use critical_section::{CriticalSection, Mutex, RestoreState};
    use heapless::{Deque, Vec};

    use crate::clock;

    /// The longest frame; a longer one is left out.
    const FRAME: usize = 48;
    /// Bytes of frames that may wait.
    const ROOM: usize = 192;

    struct Frames {
        /// The one that is being written, and whether all of it found room.
        frame: Vec<u8, FRAME>,
        fits: bool,
        /// Those that are whole, each behind its length.
        waiting: Deque<u8, ROOM>,
    }

    static FRAMES: Mutex<RefCell<Frames>> =
        Mutex::new(RefCell::new(Frames { frame: Vec::new(), fits: true, waiting: Deque::new() }));
    /// How interrupts were before the frame began.
    static BEFORE: Mutex<Cell<RestoreState>> = Mutex::new(Cell::new(RestoreState::invalid()));

    /// Takes frames that fit into `out` as a whole; gives their length.
    pub(crate) fn take(out: &mut [u8]) -> usize {
        critical_section::with(|cs| {
            let waiting = &mut FRAMES.borrow_ref_mut(cs).waiting;
            let mut taken = 0;
            while let Some(len) = waiting.front().map(|len| 1 + usize::from(*len)) {
                let Some(place) = out.get_mut(taken..taken + len) else { break };
                place.iter_mut().for_each(|byte| *byte = waiting.pop_front().unwrap_or_default());
                taken += len;
            }
            taken
        })
    }

    defmt::timestamp!("{=u64:us}", clock::now().micros());

    #[defmt::global_logger]
    struct Logger;

    // SAFETY: a frame is written with interrupts switched off, on a chip with one core: nobody writes another meanwhile.
    unsafe impl defmt::Logger for Logger {
        fn acquire() {
            // SAFETY: `release` follows, which takes it back.
            let before = unsafe { critical_section::acquire() };
            with(|cs| {
                BEFORE.borrow(cs).set(before);
                let mut frames = FRAMES.borrow_ref_mut(cs);
                frames.frame.clear();
                frames.fits = true;
            });
        }

        unsafe fn flush() {}

        unsafe fn release() {
            let before = with(|cs| {
                let Frames { frame, fits, waiting } = &mut *FRAMES.borrow_ref_mut(cs);
                if *fits && waiting.len() + 1 + frame.len() <= ROOM {
                    let bytes = core::iter::once(frame.len() as u8).chain(frame.iter().copied());
                    // There is room: it was just asked.
                    for byte in bytes {
                        let _ = waiting.push_back(byte);
                    }
                }
                BEFORE.borrow(cs).get()
            });
            // SAFETY: what `acquire` got.
            unsafe { critical_section::release(before) };
        }

        unsafe fn write(bytes: &[u8]) {
            with(|cs| {
                let frames = &mut *FRAMES.borrow_ref_mut(cs);
                frames.fits &= frames.frame.extend_from_slice(bytes).is_ok();
            });
        }
    }

    /// Between `acquire` and `release`.
    fn with<T>(f: impl FnOnce(CriticalSection<'_>) -> T) -> T {
        // SAFETY: `acquire` has switched interrupts off, and `release` has not switched them on yet.
        f(unsafe { CriticalSection::new() })
    }
}
