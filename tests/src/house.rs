//! A house in a process of its own, so that it can be killed: the test's own binary, run once more.
//!
//! A test that uses this has a test named [`ENTRY`], which calls [`enter`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use campanile::control::client;
use campanile::control::protocol::Operation;
use campanile::control::status::Status;
use campanile::daemon::loaded::Origin;
use campanile::daemon::{Options, supervise};
use rustix::process::Signal;

use crate::PATIENCE;
use crate::mosquitto::end;

/// The name of the test that becomes the daemon.
pub const ENTRY: &str = "a_house_in_a_process_of_its_own";

const DIRECTORY: &str = "CAMPANILE_TEST_HOUSE";

/// Becomes the daemon if that is what this process is for, and then does not return; else does nothing.
///
/// # Panics
/// The house does not run.
pub fn enter() {
    let Some(dir) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let origin = Origin::File(dir.join("house.toml"));
    let options = Options { origin, state: dir.join("state"), color: false, began: Instant::now() };
    let ended = runtime.block_on(supervise::run(options));
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => std::process::exit(0),
        Err(error) => panic!("{error}"),
    }
}

/// A house that runs, or does not just now.
#[derive(Debug)]
pub struct House {
    dir: PathBuf,
    child: Option<Child>,
}

impl House {
    /// A house that is not running yet, with its file and its state in a directory.
    ///
    /// # Panics
    /// The disk refuses.
    pub fn new(dir: &Path, file: &str) -> Self {
        let dir = dir.join("house");
        fs::create_dir_all(&dir).expect("a directory for the house");
        fs::write(dir.join("house.toml"), file).expect("the house's file");
        Self { dir, child: None }
    }

    /// Its state directory.
    pub fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// Starts it, anew if need be.
    ///
    /// # Panics
    /// It does not answer.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let log = fs::File::options().create(true).append(true).open(self.dir.join("log")).expect("its log");
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", ENTRY, "--nocapture"])
            .env(DIRECTORY, &self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("its log"))
            .stderr(log)
            .spawn()
            .expect("the test's own binary starts");
        self.child = Some(child);
        let patience = Instant::now() + PATIENCE;
        while self.try_status().is_none() {
            assert!(Instant::now() < patience, "the house does not answer: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it says of itself.
    ///
    /// # Panics
    /// It does not answer.
    pub fn status(&self) -> Status {
        self.try_status().unwrap_or_else(|| panic!("the house does not answer: {}", self.log()))
    }

    fn try_status(&self) -> Option<Status> {
        let answer = client::ask(&self.state(), Operation::Status {}).ok()?;
        answer.status.map(|status| *status)
    }

    /// Waits until something holds of what it says of itself.
    ///
    /// # Panics
    /// It does not.
    pub fn wait(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        let patience = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if holds(&status) {
                return status;
            }
            assert!(
                Instant::now() < patience,
                "{what}: not within {PATIENCE:?}: {status:#?}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it for something.
    ///
    /// # Panics
    /// It refuses.
    pub fn ask(&self, operation: Operation) {
        let answer = client::ask(&self.state(), operation).expect("an answer");
        assert!(answer.ok, "{:?}", answer.error);
    }

    /// Presses one of its inputs, long enough for any debounce.
    ///
    /// # Panics
    /// It refuses.
    pub fn press(&self, input: &str) {
        self.ask(Operation::Press { input: input.to_owned(), for_us: 100_000 });
    }

    /// Has it go over to another file.
    ///
    /// # Panics
    /// It refuses.
    pub fn reload(&self, file: &str) {
        fs::write(self.dir.join("house.toml"), file).expect("the house's file");
        self.ask(Operation::Reload {});
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Ends it in order.
    ///
    /// # Panics
    /// It does not end.
    pub fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            end(child, Signal::TERM);
        }
    }

    /// Ends it without a chance to do anything about it.
    ///
    /// # Panics
    /// It does not end.
    pub fn kill(&mut self) {
        if let Some(child) = self.child.take() {
            end(child, Signal::KILL);
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill();
    }
}
