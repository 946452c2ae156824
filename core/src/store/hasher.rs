//! [`Hasher`]: a hash of any algorithm, taken piece by piece, as that of a file is.

use super::hash::{Algorithm, Hash};
use super::nar::Sink;
use crate::world::{Answer, World};
use sha2::Digest as _;

/// A hash in the making.
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    /// Thirty times as large as the others.
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// Begins.
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Md5 => State::Md5(md5::Md5::new()),
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            Algorithm::Blake3 => State::Blake3(Box::default()),
        };
        Hasher { algorithm, state }
    }

    /// The hash of all that was written.
    pub fn finish(self) -> Hash {
        let bytes = match self.state {
            State::Md5(state) => state.finalize().to_vec(),
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
            State::Sha512(state) => state.finalize().to_vec(),
            State::Blake3(state) => state.finalize().as_bytes().to_vec(),
        };
        Hash {
            algorithm: self.algorithm,
            bytes,
        }
    }
}

impl Sink for Hasher {
    fn write(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Md5(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Blake3(state) => {
                state.update(bytes);
            }
        }
    }
}

/// The hash of a file.
pub fn hash_file(world: &dyn World, path: &[u8], algorithm: Algorithm) -> Answer<Hash> {
    let mut hasher = Hasher::new(algorithm);
    world.read_pieces(path, &mut |_, piece| {
        hasher.write(piece);
        Ok(())
    })?;
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected hashes are those of `nix-hash --flat` of a file with this text.
    #[test]
    fn pieces_are_one_text() {
        for (algorithm, expected) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                Algorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                Algorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (
                Algorithm::Blake3,
                "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
            ),
        ] {
            let mut hasher = Hasher::new(algorithm);
            for piece in [&b"a"[..], b"", b"bc"] {
                hasher.write(piece);
            }
            let hash = hasher.finish();
            assert_eq!(hash.bytes.len(), algorithm.size());
            assert_eq!(String::from_utf8_lossy(&hash.hex()), expected);
        }
    }
}
