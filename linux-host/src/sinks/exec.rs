//! A program of this machine for each message: the one that the file names, with its arguments one by one, and no shell
//! in between, so that nothing that a message says can be more than an argument.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::fs::Access;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::Failure;
use super::fields::Fields;
use super::message::Message;
use super::sequential::{Receiver, Verdict};
use super::template::{Escape, Template};

/// All that a program finds in its environment besides what the file gives it.
const PATH: (&str, &str) = ("PATH", "/usr/local/bin:/usr/bin:/bin");
/// Of what it says on its standard error, so much is kept: the last.
const SAID_MAX: usize = 4096;
/// What it has said before its end is read for so long: something that it has started may keep the pipe open for ever.
const LINGER: Duration = Duration::from_millis(100);
/// The exit code that asks for another try (sysexits.h: EX_TEMPFAIL).
const LATER: i32 = 75;

/// What is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// An absolute path.
    pub program: PathBuf,
    /// Each is one argument, whatever is filled in.
    pub arguments: Vec<Template>,
    /// A program that takes longer is ended.
    pub timeout: Duration,
    /// A message that is older says nothing any more.
    pub max_age: Option<Duration>,
}

/// The receiver.
#[derive(Debug)]
pub struct Exec {
    settings: Settings,
    /// Of the last step.
    remark: String,
}

impl Exec {
    /// Does nothing yet.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, remark: String::new() }
    }
}

impl Receiver for Exec {
    async fn open(&mut self) -> Result<(), Failure> {
        self.remark = program(&self.settings.program).await?;
        Ok(())
    }

    async fn deliver(&mut self, messages: &[Message]) -> Result<Verdict, Failure> {
        let fields = Fields::of(messages);
        if let Some(why) = fields.too_old(self.settings.max_age) {
            return Ok(Verdict::Refused(why));
        }
        let mut command = Command::new(&self.settings.program);
        // An argument is a list of bytes up to a zero, which no text from outside may cut.
        let arguments = self
            .settings
            .arguments
            .iter()
            .map(|template| template.fill(&fields, Escape::Plain).replace('\0', ""));
        command.args(arguments);
        let input: String = messages.iter().map(|message| message.payload.clone() + "\n").collect();
        let began = Instant::now();
        Ok(match run(command, input.into_bytes(), self.settings.timeout).await? {
            End::Code(status, _) if status.success() => {
                self.remark = format!("the program ended well, after {} ms", began.elapsed().as_millis());
                Verdict::Taken
            }
            End::Code(status, said) if status.code() == Some(LATER) => {
                return Err(Failure::retry(format!("the program asks for a later try (exit code 75){said}")));
            }
            End::Code(status, said) => Verdict::Refused(format!("the program failed ({status}){said}")),
            End::TooLong => Verdict::Failed(format!(
                "the program took longer than {:?}, and was ended",
                self.settings.timeout
            )),
        })
    }

    fn remark(&self) -> String {
        self.remark.clone()
    }
}

/// How a program ended.
pub(super) enum End {
    /// By itself, or by a signal; and what it said, behind a colon.
    Code(ExitStatus, String),
    /// It was ended.
    TooLong,
}

/// Looks whether a program is there and may be run; what there is to say of it.
pub(super) async fn program(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let refuse = |why: String| Err(Failure::refused(format!("cannot run {shown}: {why}")));
    match tokio::fs::metadata(path).await {
        Err(error) => return refuse(error.to_string()),
        Ok(metadata) if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 => {
            return refuse("it is not an executable file (`chmod +x`?)".to_owned());
        }
        Ok(_) => {}
    }
    let own = path.to_owned();
    let user = rustix::process::geteuid().as_raw();
    match spawn_blocking(move || rustix::fs::access(&own, Access::EXEC_OK)).await {
        Ok(Err(error)) => {
            refuse(format!("the user {user} may not run it ({error}): see `ls -l`, and the folders above it"))
        }
        _ => Ok(format!("{shown}, which the file names, may be run by the user {user}")),
    }
}

