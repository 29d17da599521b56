//! The judges: what must hold in every life, whatever befalls it. Each knows the truth of its matter from the world's
//! side and reads what the node wrote; none of them asks the engine.

pub(super) mod age;
pub(super) mod commands;
pub(super) mod counts;
pub(super) mod journal;
pub(super) mod lines;
pub(super) mod link;
pub(super) mod memory;
pub(super) mod messages;
pub(super) mod news;
pub(super) mod once;
pub(super) mod outputs;
pub(super) mod receipt;
pub(super) mod replay;
pub(super) mod requests;
pub(super) mod runs;
pub(super) mod schedules;
pub(super) mod starts;
pub(super) mod steps;
pub(super) mod turns;
pub(super) mod window;
