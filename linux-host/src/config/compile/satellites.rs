//! Satellites: each is a house of its own to the compiler, and its lines are lines of the host's house, too.

mod pins;

use campanile_core::link::bundle::LINE_MAX;
use campanile_delivery::symbols::{Drive, Line, Symbols};

use super::super::file::{Board, House, Input, NodeTable, Output, Satellite, Sink};
use super::super::read::{At, Entries, Needed, Report, read_text, suggestion};
use super::super::resources::ROOM;
use super::super::scalar::{NodeName, SerialPort, check_name};
use super::super::source::Diagnostic;
use super::build;

/// What its scenarios call the other end of a satellite's line.
const HOST: &str = "host";

/// A satellite, compiled.
#[derive(Clone, Debug)]
pub struct SatelliteProgram {
    /// Its name, which is its node's.
    pub name: String,
    /// The board that it is on.
    pub board: String,
    /// What kind of board that is, if the file says so.
    pub machine: Option<String>,
    /// The program, as its engine loads it.
    pub image: Vec<u8>,
    /// The names behind its ids.
    pub symbols: Symbols,
    /// Whether each output takes its safe level when the link dies over which it was switched.
    pub safe_without_link: Vec<bool>,
}

/// The house with the lines of its satellites.
pub(super) fn joined(house: &House) -> House {
    let mut joined = house.clone();
    for (name, satellite) in house.satellites.iter() {
        let Some(satellite) = satellite else { continue };
        let board = board_of(name, satellite);
        for (line, input) in satellite.inputs.iter() {
            joined
                .inputs
                .join(dotted(name, line), input.and_then(|input| seen_from_here(input, board, line)));
        }
        for (line, output) in satellite.outputs.iter() {
            joined
                .outputs
                .join(dotted(name, line), output.and_then(|output| driven_from_here(output, board, line)));
        }
    }
    joined
}

fn dotted(satellite: &At<String>, line: &At<String>) -> At<String> {
    At { value: format!("{}.{}", satellite.value, line.value), span: line.span.clone() }
}

fn board_of<'s>(name: &'s At<String>, satellite: &'s Satellite) -> &'s At<String> {
    satellite.board.as_ref().unwrap_or(name)
}

/// A line of the serial board: what is said over the link about the input of this name.
fn line_of(name: &At<String>) -> At<Line> {
    At { value: Line::Name(name.value.clone()), span: 0..0 }
}

/// The satellite has debounced it.
fn seen_from_here(input: &Input, board: &At<String>, name: &At<String>) -> Option<Input> {
    Some(Input {
        board: Some(board.clone()),
        line: line_of(name),
        pull: read_text("\"as-is\"")?,
        active: read_text("\"high\"")?,
        debounce: read_text("\"none\"")?,
        ..input.clone()
    })
}

/// The satellite keeps `max-on`, too.
fn driven_from_here(output: &Output, board: &At<String>, name: &At<String>) -> Option<Output> {
    Some(Output {
        board: Some(board.clone()),
        line: line_of(name),
        active: read_text("\"high\"")?,
        drive: read_text("\"push-pull\"")?,
        max_on: None,
        ..output.clone()
    })
}

/// Compiles every satellite; says what is wrong with each.
pub(super) fn all(house: &House, report: &mut Report<'_>) -> Vec<SatelliteProgram> {
    check_outputs(house, report);
    check_ports(house, report);
    let mut programs = Vec::new();
    for (name, satellite) in house.satellites.iter() {
        if check_name(&name.value).is_ok() && name.value.parse::<campanile_delivery::NodeName>().is_err() {
            report.push(
                Diagnostic::error(
                    name.span.clone(),
                    format!("\"{}\" is not a valid satellite name", name.value),
                )
                .label("here")
                .help("a-z, 0-9 and -, as of a node"),
            );
        }
        if let Some((sink, _)) = house.sinks.iter().find(|(sink, _)| sink.value == name.value) {
            report.push(
                Diagnostic::error(name.span.clone(), format!("the name `{}` is taken", name.value))
                    .label("a satellite")
                    .other(sink.span.clone(), "a sink")
                    .help("sinks and satellites share their names in `{ link = \"..\" }`"),
            );
        }
        let Some(satellite) = satellite else { continue };
        let Some(board) = find_board(house, name, satellite, report) else { continue };
        check_lines(satellite, report);
        pins::check(board, satellite, report);
        let Some(own) = own_house(house, name, satellite, board) else { continue };
        let Some(compiled) = build(&own, &ROOM, report) else { continue };
        programs.push(SatelliteProgram {
            name: name.value.clone(),
            board: board_of(name, satellite).value.clone(),
            machine: machine_of(board),
            image: compiled.image,
            symbols: compiled.symbols,
            safe_without_link: satellite
                .outputs
                .iter()
                .map(|(_, output)| is_safe_without_link(output))
                .collect(),
        });
    }
    check_heard(house, &programs, report);
    programs
}

/// A message that no satellite sends sets off nothing.
fn check_heard(house: &House, programs: &[SatelliteProgram], report: &mut Report<'_>) {
    for at in house.heard().filter(|at| !at.is_broken()) {
        let Some((satellite, message)) = at.value.of_satellite() else { continue };
        let is_known = house.satellites.names().any(|name| name == satellite);
        if house.satellites.is_whole() && check_name(satellite).is_ok() && !is_known {
            report.push(
                Diagnostic::error(at.span.clone(), format!("unknown satellite `{satellite}`"))
                    .label("no message comes from there")
                    .help(suggestion(satellite, house.satellites.names()))
                    .may_follow(),
            );
        }
        // Of one with errors it is not known what it sends.
        let Some(program) = programs.iter().find(|program| program.name == satellite) else { continue };
        let sent: Vec<_> = program.symbols.messages.iter().map(|sent| sent.name.as_str()).collect();
        if !sent.contains(&message) {
            report.push(
                Diagnostic::error(at.span.clone(), format!("`{satellite}` sends no message `{message}`"))
                    .label("never comes")
                    .help(match sent.as_slice() {
                        [] => format!(
                            "a scenario of [satellites.{satellite}] sends it: {{ send = \"{message}\" }}"
                        ),
                        sent => suggestion(message, sent.iter().copied()),
                    }),
            );
        }
    }
}

