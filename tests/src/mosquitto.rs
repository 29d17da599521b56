//! A real broker on a free port of the loopback, ended by its process id and nothing else.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::PATIENCE;

/// mosquitto, which keeps its sessions in a directory over a restart.
#[derive(Debug)]
pub struct Mosquitto {
    /// Where it listens.
    pub port: u16,
    dir: PathBuf,
    child: Option<Child>,
}

impl Mosquitto {
    /// A broker that is not running yet; `config` is appended to its configuration.
    ///
    /// # Panics
    /// The disk refuses.
    pub fn new(dir: &Path, config: &str) -> Self {
        let dir = dir.join("mosquitto");
        fs::create_dir_all(&dir).expect("a directory for the broker");
        let broker = Self { port: free_port(), dir, child: None };
        broker.configure(config);
        broker
    }

    /// Another end of its configuration, for the next start.
    ///
    /// # Panics
    /// The disk refuses.
    pub fn configure(&self, config: &str) {
        let Self { port, dir, .. } = self;
        // As root it would go over to a user who may not read the test's directory.
        let user = if rustix::process::getuid().is_root() { "user root\n" } else { "" };
        let text = format!(
            "listener {port} 127.0.0.1\n{user}persistence true\npersistence_location {}/\nset_tcp_nodelay true\n\
             max_queued_messages 1000000\nmax_inflight_messages 1000\n{config}\n",
            dir.display()
        );
        fs::write(dir.join("mosquitto.conf"), text).expect("the broker's configuration");
    }

    /// A broker that runs and lets everybody in.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn open(dir: &Path) -> Self {
        let mut broker = Self::new(dir, "allow_anonymous true");
        broker.start();
        broker
    }

    /// The directory of its files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its address for a house.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Starts it, anew if need be, and waits until it listens.
    ///
    /// # Panics
    /// There is no mosquitto on this machine, or it does not start.
    pub fn start(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.join("log"))
            .expect("the broker's log");
        let child = Command::new(program("mosquitto"))
            .arg("-c")
            .arg(self.dir.join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the broker's log"))
            .stderr(log)
            .spawn()
            .expect("mosquitto starts");
        self.child = Some(child);
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "mosquitto does not listen: {}", log());
            sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as a service manager does: it saves its sessions first.
    ///
    /// # Panics
    /// It does not end.
    pub fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            end(child, Signal::TERM);
        }
    }

    /// Publishes a message, and waits until the broker has it.
    ///
    /// # Panics
    /// The broker does not take it.
    pub fn publish(&self, topic: &str, payload: &str) {
        self.publish_with(topic, payload, &[]);
    }

    /// The same, kept by the broker for those who come later.
    ///
    /// # Panics
    /// The broker does not take it.
    pub fn retain(&self, topic: &str, payload: &str) {
        self.publish_with(topic, payload, &["-r"]);
    }

    fn publish_with(&self, topic: &str, payload: &str, more: &[&str]) {
        let port = self.port.to_string();
        let to = ["-V", "5", "-h", "127.0.0.1", "-p", &port, "-q", "1", "-t", topic, "-m", payload];
        let status = Command::new(program("mosquitto_pub")).args(to).args(more).status();
        assert!(status.is_ok_and(|status| status.success()), "mosquitto_pub {topic} {payload}");
    }

    /// While it does not run: it loses its sessions and what it retained, as one without persistence does.
    ///
    /// # Panics
    /// The disk refuses.
    pub fn forget(&self) {
        assert!(self.child.is_none(), "it runs");
        fs::remove_file(self.dir.join("mosquitto.db")).expect("it had kept something");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends a signal to a process of our own and waits for its end.
///
/// # Panics
/// It does not end.
pub fn end(mut child: Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    // It may have ended by itself.
    let _ = kill_process(pid, signal);
    let patience = Instant::now() + PATIENCE;
    while child.try_wait().expect("a child of ours").is_none() {
        if Instant::now() > patience {
            let _ = child.kill();
            let _ = child.wait();
            panic!("process {pid:?} did not end on {signal:?}");
        }
        sleep(Duration::from_millis(5));
    }
}

/// A port that nobody listens on just now. It is none of those that the system gives away by itself, as a broker that is
/// stopped and started again would find it taken then.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run beside each other begin at places of their own.
    let own = u16::try_from(std::process::id() % 180).unwrap_or_default() * 100;
    loop {
        let port = 10_000 + (own + NEXT.fetch_add(1, Ordering::Relaxed)) % 18_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A program of the package mosquitto. Debian has the broker where only root looks.
///
/// # Panics
/// It is not installed: the text says what to do.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into(), "/opt/homebrew/sbin".into()])
        .map(|dir| dir.join(name))
        .find(|file| file.exists())
        .unwrap_or_else(|| {
            panic!("there is no {name} on this machine: apt-get install mosquitto mosquitto-clients")
        })
}
