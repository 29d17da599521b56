//! The binary `campanile`.
fn main() {}
