//! Where the frames of suspended builtins live: chunks that never move, filled and emptied like a stack.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

const CHUNK_BYTES: usize = 1 << 18;
const ALIGN: usize = 16;

/// A stack of bytes at stable addresses.
#[derive(Default)]
pub(super) struct Arena {
    chunks: Vec<*mut u8>,
    /// The chunk in use, and how much of it is.
    current: usize,
    used: usize,
    /// It has taken another chunk from the system.
    has_grown: bool,
}

impl Arena {
    fn layout() -> Layout {
        Layout::from_size_align(CHUNK_BYTES, ALIGN).expect("a constant layout")
    }

    /// Bytes in use, rounded up to chunks.
    pub(super) fn bytes(&self) -> usize {
        if self.chunks.is_empty() {
            0
        } else {
            (self.current + 1) * CHUNK_BYTES
        }
    }

    /// What [`Arena::release`] goes back to.
    pub(super) fn mark(&self) -> u64 {
        (self.current as u64) << 32 | self.used as u64
    }

    /// Frees all that was allocated since the mark.
    pub(super) fn release(&mut self, mark: u64) {
        self.current = (mark >> 32) as usize;
        self.used = mark as u32 as usize;
    }

    /// Whether it has taken another chunk from the system since this was asked last.
    #[inline(always)]
    pub(super) fn has_grown(&mut self) -> bool {
        std::mem::take(&mut self.has_grown)
    }

    /// `size` bytes, aligned to 16. At most a chunk.
    #[inline(always)]
    pub(super) fn allocate(&mut self, size: usize) -> *mut u8 {
        let size = size.next_multiple_of(ALIGN);
        if let Some(chunk) = self.chunks.get(self.current)
            && size <= CHUNK_BYTES - self.used
        {
            let offset = self.used;
            self.used += size;
            // SAFETY: within the chunk.
            return unsafe { chunk.add(offset) };
        }
        self.allocate_in_next(size)
    }

    #[cold]
    #[inline(never)]
    fn allocate_in_next(&mut self, size: usize) -> *mut u8 {
        assert!(size <= CHUNK_BYTES, "frames are smaller than a chunk");
        if !self.chunks.is_empty() {
            self.current += 1;
        }
        if self.current == self.chunks.len() {
            // SAFETY: the layout has a size.
            let memory = unsafe { alloc(Self::layout()) };
            if memory.is_null() {
                handle_alloc_error(Self::layout());
            }
            self.chunks.push(memory);
            self.has_grown = true;
        }
        self.used = size;
        self.chunks[self.current]
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            // SAFETY: allocated with this layout.
            unsafe { dealloc(*chunk, Self::layout()) };
        }
    }
}
