//! A checkpoint of the journal, as the decisions that would lead to its state.

use campanile_core::decision::{Decision, Source};
use campanile_core::id::SensorId;
use campanile_core::input::Input;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::Duration;
use campanile_delivery::symbols::Symbols;

/// The states of all inputs, outputs, variables and sensors. Inputs that were not read yet are not among them; sensors
/// without a value are, as a receiver that keeps an older one has to learn that it is gone.
pub(super) fn states(items: &[u8], symbols: &Symbols) -> Vec<Decision> {
    let mut decisions = Vec::new();
    let mut sensors = vec![None; symbols.sensors.len()];
    let mut rest = items;
    while let Some((frame, behind)) = Frame::split(rest) {
        rest = behind;
        let Some(Record::Input(Input::Restore { item })) = frame.record() else { continue };
        match item {
            Restore::Input { input, reported, .. } => {
                decisions.push(event(Source::Input { input }, Some(i32::from(reported.is_on()))));
            }
            Restore::Output { output, level, by, .. } => decisions.push(Decision::Set { output, level, by }),
            Restore::Var { var, value } => decisions.push(Decision::Let { var, value }),
            Restore::Sensor { sensor, value } => {
                if let Some(known) = sensors.get_mut(sensor.index()) {
                    *known = value;
                }
            }
            _ => {}
        }
    }
    let sensors = sensors.into_iter().zip(0..);
    decisions.extend(sensors.map(|(value, id)| event(Source::Sensor { sensor: SensorId(id) }, value)));
    decisions
}

const fn event(source: Source, value: Option<i32>) -> Decision {
    Decision::Event { source, value, onset_ago: Duration::ZERO, bounces: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::decision::{By, SafetyWhy};
    use campanile_core::id::{InputId, Level, OutputId, VarId};
    use campanile_core::record::MAX_RECORD;
    use campanile_delivery::symbols::Sensor;

    #[test]
    fn every_state_is_among_them_and_a_sensor_without_a_value_too() {
        let by = By::Safety { why: SafetyWhy::Start };
        let (input, output, var) = (InputId(1), OutputId(0), VarId(2));
        let items = [
            Restore::Stall { left: Duration::from_secs(1) },
            Restore::Input { input, raw: Level::Off, reported: Level::On },
            Restore::Sensor { sensor: SensorId(1), value: Some(415) },
            Restore::Var { var, value: -3 },
            Restore::Output { output, level: Level::Off, by, max_left: None, failed: false, held: false },
        ];
        let mut bytes = Vec::new();
        for item in items {
            let mut buf = [0; MAX_RECORD];
            let len = Record::Input(Input::Restore { item }).encode(Duration::ZERO, &mut buf).unwrap();
            bytes.extend_from_slice(&buf[..len]);
        }
        let mut symbols = Symbols::new("front-door");
        let sensor =
            Sensor { name: "tank".into(), unit: "cm".into(), decimals: 1, deadband: 0, min_interval_us: 0 };
        symbols.sensors = vec![sensor.clone(), sensor];
        let expected = [
            event(Source::Input { input }, Some(1)),
            Decision::Let { var, value: -3 },
            Decision::Set { output, level: Level::Off, by },
            event(Source::Sensor { sensor: SensorId(0) }, None),
            event(Source::Sensor { sensor: SensorId(1) }, Some(415)),
        ];
        assert_eq!(states(&bytes, &symbols), expected);
    }
}
