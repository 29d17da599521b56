//! A story: a house, perhaps with another program for it, and its day, perhaps behind a power cut.

use campanile_core::time::Instant;

use crate::day::{Moment, boot, day, start};
use crate::house::House;
use crate::life::Life;
use crate::tape::Tape;

pub(crate) const START: Instant = Instant::from_micros(1_000);

/// The house's programs, their images, and the day.
pub(crate) fn draw(tape: &mut Tape<'_>) -> (Vec<House>, Vec<Vec<u8>>, Vec<Moment>) {
    let house = House::draw(tape);
    let mut houses = vec![house.clone()];
    if tape.chance(5) {
        houses.push(house.redraw(tape));
    }
    let images: Vec<Vec<u8>> = houses.iter().map(House::image).collect();
    let mut moments = Vec::new();
    if tape.chance(6) {
        let mut before = Life::load(START, &images, 0);
        let days = start(tape, &house, START).into_iter().chain(day(&mut tape.part(100), &house, START, 1));
        // The power goes somewhere in the day: without the quiet behind it.
        let days: Vec<Moment> = days.collect();
        days[..days.len() - 1].iter().for_each(|moment| before.live(moment, &images));
        moments = boot(tape, START, &before.checkpoint());
    }
    moments.extend(start(tape, &house, START));
    moments.extend(day(tape, &house, START, images.len()));
    (houses, images, moments)
}
