//! The loop's ends of the runner's traits: edges in, levels out, over the lines they share.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::runner::{Captured, Edges, Outputs, Refused};
use embassy_futures::select::select;
use embassy_time::Timer;

use super::house::House;
use super::lines::Lines;

/// Edges of the lines.
pub struct LineEdges(pub Rc<RefCell<Lines>>);

impl Edges for LineEdges {
    fn next(&mut self) -> Option<Captured> {
        self.0.borrow_mut().take()
    }

    async fn ready(&mut self) {
        let (due, wake) = {
            let lines = self.0.borrow();
            (lines.due(), lines.wake_slot().clone())
        };
        let news = poll_fn(|context| {
            // Registered first: whoever moves a line does it before he wakes.
            wake.register(context.waker());
            let lines = self.0.borrow();
            // Moves may be laid down for later meanwhile: the caller comes back with another timer.
            if lines.has_news() || lines.due() != due { Poll::Ready(()) } else { Poll::Pending }
        });
        match due {
            Some(due) => {
                select(news, Timer::at(embassy_time::Instant::from_micros(due.micros()))).await;
            }
            None => news.await,
        }
    }

    fn mask(&mut self, input: InputId, masked: bool) {
        self.0.borrow_mut().mask(input, masked);
    }
}

/// Levels of the lines.
pub struct LineOutputs {
    /// The lines.
    pub lines: Rc<RefCell<Lines>>,
    /// Has the programs and their lines.
    pub house: Arc<House>,
}

impl Outputs for LineOutputs {
    fn set(&mut self, output: OutputId, level: Level) -> Result<(), Refused> {
        self.lines.borrow_mut().set(output, level).map_err(|_| Refused)
    }

    fn read(&mut self, input: InputId) -> Option<Level> {
        self.lines.borrow_mut().read(input)
    }

    fn installed(&mut self, hash: u64) {
        if let Some(program) = self.house.programs.get(hash) {
            let opened = self.house.programs.take_lines(hash);
            let failed = self.lines.borrow_mut().rewire(&program.wiring, opened);
            self.house.programs.runs_without(hash, failed);
        }
    }
}
