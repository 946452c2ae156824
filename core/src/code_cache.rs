//! Where compiled files are kept from one evaluation to the next. What is kept depends on a file's bytes, on the folder that its
//! relative paths start from, and on what the compiler knows of its surroundings: all that is in the key.

/// SHA-256.
pub type Key = [u8; 32];

/// A cache of compiled code.
///
/// The evaluator runs what it is given. A cache that may hold anything else than what was stored under the key, because it is torn or
/// comes from another version of the program, answers nothing.
///
/// Several threads use it at once.
pub trait CodeCache: Send + Sync {
    /// Shorter texts, in bytes, are compiled about as soon as their code would be found, and sooner than it is written.
    fn least(&self) -> usize {
        512
    }

    /// What was stored under `key`.
    fn load(&self, key: &Key) -> Option<Vec<u8>>;

    /// Keeps `bytes`, if that is possible: that they are not kept is no error.
    fn store(&self, key: &Key, bytes: &[u8]);
}

/// The key of a file with these bytes in this folder.
pub fn key(surroundings: &Key, folder: &[u8], text: &[u8]) -> Key {
    let length = (folder.len() as u64).to_le_bytes();
    crate::store::sha256(&[surroundings, &length, folder, text])
}
