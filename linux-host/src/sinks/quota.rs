//! `quota = "50/d"`: at most so many deliveries in any such period, whenever it begins.
//!
//! The times of the last deliveries are what there is to know. They are kept in a file of the sink's, so that a restart
//! spends nothing twice; a period of less than an hour begins anew instead. A clock that was set back since counts as no
//! time passed.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use campanile_delivery::{SpentFile, Storage};
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

/// From this period on it is worth a write to the disk for each delivery.
const KEPT_FROM: Duration = Duration::from_secs(3600);

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub count: usize,
    /// Not zero.
    pub period: Duration,
}

/// What a restart must not forget: times, in microseconds since 1970.
pub trait Memory: Send + Sync {
    /// All of it, oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self) -> io::Result<Vec<i64>>;

    /// Replaces it.
    ///
    /// # Errors
    /// It cannot be written.
    fn write(&self, times: &[i64]) -> io::Result<()>;
}

impl<S: Storage> Memory for SpentFile<S> {
    fn read(&self) -> io::Result<Vec<i64>> {
        Self::read(self)
    }

    fn write(&self, times: &[i64]) -> io::Result<()> {
        Self::write(self, times)
    }
}

/// A quota, and what is spent of it.
pub struct Quota {
    rate: Rate,
    /// The times are counted from here.
    base: Instant,
    /// Of the deliveries within the last period, oldest first, in microseconds from `base`: those of an earlier start
    /// are negative.
    spent: VecDeque<i64>,
    memory: Option<Arc<dyn Memory>>,
}

impl Quota {
    /// Nothing is spent yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, base: Instant::now(), spent: VecDeque::new(), memory: None }
    }

    /// Takes over what was spent before, and keeps there what is spent from now on.
    pub fn remember(&mut self, memory: Arc<dyn Memory>) {
        if self.rate.period < KEPT_FROM {
            return;
        }
        let (now, wall) = (self.now(), Timestamp::now().as_microsecond());
        match memory.read() {
            Ok(times) => {
                let age = |time: i64| wall.saturating_sub(time).max(0);
                self.spent = times.into_iter().map(|time| now.saturating_sub(age(time))).collect();
                self.spent.make_contiguous().sort_unstable();
            }
            Err(error) => tracing::warn!("what was spent of a quota before this start is not known: {error}"),
        }
        self.memory = Some(memory);
    }

    /// How many deliveries are free now.
    pub fn left(&mut self) -> usize {
        let ended = self.now().saturating_sub(self.period());
        while self.spent.pop_front_if(|time| *time <= ended).is_some() {}
        self.rate.count.saturating_sub(self.spent.len())
    }

    /// When one is free again, while none is.
    pub fn used_up(&self) -> Option<Instant> {
        // Of the last `count`: a file that lowers the number counts those of before.
        let oldest = self.spent.iter().nth_back(self.rate.count.checked_sub(1)?)?;
        let free = oldest.saturating_add(self.period());
        (free > self.now()).then(|| self.base + Duration::from_micros(free.max(0).cast_unsigned()))
    }

    /// Waits until one is free; says whether it had to. May be dropped.
    pub async fn wait(&mut self) -> bool {
        let mut waited = false;
        while let Some(free) = self.used_up() {
            sleep_until(free).await;
            waited = true;
        }
        waited
    }

    /// Spends one. What it gives has to be done before the delivery: it keeps the record, and may block.
    pub fn spend(&mut self) -> impl FnOnce() -> io::Result<()> + Send + use<> {
        let now = self.now();
        self.spent.push_back(now);
        let wall = Timestamp::now().as_microsecond();
        let record = self.memory.clone().map(|memory| {
            let times: Vec<_> = self.spent.iter().map(|time| wall - (now - time)).collect();
            (memory, times)
        });
        move || record.map_or(Ok(()), |(memory, times)| memory.write(&times))
    }

    /// The last one was not taken after all.
    pub fn refund(&mut self) {
        self.spent.pop_back();
    }

    fn now(&self) -> i64 {
        i64::try_from(self.base.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn period(&self) -> i64 {
        i64::try_from(self.rate.period.as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Paper(Mutex<Vec<i64>>);

    impl Memory for Paper {
        fn read(&self) -> io::Result<Vec<i64>> {
            Ok(self.0.lock().unwrap().clone())
        }

        fn write(&self, times: &[i64]) -> io::Result<()> {
            *self.0.lock().unwrap() = times.to_vec();
            Ok(())
        }
    }

    fn quota(count: usize, hours: u64) -> Quota {
        Quota::new(Rate { count, period: Duration::from_secs(hours * 3600) })
    }

    #[tokio::test(start_paused = true)]
    async fn never_more_in_any_period() {
        let mut quota = quota(2, 24);
        let begin = Instant::now();
        let mut spent = Vec::new();
        for pause in [0, 3600, 10, 10, 10] {
            tokio::time::advance(Duration::from_secs(pause)).await;
            let waited = quota.wait().await;
            quota.spend()().unwrap();
            spent.push((begin.elapsed().as_secs(), waited));
        }
        let day = 86_400;
        assert_eq!(spent, [(0, false), (3600, false), (day, true), (day + 3600, true), (2 * day, true)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_restart_spends_nothing_twice() {
        let paper = Arc::new(Paper::default());
        let mut first = quota(3, 24);
        first.remember(paper.clone());
        for _ in 0..3 {
            first.spend()().unwrap();
        }
        let mut second = quota(3, 24);
        second.remember(paper.clone());
        assert_eq!((second.left(), second.used_up().is_some()), (0, true));
        let begin = Instant::now();
        second.wait().await;
        // The times are those of a real clock, which went on for a moment.
        assert!(begin.elapsed() > Duration::from_secs(86_400 - 3600), "{:?}", begin.elapsed());
        let mut fewer = quota(2, 24);
        fewer.remember(paper.clone());
        assert_eq!(fewer.left(), 0);
        // A clock that was set back: no time has passed.
        paper.write(&[i64::MAX; 3]).unwrap();
        let mut later = quota(3, 24);
        later.remember(paper.clone());
        assert_eq!(later.left(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_period_costs_the_disk_nothing() {
        let paper = Arc::new(Paper::default());
        let mut quota = Quota::new(Rate { count: 1, period: Duration::from_secs(60) });
        quota.remember(paper.clone());
        quota.spend()().unwrap();
        assert_eq!((paper.read().unwrap(), quota.left()), (vec![], 0));
        assert!(quota.wait().await);
    }
}
