//! The time driver.
