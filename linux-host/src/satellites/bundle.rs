//! A satellite's program as it goes over the link: the image and its lines.

use campanile_core::id::Level;
use campanile_core::link::bundle::{Input, LINE_MAX, Output, Pull, encode};
use campanile_delivery::symbols::{self, Active, Drive};

use crate::config::SatelliteProgram;

/// The bundle.
///
/// # Errors
/// The program asks for something that no satellite has.
pub(super) fn of(program: &SatelliteProgram) -> Result<Vec<u8>, String> {
    let symbols = &program.symbols;
    let lines = symbols.inputs.iter().map(|input| input.line.to_string());
    let input_lines: Vec<String> = lines.collect();
    let output_lines: Vec<String> = symbols.outputs.iter().map(|output| output.line.to_string()).collect();
    if let Some(long) = input_lines.iter().chain(&output_lines).find(|line| line.len() > LINE_MAX) {
        return Err(format!("the line \"{long}\" has a name of more than {LINE_MAX} characters"));
    }
    if let Some(output) = symbols.outputs.iter().find(|output| output.drive != Drive::PushPull) {
        return Err(format!("{}: satellites drive their lines push-pull only", output.name));
    }
    let inputs = symbols.inputs.iter().zip(&input_lines).map(|(input, line)| Input {
        line,
        active_low: input.active == Active::Low,
        pull: pull(input.pull),
    });
    let outputs = symbols.outputs.iter().zip(&output_lines).zip(&program.safe_without_link).map(
        |((output, line), &safe_without_link)| Output {
            line,
            active_low: output.active == Active::Low,
            safe_on: output.safe == Level::On,
            safe_without_link,
        },
    );
    let mut bytes = vec![0; 65_536];
    let len = encode(inputs, outputs, &mut bytes).ok_or("it has too many lines")?;
    bytes.truncate(len);
    bytes.extend_from_slice(&program.image);
    Ok(bytes)
}

const fn pull(pull: symbols::Pull) -> Pull {
    match pull {
        symbols::Pull::Up => Pull::Up,
        symbols::Pull::Down => Pull::Down,
        symbols::Pull::None | symbols::Pull::AsIs => Pull::None,
    }
}
