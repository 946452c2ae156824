//! Bytes that stay until the end of an evaluation: compiled code, texts of derivations. There are thousands of them, each of
//! a few thousand bytes; one after the other in large pieces they take half of the memory that an allocator takes for them.

use bytes::{Bytes, BytesMut};

/// Bytes of the first piece; each next one is twice as large at least, up to [`LAST_PIECE`].
const FIRST_PIECE: usize = 16 << 10;
const LAST_PIECE: usize = 1 << 19;
/// Pieces from this size on are had from the system at once.
const POPULATED: usize = 256 << 10;

/// Puts bytes one after the other.
#[derive(Default)]
pub struct Keeper {
    /// What is left of the last piece.
    room: BytesMut,
    piece: usize,
}

impl Keeper {
    /// A copy of `bytes`.
    pub fn keep(&mut self, bytes: &[u8]) -> Bytes {
        if self.room.capacity() < bytes.len() {
            if bytes.len() > LAST_PIECE / 4 {
                return Bytes::copy_from_slice(bytes);
            }
            let wanted = (4 * bytes.len()).next_power_of_two();
            self.piece = wanted.max(2 * self.piece).clamp(FIRST_PIECE, LAST_PIECE);
            self.room = BytesMut::with_capacity(self.piece);
            if self.piece >= POPULATED {
                crate::heap::populate(self.room.spare_capacity_mut());
            }
        }
        self.room.extend_from_slice(bytes);
        self.room.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays() {
        let mut keeper = Keeper::default();
        let text = |index: usize| vec![index as u8; index * 37 % 9000];
        let kept: Vec<Bytes> = (0..2000).map(|index| keeper.keep(&text(index))).collect();
        drop(keeper);
        for (index, kept) in kept.iter().enumerate() {
            assert_eq!(**kept, *text(index));
        }
    }

    #[test]
    fn large_texts_stand_alone() {
        let mut keeper = Keeper::default();
        let before = keeper.keep(b"before");
        let large = keeper.keep(&vec![1; 3 * LAST_PIECE]);
        let after = keeper.keep(b"after");
        assert_eq!(large.len(), 3 * LAST_PIECE);
        // The piece goes on where it was.
        assert_eq!(after.as_ptr(), before.as_ptr().wrapping_add(before.len()));
    }
}