fn machine_of(board: &Board) -> Option<String> {
    let Board::Serial(board) = board else { return None };
    board.machine.as_ref().map(|machine| machine.value.clone())
}

fn is_safe_without_link(output: Option<&Output>) -> bool {
    use super::super::file::WithoutLink::Safe;
    output.and_then(|output| output.without_link.as_ref()).is_some_and(|at| at.value == Safe)
}

/// No link is between the host and its own outputs.
fn check_outputs(house: &House, report: &mut Report<'_>) {
    for at in house.outputs.iter().filter_map(|(_, output)| output?.without_link.as_ref()) {
        report.push(
            Diagnostic::error(at.span.clone(), "`without-link` is for outputs of satellites")
                .label("this output is on no satellite")
                .help("leave it out"),
        );
    }
}

/// Two satellites would speak over each other.
fn check_ports(house: &House, report: &mut Report<'_>) {
    let mut seen: Vec<&At<SerialPort>> = Vec::new();
    for (_, board) in house.boards.iter() {
        let Some(Board::Serial(board)) = board else { continue };
        if let Some(first) = seen.iter().find(|first| first.value == board.port.value) {
            report.push(
                Diagnostic::error(board.port.span.clone(), format!("{} is used twice", board.port.value))
                    .label("a second time")
                    .other(first.span.clone(), "the first time")
                    .help("a serial line has one satellite at its other end"),
            );
        }
        seen.push(&board.port);
    }
}

/// What no satellite has, whichever board it is.
fn check_lines(satellite: &Satellite, report: &mut Report<'_>) {
    let inputs = satellite.inputs.iter().filter_map(|(_, input)| Some(&input?.line));
    let outputs = satellite.outputs.iter().filter_map(|(_, output)| Some(&output?.line));
    for line in inputs.chain(outputs).filter(|line| !line.is_broken()) {
        let len = line.value.to_string().len();
        if len > LINE_MAX {
            report.push(
                Diagnostic::error(line.span.clone(), format!("the name of this line has {len} characters"))
                    .label("here")
                    .help(format!("up to {LINE_MAX}; the board's file has its names under LINES")),
            );
        }
    }
    for output in satellite.outputs.iter().filter_map(|(_, output)| output) {
        if output.drive.value != Drive::PushPull {
            report.push(
                Diagnostic::error(output.drive.span.clone(), "satellites drive their lines push-pull only")
                    .label("here")
                    .help("leave it out, and put a transistor or a diode between"),
            );
        }
    }
}

fn find_board<'h>(
    house: &'h House,
    name: &At<String>,
    satellite: &Satellite,
    report: &mut Report<'_>,
) -> Option<&'h Board> {
    let wanted = board_of(name, satellite);
    let found = house.boards.iter().find(|(known, _)| known.value == wanted.value);
    let Some((_, board)) = found else {
        if house.boards.is_whole() {
            let serial = house.boards.iter().filter(|(_, board)| matches!(board, Some(Board::Serial(_))));
            let known: Vec<_> = serial.map(|(name, _)| name.value.as_str()).collect();
            let help = match known.as_slice() {
                [] => format!("it needs [boards.{}] with kind = \"serial\" and port = \"..\"", wanted.value),
                known => suggestion(&wanted.value, known.iter().copied()),
            };
            report.push(
                Diagnostic::error(wanted.span.clone(), format!("unknown board `{}`", wanted.value))
                    .label("the satellite is on it")
                    .help(help)
                    .may_follow(),
            );
        }
        return None;
    };
    let board = board?;
    if !matches!(board, Board::Serial(_)) {
        report.push(
            Diagnostic::error(
                wanted.span.clone(),
                format!("the board `{}` is not a serial line", wanted.value),
            )
            .label("a satellite needs one")
            .help("give it a board with kind = \"serial\""),
        );
        return None;
    }
    let others = house.satellites.iter().take_while(|(other, _)| other.value != name.value);
    for (other, taken) in others {
        if taken.is_some_and(|taken| board_of(other, taken).value == wanted.value) {
            report.push(
                Diagnostic::error(wanted.span.clone(), format!("`{}` is on this board already", other.value))
                    .label("one satellite a line")
                    .other(other.span.clone(), "the other one"),
            );
        }
    }
    Some(board)
}

/// The satellite as a house: one board, one peer.
fn own_house(house: &House, name: &At<String>, satellite: &Satellite, board: &Board) -> Option<House> {
    let node = NodeTable {
        name: At { value: NodeName(name.value.clone()), span: name.span.clone() },
        timezone: None,
        span: name.span.clone(),
    };
    let host = At { value: HOST.to_owned(), span: 0..0 };
    Some(House {
        node: Needed(Some(node)),
        boards: Entries::one(name.clone(), board.clone()),
        inputs: satellite.inputs.clone(),
        outputs: satellite.outputs.clone(),
        sensors: Entries::default(),
        variables: satellite.variables.clone(),
        scenarios: satellite.scenarios.clone(),
        sinks: Entries::one(host, read_text::<Sink>("{ kind = \"console\" }")?),
        satellites: Entries::default(),
        journal: house.journal.clone(),
        span: satellite.span.clone(),
    })
}
