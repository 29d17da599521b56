//! The file that `init` writes: commented, and made for the lines that this machine has.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::scalar::NAME_MAX;
use crate::boards::LineInfo;

/// What is known of the machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Its host name.
    pub host: String,
    /// Its GPIO lines; none if it has no chip, or none that this user may open.
    pub lines: Vec<LineInfo>,
    /// Why there are no lines, in words.
    pub why_none: Option<String>,
}

/// Lines of a Raspberry Pi's header that have no other job by default: for the example's button and chime.
const USUAL: [&str; 8] = ["GPIO17", "GPIO27", "GPIO22", "GPIO23", "GPIO24", "GPIO25", "GPIO5", "GPIO6"];

/// What may be wanted besides: each block a comment that holds once it is none.
const EXAMPLES: &str = include_str!("init/examples.toml");

/// The text of the file.
pub fn house(machine: &Machine) -> String {
    let free: Vec<&LineInfo> =
        machine.lines.iter().filter(|line| line.used_by.is_none() && !line.name.is_empty()).collect();
    let mut named: Vec<&LineInfo> =
        USUAL.iter().filter_map(|usual| free.iter().find(|line| line.name == *usual)).copied().collect();
    named.extend(free.iter().filter(|line| !USUAL.contains(&line.name.as_str())));
    let (button, chime) = match named.as_slice() {
        [button, chime, ..] => (format!("\"{}\"", button.name), format!("\"{}\"", chime.name)),
        _ => ("14".to_owned(), "23".to_owned()),
    };
    let has_lines = !machine.lines.is_empty();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "# Campanile: pins to events to action. `campanile check` says what is wrong with this file, `campanile run`\n\
         # runs it, `campanile reload` takes changes over without a stop, `campanile pins` shows every line live.\n\
         \n\
         [node]\n\
         name = \"{}\" # a-z, 0-9 and -: it stands in topics\n\
         # timezone = \"Europe/Berlin\" # the system's without it\n\
         \n\
         {}\
         \n\
         [inputs.button]\n\
         line = {button} # a name or an offset\n\
         pull = \"up\"\n\
         active = \"low\" # a button between the line and ground\n\
         debounce = \"asym 20ms 30ms\" # press at once, release after 30 ms of rest\n\
         \n\
         [outputs.chime]\n\
         line = {chime}\n\
         max-on = \"5s\" # whatever happens, it is off after this\n\
         \n\
         [variables]\n\
         rings = 0\n\
         \n\
         [[scenarios]]\n\
         name = \"ring\"\n\
         when = [{{ input = \"button\", to = \"on\" }}]\n\
         # if = \"hour >= 8 and hour < 22\"\n\
         do = [\n\
         \x20 {{ let = \"rings\", be = \"rings + 1\" }},\n\
         \x20 {{ send = \"doorbell\", text = \"Someone is at the door (ring {{rings}})\" }},\n\
         \x20 {{ pulse = \"chime\", for = \"800ms\" }},\n\
         ]\n\
         mode = \"restart\" # a second press begins anew\n\
         \n\
         [sinks.screen]\n\
         kind = \"console\"\n\
         \n\
         {EXAMPLES}",
        node_name(&machine.host),
        boards(machine),
    );
    if has_lines {
        text.push_str(&listing(machine));
    }
    text
}

/// The host name as a node's name.
fn node_name(host: &str) -> String {
    let name: String = host
        .split('.')
        .next()
        .unwrap_or_default()
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(NAME_MAX)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "home".to_owned() } else { name.to_owned() }
}

fn boards(machine: &Machine) -> String {
    if machine.lines.is_empty() {
        let why = machine.why_none.as_deref().unwrap_or("this machine has no GPIO");
        let why: String = why.lines().map(|line| format!("# {line}\n")).collect();
        return format!(
            "{why}# So the lines live in memory, and `campanile press button` moves them. On a Pi: kind = \"gpiochip\".\n\
             [boards.pi]\n\
             kind = \"virtual\"\n"
        );
    }
    "[boards.pi]\n\
     kind = \"gpiochip\"\n\
     chip = \"auto\" # looks for lines on all chips; or a name, a label or a path\n"
        .to_owned()
}

/// What there is, as a comment at the end.
fn listing(machine: &Machine) -> String {
    /// A line of the comment is no longer.
    const WIDTH: usize = 100;
    let mut text = "\n# The lines of this machine (used ones in parentheses):\n".to_owned();
    let mut chips: Vec<&str> = machine.lines.iter().map(|line| line.chip.as_str()).collect();
    chips.dedup();
    for chip in chips {
        let mut row = format!("# {chip}:");
        for line in machine.lines.iter().filter(|line| line.chip == chip) {
            let name = if line.name.is_empty() { line.offset.to_string() } else { line.name.clone() };
            let word = if line.used_by.is_some() { format!(" ({name})") } else { format!(" {name}") };
            if row.len() + word.len() > WIDTH {
                text.push_str(&row);
                text.push('\n');
                row = "#  ".to_owned();
            }
            row.push_str(&word);
        }
        text.push_str(&row);
        text.push('\n');
    }
    text
}
