//! What satellites tell their houses as it happens, on its way to the loops, and past the judge of it.

use campanile_core::time::{Duration, Instant};

use super::World;
use super::links::Outpost;
use crate::board::Told;
use crate::swarm::judge::news::SOON;

impl World<'_> {
    /// What a satellite has told of its inputs goes to the node's loop.
    pub(super) fn relay(&mut self, node: usize, place: usize, now: Instant) -> Result<(), String> {
        let told = self.stations[node].relay(place, now)?;
        let Some(outpost) = self.outpost(node, place) else { return Ok(()) };
        let Outpost { satellite, name, .. } = &self.outposts[outpost];
        for Told { name: input, level, .. } in told {
            let heard = satellite.news.hears_of(self.clock.now(), &input, level);
            heard.map_err(|what| format!("its satellite {name}: {what}"))?;
        }
        Ok(())
    }

    /// What a satellite has sent goes to the node's loop.
    pub(super) fn ring(&mut self, node: usize, place: usize, now: Instant) -> Result<(), String> {
        let Some(outpost) = self.outpost(node, place) else { return Ok(()) };
        let (Some(talk), Outpost { satellite, .. }) =
            (self.stations[node].talks.get_mut(place), &mut self.outposts[outpost])
        else {
            return Ok(());
        };
        for (message, record) in talk.sent()? {
            let start = satellite.tape.borrow().chapter(record.boot.0);
            let start = start.ok_or_else(|| format!("a message of a start that there was not: {message}"))?;
            satellite.news.hears(self.clock.now(), (start, record.seq), &message)?;
            self.stations[node].heard(place, &message, record, now);
        }
        Ok(())
    }

    /// Over links that have been well for a while, both ends of each know the same.
    pub(super) fn check_links(&self, node: usize) -> Result<(), String> {
        for outpost in self.outposts.iter().filter(|outpost| outpost.node == node) {
            self.check_link(outpost).map_err(|what| outpost.about(&what).1)?;
        }
        Ok(())
    }

    fn check_link(&self, outpost: &Outpost<'_>) -> Result<(), String> {
        let Outpost { node, place, satellite, calm, .. } = outpost;
        let station = &self.stations[*node];
        let Some(talk) = station.talks.get(*place).filter(|_| satellite.is_alive()) else { return Ok(()) };
        let Some(up) = talk.well() else { return Ok(()) };
        let now = station.enter();
        let (calm, since) = ((*calm).max(station.world(up)), now.minus(Duration::from_micros(SOON)));
        if calm + SOON > self.clock.now() {
            return Ok(());
        }
        if talk.has_owed(since) == Some(true) {
            return Err("the link is well, and its house does not tell it of an output".to_owned());
        }
        satellite.has_told(&talk.lines().borrow(), calm)
    }
}
