//! The wire between a house and its satellite: bytes at the pace of a serial line, each way, and all that can befall them.

use super::plan::WireFault;
use crate::prng::Prng;

/// A byte with its start and stop bits at 115,200 baud.
const BYTE: u64 = 87;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    House,
    Satellite,
}

/// Bytes that arrive together, and when.
pub(super) type Arrival = (u64, Vec<u8>);

/// How the wire is, until further notice.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    noisy: (u64, u8),
    late: (u64, u32),
    deaf: u64,
    dumb: u64,
}

/// See the [module](self).
pub(super) struct Wire {
    random: Prng,
    weather: Weather,
    /// It is pulled out until then.
    out: u64,
    /// How often it was pulled out: what was under way then is lost.
    pub(super) plug: u32,
    /// The last byte sent to the house, and to the satellite, arrives then.
    busy: [u64; 2],
}

impl Wire {
    pub(super) const fn new(random: Prng) -> Self {
        let weather = Weather { noisy: (0, 1), late: (0, 0), deaf: 0, dumb: 0 };
        Self { random, weather, out: 0, plug: 0, busy: [0; 2] }
    }

    /// From now on, for `span`.
    pub(super) fn befall(&mut self, now: u64, fault: WireFault, span: u64) {
        let until = now + span;
        match fault {
            WireFault::Out => {
                self.out = until;
                self.plug += 1;
            }
            WireFault::Noise(every) => self.weather.noisy = (until, every.max(1)),
            WireFault::Late(most) => self.weather.late = (until, most.max(1)),
            WireFault::Deaf => self.weather.deaf = until,
            WireFault::Dumb => self.weather.dumb = until,
        }
    }

    /// From now on it works.
    pub(super) fn heal(&mut self) {
        (self.weather, self.out) = (Weather::default(), 0);
    }

    /// Whether the house's end finds it.
    pub(super) const fn is_plugged(&self, now: u64) -> bool {
        self.out <= now
    }

    /// When all that was sent this way is on the wire.
    pub(super) const fn busy(&self, to: To) -> u64 {
        self.busy[to as usize]
    }

    /// Takes a frame; gives what of it arrives.
    pub(super) fn carry(&mut self, now: u64, to: To, frame: Vec<u8>) -> Vec<Arrival> {
        let silent = match to {
            To::House => self.weather.dumb,
            To::Satellite => self.weather.deaf,
        };
        let busy = &mut self.busy[to as usize];
        let begins = now.max(*busy);
        *busy = begins + BYTE * frame.len() as u64;
        let ends = *busy;
        if !self.is_plugged(now) || now < silent {
            return Vec::new();
        }
        let mut arrivals = Vec::new();
        let mut bytes = frame;
        let mut at = ends;
        let Weather { noisy, late, .. } = self.weather;
        if now < late.0 && self.random.chance(1, 3) {
            // Behind what is sent after it, behind restarts; or there and once more.
            let then = ends + self.random.below(late.1.into());
            if self.random.chance(1, 2) {
                arrivals.push((then, bytes.clone()));
            } else {
                at = then;
            }
        }
        if now < noisy.0 && self.random.chance(1, noisy.1.into()) {
            self.spoil(&mut bytes);
        }
        if bytes.len() > 1 && self.random.chance(1, 8) {
            // Whoever reads does not get it in one go.
            let place = 1 + self.random.below(bytes.len() as u64 - 1) as usize;
            let rest = bytes.split_off(place);
            arrivals.push((at - BYTE * rest.len() as u64, bytes));
            bytes = rest;
        }
        arrivals.push((at, bytes));
        arrivals
    }

    /// A byte is lost, doubled, swapped with its neighbour, changed or new, or the rest is cut off.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        let place = self.random.below(bytes.len() as u64) as usize;
        match self.random.below(7) {
            0 => bytes.clear(),
            1 => drop(bytes.remove(place)),
            2 => bytes.insert(place, bytes[place]),
            3 => {
                let other = (place + 1) % bytes.len();
                bytes.swap(place, other);
            }
            4 => bytes[place] ^= 1 << self.random.below(8),
            5 => bytes.insert(place, self.random.below(256) as u8),
            _ => bytes.truncate(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> Wire {
        Wire::new(Prng::new(1))
    }

    fn whole(arrivals: Vec<Arrival>) -> Vec<u8> {
        arrivals.into_iter().flat_map(|(_, bytes)| bytes).collect()
    }

    #[test]
    fn a_good_wire_takes_its_time_and_changes_nothing() {
        let mut wire = wire();
        for round in 0..100 {
            let arrivals = wire.carry(round, To::House, vec![7; 100]);
            let last = arrivals.last().expect("it arrives").0;
            assert_eq!(last, (round + 1) * 100 * BYTE);
            assert_eq!(whole(arrivals), [7; 100]);
        }
        assert_eq!(wire.carry(0, To::Satellite, vec![1]), [(BYTE, vec![1])], "the other way is another");
    }

    #[test]
    fn one_that_is_out_carries_nothing_until_it_is_in_again() {
        let mut wire = wire();
        wire.befall(10, WireFault::Out, 5);
        assert!(!wire.is_plugged(14) && wire.carry(14, To::House, vec![1]).is_empty());
        assert!(wire.is_plugged(15) && !wire.carry(15, To::House, vec![1]).is_empty());
        wire.befall(20, WireFault::Deaf, 5);
        assert!(wire.carry(21, To::Satellite, vec![1]).is_empty());
        assert!(!wire.carry(21, To::House, vec![1]).is_empty(), "one way only");
    }

    #[test]
    fn a_bad_one_spoils_what_it_is_to_spoil_and_no_more() {
        let mut wire = wire();
        wire.befall(0, WireFault::Noise(4), u64::MAX);
        let spoiled = (0..400)
            .filter(|_| whole(wire.carry(0, To::House, (1..=50).collect())) != (1..=50).collect::<Vec<u8>>());
        assert!((60..140).contains(&spoiled.count()));
    }
}
