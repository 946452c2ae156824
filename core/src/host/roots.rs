//! The root slots that plugins use: chunks of them, linked as the ABI says.

use crate::heap::{Marker, Value};
use piton_plugin_api::abi::{ROOT_CHUNK_BYTES, RootChunk, RootSlot, RootTable};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

/// The table of one VM, at a stable address.
pub(super) struct Roots {
    /// Made of a box, which it is again in the end.
    owned: *mut Owned,
}

/// The table that plugins see, and what the host knows beside it. The address of the one is that of the other.
#[repr(C)]
struct Owned {
    table: RootTable,
    /// Chunks that were allocated together: the first, and how many. Alone they would take twice their size, for their alignment.
    pieces: Vec<(*mut RootChunk, usize)>,
}

const SLOTS: usize = (ROOT_CHUNK_BYTES - size_of::<RootChunk>()) / size_of::<RootSlot>();
/// The most chunks that are allocated together.
const MAX_PIECE: usize = 16;

fn layout(chunks: usize) -> Layout {
    Layout::from_size_align(chunks * ROOT_CHUNK_BYTES, ROOT_CHUNK_BYTES).expect("a small layout")
}

impl Roots {
    pub(super) fn new() -> Self {
        let table = RootTable {
            free: std::ptr::null_mut(),
            chunks: std::ptr::null_mut(),
            owner: 0,
            grow,
        };
        let owned = Owned {
            table,
            pieces: Vec::new(),
        };
        Roots {
            owned: Box::into_raw(Box::new(owned)),
        }
    }

    /// The table, as plugins have it.
    pub(super) fn as_ptr(&self) -> *mut RootTable {
        self.owned.cast()
    }

    fn owned(&self) -> &Owned {
        // SAFETY: it lives as long as this, and no plugin runs meanwhile.
        unsafe { &*self.owned }
    }

    /// The frame that slots which are taken from now on belong to.
    #[inline(always)]
    pub(super) fn set_owner(&mut self, owner: u64) {
        // SAFETY: as in `owned`.
        unsafe { (*self.owned).table.owner = owner };
    }

    /// Bytes of all slots.
    pub(super) fn bytes(&self) -> usize {
        let chunks = self.owned().pieces.iter().map(|(_, chunks)| chunks);
        chunks.sum::<usize>() * ROOT_CHUNK_BYTES
    }

    fn chunks(&self) -> impl Iterator<Item = *mut RootChunk> + use<> {
        let mut chunk = self.owned().table.chunks;
        std::iter::from_fn(move || {
            (!chunk.is_null()).then(|| {
                let this = chunk;
                // SAFETY: chunks are linked by `grow` and live as long as the table.
                chunk = unsafe { (*this).previous };
                this
            })
        })
    }

    fn slots(&self) -> impl Iterator<Item = *mut RootSlot> + use<> {
        self.chunks().flat_map(|chunk| {
            // SAFETY: slots follow the head of the chunk.
            let first = unsafe { chunk.add(1).cast::<RootSlot>() };
            // SAFETY: a chunk holds so many.
            (0..SLOTS).map(move |index| unsafe { first.add(index) })
        })
    }

    /// Marks the values of all slots in use.
    pub(super) fn mark(&self, marker: &mut Marker) {
        for slot in self.slots() {
            // SAFETY: slots in use hold words of values that the host has handed out.
            unsafe {
                if (*slot).link & 1 == 1 {
                    marker.value(Value::from_word((*slot).word));
                }
            }
        }
    }

    /// Frees the slots that a frame has left behind.
    pub(super) fn sweep(&mut self, owner: u64) {
        for slot in self.slots() {
            // SAFETY: as in `mark`; the frame that owned the slot is gone.
            unsafe {
                if (*slot).link == owner << 1 | 1 {
                    (*slot).link = (*self.owned).table.free as u64;
                    (*self.owned).table.free = slot;
                }
            }
        }
    }

    /// Slots in use.
    pub(super) fn in_use(&self) -> usize {
        // SAFETY: as in `mark`.
        self.slots()
            .filter(|slot| unsafe { (**slot).link & 1 == 1 })
            .count()
    }
}

/// Adds chunks of free slots.
unsafe extern "C" fn grow(table: *mut RootTable) {
    let owned = table.cast::<Owned>();
    // SAFETY: the table is the first field of an `Owned`; the new chunks are aligned to their size, as the ABI says, and all their
    // slots are linked.
    unsafe {
        let chunks = (*owned).pieces.iter().map(|(_, chunks)| chunks);
        let count = chunks.sum::<usize>().clamp(1, MAX_PIECE);
        let piece = alloc_zeroed(layout(count));
        if piece.is_null() {
            handle_alloc_error(layout(count));
        }
        (*owned).pieces.push((piece.cast(), count));
        for index in 0..count {
            let chunk = piece.add(index * ROOT_CHUNK_BYTES).cast::<RootChunk>();
            (*chunk).table = table;
            (*chunk).previous = (*table).chunks;
            (*table).chunks = chunk;
            let first = chunk.add(1).cast::<RootSlot>();
            for index in (0..SLOTS).rev() {
                let slot = first.add(index);
                (*slot).link = (*table).free as u64;
                (*table).free = slot;
            }
        }
    }
}

impl Drop for Roots {
    fn drop(&mut self) {
        // SAFETY: made by `new`; nobody has the table any more.
        let owned = unsafe { Box::from_raw(self.owned) };
        for (piece, chunks) in &owned.pieces {
            // SAFETY: allocated by `grow` with this layout.
            unsafe { dealloc(piece.cast(), layout(*chunks)) };
        }
    }
}
