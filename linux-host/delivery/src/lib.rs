//! Journal, cursors and outbox.
