//! The control socket: a Unix socket, in the state directory if that can be. Who may open the file may act; nobody else
//! can reach it.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, fchmod};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::access::Caller;
use super::clients::{Clients, Place};
use super::place::places;
use super::protocol::{MAX_REQUEST, Response};
use super::service::{Service, StatusSource};

/// Owner and group: the group of the service's user may act, others may not.
const MODE: u32 = 0o660;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;

/// Of the directory in the second place: the socket's own permissions say who may.
const DIRECTORY_MODE: u32 = 0o755;

/// An open control socket; the file goes with it.
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Opens the socket of a state directory, which this process holds the lock of: what is left in its places from
    /// before is dead. A socket that had to go to the second place is said.
    ///
    /// # Errors
    /// It cannot be in any place: each with its reason, for a person.
    pub fn open(state: &Path) -> Result<Self, String> {
        let mut refused = Vec::new();
        for path in places(state) {
            match bind(&path) {
                Ok(listener) => {
                    if !refused.is_empty() {
                        tracing::warn!(
                            "the control socket is {}, where commands look too: {}",
                            path.display(),
                            refused.join("; ")
                        );
                    }
                    return Ok(Self { listener, path });
                }
                Err(error) => refused.push(format!("{}: {}", path.display(), words(&error))),
            }
        }
        Err(refused.join("; "))
    }

    /// Serves whoever comes, for ever.
    pub async fn serve<S: StatusSource + 'static>(self, service: Service<S>) {
        let clients = Clients::default();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let place = clients.place().await;
                    let (id, service) = (place.id, service.clone());
                    let task = tokio::spawn(async move {
                        // A client that goes away in the middle is nobody's trouble.
                        let _ = converse(stream, &service, &place).await;
                    });
                    clients.serves(id, task.abort_handle());
                }
                Err(error) => {
                    tracing::warn!("the control socket does not accept: {error}");
                    // Out of descriptors, most likely: not again at once.
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_directory(path)?,
        Err(error) => return Err(error),
        Ok(found) if is_dead(path, &found) => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "another program's, which stays")),
    }
    let socket = UnixSocket::new_stream()?;
    // Before it has a name: on Linux its file never has more than this, whatever the umask. Behind it, because the umask may
    // have taken some away.
    fchmod(&socket, Mode::from_raw_mode(MODE))?;
    socket.bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    socket.listen(BACKLOG)
}

/// Whether this is a socket that nobody listens at any more, as a process leaves it that was killed.
fn is_dead(path: &Path, found: &fs::Metadata) -> bool {
    let tried = || std::os::unix::net::UnixStream::connect(path);
    found.file_type().is_socket()
        && tried().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn make_directory(path: &Path) -> io::Result<()> {
    match path.parent().map(|parent| DirBuilder::new().mode(DIRECTORY_MODE).create(parent)) {
        Some(Err(error)) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        // What the standard library makes of a path that does not fit into an address.
        io::ErrorKind::InvalidInput => "the path is too long for a socket: 107 bytes at most".to_owned(),
        _ => error.to_string(),
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // If it stays, the next start removes it.
        let _ = fs::remove_file(&self.path);
    }
}

async fn converse<S: StatusSource + 'static>(
    stream: UnixStream,
    service: &Service<S>,
    place: &Place,
) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let taken = (&mut read).take(MAX_REQUEST as u64 + 1).read_until(b'\n', &mut line).await?;
        if taken == 0 {
            return Ok(());
        }
        place.set_working(true);
        let too_long = line.len() > MAX_REQUEST;
        let response = if too_long {
            Response::refused(format!("a request has {MAX_REQUEST} bytes at most"))
        } else {
            match serde_json::from_slice(&line) {
                Ok(request) => service.call(Caller::LOCAL, request).await,
                Err(error) => Response::refused(format!("the request is not understood: {error}")),
            }
        };
        let mut bytes = serde_json::to_vec(&response)?;
        bytes.push(b'\n');
        place.set_working(false);
        write.write_all(&bytes).await?;
        if too_long {
            // The rest of the line cannot be told from a request.
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_dead_socket_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        drop(bind(&path).unwrap());
        assert!(path.exists(), "as a process leaves it that was killed");
        let live = bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(UnixStream::connect(&path).await.is_ok(), "it still listens");
        drop(live);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "notes").unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
    }
}
