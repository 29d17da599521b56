//! An emulated board: QEMU, its serial line, and its pins by way of QEMU's test protocol.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use campanile_core::id::Level;
use tempfile::TempDir;

use crate::board::{Board, Part, Pins};
use crate::log::Log;
use crate::qmp::Qmp;

/// What does not come in this time never will; nothing is measured by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How often is looked.
const LOOK: Duration = Duration::from_millis(10);

/// What a board is to keep.
#[derive(Clone, Copy)]
pub(crate) enum Kept<'a> {
    /// Nobody looks.
    Nothing,
    /// Its flash is blank, and outlives resets.
    Blank,
    /// Its flash is what this file has, from which QEMU takes it at a reset, too.
    Saved(&'a Path),
}

/// A board that runs. It ends with the value.
pub(crate) struct Machine {
    qemu: Child,
    pins: Option<Pins>,
    /// QEMU's test protocol.
    test: UnixStream,
    begun: Instant,
    answers: Receiver<String>,
    /// What the board's pins did, in QEMU's words.
    moves: Shared<Vec<String>>,
    /// What the serial line has sent. A file takes all at once: behind a socket whose reader is slow, QEMU's nRF51 forgets
    /// an interrupt of its transmitter.
    serial: PathBuf,
    /// Of a board whose flash is of interest.
    power: Option<Qmp>,
    /// With the sockets of the protocols: their paths must be short.
    _sockets: TempDir,
}

impl Machine {
    /// Starts the board, with its button released, and with this flash. What its serial line sends goes to the file
    /// `sent` of the folder, and what QEMU says to another.
    pub(crate) fn start(
        board: &'static Board,
        qemu: &Path,
        elf: &Path,
        folder: &Path,
        sent: &str,
        flash: Kept<'_>,
    ) -> Result<Self, String> {
        let sockets = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (serial, test) = (folder.join(sent), sockets.path().join("test"));
        let said = File::create(folder.join("qemu.log")).map_err(|error| error.to_string())?;
        let mut command = Command::new(qemu);
        command
            .args(["-M", board.machine, "-accel", "tcg", "-display", "none", "-monitor", "none"])
            .args(["-serial", &format!("file:{}", serial.display())])
            .args(["-qtest", &format!("unix:{},server=on,wait=on", test.display()), "-qtest-log", "none"])
            .arg("-kernel")
            .arg(elf)
            .stdin(Stdio::null())
            .stdout(said.try_clone().map_err(|error| error.to_string())?)
            .stderr(said);
        let qmp = sockets.path().join("qmp");
        if let Kept::Nothing = flash {
            // A board that resets itself is broken.
            command.arg("-no-reboot");
        } else {
            command.args(["-qmp", &format!("unix:{},server=on,wait=off", qmp.display())]);
        }
        if let (Kept::Saved(file), Some(Part { address, .. })) = (flash, board.store) {
            let file = file.display();
            command.args(["-device", &format!("loader,file={file},addr={address:#x},force-raw=on")]);
        }
        let begun = Instant::now();
        let qemu = command.spawn().map_err(|error| format!("{}: {error}", qemu.display()))?;
        let mut qemu = EndedOnError(Some(qemu));
        let test = connect(&test)?;
        let (answers, moves) = listen(test.try_clone().map_err(|error| error.to_string())?);
        let power = if let Kept::Nothing = flash { None } else { Some(Qmp::of(&qmp)?) };
        let qemu = qemu.0.take().ok_or("there is no process")?;
        let pins = board.pins;
        let mut machine = Self { qemu, begun, pins, test, answers, moves, serial, power, _sockets: sockets };
        if let Some(Pins { gpio, .. }) = board.pins {
            machine.ask(&format!("irq_intercept_out {gpio}"))?;
            machine.press(Level::Off)?;
        }
        Ok(machine)
    }

    /// Whether the button waits to be pressed; if not, it moves by itself.
    pub(crate) const fn waits(&self) -> bool {
        self.pins.is_some()
    }

    /// Whether the button's pin interrupts.
    pub(crate) fn interrupts(&self) -> bool {
        self.pins.is_some_and(|pins| pins.interrupts)
    }

    /// Moves the button's contact, if it waits for that.
    pub(crate) fn press(&mut self, to: Level) -> Result<(), String> {
        self.press_all(&[to])
    }

    /// Moves it again and again, as fast as QEMU can.
    pub(crate) fn press_all(&mut self, moves: &[Level]) -> Result<(), String> {
        let Some(Pins { gpio, button, .. }) = self.pins else { return Ok(()) };
        // It connects the line to ground.
        let high = |to: &Level| u8::from(!to.is_on());
        let command = |to| format!("set_irq_in {gpio} unnamed-gpio-in {button} {}", high(to));
        self.ask_all(&moves.iter().map(command).collect::<Vec<_>>()).map(drop)
    }

