//! A server on this machine for what is fetched in tests, and a record of who asked for what. It may speak TLS, with a certificate
//! by an authority of its own.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
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
    authority: Option<String>,
    answers: Arc<Mutex<Vec<(String, Answer)>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that has nothing yet.
    pub fn new() -> Self {
        Server::start(None)
    }

    /// The same over TLS, with a certificate for 127.0.0.1.
    pub fn https() -> Self {
        Server::start(Some(identity()))
    }

    fn start(identity: Option<Identity>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        let port = listener.local_addr().expect("a port").port();
        let server = Server {
            port,
            authority: identity.as_ref().map(|identity| identity.authority.clone()),
            answers: Arc::default(),
            requests: Arc::default(),
        };
        let (answers, requests) = (server.answers.clone(), server.requests.clone());
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, requests) = (answers.clone(), requests.clone());
                let config = identity.as_ref().map(|identity| identity.config.clone());
                std::thread::spawn(move || match config {
                    None => serve(stream, &answers, &requests),
                    Some(config) => {
                        let connection = ServerConnection::new(config).ok()?;
                        serve(StreamOwned::new(connection, stream), &answers, &requests)
                    }
                });
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
        let scheme = self.authority.as_ref().map_or("http", |_| "https");
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// The certificate of who vouches for the server, as PEM.
    pub fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or_default()
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

/// Who a server says to be.
struct Identity {
    config: Arc<ServerConfig>,
    authority: String,
}

fn identity() -> Identity {
    let mut params = CertificateParams::default();
    // Two authorities of one name would be mistaken for each other.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("authority {number} of Piton's tests");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("the key is that of the certificate");
    Identity {
        config: Arc::new(config),
        authority,
    }
}

fn serve(
    stream: impl Read + Write,
    answers: &Mutex<Vec<(String, Answer)>>,
    requests: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
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
        let stream = reader.get_mut();
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&answer.body).ok()?;
        stream.flush().ok()?;
    }
}
