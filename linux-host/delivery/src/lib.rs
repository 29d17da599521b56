//! Journal, cursors and outbox.

pub mod symbols;
