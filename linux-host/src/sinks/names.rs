//! The names behind the ids of records, from the journal's own copy of the program they are of.

use std::sync::Arc;

use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Index, Storage};

/// The names of the program last asked for.
#[derive(Clone, Debug)]
pub struct Names {
    node: String,
    program: u64,
    symbols: Arc<Symbols>,
}

impl Names {
    /// None yet.
    pub fn new(node: &str) -> Self {
        Self { node: node.to_owned(), program: 0, symbols: Arc::new(Symbols::new(node)) }
    }

    /// Whose records they are.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The names of a program; without names, said once, if the journal has none of it.
    pub fn of<S: Storage>(&mut self, index: &Index<S>, program: u64) -> &Arc<Symbols> {
        if program != self.program {
            self.program = program;
            self.symbols = Arc::new(self.load(index, program));
        }
        &self.symbols
    }

    fn load<S: Storage>(&self, index: &Index<S>, program: u64) -> Symbols {
        let why = match index.program(program) {
            // Before the first program there are no ids.
            _ if program == 0 => return Symbols::new(&*self.node),
            Ok(Some(stored)) => match Symbols::decode(&stored.symbols) {
                Ok(symbols) => return symbols,
                Err(error) => error.to_string(),
            },
            Ok(None) => "the journal does not have it".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::warn!("no names for program {program:016x}: {why}");
        Symbols::new(&*self.node)
    }
}
