//! `batch = { most = 50, within = "1s" }`: many messages in one.

use std::time::Duration;

use crate::config::read::table;
use crate::config::scalar::{H, Int, MS, Within};
use crate::sinks::batch::{MOST, Terms};

table! {
    /// Many messages in one.
    pub struct BatchTable("a batch of messages") {
        /// So many at the most.
        "most" most (= 50): Int<2, { MOST as i64 }>,
        /// None waits longer for others.
        "within" within (= "1s"): Within<{ 10 * MS }, { H }>,
    }
}

impl BatchTable {
    /// What it says, for batches that go to this topic.
    pub fn terms(&self, topic: String) -> Terms {
        let most = usize::try_from(self.most.0).unwrap_or(MOST);
        Terms { topic, most, within: Duration::from_micros(self.within.0.micros()) }
    }
}
