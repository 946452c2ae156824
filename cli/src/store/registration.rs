//! What a directory store knows of its paths, in the form that `nix-store --load-db` reads:
//!
//! ```text
//!  <store path>
//!  <SHA-256 of its archive, in hexadecimal>
//!  <length of its archive>
//!  <derivation that built it: always empty>
//!  <number of references>
//!  <reference>*
//! ```
//!
//! The file only grows, by whole records, so that several processes can write to it. A record that was cut short by a crash ends
//! what can be read; what has no record gets one when it is added again.

use crate::failure::reason;
use piton_core::store::hex;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

/// Bytes of records that are gathered before they are written.
const BATCH: usize = 1 << 16;

/// References by path.
type Known = FxHashMap<Box<[u8]>, Vec<Vec<u8>>>;

/// The records of a store.
pub struct Registration {
    file: File,
    known: RefCell<Known>,
    pending: RefCell<Vec<u8>>,
}

impl Registration {
    /// Opens the file of records, which need not be there.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let known = read(BufReader::new(&file))?;
        Ok(Registration {
            file,
            known: RefCell::new(known),
            pending: RefCell::default(),
        })
    }

    /// Whether there is a record of this path.
    pub fn contains(&self, path: &[u8]) -> bool {
        self.known.borrow().contains_key(path)
    }

    /// What a path refers to, if there is a record of it.
    pub fn references(&self, path: &[u8]) -> Option<Vec<Vec<u8>>> {
        self.known.borrow().get(path).cloned()
    }

    /// Adds a record.
    pub fn add(
        &self,
        path: &[u8],
        (hash, length): ([u8; 32], u64),
        references: &[&[u8]],
    ) -> io::Result<()> {
        let mut pending = self.pending.borrow_mut();
        for line in [
            path,
            &hex(&hash),
            length.to_string().as_bytes(),
            b"",
            references.len().to_string().as_bytes(),
        ]
        .iter()
        .chain(references)
        {
            pending.extend_from_slice(line);
            pending.push(b'\n');
        }
        let references = references.iter().map(|path| path.to_vec()).collect();
        self.known.borrow_mut().insert(path.into(), references);
        if pending.len() >= BATCH {
            (&self.file).write_all(&pending)?;
            pending.clear();
        }
        Ok(())
    }

    /// Writes what has not been written yet.
    pub fn flush(&self) -> io::Result<()> {
        let mut pending = self.pending.borrow_mut();
        (&self.file).write_all(&pending)?;
        pending.clear();
        Ok(())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            let text = format!(
                "cannot register what was added to the store: {}",
                reason(&error)
            );
            crate::terminal::warn(&text);
        }
    }
}

fn read(mut records: impl BufRead) -> io::Result<Known> {
    let mut known = Known::default();
    let mut line = || -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        records.read_until(b'\n', &mut line)?;
        Ok(line.strip_suffix(b"\n").map(<[u8]>::to_vec))
    };
    'records: while let Some(path) = line()? {
        for _ in 0..3 {
            if line()?.is_none() {
                break 'records;
            }
        }
        let Some(count) = line()?
            .and_then(|count| String::from_utf8(count).ok())
            .and_then(|count| count.parse::<usize>().ok())
        else {
            break;
        };
        let mut references = Vec::new();
        for _ in 0..count {
            match line()? {
                Some(reference) => references.push(reference),
                None => break 'records,
            }
        }
        known.insert(path.into(), references);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_records_are_read() {
        let text = b"/nix/store/a\nhash\n1\n\n1\n/nix/store/b\n/nix/store/b\nhash\n1\n\n0\n/nix/store/c\nhash\n1\n\n1\n";
        let known = read(&text[..]).expect("readable");
        assert_eq!(known.len(), 2);
        assert_eq!(known[&b"/nix/store/a"[..]], [b"/nix/store/b".to_vec()]);
        assert!(known[&b"/nix/store/b"[..]].is_empty());
    }
}
