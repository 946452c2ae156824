//! The root slots that plugins use: chunks of them, linked as the ABI says.

use crate::heap::{Marker, Value};
use piton_plugin_api::abi::{ROOT_CHUNK_BYTES, RootChunk, RootSlot, RootTable};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

/// The table of one VM, at a stable address.
pub(super) struct Roots {
    pub(super) table: Box<RootTable>,
}

const SLOTS: usize = (ROOT_CHUNK_BYTES - size_of::<RootChunk>()) / size_of::<RootSlot>();

fn layout() -> Layout {
    Layout::from_size_align(ROOT_CHUNK_BYTES, ROOT_CHUNK_BYTES).expect("a constant layout")
}

impl Roots {
    pub(super) fn new() -> Self {
        let table = RootTable {
            free: std::ptr::null_mut(),
            chunks: std::ptr::null_mut(),
            owner: 0,
            grow,
        };
        Roots {
            table: Box::new(table),
        }
    }

    /// Bytes of all slots.
    pub(super) fn bytes(&self) -> usize {
        self.chunks().count() * ROOT_CHUNK_BYTES
    }

    fn chunks(&self) -> impl Iterator<Item = *mut RootChunk> + use<> {
        let mut chunk = self.table.chunks;
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
        for (index, slot) in self.slots().enumerate() {
            if index % SLOTS == 0 {
                marker.catch_up();
            }
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
                    (*slot).link = self.table.free as u64;
                    self.table.free = slot;
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

/// Adds a chunk of free slots.
unsafe extern "C" fn grow(table: *mut RootTable) {
    // SAFETY: the table is the host's; the new chunk is aligned to its size, as the ABI says, and all its slots are linked.
    unsafe {
        let chunk = alloc_zeroed(layout()).cast::<RootChunk>();
        if chunk.is_null() {
            handle_alloc_error(layout());
        }
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

impl Drop for Roots {
    fn drop(&mut self) {
        for chunk in self.chunks().collect::<Vec<_>>() {
            // SAFETY: allocated by `grow` with this layout.
            unsafe { dealloc(chunk.cast(), layout()) };
        }
    }
}
