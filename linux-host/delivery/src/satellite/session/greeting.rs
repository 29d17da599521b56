//! A satellite has greeted: which of its starts this is, what the journal has of it, and what it is to run.

use campanile_core::link::{Hello, is_countable};
use campanile_core::time::Instant;

use super::{Session, World};
use crate::satellite::{BookError, News};
use crate::{Boot, Storage};

impl<S: Storage> Session<S> {
    /// Takes a greeting, and asks for the records behind those that the journal has.
    ///
    /// # Errors
    /// The journal cannot go on with this satellite.
    pub(super) fn met<'m>(
        &mut self,
        now: Instant,
        hello: Hello<'m>,
        world: &mut impl World,
    ) -> Result<Option<News<'m>>, BookError> {
        if !is_countable(hello.boot) {
            return Ok(Some(News::Uncountable { boot: Boot(hello.boot) }));
        }
        self.given.take_if(|(_, ours)| ours.0 == hello.boot);
        self.over = hello.over;
        self.fits = self.program.fits(&hello);
        if self.fits.is_err() {
            // It was on its way to another board, in the place of which this one is.
            self.host.call_off();
        }
        if self.over {
            self.met_over(now, &hello, world)?;
            return Ok(None);
        }
        let boot = Boot(hello.boot);
        if self.book.boot() != Some(boot) {
            // Another start, another clock, and perhaps another firmware.
            self.unjudged.clear();
            (self.clock, self.refused, self.reads_ours) = (None, false, false);
        }
        let known = hello.boot != 0 && self.book.takes(boot) && {
            self.book.resume(boot, now)?;
            // Records that it does not know to have written: it claims a number that is not its own.
            self.book.last() < hello.head
        };
        if !known {
            self.rename(now, boot, world)?;
            return Ok(None);
        }
        self.reads_ours |= self.book.program() == Some(self.program.hash);
        let unkept = self.book.keep_program(self.program.hash, &self.program.stored()).err();
        self.host.pull(now, self.book.last() + 1);
        world.lines(|lines| lines.set_up(true));
        (self.runs_ours, self.lines) = (false, None);
        self.runs(now, hello.bundle == self.program.bundle_hash);
        let brings = (!self.runs_ours && !self.refused).then(|| self.install(now));
        Ok(Some(News::Met { hello, brings, unkept }))
    }

    /// Asks for the records of a start that is over, from where the journal has them.
    fn met_over(&mut self, now: Instant, hello: &Hello<'_>, world: &mut impl World) -> Result<(), BookError> {
        let theirs = Boot(hello.boot);
        let boot = self.renamed.ours(theirs);
        if !self.book.takes(boot) {
            // The journal has begun a later start. Without the end of this one it gets a number behind that, and comes whole: the
            // satellite's counter is behind the journal's, as that of a new board in the place of another, or it had another
            // name in between.
            let last = if hello.tail < hello.head { hello.head - 1 } else { 0 };
            if !self.book.reaches(boot, last)? {
                return self.rename(now, theirs, world);
            }
            self.host.pull(now, hello.head);
        } else if boot != theirs {
            self.host.assign(now, boot.0);
        } else {
            self.book.resume(boot, now)?;
            // The journal may have more than the satellite has left.
            self.host.pull(now, hello.head.min(self.book.last() + 1));
        }
        Ok(())
    }

    /// Begins a start in the journal for one whose number it cannot have there. The hello comes again, with the new one; if it
    /// comes as before, the number is given again.
    fn rename(&mut self, now: Instant, theirs: Boot, world: &mut impl World) -> Result<(), BookError> {
        self.reads_ours = false;
        self.unjudged.clear();
        let unheard = self.given.filter(|&(of, ours)| of == theirs && self.book.boot() == Some(ours));
        let boot = match unheard {
            Some((_, ours)) => ours,
            None => {
                // The start stays what it was, and gets another number only because the journal has begun a later one. Where the
                // journal would take its number, what stands there under it is another start than the one that claims it here.
                let is_same = theirs.0 != 0 && !self.book.takes(theirs);
                let ours = self.book.begin(world.random().map_err(BookError::Random)?, now)?;
                if is_same {
                    self.memory.renumbered(theirs, ours);
                }
                ours
            }
        };
        self.given = Some((theirs, boot));
        if theirs.0 != 0 {
            self.renamed.insert(theirs, boot);
        }
        self.host.assign(now, boot.0);
        Ok(())
    }
}