/// Runs a program with an environment of its own and this on its standard input, for so long at most.
pub(super) async fn run(mut command: Command, input: Vec<u8>, patience: Duration) -> Result<End, Failure> {
    let mut child = command
        .env_clear()
        .env(PATH.0, PATH.1)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // With all that it starts, so that the end of it is the end of them.
        .process_group(0)
        .spawn()
        .map_err(|error| {
            Failure::refused(format!("cannot run {:?}: {error}", command.as_std().get_program()))
        })?;
    let group = Group::of(&child);
    let (stdin, mut stderr) = (child.stdin.take(), child.stderr.take());
    let mut said = Vec::new();
    let work = async {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program that reads nothing is none the worse.
                let _ = stdin.write_all(&input).await;
            }
        };
        let talk = async {
            tokio::join!(write, hear(&mut stderr, &mut said));
            std::future::pending().await
        };
        // Its end is the end: what it leaves behind is not waited for.
        tokio::select! {
            status = child.wait() => status,
            never = talk => never,
        }
    };
    match timeout(patience, work).await {
        Ok(Ok(status)) => {
            group.disarm();
            let _ = timeout(LINGER, hear(&mut stderr, &mut said)).await;
            Ok(End::Code(status, in_words(&said)))
        }
        Ok(Err(error)) => {
            group.disarm();
            Err(Failure::retry(format!("cannot wait for the program: {error}")))
        }
        Err(_) => {
            drop(group);
            // One that runs as another user cannot be ended, and the next delivery does not wait for it.
            let _ = timeout(LINGER, child.wait()).await;
            Ok(End::TooLong)
        }
    }
}

/// Hears to its end what a program says, so that saying much does not end it, and keeps the last of it.
async fn hear(from: &mut Option<ChildStderr>, said: &mut Vec<u8>) {
    let Some(from) = from else { return };
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        said.extend_from_slice(piece.get(..count).unwrap_or_default());
        said.drain(..said.len().saturating_sub(SAID_MAX));
    }
}

/// A program that runs, with what it started: killed when this is dropped, whether it takes too long or nobody waits for its
/// end any more, as after a reload.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }

    /// The program has ended by itself. Its number may be another's from now on.
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // That it is gone already is no trouble.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

