//! Oracles: what a log is held against. They know the rules of the house and nothing of how the engine keeps them.

pub mod reference;
