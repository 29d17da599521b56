//! A daemon to test: its directory, its process, its commands.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A doorbell on the virtual board.
pub(crate) const HOUSE: &str = r#"
[node]
name = "front-door"

[journal]
size = "400KiB"

[boards.desk]
kind = "virtual"

[inputs.button]
line = "GPIO14"
pull = "up"
active = "low"
debounce = "asym 20ms 30ms"
class = "button"

[outputs.chime]
line = "GPIO23"
safe = "off"
max-on = "30s"

[sensors.tank]
unit = "cm"
decimals = 1
deadband = 0.5
min-interval = "10ms"

[variables]
rings = 0
quiet = 0

[[scenarios]]
name = "ring"
when = [{ input = "button", to = "on" }]
if = "not quiet"
do = [
  { let = "rings", be = "rings + 1" },
  { pulse = "chime", for = "800ms" },
  { send = "doorbell", text = "Someone is at the door ({rings})" },
]
mode = "restart"
"#;

/// Everything here takes milliseconds; the machine may be slow, and busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again until there is an answer.
pub(crate) fn poll<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "it did not happen within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Trace lines without their times, one blank between the columns.
pub(crate) fn words(log: &str) -> Vec<String> {
    let line = |line: &str| line.split_whitespace().skip(3).collect::<Vec<_>>().join(" ");
    log.lines().map(line).collect()
}

/// For a line of [`words`].
pub(crate) fn starts_with(line: &str, words: &str) -> bool {
    line.starts_with(words)
}

/// A directory with a file and a state.
pub(crate) struct Workplace {
    dir: tempfile::TempDir,
    /// What the system gives a user for sockets.
    runtime: tempfile::TempDir,
    mounted: bool,
}

impl Workplace {
    /// With this house; `{dir}` in it is the directory.
    pub(crate) fn new(house: &str) -> Self {
        Self::named(house, "")
    }

    /// The same, with a path as long as only a few have it.
    pub(crate) fn with_long_path(house: &str) -> Self {
        Self::named(house, &"long-".repeat(24))
    }

    fn named(house: &str, prefix: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
        let place = Self { dir, runtime: tempfile::tempdir().unwrap(), mounted: false };
        place.write(house);
        place
    }

    /// With the state on a disk of a megabyte, for those who may mount one.
    pub(crate) fn on_small_disk(house: &str) -> Self {
        let mut place = Self::new(house);
        std::fs::create_dir(place.path("state")).unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let mounted =
            Command::new("mount").args(mount).arg(place.path("state")).stderr(Stdio::null()).status();
        place.mounted = mounted.is_ok_and(|status| status.success());
        place
    }

    /// Other users may look into it.
    pub(crate) fn allow_all(&self) {
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.dir.path(), all).unwrap();
    }

    /// Whether there is a small disk: not everybody may mount one.
    pub(crate) fn is_mounted(&self) -> bool {
        self.mounted
    }

    /// From now on there is no room for another file: the small disk is full. Who has none takes away the right to
    /// make files, which root would have all the same.
    pub(crate) fn take_space(&self) {
        if self.mounted {
            let mut file = std::fs::File::create(self.path("state/filler")).unwrap();
            while file.write_all(&[1; 4096]).is_ok() {}
        } else {
            self.allow(0o500);
        }
    }

    /// There is room again.
    pub(crate) fn give_space(&self) {
        if self.mounted {
            std::fs::remove_file(self.path("state/filler")).unwrap();
        } else {
            self.allow(0o700);
        }
    }

    /// From now on nothing can be written on the small disk.
    pub(crate) fn make_read_only(&self) {
        let remount = ["-o", "remount,ro"];
        assert!(Command::new("mount").args(remount).arg(self.path("state")).status().unwrap().success());
    }

    fn allow(&self, mode: u32) {
        std::fs::set_permissions(self.path("state"), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn write(&self, house: &str) {
        let house = house.replace("{dir}", self.dir.path().to_str().unwrap());
        std::fs::write(self.path("house.toml"), house).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command that is told nothing of the state directory.
    pub(crate) fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
        command.args(args).env_remove("CAMPANILE_LOG").env("XDG_RUNTIME_DIR", self.runtime.path());
        command
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.arg("--state").arg(self.path("state"));
        command
    }

    /// Carries out a command, which succeeds; gives its output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Carries out a command, which fails; gives what it says and its exit code.
    pub(crate) fn fails(&self, args: &[&str]) -> (String, Option<i32>) {
        let output = self.command(args).output().unwrap();
        assert!(!output.status.success(), "{args:?} succeeded");
        (String::from_utf8(output.stderr).unwrap(), output.status.code())
    }

    /// Runs a daemon that does not start.
    pub(crate) fn run_fails(&self) -> (String, Option<i32>) {
        self.fails(&["run", self.path("house.toml").to_str().unwrap()])
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(self.path("state")).status();
        }
    }
}

