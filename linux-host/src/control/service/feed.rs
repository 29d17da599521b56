//! A sensor's value from outside.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration as StdDuration;

use campanile_core::id::SensorId;
use campanile_core::input::Input;
use campanile_core::runner::Message;
use campanile_delivery::gate::{Gates, Passage, scaled};
use campanile_sim::span::span;

use super::{Service, StatusSource, unknown};
use crate::control::protocol::Response;
use crate::daemon::lines::now;

impl<S: StatusSource + 'static> Service<S> {
    /// A value for a sensor, past its deadband and its minimum interval.
    pub(super) async fn feed(&self, name: &str, value: Option<&str>) -> Result<Response, String> {
        let names = self.names().await?;
        let all = names.symbols.sensors.iter().map(|sensor| sensor.name.as_str());
        let id = names.symbols.find_sensor(name).ok_or_else(|| unknown("sensor", name, all))?;
        let sensor = &names.symbols.sensors[id.index()];
        let value = value.map(|text| scaled(text, sensor.decimals)).transpose()?;
        let passage = self.gates().offer(sensor, value, now());
        match passage {
            Passage::Enters => {
                self.reading(id, value).await;
                Ok(Response::done(format!("{name} taken")))
            }
            Passage::Replaces => Ok(Response::done(format!(
                "{name} comes faster than its min-interval: it takes the place of the one before"
            ))),
            Passage::Deadband => {
                Ok(Response::done(format!("{name} changes less than its deadband: not recorded")))
            }
            Passage::Later(at) => {
                let (service, sensor) = (self.clone(), name.to_owned());
                tokio::spawn(async move {
                    tokio::time::sleep(StdDuration::from_micros(at.since(now()).micros())).await;
                    service.release(&sensor).await;
                });
                Ok(Response::done(format!(
                    "{name} comes faster than its min-interval: recorded in {}",
                    span(at.since(now()).micros())
                )))
            }
        }
    }

    /// The time of a sensor's value that was held back has come.
    async fn release(&self, name: &str) {
        // By name: the program may have changed meanwhile.
        let names = self.shared.house.names().await;
        let Some(id) = names.symbols.find_sensor(name) else { return };
        let held = self.gates().release(&names.symbols.sensors[id.index()], now());
        if let Some(value) = held {
            self.reading(id, value).await;
        }
    }

    async fn reading(&self, sensor: SensorId, value: Option<i32>) {
        self.shared.intake.send(Message::Input(Input::Reading { sensor, value })).await;
    }

    pub(super) fn gates(&self) -> MutexGuard<'_, Gates> {
        self.shared.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
