//! Scenarios at work: the agenda of occurrences, runs, and the execution of their code.

pub mod agenda;
pub(crate) mod exec;
pub mod expr;
pub mod run;
