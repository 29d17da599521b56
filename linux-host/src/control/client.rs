//! The command line's end of the control socket.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::place::places;
use super::protocol::{Operation, Request, Response};
use crate::daemon::state_dir;

/// A reload compiles a file and opens lines; everything else is a matter of milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer, in words.
#[derive(Debug)]
pub enum Unanswered {
    /// No daemon runs there.
    NoDaemon(String),
    /// One may run there, and cannot be asked or does not answer.
    NoAnswer(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NoDaemon(why) | Self::NoAnswer(why)) = self;
        f.write_str(why)
    }
}

/// Asks the daemon of this state directory and gives its answer.
///
/// # Errors
/// There is no daemon, it may not be asked, or it does not answer.
pub fn ask(state: &Path, operation: Operation) -> Result<Response, Unanswered> {
    let stream = connect(state)?;
    let answer = converse(&stream, operation).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("the daemon does not answer within {} s: its log says what it is at", PATIENCE.as_secs())
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            "the daemon stopped before it answered".to_owned()
        }
        _ => format!("the daemon's answer is not understood: {error}"),
    });
    answer.map_err(Unanswered::NoAnswer)
}

/// To the first place at which somebody listens.
fn connect(state: &Path) -> Result<UnixStream, Unanswered> {
    use io::ErrorKind as Kind;
    let mut failed = None;
    for path in places(state) {
        match UnixStream::connect(&path) {
            Ok(stream) => return Ok(stream),
            Err(error) => match error.kind() {
                // Nobody there, and a path too long for a socket.
                Kind::NotFound | Kind::ConnectionRefused | Kind::InvalidInput => {}
                _ => failed = failed.or(Some((path, error))),
            },
        }
    }
    Err(unreached(state, failed))
}

fn converse(stream: &UnixStream, operation: Operation) -> io::Result<Response> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(&Request { id: None, operation })?;
    line.push(b'\n');
    (&mut &*stream).write_all(&line)?;
    let mut answer = String::new();
    if BufReader::new(stream).read_line(&mut answer)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&answer)?)
}

fn unreached(state: &Path, failed: Option<(PathBuf, io::Error)>) -> Unanswered {
    let (elsewhere, state) = (state_dir::elsewhere(state), state.display());
    match failed {
        None => Unanswered::NoDaemon(format!(
            "no daemon runs on the state directory {state}: start one with `campanile run FILE`, or name its directory \
             with --state{elsewhere}"
        )),
        Some((path, error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            Unanswered::NoAnswer(format!(
                "this user may not ask the daemon on {state}: use sudo, or join the group of {}",
                path.display()
            ))
        }
        Some((path, error)) => {
            Unanswered::NoAnswer(format!("cannot reach the daemon on {state} by {}: {error}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn no_daemon_is_another_matter_than_one_that_gives_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        let asked = || ask(dir.path(), Operation::Status {}).unwrap_err();
        assert!(matches!(asked(), Unanswered::NoDaemon(_)));
        let path = places(dir.path()).remove(0);
        let mute = UnixListener::bind(&path).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| drop(mute.accept().unwrap()));
            assert!(matches!(asked(), Unanswered::NoAnswer(_)));
        });
        drop(mute);
        assert!(matches!(asked(), Unanswered::NoDaemon(_)), "its socket is left, and nobody listens");
    }
}
