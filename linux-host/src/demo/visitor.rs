//! The visitor: what happens at the front door, with contacts that bounce like real ones. The same seed, the same day.

use std::time::Duration;

use campanile_sim::bounce::Model;
use campanile_sim::prng::Prng;

/// A contact at the front door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// The button: a switch that pulls its line to ground.
    Button,
    /// The door's contact: high when the door is open.
    Door,
}

impl Contact {
    /// The line in the demo's file.
    pub const fn line(self) -> &'static str {
        match self {
            Self::Button => "GPIO14",
            Self::Door => "GPIO15",
        }
    }

    /// The physical level of a logical one.
    const fn physical(self, on: bool) -> bool {
        match self {
            Self::Button => !on,
            Self::Door => on,
        }
    }
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// When, since the demo began.
    pub at: Duration,
    /// What one would see.
    pub text: &'static str,
    /// Where.
    pub contact: Contact,
    /// Microseconds since `at`, and the physical level then.
    pub moves: Vec<(u64, bool)>,
    /// Whether the house should take notice: a spike is none of its business.
    pub counts: bool,
}

/// What happens next: pause, text, contact, and the level that it goes to.
type Step = (u64, &'static str, Contact, Move);

enum Move {
    To(bool),
    /// Crosstalk: up and down again within so many microseconds.
    Spike(u64),
}

/// A day at the door, told again and again. Pauses in milliseconds.
const DAY: [Step; 11] = [
    (700, "someone presses the bell", Contact::Button, Move::To(true)),
    (240, "and lets go", Contact::Button, Move::To(false)),
    (1_000, "the door is opened", Contact::Door, Move::To(true)),
    (500, "a spike on the bell's wire, as the door's magnet moves", Contact::Button, Move::Spike(90)),
    (500, "the door is shut", Contact::Door, Move::To(false)),
    (900, "someone presses the bell", Contact::Button, Move::To(true)),
    (160, "and lets go", Contact::Button, Move::To(false)),
    (260, "and presses again: impatient", Contact::Button, Move::To(true)),
    (200, "and lets go", Contact::Button, Move::To(false)),
    (1_000, "the door is opened, and left open", Contact::Door, Move::To(true)),
    (2_100, "the door is shut at last", Contact::Door, Move::To(false)),
];

/// However hurried: faster than a contact comes to rest nobody moves it.
const LEAST: Duration = Duration::from_millis(120);

/// Gives one act after the other, without end.
#[derive(Debug)]
pub struct Visitor {
    prng: Prng,
    step: usize,
    now: Duration,
    speed: f64,
}

impl Visitor {
    /// A visitor who takes pauses `speed` times shorter than usual.
    pub fn new(seed: u64, speed: f64) -> Self {
        Self { prng: Prng::new(seed), step: 0, now: Duration::ZERO, speed }
    }
}

impl Iterator for Visitor {
    type Item = Act;

    fn next(&mut self) -> Option<Act> {
        let (pause, text, contact, movement) = &DAY[self.step % DAY.len()];
        self.step += 1;
        // Nobody is as regular as a clock.
        let pause = pause * self.prng.between(90, 110) / 100;
        self.now += Duration::from_millis(pause).div_f64(self.speed).max(LEAST);
        let moves = match movement {
            Move::To(on) => {
                let model = if *contact == Contact::Button { Model::Switch } else { Model::Reed };
                let bounces = model.draw(*on, &mut self.prng);
                let times = std::iter::once(0).chain(bounces.into_iter().map(u64::from));
                times
                    .zip([*on, !*on].into_iter().cycle())
                    .map(|(at, on)| (at, contact.physical(on)))
                    .collect()
            }
            Move::Spike(us) => vec![(0, contact.physical(true)), (*us, contact.physical(false))],
        };
        Some(Act { at: self.now, text, contact: *contact, moves, counts: matches!(movement, Move::To(_)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_day_and_another_is_another() {
        let day = |seed| Visitor::new(seed, 1.0).take(30).collect::<Vec<_>>();
        assert_eq!(day(1), day(1));
        assert_ne!(day(1), day(2));
    }

    #[test]
    fn every_act_ends_where_it_should_after_bouncing() {
        for act in Visitor::new(3, 1.0).take(200) {
            assert!(act.moves.is_sorted_by(|a, b| a.0 < b.0), "{act:?}");
            let (first, last) = (act.moves.first().unwrap().1, act.moves.last().unwrap().1);
            assert_eq!(first == last, act.counts, "a spike is gone again, a move stays");
        }
    }

    #[test]
    fn a_day_fits_into_ten_seconds() {
        let day = Visitor::new(1, 1.0).nth(DAY.len() - 1).unwrap();
        assert!(day.at < Duration::from_secs(9), "{:?}", day.at);
        let hurried = Visitor::new(1, 4.0).nth(DAY.len() - 1).unwrap();
        assert!(hurried.at < Duration::from_secs(3), "{:?}", hurried.at);
    }
}
