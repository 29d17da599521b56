//! What is wrong with a satellite now: one of each kind, said in the log when it begins.

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// Its program does not fit into it.
    pub(super) misfit: Option<String>,
    /// It does not take its program. Tried again with its next start, when somebody asks, and after a while if it was
    /// its flash that did not take it.
    pub(super) refused: Option<String>,
    /// How its storage is.
    pub(super) storage: Option<String>,
    /// It is another board than the file says.
    pub(super) machine: Option<String>,
    /// What its hello shows.
    pub(super) hello: Option<String>,
    /// About the time of day.
    pub(super) clock: Option<&'static str>,
    /// About its journal here.
    pub(super) disk: Option<String>,
    said: Vec<String>,
}

impl Problems {
    /// Nobody is there: what it was told by, and so what there is to tell of it, comes again with it.
    pub(super) fn leave(&mut self) {
        let Self { storage, machine, hello, clock, .. } = self;
        (*storage, *machine, *hello, *clock) = (None, None, None, None);
    }

    /// All that there are, the gravest first; and those of them that are new.
    pub(super) fn list(&mut self) -> (Vec<String>, Vec<String>) {
        let clock = self.clock.map(str::to_owned);
        let all: Vec<_> = [
            self.machine.clone(),
            self.misfit.clone(),
            self.refused.clone(),
            self.storage.clone(),
            self.disk.clone(),
            clock,
            self.hello.clone(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let new = all.iter().filter(|problem| !self.said.contains(problem)).cloned().collect();
        self.said.clone_from(&all);
        (all, new)
    }
}
