//! What satellites tell their houses as it happens, on its way to the loops, and past the judge of it.

use campanile_core::time::{Duration, Instant};

use super::World;
use super::deeds::op;
use super::links::Outpost;
use crate::board::Told;
use crate::swarm::judge::news::SOON;
use crate::swarm::plan::Ask;

impl World<'_> {
    /// What a satellite has told of its inputs goes to the node's loop.
    pub(super) fn relay(&mut self, node: usize, port: usize, now: Instant) -> Result<(), String> {
        let told = self.stations[node].relay(port, now)?;
        let Some(outpost) = self.outpost(node, port) else { return Ok(()) };
        let Some(talk) = self.stations[node].talks.get(&port) else { return Ok(()) };
        let (program, life) = (talk.program(), self.stations[node].life);
        let Outpost { satellite, name, .. } = &mut self.outposts[outpost];
        for Told { name: input, level, record, .. } in told {
            let heard = satellite.has_said(program, &input, level).and_then(|()| match record {
                Some(record) => {
                    let place = satellite.place(record)?;
                    satellite.news.hears_move(place);
                    satellite.once.hears(life, place, &format!("a move of {input}"))
                }
                None => Ok(()),
            });
            heard.map_err(|what| format!("its satellite {name}: {what}"))?;
        }
        Ok(())
    }

    /// What a satellite has sent goes to the node's loop.
    pub(super) fn ring(&mut self, node: usize, port: usize, now: Instant) -> Result<(), String> {
        let Some(outpost) = self.outpost(node, port) else { return Ok(()) };
        let (Some(talk), Outpost { satellite, .. }) =
            (self.stations[node].talks.get_mut(&port), &mut self.outposts[outpost])
        else {
            return Ok(());
        };
        for (message, record) in talk.sent()? {
            let place = satellite.place(record)?;
            satellite.news.hears(self.clock.now(), place, &message)?;
            satellite.once.hears(self.stations[node].life, place, &format!("the message {message}"))?;
            self.stations[node].heard(port, &message, record, now);
        }
        Ok(())
    }

    /// Somebody asks something of the program that the house has for a satellite.
    pub(super) fn request(&mut self, outpost: usize, ask: &Ask, late: u64) {
        let Outpost { node, port, requests, .. } = &mut self.outposts[outpost];
        let station = &mut self.stations[*node];
        let issued = station.enter().minus(Duration::from_micros(late));
        let Some(talk) = station.talks.get_mut(port) else { return };
        if let Some(op) = op(talk.symbols(), ask) {
            talk.ask(requests.ask(op), op, issued);
        }
    }

    /// Whoever asked something of a satellite's program is told what became of it.
    pub(super) fn answer(&mut self, outpost: usize) -> Result<(), String> {
        let Outpost { node, port, requests, name, .. } = &mut self.outposts[outpost];
        let Some(talk) = self.stations[*node].talks.get_mut(port) else { return Ok(()) };
        for (ticket, outcome) in talk.outcomes() {
            requests.told(ticket, outcome).map_err(|what| format!("its satellite {name}: {what}"))?;
        }
        Ok(())
    }

    /// Over links that have been well for a while, both ends of each know the same.
    pub(super) fn check_links(&mut self, node: usize) -> Result<(), String> {
        let now = self.clock.now();
        for outpost in 0..self.outposts.len() {
            if self.outposts[outpost].node != node {
                continue;
            }
            let well = self.well(&self.outposts[outpost]);
            let checked = well.map_or(Ok(()), |well| self.check_link(&self.outposts[outpost], well));
            checked.map_err(|what| self.outposts[outpost].about(&what).1)?;
            let Outpost { port, satellite, .. } = &mut self.outposts[outpost];
            satellite.news.forget(now, well.unwrap_or(now));
            let talk = self.stations[node].talks.get(port).filter(|_| well.is_some());
            satellite.house_knows(talk.map(|talk| talk.lines().borrow()).as_deref());
        }
        Ok(())
    }

    /// Since when a link has been well, if that is for long enough.
    fn well(&self, outpost: &Outpost<'_>) -> Option<u64> {
        let station = &self.stations[outpost.node];
        let talk = station
            .talks
            .get(&outpost.port)
            .filter(|talk| !talk.is_ending() && outpost.satellite.is_alive())?;
        let well = outpost.calm.max(station.world(talk.well()?));
        (well + SOON <= self.clock.now()).then_some(well)
    }

    fn check_link(&self, outpost: &Outpost<'_>, well: u64) -> Result<(), String> {
        let Outpost { node, port, satellite, .. } = outpost;
        let station = &self.stations[*node];
        let Some(talk) = station.talks.get(port) else { return Ok(()) };
        let since = station.enter().minus(Duration::from_micros(SOON));
        if talk.has_owed(since) == Some(true) {
            return Err("the link is well, and its house does not tell it of an output".to_owned());
        }
        satellite.has_told(&talk.lines().borrow(), well)
    }
}
