//! The hash algorithms.

use sha2::Digest;

/// A hash algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    /// Behind an experimental feature in Nix, which is off.
    Blake3,
    /// 128 bits, broken.
    Md5,
    /// 160 bits, broken.
    Sha1,
    /// 256 bits.
    Sha256,
    /// 512 bits.
    Sha512,
}

impl Algorithm {
    /// The algorithm of that name, or the message that there is none.
    pub fn parse(name: &[u8]) -> Result<Algorithm, Vec<u8>> {
        Ok(match name {
            b"blake3" => Algorithm::Blake3,
            b"md5" => Algorithm::Md5,
            b"sha1" => Algorithm::Sha1,
            b"sha256" => Algorithm::Sha256,
            b"sha512" => Algorithm::Sha512,
            _ => {
                let mut message = b"unknown hash algorithm '".to_vec();
                message.extend_from_slice(name);
                message.extend_from_slice(
                    b"', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'",
                );
                return Err(message);
            }
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Blake3 => "blake3",
            Algorithm::Md5 => "md5",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    /// How many bytes its hashes have.
    pub fn size(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Blake3 | Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }

    /// Itself, or Nix's message if it is not enabled.
    pub fn enabled(self) -> Result<Algorithm, Vec<u8>> {
        match self {
            Algorithm::Blake3 => Err(b"experimental Nix feature 'blake3-hashes' is disabled; \
                add '--extra-experimental-features blake3-hashes' to enable it"
                .to_vec()),
            other => Ok(other),
        }
    }

    /// The hash of `bytes`.
    pub fn hash(self, bytes: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        Ok(match self.enabled()? {
            Algorithm::Md5 => md5::Md5::digest(bytes).to_vec(),
            Algorithm::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Algorithm::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
            Algorithm::Sha256 | Algorithm::Blake3 => sha2::Sha256::digest(bytes).to_vec(),
        })
    }
}
