//! An output of the kernel's.

use campanile_core::id::Level;
use gpiocdev::Request;
use gpiocdev::line::{Drive as KernelDrive, Value};
use gpiocdev::request::Config;

use super::failed;
use crate::boards::{Active, Drive, LineError, OutputLine, OutputSpec};

pub(super) struct KernelOutput {
    request: Request,
    offset: u32,
    line: String,
}

impl KernelOutput {
    pub(super) fn new(request: Request, offset: u32, spec: &OutputSpec) -> Self {
        Self { request, offset, line: spec.line.to_string() }
    }
}

impl OutputLine for KernelOutput {
    fn set(&self, level: Level) -> Result<(), LineError> {
        self.request.set_lone_value(to_value(level)).map_err(|e| failed(&self.line, "drive", &e))
    }

    fn reconfigure(&self, spec: &OutputSpec, level: Level) -> Result<(), LineError> {
        let mut config = Config::default();
        config.with_line(self.offset);
        configure(&mut config, spec, level);
        self.request.reconfigure(&config).map_err(|e| failed(&self.line, "reconfigure", &e))
    }
}

pub(super) fn configure(config: &mut Config, spec: &OutputSpec, level: Level) {
    if spec.active == Active::Low {
        config.as_active_low();
    } else {
        config.as_active_high();
    }
    config.with_drive(match spec.drive {
        Drive::PushPull => KernelDrive::PushPull,
        Drive::OpenDrain => KernelDrive::OpenDrain,
        Drive::OpenSource => KernelDrive::OpenSource,
    });
    config.as_output(to_value(level));
}

fn to_value(level: Level) -> Value {
    if level.is_on() { Value::Active } else { Value::Inactive }
}
