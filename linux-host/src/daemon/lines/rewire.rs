//! The swap of lines: from those of one program to those of the next.

use campanile_core::id::InputId;
use campanile_core::input::{Input, LevelWhy};
use campanile_core::runner::Captured;

use super::line::{Driven, Watched};
use super::{Lines, now};
use crate::boards::{BoardSpec, InputSpec, LineError, OutputSpec};
use crate::daemon::board_set::Opened;
use crate::daemon::wiring::Wiring;

impl Lines {
    /// Goes over to the lines of another program: the lines that both have stay open, whatever their ids; `opened` has
    /// the others. What the kept lines said in the meantime keeps its place under the new id; those whose polarity or
    /// pull changed are read again. Lines that are new to the engine, the runner reads. Gives the lines that changed
    /// their role and could not be had in the new one.
    pub fn rewire(&mut self, wiring: &Wiring, mut opened: Opened) -> Vec<LineError> {
        let mut old: Vec<Option<Watched>> = self.inputs.drain(..).map(Some).collect();
        let mut new_ids = vec![None; old.len()];
        let keep = |((board, spec), id): (&(BoardSpec, InputSpec), u8)| {
            let (place, watched) = take_where(&mut old, |watched| watched.is_of(board, &spec.line))?;
            new_ids[place] = Some(InputId(id));
            Some(watched)
        };
        let inputs: Vec<_> = wiring.inputs.iter().zip(0..).map(keep).collect();
        let mut old_outputs: Vec<Option<Driven>> = self.outputs.drain(..).map(Some).collect();
        let keep = |(board, spec): &(BoardSpec, OutputSpec)| {
            Some(take_where(&mut old_outputs, |driven| driven.is_of(board, &spec.line))?.1)
        };
        let outputs: Vec<_> = wiring.outputs.iter().map(keep).collect();
        // Those that the new program has not, outputs safe: let go of first, as it may want one in the other role.
        drop(old);
        for mut gone in old_outputs.into_iter().flatten() {
            say(gone.drive(gone.spec.safe));
        }
        self.spread_net(outputs.iter().flatten());

        let mut failed = Vec::new();
        self.rewire_outputs(wiring, outputs, &mut opened, &mut failed);
        let read_again = self.rewire_inputs(wiring, inputs, &mut opened, &mut failed);
        self.queue.retain_mut(|captured| renumber(&mut captured.input, &new_ids));
        for input in read_again {
            if let Some(level) = self.read(input) {
                let at = now();
                let input = Input::Level { input, level, why: LevelWhy::Quiet };
                self.queue.push_back(Captured { at, input });
                self.drained = self.drained.max(at);
            }
        }
        failed
    }

    /// Gives the inputs that have to be read again.
    fn rewire_inputs(
        &mut self,
        wiring: &Wiring,
        kept: Vec<Option<Watched>>,
        opened: &mut Opened,
        failed: &mut Vec<LineError>,
    ) -> Vec<InputId> {
        let mut read_again = Vec::new();
        for (((board, spec), kept), id) in wiring.inputs.iter().zip(kept).zip(0..) {
            let watched = match kept {
                Some(mut watched) => {
                    if watched.open.spec != *spec {
                        match watched.open.line.reconfigure(spec) {
                            Ok(()) => watched.open.spec = spec.clone(),
                            // It stays as it was, and so the next swap tries once more.
                            Err(error) => note(error, failed),
                        }
                        read_again.push(InputId(id));
                    }
                    watched
                }
                None => opened.input(board, spec, &self.wake).map(Watched::new).unwrap_or_else(|error| {
                    note(error, failed);
                    Watched::missing(board, spec)
                }),
            };
            self.inputs.push(watched);
        }
        read_again
    }

    fn rewire_outputs(
        &mut self,
        wiring: &Wiring,
        kept: Vec<Option<Driven>>,
        opened: &mut Opened,
        failed: &mut Vec<LineError>,
    ) {
        for ((board, spec), kept) in wiring.outputs.iter().zip(kept) {
            let fresh = opened.take_output(board, spec).map(Driven::new);
            let driven = match (kept, fresh) {
                (Some(ghost), Some(mut fresh)) => {
                    say(fresh.drive(ghost.level));
                    fresh
                }
                (Some(mut kept), None) => {
                    if let Some(line) = kept.line.as_ref().filter(|_| kept.spec != *spec) {
                        match line.reconfigure(spec, kept.level) {
                            Ok(()) => kept.spec = spec.clone(),
                            Err(error) => {
                                kept.spec.safe = spec.safe;
                                note(error, failed);
                            }
                        }
                    }
                    kept
                }
                (None, Some(fresh)) => fresh,
                (None, None) => opened.output(board, spec).map(Driven::new).unwrap_or_else(|error| {
                    note(error, failed);
                    Driven::missing(board, spec)
                }),
            };
            self.outputs.push(driven);
        }
        self.spread_net(self.outputs.iter());
    }
}

/// A line changed its role and is not to be had, or does not take its new settings.
fn note(error: LineError, failed: &mut Vec<LineError>) {
    tracing::error!("{error}; until the next start the line is not as the file says");
    failed.push(error);
}

/// Takes out the first that fits, with its place.
fn take_where<T>(items: &mut [Option<T>], fits: impl Fn(&T) -> bool) -> Option<(usize, T)> {
    let place = items.iter().position(|item| item.as_ref().is_some_and(&fits))?;
    Some((place, items[place].take()?))
}

/// A line that does not do as it is told in a swap is said and not fatal: the program runs without it.
fn say(result: Result<(), LineError>) {
    if let Err(error) = result {
        tracing::error!("{error}");
    }
}

/// Gives an input of the lines its new id; false if its line is gone.
fn renumber(input: &mut Input, new_ids: &[Option<InputId>]) -> bool {
    let (Input::Edge { input: id, .. }
    | Input::Level { input: id, .. }
    | Input::Overrun { input: Some(id), .. }) = input
    else {
        return true;
    };
    match new_ids.get(id.index()).copied().flatten() {
        Some(new) => {
            *id = new;
            true
        }
        None => false,
    }
}