    /// How often the pin of the chime went up, and down; `None` if it cannot be seen.
    pub(crate) fn chimes(&self) -> Option<(usize, usize)> {
        let Pins { chime, .. } = self.pins?;
        let moves = lock(&self.moves);
        let count = |way: &str| {
            let this = format!("IRQ {way} {chime}");
            moves.iter().filter(|line| **line == this).count()
        };
        Some((count("raise"), count("lower")))
    }

    /// Its power, and its memory.
    pub(crate) fn power(&mut self) -> Result<&mut Qmp, String> {
        self.power.as_mut().ok_or_else(|| "this machine was started without".to_owned())
    }

    /// Saves a part of its memory.
    pub(crate) fn save(&mut self, part: Part, file: &Path) -> Result<(), String> {
        let Part { address, len } = part;
        let file = file.display();
        self.power()?.ask(&format!(
            r#"{{"execute": "memsave", "arguments": {{"val": {address}, "size": {len}, "filename": "{file}"}}}}"#
        ))
    }

    /// How long ago it was started.
    pub(crate) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How many bytes of the stack were ever used. It begins at the higher address and grows down; RAM is zero when the
    /// board starts.
    pub(crate) fn deepest(&mut self, (end, start): (u64, u64)) -> Result<u64, String> {
        let answer = self.ask(&format!("read {end:#x} {:#x}", start - end))?;
        let digits = answer.trim_start_matches("OK 0x");
        let untouched = digits.bytes().take_while(|digit| *digit == b'0').count();
        Ok(start - end - untouched as u64 / 2)
    }

    /// The bytes of the serial line so far.
    pub(crate) fn received(&self) -> Vec<u8> {
        // Before the board starts there is no file.
        fs::read(&self.serial).unwrap_or_default()
    }

    /// Until the log is as it should be.
    pub(crate) fn wait_for(&mut self, what: &str, is_there: impl Fn(&Log) -> bool) -> Result<Log, String> {
        self.wait_until(what, |received| Ok(Some(Log::of(received)?).filter(|log| is_there(log))))
    }

    /// Until something can be made of what the serial line has sent. As long as that grows, patience begins anew.
    pub(crate) fn wait_until<T>(
        &mut self,
        what: &str,
        find: impl Fn(&[u8]) -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        let (mut before, mut end) = (0, Instant::now() + PATIENCE);
        loop {
            let received = self.received();
            if let Some(found) = find(&received)? {
                return Ok(found);
            }
            if let Ok(Some(status)) = self.qemu.try_wait() {
                return Err(format!(
                    "waiting for {what}: QEMU ended with {status}: did the board reset itself?"
                ));
            }
            if received.len() > before {
                (before, end) = (received.len(), Instant::now() + PATIENCE);
            } else if Instant::now() > end {
                return Err(format!("{what} did not come within {} s", PATIENCE.as_secs()));
            }
            thread::sleep(LOOK);
        }
    }

    fn ask(&mut self, command: &str) -> Result<String, String> {
        self.ask_all(&[command.to_owned()]).map(|answers| answers.concat())
    }

    /// All at once: QEMU answers to one after the other.
    fn ask_all(&mut self, commands: &[String]) -> Result<Vec<String>, String> {
        let lines: String = commands.iter().flat_map(|command| [command, "\n"]).collect();
        self.test.write_all(lines.as_bytes()).map_err(|error| format!("{lines}: {error}"))?;
        let answer_to = |command| match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) if answer.starts_with("OK") => Ok(answer),
            Ok(answer) => Err(format!("{command}: {answer}")),
            Err(_) => Err(format!("{command}: QEMU does not answer")),
        };
        commands.iter().map(answer_to).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        end(&mut self.qemu);
    }
}

/// A process that nobody owns yet.
struct EndedOnError(Option<Child>);

impl Drop for EndedOnError {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(end);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

type Shared<T> = Arc<Mutex<T>>;

fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// QEMU makes its sockets when it gets there.
pub(crate) fn connect(path: &Path) -> Result<UnixStream, String> {
    let end = Instant::now() + PATIENCE;
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > end => return Err(format!("QEMU does not start: {error}")),
            Err(_) => thread::sleep(LOOK),
        }
    }
}

/// Answers to what was asked, and moves of pins, which QEMU tells in between.
fn listen(stream: UnixStream) -> (Receiver<String>, Shared<Vec<String>>) {
    let (sender, answers): (Sender<String>, _) = channel();
    let moves: Shared<Vec<String>> = Shared::default();
    let into = Arc::clone(&moves);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if line.starts_with("IRQ ") {
                lock(&into).push(line);
            } else if sender.send(line).is_err() {
                return;
            }
        }
    });
    (answers, moves)
}
