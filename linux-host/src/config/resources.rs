//! How much of the engine a program takes: have and max.

use campanile_core::program::image::Counts;
use campanile_core::program::verify::Room;

/// What the engine of a Linux host has room for ([`campanile_core::capacity::Host`]), without making one to ask.
pub const ROOM: Room = Room {
    counts: Counts {
        inputs: 64,
        outputs: 64,
        sensors: 64,
        variables: 255,
        triggers: 255,
        schedules: 64,
        scenarios: 255,
        code: 32768,
    },
    runs: 254,
};

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Of what.
    pub name: &'static str,
    /// In the program.
    pub have: usize,
    /// In the engine.
    pub max: usize,
}

#[cfg(test)]
mod tests {
    use campanile_core::capacity::Host;
    use campanile_core::engine::Engine;

    #[test]
    fn the_room_is_the_engines() {
        assert_eq!(super::ROOM, Engine::<Host>::new().room());
    }
}
