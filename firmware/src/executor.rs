//! Runs the loop, and sleeps while nothing asks for it.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::Spawner;
use embassy_executor::raw::Executor;

use crate::machine;

/// Somebody has woken a task since the tasks were looked at last.
static PENDING: AtomicBool = AtomicBool::new(false);

/// What embassy calls when a task is woken, from interrupts too.
#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    PENDING.store(true, Ordering::Release);
}

/// Spawns the tasks and runs them for ever.
pub(crate) fn run(executor: &'static Executor, spawn: impl FnOnce(Spawner)) -> ! {
    spawn(executor.spawner());
    loop {
        PENDING.store(false, Ordering::Release);
        // SAFETY: called from here alone, and not from within a task.
        unsafe { executor.poll() };
        // With interrupts switched off a request still ends the sleep, and its handler runs behind this block: none is
        // slept through. (Embassy's own executor sleeps on an event flag, which QEMU has not.)
        critical_section::with(|_| {
            if !PENDING.load(Ordering::Acquire) {
                machine::sleep();
            }
        });
    }
}
