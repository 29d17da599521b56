//! Lines: each on a known board, each used once.

use std::collections::HashMap;
use std::ops::Range;

use campanile_delivery::symbols::Line;

use super::super::file::{Board, House};
use super::super::read::{At, Report, suggestion};
use super::super::source::Diagnostic;
use super::hash;

/// The board of a file that names none.
pub(super) const ONLY_BOARD: &str = "pi";

/// Who has which line of which hardware: two boards of a file may be one.
pub(super) struct Lines<'f> {
    house: &'f House,
    seen: HashMap<(String, Line), (Range<usize>, String)>,
    used: Vec<String>,
}

impl<'f> Lines<'f> {
    /// Nobody has one yet.
    pub(super) fn new(house: &'f House) -> Self {
        Self { house, seen: HashMap::new(), used: Vec::new() }
    }

    /// The house.
    pub(super) const fn house(&self) -> &'f House {
        self.house
    }

    /// The board and the line of an input or output.
    pub(super) fn take(
        &mut self,
        board: Option<&At<String>>,
        line: &At<Line>,
        owner: &At<String>,
        report: &mut Report<'_>,
    ) -> (String, Line) {
        let boards = &self.house.boards;
        let mut own = own_boards(self.house);
        let name = match (board, own.next(), own.count()) {
            (Some(board), first, _) => {
                let implicit = first.is_none() && board.value == ONLY_BOARD;
                if !implicit && boards.is_whole() && !boards.names().any(|name| name == board.value) {
                    let known = boards.names().chain(first.is_none().then_some(ONLY_BOARD));
                    report.push(
                        Diagnostic::error(board.span.clone(), format!("unknown board `{}`", board.value))
                            .label("here")
                            .help(suggestion(&board.value, known))
                            .may_follow(),
                    );
                }
                board.value.clone()
            }
            (None, None, _) => ONLY_BOARD.to_owned(),
            (None, Some(only), 0) => only.to_owned(),
            (None, ..) => {
                report.push(
                    Diagnostic::error(
                        owner.span.clone(),
                        format!("which board is the line of `{}` on?", owner.value),
                    )
                    .label("needs `board`")
                    .help(suggestion("", own_boards(self.house).collect::<Vec<_>>())),
                );
                String::new()
            }
        };
        if let Line::Name(written) = &line.value
            && !line.is_broken()
            && let Some(help) = other_form(written)
        {
            report.push(
                Diagnostic::warning(line.span.clone(), format!("few boards have a line named \"{written}\""))
                    .label("is this its name?")
                    .help(help),
            );
        }
        let key = (self.hardware(&name), self.same(&name, &line.value));
        if line.is_broken() {
            // As has been said.
        } else if let Some((first, other)) = self.seen.get(&key) {
            report.push(
                Diagnostic::error(line.span.clone(), format!("line {} is used twice", line.value))
                    .label(format!("by `{}`", owner.value))
                    .other(first.clone(), format!("by `{other}`"))
                    .help("a line is one input or one output; an expression can read an output"),
            );
        } else {
            self.seen.insert(key, (line.span.clone(), owner.value.clone()));
        }
        self.used.push(name.clone());
        (name, line.value.clone())
    }

    /// The board of a name; of the implicit one, nothing.
    pub(super) fn board(&self, name: &str) -> Option<&'f Board> {
        self.house.boards.iter().find(|(known, _)| known.value == name).and_then(|(_, board)| board)
    }

    /// The hash of a line of the board of a name.
    pub(super) fn hash(&self, board: &str, line: &Line) -> u32 {
        hash::line(&self.hardware(board), line)
    }

    /// The line, written in one way: a satellite's board takes a number as a name, too.
    fn same(&self, board: &str, line: &Line) -> Line {
        match line {
            Line::Name(digits) if matches!(self.board(board), Some(Board::Serial(_))) => {
                digits.parse().map_or_else(|_| line.clone(), Line::Offset)
            }
            line => line.clone(),
        }
    }

    fn hardware(&self, board: &str) -> String {
        match self.board(board) {
            // Whatever its house calls it, its lines are the same: a satellite with another name goes on with them.
            Some(_) if is_satellite(self.house) => "serial".to_owned(),
            Some(known) => known.hardware(board),
            None => Board::default().hardware(board),
        }
    }

    /// Warns of boards without a line in use.
    pub(super) fn warn_unused(&self, report: &mut Report<'_>) {
        for (name, _) in self.house.boards.iter() {
            if !self.used.contains(&name.value) {
                report.push(
                    Diagnostic::warning(
                        name.span.clone(),
                        format!("nothing uses the board `{}`", name.value),
                    )
                    .label("no input or output is on it"),
                );
            }
        }
    }
}

/// The boards of a house but those of its satellites. A satellite's own house has one board, which it is.
pub(super) fn own_boards(house: &House) -> impl Iterator<Item = &str> {
    let is_own =
        |board: Option<&Board>| !matches!(board, Some(Board::Serial(_))) || house.satellites.is_empty();
    house.boards.iter().filter(move |(_, board)| is_own(*board)).map(|(name, _)| name.value.as_str())
}

/// Whether it is a satellite's own house: its only board is a serial one, and a house that has satellites names them.
pub(super) fn is_satellite(house: &House) -> bool {
    let mut boards = house.boards.iter().map(|(_, board)| board);
    let only = boards.next().filter(|_| boards.next().is_none());
    house.satellites.is_empty() && matches!(only, Some(Some(Board::Serial(_))))
}

/// What was meant by the name of a line that looks like a number, or like the name of a Raspberry Pi's line.
fn other_form(written: &str) -> Option<String> {
    let number =
        |digits: &str| digits.parse::<u32>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    if let Some(offset) = number(written) {
        return Some(format!("an offset has no quotes: `line = {offset}`"));
    }
    let folded = written.to_lowercase();
    let behind = ["gpio", "pin", "bcm", "d"].iter().find_map(|head| folded.strip_prefix(head))?;
    let offset = number(behind.trim_start_matches([' ', '_', '-', '.']))?;
    let usual = format!("GPIO{offset}");
    (written != usual).then(|| {
        format!("on a Raspberry Pi it is \"{usual}\", with the number of the GPIO and not of the pin; `campanile pins` lists all")
    })
}
