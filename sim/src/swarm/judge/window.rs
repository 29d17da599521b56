//! Bounded memory (I11): an outbox keeps no more than its window, from the oldest message without an answer on.

use std::collections::VecDeque;

use campanile_delivery::Ticket;

/// What went over a connection, from the oldest that has no answer on, and whether each has one.
#[derive(Default)]
pub(in crate::swarm) struct Window(VecDeque<(Ticket, bool)>);

impl Window {
    /// A message goes.
    pub(in crate::swarm) fn sent(&mut self, ticket: Ticket, most: u32) -> Result<(), String> {
        self.0.push_back((ticket, false));
        let kept = self.0.len();
        if kept > most.max(1) as usize {
            return Err(format!("{kept} messages are under way, and {most} are the most"));
        }
        Ok(())
    }

    /// The sink has the answer.
    pub(in crate::swarm) fn answered(&mut self, ticket: Ticket) {
        for (_, answered) in self.0.iter_mut().filter(|(known, _)| *known == ticket) {
            *answered = true;
        }
        while self.0.pop_front_if(|(_, answered)| *answered).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use campanile_core::time::Instant;
    use campanile_delivery::{Boot, Outbox, OutboxOptions, Position};

    use super::*;

    #[test]
    fn what_waits_behind_one_without_an_answer_counts() {
        let mut outbox = Outbox::new(&OutboxOptions::default(), Position::START, 1);
        let mut tickets =
            (1..).map(|seq| outbox.sent(Position { boot: Boot(1), seq, host: 0 }, Instant::ZERO));
        let mut sent = |window: &mut Window| {
            let ticket = tickets.next().expect("there are always more");
            window.sent(ticket, 2).map(|()| ticket)
        };
        let mut window = Window::default();
        let (first, second) = (sent(&mut window).unwrap(), sent(&mut window).unwrap());
        window.answered(second);
        assert!(sent(&mut window).is_err_and(|why| why.contains("3 messages")), "the second is kept, too");
        let mut window = Window(VecDeque::from([(first, false), (second, true)]));
        window.answered(first);
        window.answered(first);
        sent(&mut window).unwrap();
        sent(&mut window).unwrap();
        assert!(sent(&mut window).is_err());
    }
}
