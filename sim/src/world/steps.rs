//! The steps of a script, carried out.

use campanile_core::id::Level;
use campanile_core::input::{Input, Op, Origin};
use campanile_core::runner::Message;
use campanile_core::time::Duration;
use campanile_delivery::disk::PowerCut;
use campanile_delivery::gate::{Passage, scaled};

use super::timeline::Event;
use super::{SimError, Wall, World};
use crate::node;
use crate::script::{Action, Bounce, Command};

impl<'a> World<'a> {
    pub(super) fn act(&mut self, action: &'a Action) -> Result<(), SimError> {
        let now = node::now();
        match action {
            Action::Input { input, to, bounce } => self.touch(input, *to, bounce),
            Action::Feed { sensor, value } => {
                let symbols = self.symbols()?;
                let id = symbols.find_sensor(sensor).ok_or_else(|| SimError::unknown("sensor", sensor))?;
                let kept = symbols.sensors.get(id.index()).cloned().ok_or(SimError::NoProgram)?;
                let value = value.map(|value| scaled(&value.to_string(), kept.decimals));
                let value = value.transpose().map_err(SimError::Value)?;
                match self.gates.offer(&kept, value, now) {
                    Passage::Enters => self.node.send(Message::Input(Input::Reading { sensor: id, value })),
                    Passage::Deadband | Passage::Replaces => {}
                    Passage::Later(at) => self.timeline.add(at, Event::Release { sensor }),
                }
                Ok(())
            }
            Action::Command { command, id, late } => {
                let op = self.op(command)?;
                self.command(&op, *id, *late)?;
                if let (Command::Press { span: Some(span), .. }, Op::Play { input, .. }) = (command, op) {
                    self.timeline.add(now.plus(*span), Event::Play { input, to: Level::Off });
                }
                Ok(())
            }
            Action::Restart { off, known } => {
                self.end();
                self.node.board.power_off();
                self.node.disk.power_cut(PowerCut::Nothing);
                if !known {
                    self.wall = self.wall.map(|wall| Wall { trusted: false, ..wall });
                }
                self.timeline.add(now.plus(*off), Event::Begin { known: *known });
                Ok(())
            }
            Action::Kill { off } => {
                self.end();
                self.timeline.add(now.plus(*off), Event::Begin { known: true });
                Ok(())
            }
            Action::Stall { span } => {
                self.asleep = self.asleep.max(Some(now.plus(*span).micros()));
                Ok(())
            }
            Action::Clock { unix, offset, trusted } => {
                let wall = Wall { at: now, unix: *unix, offset: *offset, trusted: *trusted };
                self.wall = Some(wall);
                self.node.send(Message::Input(wall.input(now)));
                Ok(())
            }
            Action::Storm { input, edges, every } => {
                let from = self.node.board.input(self.input(input)?).unwrap_or_default();
                let mut at = now;
                for edge in 0..*edges {
                    let to = if edge % 2 == 0 { from.opposite() } else { from };
                    self.timeline.add(at, Event::Move { input, to });
                    at = at.plus(*every);
                }
                Ok(())
            }
            Action::Lose { input, edges, to } => {
                self.node.board.lose(now, self.input(input)?, *edges, *to);
                Ok(())
            }
            Action::Swap { house } => {
                let hash = self.names.get(house.as_str()).copied();
                let hash = hash.ok_or_else(|| SimError::unknown("house", house))?;
                self.node.install(hash);
                Ok(())
            }
            Action::Link { peer, up } => {
                let peer =
                    self.symbols()?.find_peer(peer).ok_or_else(|| SimError::unknown("sink or peer", peer))?;
                self.node.send(Message::Input(Input::Link { peer, up: *up }));
                Ok(())
            }
            Action::Hardware { output, works } => {
                let id = self.symbols()?.find_output(output);
                self.node.board.set_hardware(id.ok_or_else(|| SimError::unknown("output", output))?, *works);
                Ok(())
            }
        }
    }

    /// A line moves to a level, with its bounces.
    fn touch(&mut self, input: &'a str, to: Level, bounce: &Bounce) -> Result<(), SimError> {
        let now = node::now();
        self.node.board.move_input(now, self.input(input)?, to);
        let drawn;
        let edges: &[u32] = match bounce {
            Bounce::None => &[],
            Bounce::Edges(edges) => edges,
            Bounce::Drawn(model) => {
                drawn = model.draw(to.is_on(), &mut self.bounces);
                &drawn
            }
        };
        for (index, after) in edges.iter().enumerate() {
            let rests = index % 2 == 1 || index + 1 == edges.len();
            let to = if rests { to } else { to.opposite() };
            let at = now.plus(Duration::from_micros(u64::from(*after)));
            self.timeline.add(at, Event::Move { input, to });
        }
        Ok(())
    }

    fn op(&self, command: &Command) -> Result<Op, SimError> {
        let symbols = self.symbols()?;
        Ok(match command {
            Command::Set { output, to } => {
                let id = symbols.find_output(output);
                Op::Set { output: id.ok_or_else(|| SimError::unknown("output", output))?, level: *to }
            }
            Command::Start { scenario } | Command::Stop { scenario } => {
                let id = symbols.find_scenario(scenario);
                let scenario = id.ok_or_else(|| SimError::unknown("scenario", scenario))?;
                match command {
                    Command::Start { .. } => Op::Start { scenario },
                    _ => Op::Stop { scenario },
                }
            }
            Command::Let { variable, value } => {
                let id = symbols.find_variable(variable);
                Op::Let { var: id.ok_or_else(|| SimError::unknown("variable", variable))?, value: *value }
            }
            Command::Message { message } => {
                let id = symbols.find_heard(message);
                Op::Message { message: id.ok_or_else(|| SimError::unknown("message", message))? }
            }
            Command::Press { input, .. } => Op::Play { input: self.input(input)?, level: Level::On },
        })
    }

    pub(super) fn command(&mut self, op: &Op, id: Option<u32>, late: Duration) -> Result<(), SimError> {
        let id = id.unwrap_or_else(|| {
            self.commands += 1;
            self.commands
        });
        // At the very start of the clock nothing can be late; scripts that try begin later.
        let issued = node::now().minus(late);
        self.node.send(Message::Command { origin: Origin::Script, id, op: *op, issued });
        Ok(())
    }
}
