//! A server for tests, on loopback: it keeps what it was asked, and answers as it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `POST /path`.
    pub(crate) line: String,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Counted from 0.
    pub(crate) connection: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What it answers.
pub(crate) enum Reply {
    /// Status, headers (whole lines), body.
    With(u16, &'static str, String),
    /// These bytes, and it hangs up.
    Raw(&'static str),
    /// These bytes, and then nothing more on a connection that stays open.
    Open(&'static str),
    /// It never does.
    Silence,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::With(status, "", String::new())
    }
}

/// The server; its threads end with the process.
#[derive(Clone)]
pub(crate) struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// One that answers by these rules.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let (asked, answer) = (Arc::clone(&server.asked), Arc::new(answer));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream.unwrap(), number, &asked, &*answer));
            }
        });
        server
    }

    /// One that answers these in turn, and then 200.
    pub(crate) fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Mutex<Vec<Reply>> = Mutex::new(replies.into_iter().collect());
        Self::start(move |_| {
            let mut replies = replies.lock().unwrap();
            if replies.is_empty() { Reply::status(200) } else { replies.remove(0) }
        })
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.port)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    stream: TcpStream,
    connection: usize,
    asked: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked) -> Reply,
) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut input = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let line = lines.remove(0).trim_end_matches(" HTTP/1.1").to_owned();
        let headers: Vec<_> = lines
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut request = Asked { line, headers, body: String::new(), connection };
        let len = request.header("content-length").map_or(0, |len| len.parse().unwrap());
        let mut body = vec![0; len];
        input.read_exact(&mut body).ok()?;
        request.body = String::from_utf8(body).unwrap();
        let reply = answer(&request);
        asked.lock().unwrap().push(request);
        match reply {
            Reply::With(status, headers, body) => {
                let len = body.len();
                write!(out, "HTTP/1.1 {status} X\r\n{headers}Content-Length: {len}\r\n\r\n{body}").ok()?;
            }
            Reply::Raw(bytes) => {
                out.write_all(bytes.as_bytes()).ok()?;
                return None;
            }
            Reply::Open(bytes) => {
                out.write_all(bytes.as_bytes()).ok()?;
                std::thread::sleep(Duration::from_secs(3600));
            }
            Reply::Silence => std::thread::sleep(Duration::from_secs(3600)),
        }
    }
}
