//! Memory from the system: regions of address space, of which the heap takes one block after the other.

use super::block::BLOCK_BYTES;
use std::alloc::{Layout, handle_alloc_error};
use std::mem::MaybeUninit;

/// Blocks of a region. One more is mapped, since the system aligns to pages.
const BLOCKS: usize = 32;

/// The regions of one heap. They are given back when it ends.
#[derive(Default)]
pub(super) struct Regions {
    mapped: Vec<usize>,
    next: usize,
    end: usize,
}

impl Regions {
    /// The address of a fresh block, aligned to its size, all zeros.
    pub(super) fn block(&mut self) -> usize {
        if self.next == self.end {
            self.map();
        }
        let block = self.next;
        self.next += BLOCK_BYTES;
        // SAFETY: it has just been mapped, and nobody else knows it.
        populate(unsafe {
            std::slice::from_raw_parts_mut(block as *mut MaybeUninit<u8>, BLOCK_BYTES)
        });
        block
    }

    fn map(&mut self) {
        let bytes = (BLOCKS + 1) * BLOCK_BYTES;
        let memory = map(bytes);
        if memory.is_null() {
            let layout = Layout::from_size_align(bytes, 1).expect("a constant layout");
            handle_alloc_error(layout);
        }
        in_large_pages(memory, bytes);
        self.mapped.push(memory as usize);
        self.next = (memory as usize).next_multiple_of(BLOCK_BYTES);
        self.end = self.next + BLOCKS * BLOCK_BYTES;
    }
}

/// Where large pages begin and end for the allocator, from where it gives out what is asked for first.
const LARGE_FROM: usize = 8 << 20;
const LARGE_TO: usize = 32 << 20;
/// The size of a large page.
const LARGE_PAGE: usize = 2 << 20;

/// Asks the system to back by large pages what the program's allocator gives out once it has given out some megabytes, if that comes
/// behind them: tables and texts of large evaluations. To be called early. The first megabytes hold something of each size, much of
/// which is never touched; and not all that comes later is to, as large pages cost memory wherever something large is half used.
pub fn large_pages_for_tables() {
    let first = Box::new(0_u64);
    let from = (&raw const *first as usize + LARGE_FROM).next_multiple_of(LARGE_PAGE);
    in_large_pages(from as *mut libc::c_void, LARGE_TO - LARGE_FROM);
}

/// Asks the system to back memory by large pages, if it has some: most of it will be used, and is read in no order.
fn in_large_pages(memory: *mut libc::c_void, bytes: usize) {
    // Where the system does not know how, pages are small.
    #[cfg(target_os = "linux")]
    // SAFETY: nothing changes of its contents, and what is not mapped stays so.
    unsafe {
        libc::madvise(memory, bytes, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (memory, bytes);
}

/// Fresh memory, all zeros; null if the system refuses.
pub(super) fn map(bytes: usize) -> *mut libc::c_void {
    // SAFETY: a private mapping of no file at an address that the system chooses.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        std::ptr::null_mut()
    } else {
        memory
    }
}

/// The size of a page, or of several.
pub(super) const PAGE_BYTES: usize = 4096;

/// Lets the system have pages back; they are zeros when they are touched again.
///
/// # Safety
/// They are mapped, and nobody needs what they hold.
pub(super) unsafe fn discard(start: usize, bytes: usize) {
    // Where the system does not know how, they stay.
    #[cfg(target_os = "linux")]
    // SAFETY: the caller's contract.
    unsafe {
        libc::madvise(start as *mut libc::c_void, bytes, libc::MADV_DONTNEED);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

/// Lets the system back memory at once that is about to be used: a fault for each page would cost several times as much.
pub(crate) fn populate<T>(memory: &mut [MaybeUninit<T>]) {
    // Where the system does not know how, or its pages are larger, pages come as they are touched.
    #[cfg(target_os = "linux")]
    {
        let start = (memory.as_ptr() as usize).next_multiple_of(PAGE_BYTES);
        let end = memory.as_ptr_range().end as usize / PAGE_BYTES * PAGE_BYTES;
        // SAFETY: within memory that is borrowed, of whose contents nothing changes.
        unsafe {
            libc::madvise(
                start as *mut libc::c_void,
                end.saturating_sub(start),
                libc::MADV_POPULATE_WRITE,
            );
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

impl Drop for Regions {
    fn drop(&mut self) {
        for region in &self.mapped {
            // SAFETY: mapped by `map` with this size; the heap that lived in it has ended.
            unsafe { libc::munmap(*region as *mut libc::c_void, (BLOCKS + 1) * BLOCK_BYTES) };
        }
    }
}
