//! A server on this machine for what is fetched in tests, and a record of who asked for what.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is answered to a path.
#[derive(Clone)]
pub struct Answer {
    /// Status and its name, as in "200 OK".
    pub status: &'static str,
    /// Further headers, as "Name: value".
    pub headers: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A file.
    pub fn file(body: impl Into<Vec<u8>>) -> Self {
        Answer {
            status: "200 OK",
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// With a header more. One `ETag: x` makes the server answer 304 to who has it.
    #[must_use]
    pub fn header(mut self, header: &str) -> Self {
        self.headers.push(header.to_owned());
        self
    }
}

/// A server that answers until the test ends.
pub struct Server {
    port: u16,
    answers: Arc<Mutex<Vec<(String, Answer)>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that has nothing yet.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        let port = listener.local_addr().expect("a port").port();
        let server = Server {
            port,
            answers: Arc::default(),
            requests: Arc::default(),
        };
        let (answers, requests) = (server.answers.clone(), server.requests.clone());
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, requests) = (answers.clone(), requests.clone());
                std::thread::spawn(move || serve(stream, &answers, &requests));
            }
        });
        server
    }

    /// Answers `path` from now on.
    pub fn put(&self, path: &str, answer: Answer) {
        let mut answers = self.answers.lock().expect("no test panics here");
        answers.retain(|(known, _)| known != path);
        answers.push((path.to_owned(), answer));
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What has been asked for since this was last looked at: paths, with " (known)" where an etag came along.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().expect("no test panics here"))
    }
}

impl Default for Server {
    fn default() -> Self {
        Server::new()
    }
}

fn serve(
    stream: TcpStream,
    answers: &Mutex<Vec<(String, Answer)>>,
    requests: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let path = line.split(' ').nth(1)?.to_owned();
        let mut known = None;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let header = header.trim_end();
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(": ")?;
            if name.eq_ignore_ascii_case("if-none-match") {
                known = Some(value.to_owned());
            }
        }
        let suffix = if known.is_some() { " (known)" } else { "" };
        requests.lock().ok()?.push(format!("{path}{suffix}"));
        let answers = answers.lock().ok()?.clone();
        let found = answers.into_iter().find(|(known, _)| *known == path);
        let mut answer = match found {
            Some((_, answer)) => answer,
            None => Answer {
                status: "404 Not Found",
                headers: Vec::new(),
                body: b"nothing here\n".to_vec(),
            },
        };
        let etag = known.map(|etag| format!("ETag: {etag}"));
        if etag.is_some_and(|etag| answer.headers.contains(&etag)) {
            answer.status = "304 Not Modified";
            answer.body.clear();
        }
        let mut head = format!(
            "HTTP/1.1 {}\r\nContent-Length: {}\r\n",
            answer.status,
            answer.body.len()
        );
        for header in &answer.headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&answer.body).ok()?;
    }
}
