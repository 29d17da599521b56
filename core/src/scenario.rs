//! Scenarios at work: the agenda of occurrences, runs, and the execution of their code.

pub mod agenda;
mod begin;
mod end;
mod exec;
pub mod expr;
mod operands;
pub mod run;
