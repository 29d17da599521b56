//! The control socket: a Unix socket in the state directory. Who may open the file may act; nobody else can reach it.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::access::Caller;
use super::protocol::{MAX_REQUEST, Response};
use super::service::{Service, StatusSource};

/// The socket's name in the state directory.
pub const NAME: &str = "control.sock";

/// Owner and group: the group of the service's user may act, others may not.
const MODE: u32 = 0o660;

/// Connections served at a time; further ones wait to be accepted.
const MAX_CLIENTS: usize = 32;

/// An open control socket; the file goes with it.
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Opens the socket in `dir`, which this process holds the lock of: what is left there from before is dead.
    ///
    /// # Errors
    /// The disk is full or read-only, or the path is too long for a socket.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(MODE))?;
        Ok(Self { listener, path })
    }

    /// Serves whoever comes, for ever.
    pub async fn serve<S: StatusSource + 'static>(self, service: Service<S>) {
        let clients = std::sync::Arc::new(tokio::sync::Semaphore::new(MAX_CLIENTS));
        loop {
            let Ok(place) = clients.clone().acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let service = service.clone();
                    tokio::spawn(async move {
                        // A client that goes away in the middle is nobody's trouble.
                        let _ = converse(stream, &service).await;
                        drop(place);
                    });
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

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // If it stays, the next start removes it.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn converse<S: StatusSource + 'static>(stream: UnixStream, service: &Service<S>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let taken = (&mut read).take(MAX_REQUEST as u64 + 1).read_until(b'\n', &mut line).await?;
        if taken == 0 {
            return Ok(());
        }
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
        write.write_all(&bytes).await?;
        if too_long {
            // The rest of the line cannot be told from a request.
            return Ok(());
        }
    }
}
