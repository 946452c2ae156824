//! Hashes of derivations that are computed when they are first asked for, or before that by another thread. Many are never
//! asked for: a derivation's own hash matters only to derivations that need it.

use super::hash::{HexDigest, hex, sha256};
use bytes::Bytes;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A hash of a derivation's text with other inputs.
#[derive(Debug)]
pub struct Later {
    digest: OnceLock<HexDigest>,
    /// What is hashed, until it is.
    of: Mutex<Option<Of>>,
}

#[derive(Debug)]
struct Of {
    text: Bytes,
    /// Where the inputs stand in the text.
    around: Range<usize>,
    /// What is hashed instead of them.
    inputs: Box<[u8]>,
}

impl Later {
    /// The hash of `text` with `inputs` in place of what stands `around`.
    pub(super) fn new(text: Bytes, around: Range<usize>, inputs: &[u8]) -> Self {
        let inputs = inputs.into();
        Later {
            digest: OnceLock::new(),
            of: Mutex::new(Some(Of {
                text,
                around,
                inputs,
            })),
        }
    }

    /// One that is known.
    pub(super) fn known(digest: HexDigest) -> Self {
        Later {
            digest: OnceLock::from(digest),
            of: Mutex::new(None),
        }
    }

    /// The hash. Computes it unless that was done; waits if another thread is at it.
    pub fn digest(&self) -> &HexDigest {
        self.digest.get_or_init(|| {
            let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            let of = of.take().expect("it is hashed once");
            let (head, tail) = (&of.text[..of.around.start], &of.text[of.around.end..]);
            hex(&sha256(&[head, &of.inputs, tail]))
        })
    }

    /// Whether the hash has been computed.
    pub fn is_done(&self) -> bool {
        self.digest.get().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_agree() {
        let later = Later::new(Bytes::from_static(b"head[inputs]tail"), 4..12, b"-");
        assert!(!later.is_done());
        let expected = hex(&sha256(&[b"head-tail"]));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(later.digest(), &expected));
            }
        });
        assert!(later.is_done() && later.of.lock().expect("no panic").is_none());
        assert_eq!(Later::known(expected).digest(), later.digest());
    }
}