/// The last line that says something, of at most 160 characters.
fn in_words(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line: String = line.chars().filter(|c| !c.is_control()).take(160).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use tokio::time::sleep;

    use super::*;
    use crate::sinks::Then;
    use crate::sinks::fields::testing::doorbell;

    /// A program of these lines.
    fn script(dir: &Path, lines: &str) -> PathBuf {
        let path = dir.join("program");
        std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    fn exec(program: PathBuf, arguments: &[&str]) -> Exec {
        let arguments = arguments.iter().map(|text| Template::parse(text).unwrap()).collect();
        Exec::new(Settings { program, arguments, timeout: Duration::from_secs(60), max_age: None })
    }

    /// Waits for the end of a process.
    async fn is_gone(pid: &str) {
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        let end = async {
            while !stat().is_empty() && !stat().contains(") Z ") {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(60), end).await.expect("an end");
    }

    #[tokio::test]
    async fn a_message_is_arguments_and_input_and_never_more() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out").display().to_string();
        let lines = format!("{{ printf '<%s>\\n' \"$@\"; cat; env; }} > {out}");
        let mut exec = exec(script(dir.path(), &lines), &["--say", "{text}", "{name} {seq}"]);
        exec.open().await.unwrap();
        let ring = doorbell("; touch /tmp/evil `id` $(id) \"\n-x", 7);
        assert_eq!(exec.deliver(std::slice::from_ref(&ring)).await, Ok(Verdict::Taken));
        let text = std::fs::read_to_string(&out).unwrap();
        let (head, environment) = text.split_once(&(ring.payload.clone() + "\n")).unwrap();
        assert_eq!(head, "<--say>\n<; touch /tmp/evil `id` $(id) \"\n-x>\n<doorbell 7>\n");
        let names: Vec<_> =
            environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        assert!(names.iter().all(|name| ["PATH", "PWD", "_", "SHLVL", "OLDPWD"].contains(name)), "{names:?}");
    }

    #[tokio::test]
    async fn an_end_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let ring = [doorbell("ring", 7)];
        let mut failing = exec(script(dir.path(), "echo no such bell >&2; exit 3"), &[]);
        let said = "the program failed (exit status: 3): no such bell".to_owned();
        assert_eq!(failing.deliver(&ring).await, Ok(Verdict::Refused(said)));
        let mut later = exec(script(dir.path(), "exit 75"), &[]);
        assert_eq!(later.deliver(&ring).await.unwrap_err().then, Then::Retry);
        let mut missing = exec(dir.path().join("missing"), &[]);
        assert_eq!(missing.open().await.unwrap_err().then, Then::Refused);
        std::fs::write(dir.path().join("plain"), "").unwrap();
        let plain = exec(dir.path().join("plain"), &[]).open().await.unwrap_err();
        assert!(plain.why.contains("it is not an executable file"), "{plain:?}");
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_ended_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        // A program of its own holds the pipe open as well.
        let lines = format!("sleep 3600 & echo $! > {}.new; mv {0}.new {0}; wait", pid.display());
        let mut exec = exec(script(dir.path(), &lines), &[]);
        exec.settings.timeout = Duration::from_millis(500);
        let verdict = exec.deliver(&[doorbell("ring", 7)]).await;
        assert!(matches!(&verdict, Ok(Verdict::Failed(why)) if why.contains("was ended")), "{verdict:?}");
        // On a slow machine it was ended before it had begun.
        if let Ok(child) = std::fs::read_to_string(&pid) {
            is_gone(&child).await;
        }
    }

    #[tokio::test]
    async fn one_that_nobody_waits_for_any_more_is_ended_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let lines = format!("sleep 3600 & echo $! > {}.new; mv {0}.new {0}; wait", pid.display());
        let mut exec = exec(script(dir.path(), &lines), &[]);
        let delivery = tokio::spawn(async move { exec.deliver(&[doorbell("ring", 7)]).await });
        while !pid.exists() {
            assert!(!delivery.is_finished(), "it ended by itself: {:?}", delivery.await);
            sleep(Duration::from_millis(1)).await;
        }
        delivery.abort();
        is_gone(&std::fs::read_to_string(&pid).unwrap()).await;
    }

    #[tokio::test]
    async fn the_end_of_a_program_is_the_end_whatever_it_leaves_behind_and_however_much_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        // What it has started holds the pipe open for an hour.
        let lines = format!("sleep 3600 & echo $! > {}", pid.display());
        let ring = [doorbell("ring", 7)];
        assert_eq!(exec(script(dir.path(), &lines), &[]).deliver(&ring).await, Ok(Verdict::Taken));
        let left = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        rustix::process::kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).unwrap();
        // More than a pipe holds.
        let lines = "i=0; while [ $i -lt 3000 ]; do echo 'a line of no interest to anybody' >&2; i=$((i+1)); done; echo no bell >&2; exit 3";
        let verdict = exec(script(dir.path(), lines), &[]).deliver(&ring).await;
        assert_eq!(verdict, Ok(Verdict::Refused("the program failed (exit status: 3): no bell".to_owned())));
    }

    #[tokio::test]
    async fn a_message_of_long_ago_is_not_acted_on() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let mut exec = exec(script(dir.path(), &format!("touch {}", out.display())), &[]);
        exec.settings.max_age = Some(Duration::from_secs(60));
        let mut ring = doorbell("ring", 7);
        ring.payload = ring.payload.replace("2026-11-21", "2020-01-01");
        let verdict = exec.deliver(&[ring]).await.unwrap();
        assert!(matches!(&verdict, Verdict::Refused(why) if why.contains("`max-age`")), "{verdict:?}");
        assert!(!out.exists());
    }
}