/// A daemon that runs.
pub(crate) struct Running<'a> {
    place: &'a Workplace,
    child: Child,
    /// What it says on stderr, to its end.
    said: Option<JoinHandle<String>>,
}

impl<'a> Running<'a> {
    /// Starts one and waits until it takes commands.
    pub(crate) fn start(place: &'a Workplace) -> Self {
        Self::start_with(place, |_| {})
    }

    /// The same, with more in its environment.
    pub(crate) fn start_with(place: &'a Workplace, prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = place.command(&["run", place.path("house.toml").to_str().unwrap()]);
        prepare(&mut command);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        loop {
            let Some(Ok(line)) = lines.next() else { panic!("the daemon did not start:\n{said}") };
            said.push_str(&line);
            said.push('\n');
            if line.contains(" runs after ") {
                break;
            }
        }
        // Read on, or the daemon would wait for a full pipe.
        eprint!("{said}");
        let said = std::thread::spawn(move || {
            let lines = lines.map(|line| line.unwrap_or_default() + "\n");
            lines.inspect(|line| eprint!("daemon: {line}")).fold(said, |said, line| said + &line)
        });
        Self { place, child, said: Some(said) }
    }

    pub(crate) fn ok(&self, args: &[&str]) -> String {
        self.place.ok(args)
    }

    pub(crate) fn fails(&self, args: &[&str]) -> (String, Option<i32>) {
        self.place.fails(args)
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.ok(&["status", "--json"])).unwrap()
    }

    /// The same request so many times, over one connection.
    pub(crate) fn ask_often(&self, request: &str, times: usize) {
        let stream = UnixStream::connect(self.place.path("state/control.sock")).unwrap();
        let mut answers = BufReader::new(&stream).lines();
        for _ in 0..times {
            (&stream).write_all(format!("{request}\n").as_bytes()).unwrap();
            let answer = answers.next().unwrap().unwrap();
            assert!(answer.contains("\"ok\":true"), "{answer}");
        }
    }

    /// Requests that arrive together, as processes of their own never would; gives the answers.
    pub(crate) fn ask_at_once<const N: usize>(&self, requests: [&str; N]) -> [String; N] {
        let stream = UnixStream::connect(self.place.path("state/control.sock")).unwrap();
        (&stream).write_all(requests.map(|request| format!("{request}\n")).concat().as_bytes()).unwrap();
        let mut answers = BufReader::new(&stream).lines();
        requests.map(|_| answers.next().unwrap().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(self) -> Option<i32> {
        self.stop_saying().1
    }

    /// SIGTERM; what it said, and the exit code.
    pub(crate) fn stop_saying(mut self) -> (String, Option<i32>) {
        self.signal(Signal::TERM);
        let code = self.child.wait().unwrap().code();
        (self.said.take().unwrap().join().unwrap(), code)
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its command line and its environment, as other processes see them.
    pub(crate) fn command_line(&self) -> String {
        let of = |what| std::fs::read(format!("/proc/{}/{what}", self.child.id())).unwrap();
        String::from_utf8_lossy(&[of("cmdline"), of("environ")].concat()).into_owned()
    }

    /// CPU time of all its threads.
    pub(crate) fn cpu_ns(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let spent = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split_whitespace().next()?.parse::<u64>().ok()
        };
        tasks.filter_map(|task| spent(task.ok()?)).sum()
    }

    /// Resident memory.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // A failed test leaves no daemon behind; after `stop` this fails, and that is all right.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says what this user cannot try, where CI shows it: a test that was not made must not look like one that passed.
pub(crate) fn not_tried(what: &str) {
    eprintln!("not tried: {what}");
    if let Some(path) = std::env::var_os("CAMPANILE_NOT_TRIED") {
        let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
        writeln!(file, "not tried: {what}").unwrap();
    }
}
