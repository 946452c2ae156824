//! How one speaks to a Nix daemon: numbers of 8 bytes, little-endian, and texts with their length before them, padded to 8 bytes.
//! Before each answer come messages, of which the last one says whether an answer follows.

use piton_core::store::Sink;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

const HELLO: u64 = 0x6e69_7863;
const HELLO_BACK: u64 = 0x6478_696f;

/// The version of the protocol that is spoken here, 1.34: what Nix 2.8 has, and what later ones still know.
const VERSION: u64 = 1 << 8 | 34;
/// The oldest one that has all that is used.
const OLDEST: u64 = 1 << 8 | 30;
/// Since when a daemon introduces itself.
const INTRODUCES: u64 = 1 << 8 | 33;

/// What no daemon sends, so that a broken one cannot take all memory.
const MAX_TEXT: u64 = 1 << 30;

/// Messages that come before an answer.
mod message {
    pub const LAST: u64 = 0x616c_7473;
    pub const ERROR: u64 = 0x6378_7470;
    pub const LINE: u64 = 0x6f6c_6d67;
    pub const START: u64 = 0x5354_5254;
    pub const STOP: u64 = 0x5354_4f50;
    pub const RESULT: u64 = 0x5253_4c54;
}

/// Why the daemon did not do what it was asked for.
#[derive(Debug)]
pub enum Refusal {
    /// The connection is of no use any more.
    Broken(io::Error),
    /// It says so.
    Said(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Broken(error)
    }
}

/// What the daemon may refuse.
pub type Result<T> = std::result::Result<T, Refusal>;

/// A connection to a daemon.
pub struct Connection {
    input: BufReader<UnixStream>,
    output: BufWriter<UnixStream>,
}

impl Connection {
    /// Connects and agrees on the protocol.
    pub fn open(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)?;
        let mut connection = Connection {
            input: BufReader::with_capacity(1 << 16, stream.try_clone()?),
            output: BufWriter::with_capacity(1 << 16, stream),
        };
        connection.number(HELLO)?;
        connection.output.flush()?;
        if connection.read_number()? != HELLO_BACK {
            return Err(invalid("this is no Nix daemon"));
        }
        let version = connection.read_number()?;
        if version < OLDEST || version >> 8 != VERSION >> 8 {
            return Err(invalid(&format!(
                "the Nix daemon speaks version {}.{} of its protocol, and {}.{} is the oldest that will do",
                version >> 8,
                version & 255,
                OLDEST >> 8,
                OLDEST & 255
            )));
        }
        connection.number(VERSION)?;
        // Two settings that mean nothing any more.
        connection.number(0)?;
        connection.number(0)?;
        connection.output.flush()?;
        if version.min(VERSION) >= INTRODUCES {
            connection.read_text()?;
        }
        connection.messages()?;
        Ok(connection)
    }

    /// Writes a number.
    pub fn number(&mut self, number: u64) -> Result<()> {
        Ok(self.output.write_all(&number.to_le_bytes())?)
    }

    /// Writes a text.
    pub fn text(&mut self, text: &[u8]) -> Result<()> {
        self.number(text.len() as u64)?;
        self.output.write_all(text)?;
        let rest = text.len() % 8;
        if rest > 0 {
            self.output.write_all(&[0; 8][rest..])?;
        }
        Ok(())
    }

    /// Writes a list of texts.
    pub fn texts(&mut self, texts: &[&[u8]]) -> Result<()> {
        self.number(texts.len() as u64)?;
        texts.iter().try_for_each(|text| self.text(text))
    }

    /// Something of unknown length, to be [ended](Frames::end).
    pub fn frames(&mut self) -> Frames<'_> {
        Frames {
            connection: self,
            gathered: Vec::with_capacity(FRAME),
            failed: None,
        }
    }

    /// Sends what was written; the answer can be read next.
    pub fn ask(&mut self) -> Result<()> {
        self.output.flush()?;
        self.messages()
    }

    /// Reads a number.
    pub fn read_number(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.input.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Reads a text.
    pub fn read_text(&mut self) -> Result<Vec<u8>> {
        let length = self.read_number()?;
        if length > MAX_TEXT {
            return Err(invalid("the Nix daemon sends a text without an end"));
        }
        let mut text = Vec::new();
        (&mut self.input).take(length).read_to_end(&mut text)?;
        if (text.len() as u64) < length {
            return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        let rest = text.len() % 8;
        if rest > 0 {
            self.input.read_exact(&mut [0; 8][rest..])?;
        }
        Ok(text)
    }

    /// Reads a list of texts.
    pub fn read_texts(&mut self) -> Result<Vec<Vec<u8>>> {
        let count = self.read_number()?;
        (0..count).map(|_| self.read_text()).collect()
    }

    /// Reads messages up to the last one. What they say of progress is not shown.
    fn messages(&mut self) -> Result<()> {
        loop {
            match self.read_number()? {
                message::LAST => return Ok(()),
                message::ERROR => return Err(self.error()?),
                message::LINE => drop(self.read_text()?),
                message::START => {
                    for _ in 0..3 {
                        self.read_number()?;
                    }
                    self.read_text()?;
                    self.fields()?;
                    self.read_number()?;
                }
                message::STOP => drop(self.read_number()?),
                message::RESULT => {
                    self.read_number()?;
                    self.read_number()?;
                    self.fields()?;
                }
                other => {
                    return Err(invalid(&format!(
                        "the Nix daemon sends a message of unknown kind {other:#x}"
                    )));
                }
            }
        }
    }

    fn fields(&mut self) -> Result<()> {
        for _ in 0..self.read_number()? {
            match self.read_number()? {
                0 => drop(self.read_number()?),
                _ => drop(self.read_text()?),
            }
        }
        Ok(())
    }

    /// An error: kind, level, name and message, a place that nobody knows, and traces.
    fn error(&mut self) -> Result<Refusal> {
        self.read_text()?;
        self.read_number()?;
        self.read_text()?;
        let text = self.read_text()?;
        self.read_number()?;
        for _ in 0..self.read_number()? {
            self.read_number()?;
            self.read_text()?;
        }
        Ok(Refusal::Said(String::from_utf8_lossy(&text).into_owned()))
    }
}

fn invalid(text: &str) -> Refusal {
    Refusal::Broken(io::Error::new(ErrorKind::InvalidData, text))
}

/// Bytes in a frame.
const FRAME: usize = 1 << 15;

/// Something of unknown length on its way: frames with their length before them, of which an empty one is the last.
pub struct Frames<'c> {
    connection: &'c mut Connection,
    gathered: Vec<u8>,
    /// Who writes is not told of errors; the one who ends is.
    failed: Option<Refusal>,
}

impl Frames<'_> {
    /// Sends the last frame.
    pub fn end(mut self) -> Result<()> {
        self.send();
        match self.failed {
            Some(refusal) => Err(refusal),
            None => self.connection.number(0),
        }
    }

    fn send(&mut self) {
        if self.gathered.is_empty() || self.failed.is_some() {
            return;
        }
        let sent = self
            .connection
            .number(self.gathered.len() as u64)
            .and_then(|()| Ok(self.connection.output.write_all(&self.gathered)?));
        self.failed = sent.err();
        self.gathered.clear();
    }
}

impl Sink for Frames<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= FRAME {
            self.send();
        }
    }
}
