//! The hash algorithms.

use sha2::Digest;

/// A hash algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    /// 128 bits, broken.
    Md5,
    /// 160 bits, broken.
    Sha1,
    /// 256 bits.
    Sha256,
    /// 512 bits.
    Sha512,
    /// 256 bits; experimental in Nix.
    Blake3,
}

impl Algorithm {
    /// The algorithm of that name, or why there is none.
    pub fn parse(name: &[u8]) -> Result<Algorithm, Vec<u8>> {
        Ok(match name {
            b"md5" => Algorithm::Md5,
            b"sha1" => Algorithm::Sha1,
            b"sha256" => Algorithm::Sha256,
            b"sha512" => Algorithm::Sha512,
            b"blake3" => Algorithm::Blake3,
            _ => {
                let mut message = b"unknown hash algorithm '".to_vec();
                message.extend_from_slice(name);
                message
                    .extend_from_slice(b"', expect 'blake3', 'md5', 'sha1', 'sha256', or 'sha512'");
                return Err(message);
            }
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "md5",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
            Algorithm::Blake3 => "blake3",
        }
    }

    /// How many bytes its hashes have.
    pub fn size(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 | Algorithm::Blake3 => 32,
            Algorithm::Sha512 => 64,
        }
    }

    /// The hash of `bytes`.
    pub fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Algorithm::Md5 => md5::Md5::digest(bytes).to_vec(),
            Algorithm::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Algorithm::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Algorithm::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
            Algorithm::Blake3 => blake3::hash(bytes).as_bytes().to_vec(),
        }
    }
}
