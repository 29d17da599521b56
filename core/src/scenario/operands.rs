//! What expressions read: the house as it is.

use crate::calendar::{day_and_second, time_of_day, weekday_of};
use crate::engine::view::View;
use crate::program::code::Op;
use crate::scenario::expr::Operands;
use crate::time::div_rem_floor;

/// For one run.
pub(super) struct Context<'a, 'b> {
    pub(super) view: &'a View<'b>,
    /// Whether its last `wait-until` was given up.
    pub(super) timed_out: bool,
}

impl Operands for Context<'_, '_> {
    fn operand(&self, op: &Op) -> Option<i32> {
        let view = self.view;
        match *op {
            Op::Input { input } => view.inputs.get(input.index())?.reported().map(i32::from),
            Op::Output { output } => view.outputs.get(output.index()).map(|cell| cell.level().into()),
            Op::Sensor { sensor } => view.sensors.get(sensor.index())?.value,
            Op::Var { var } => view.variables.get(var.index()).map(|cell| cell.value),
            Op::WhileUp { peer } => view.s.has_link(peer).then_some(1),
            Op::TimedOut {} => Some(self.timed_out.into()),
            Op::Hour {} => view.local_time().map(|(_, second)| time_of_day(second).hour.into()),
            Op::Minute {} => view.local_time().map(|(_, second)| time_of_day(second).minute.into()),
            Op::Weekday {} => view.local_time().map(|(day, _)| weekday_of(day).into()),
            _ => None,
        }
    }
}

impl View<'_> {
    /// The day and the second of the day, if the clock is trusted.
    fn local_time(&self) -> Option<(i64, u32)> {
        let (local_s, _) = div_rem_floor(self.s.trusted_clock()?.local_at(self.s.now), 1_000_000);
        Some(day_and_second(local_s))
    }
}
