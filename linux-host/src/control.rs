//! Control: what somebody outside can ask of a running house, who may, and how the answer comes back.

pub mod protocol;
pub mod status;
