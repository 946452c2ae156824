//! Memory for what stays until the end: a bump pointer through pieces. Linked code lies in it, side by side with what it needs.

use super::region::populate;
use std::mem::{MaybeUninit, needs_drop};
use std::ops::Deref;
use std::ptr::NonNull;

/// Words of the first piece; each next one is twice as large, up to [`LAST_PIECE`].
const FIRST_PIECE: usize = 1 << 11;
const LAST_PIECE: usize = 1 << 16;

/// A slice in a [`Slab`], for whoever lives no longer than that.
pub struct Lasting<T>(NonNull<[T]>);

impl<T> Deref for Lasting<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `Slab::slice` has written it, and who holds it promised to end before the slab does.
        unsafe { self.0.as_ref() }
    }
}

/// See the module.
#[derive(Default)]
pub struct Slab {
    pieces: Vec<NonNull<[MaybeUninit<u64>]>>,
    /// Words of the last piece that are taken.
    used: usize,
}

impl Slab {
    /// Puts items one after the other.
    ///
    /// # Safety
    /// What is answered is used no longer than the slab lives.
    pub unsafe fn slice<T>(&mut self, items: impl ExactSizeIterator<Item = T>) -> Lasting<T> {
        const { assert!(align_of::<T>() <= align_of::<u64>() && !needs_drop::<T>()) };
        let len = items.len();
        if len == 0 {
            return Lasting(NonNull::slice_from_raw_parts(NonNull::dangling(), 0));
        }
        let words = (len * size_of::<T>()).div_ceil(size_of::<u64>());
        let start = self.take(words).cast::<T>();
        let mut written = 0;
        for item in items.take(len) {
            // SAFETY: there is room for `len` items, aligned as words are.
            unsafe { start.add(written).write(item) };
            written += 1;
        }
        assert!(written == len, "as many items as were announced");
        Lasting(NonNull::slice_from_raw_parts(start, len))
    }

    fn take(&mut self, words: usize) -> NonNull<MaybeUninit<u64>> {
        let left = self
            .pieces
            .last()
            .map_or(0, |piece| piece.len() - self.used);
        if left < words {
            let last = self.pieces.last().map_or(0, |piece| piece.len());
            let piece = (last * 2).clamp(FIRST_PIECE, LAST_PIECE).max(words);
            let mut piece = Box::new_uninit_slice(piece);
            populate(&mut piece);
            self.pieces.push(NonNull::from(Box::leak(piece)));
            self.used = 0;
        }
        let piece = self.pieces.last().expect("one with room");
        // SAFETY: within the piece, which is longer by `words` at least.
        let taken = unsafe { piece.cast().add(self.used) };
        self.used += words;
        taken
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        for piece in &self.pieces {
            // SAFETY: leaked from a box by `take`; who has slices of it promised to be gone.
            drop(unsafe { Box::from_raw(piece.as_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_stay_as_they_were_written() {
        let mut slab = Slab::default();
        // SAFETY: none of them is used after the slab.
        let bytes: Vec<Lasting<u16>> = (0..3000)
            .map(|index| unsafe { slab.slice((0..index % 700).map(|item| (item * index) as u16)) })
            .collect();
        // SAFETY: as above.
        let large = unsafe { slab.slice((0..3 * LAST_PIECE).map(|item| item as u64)) };
        for (index, slice) in bytes.iter().enumerate() {
            assert!(
                slice
                    .iter()
                    .zip(0..)
                    .all(|(item, at)| *item == (at * index) as u16)
            );
            assert_eq!(slice.len(), index % 700);
        }
        assert!(large.iter().zip(0..).all(|(item, at)| *item == at));
    }
}
