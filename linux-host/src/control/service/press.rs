//! A press from outside: of a line that is watched as a command to the loop, of a virtual line by moving it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration as StdDuration;

use campanile_core::id::Level;
use campanile_core::input::Op;
use campanile_core::runner::Message;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::symbols::Active;
use campanile_sim::bounce::Model;

use super::answer::{Carried, NotDone, carried_out, respond};
use super::{Asked, Service, StatusSource, unknown};
use crate::boards::BoardSpec;
use crate::config::scalar::duration_text;
use crate::control::protocol::Response;
use crate::daemon::lines::now;

/// The longest press.
const LONGEST_PRESS: Duration = Duration::from_secs(24 * 3600);

impl<S: StatusSource + 'static> Service<S> {
    /// A press, and the release behind it, which comes whether or not somebody still listens, and also if nobody knows
    /// whether the press was carried out.
    pub(super) async fn press(&self, asked: Asked, name: &str, for_us: u64) -> Result<Response, String> {
        let names = self.names().await?;
        let all = names.symbols.inputs.iter().map(|input| input.name.as_str());
        let input = names.symbols.find_input(name).ok_or_else(|| unknown("input", name, all))?;
        let held = Duration::from_micros(for_us);
        if held > LONGEST_PRESS {
            return Err("a press lasts a day at most".to_owned());
        }
        let text = format!("{name} pressed for {}", duration_text(held));
        if let Some((BoardSpec::Virtual, spec)) = names.wiring.inputs.get(input.index())
            && asked.issued.is_some()
        {
            self.move_line(&spec.line.to_string(), spec.active, held);
            return Ok(Response::done(text));
        }
        let reply = self.send(names, asked, Op::Play { input, level: Level::On }).await?;
        let service = self.clone();
        let name = name.to_owned();
        let release = tokio::spawn(async move {
            tokio::time::sleep(StdDuration::from_micros(held.micros())).await;
            // By name: the program may have changed meanwhile.
            let names = service.shared.house.names().await;
            let id = service.shared.next_id.fetch_add(1, Ordering::Relaxed);
            if let Some(input) = names.symbols.find_input(&name) {
                let (op, origin) = (Op::Play { input, level: Level::Off }, asked.origin);
                service.shared.intake.send(Message::Command { origin, id, op, issued: now() }).await;
            }
        });
        let carried = carried_out(reply).await;
        // One that was carried out before has its release.
        if matches!(carried, Ok(Carried::Before) | Err(NotDone::Surely(_))) {
            release.abort();
        }
        respond(carried, text)
    }

    /// Moves a virtual line as a hand moves a switch: it bounces both ways.
    fn move_line(&self, line: &str, active: Active, held: Duration) {
        let high_is_on = active == Active::High;
        let mut hand = self.shared.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, released) = (now(), now().plus(held));
        let mut edges = |press: bool, at: Instant| {
            let bounces = Model::Switch.draw(press, &mut hand).into_iter();
            let times =
                std::iter::once(at).chain(bounces.map(move |us| at.plus(Duration::from_micros(us.into()))));
            // They alternate, and end where the first one went.
            times
                .enumerate()
                .map(move |(i, at)| (at, (press != (i % 2 == 1)) == high_is_on))
                .collect::<Vec<_>>()
        };
        let mut moves = edges(true, start);
        // The release ends whatever bouncing is left of the press.
        moves.retain(|(at, _)| *at < released);
        moves.extend(edges(false, released));
        self.shared.virtual_board.play(line, moves);
    }
}
