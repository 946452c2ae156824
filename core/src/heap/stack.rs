//! A stack that grows without being copied: the system moves its pages. While a `Vec` of hundreds of megabytes grows, it is there
//! twice.

use super::region::{PAGE_BYTES, discard, map};
use std::alloc::{Layout, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::{NonNull, null_mut};

/// Address space that a stack begins with. Pages take memory once they are touched.
const FIRST_BYTES: usize = 1 << 18;

/// A stack of `T`. Where it ends is kept as an address: who pushes and pops needs no other.
pub struct Stack<T> {
    start: NonNull<T>,
    end: *mut T,
    /// The end of the room that there is.
    limit: *mut T,
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        const { assert!(size_of::<T>() > 0 && align_of::<T>() <= 4096) };
        let start = NonNull::dangling();
        let mut stack = Stack {
            start,
            end: start.as_ptr(),
            limit: start.as_ptr(),
        };
        stack.grow(FIRST_BYTES / size_of::<T>());
        stack
    }
}

impl<T> Stack<T> {
    /// How many there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        // SAFETY: both lie in the same piece of memory, whole elements apart.
        unsafe { self.end.offset_from_unsigned(self.start.as_ptr()) }
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.end == self.start.as_ptr()
    }

    /// How many there is room for.
    pub fn capacity(&self) -> usize {
        // SAFETY: as of `len`.
        unsafe { self.limit.offset_from_unsigned(self.start.as_ptr()) }
    }

    /// Whether there is room for so many more.
    #[inline(always)]
    pub fn has_room(&self, additional: usize) -> bool {
        self.limit as usize - self.end as usize >= additional * size_of::<T>()
    }

    /// Makes room for `additional` more than there are.
    pub fn reserve(&mut self, additional: usize) {
        if !self.has_room(additional) {
            self.grow(self.len() + additional);
        }
    }

    /// The first of them, which may be followed by others that are not there yet.
    #[inline(always)]
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.start.as_ptr()
    }

    /// Behind the last of them.
    #[inline(always)]
    pub fn end(&self) -> *mut T {
        self.end
    }

    /// # Safety
    /// All before `end` are there, and there is room for them. Those that were there and are no longer are not dropped.
    #[inline(always)]
    pub unsafe fn set_end(&mut self, end: *mut T) {
        debug_assert!(
            (self.start.as_ptr()..=self.limit).contains(&end),
            "there is room"
        );
        self.end = end;
    }

    /// The one on top.
    #[inline(always)]
    pub fn last(&self) -> Option<&T> {
        if self.is_empty() {
            return None;
        }
        // SAFETY: there is one.
        Some(unsafe { &*self.end.sub(1) })
    }

    /// The same, to be changed.
    #[inline(always)]
    pub fn last_mut(&mut self) -> Option<&mut T> {
        if self.is_empty() {
            return None;
        }
        // SAFETY: there is one.
        Some(unsafe { &mut *self.end.sub(1) })
    }

    /// Puts one on top.
    #[inline]
    pub fn push(&mut self, value: T) {
        if !self.has_room(1) {
            self.grow(2 * self.len());
        }
        // SAFETY: there is room behind the last.
        unsafe {
            self.end.write(value);
            self.end = self.end.add(1);
        }
    }

    /// Takes off the one on top.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        // SAFETY: there is one, and it is there no longer.
        unsafe {
            self.end = self.end.sub(1);
            Some(self.end.read())
        }
    }

    /// Takes off all but the first `len`.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        let count = self.len();
        if len < count {
            // SAFETY: within the stack.
            let end = unsafe { self.start.as_ptr().add(len) };
            let dropped = std::ptr::slice_from_raw_parts_mut(end, count - len);
            self.end = end;
            // SAFETY: they were there, and are no longer.
            unsafe { dropped.drop_in_place() };
        }
    }

    /// Lets the system have the pages behind the end, as far as it was deeper once.
    pub fn give_back(&mut self) {
        let start = (self.end as usize).next_multiple_of(PAGE_BYTES);
        let end = self.start.as_ptr() as usize + self.bytes_mapped();
        // SAFETY: nothing is behind the end.
        unsafe { discard(start, end.saturating_sub(start)) };
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, capacity: usize) {
        let bytes = capacity
            .checked_mul(size_of::<T>())
            .and_then(|bytes| bytes.checked_next_multiple_of(1 << 16))
            .filter(|bytes| *bytes <= isize::MAX as usize)
            .expect("a stack is smaller than the address space");
        let len = self.len();
        // SAFETY: what is mapped now, if anything, is as long as `bytes_mapped` says.
        let memory = unsafe { remap(self.start.as_ptr().cast(), self.bytes_mapped(), bytes) };
        let Some(start) = NonNull::new(memory.cast()) else {
            let layout = Layout::from_size_align(bytes, 1).expect("checked above");
            handle_alloc_error(layout);
        };
        self.start = start;
        // SAFETY: there is room for so many now, which are more than before.
        unsafe {
            self.end = start.as_ptr().add(len);
            self.limit = start.as_ptr().add(bytes / size_of::<T>());
        }
    }

    fn bytes_mapped(&self) -> usize {
        (self.capacity() * size_of::<T>()).next_multiple_of(1 << 16)
    }
}

/// Null if the system refuses.
///
/// # Safety
/// `mapped` bytes are mapped at `memory`, if they are not 0, and nobody uses them any more.
unsafe fn remap(memory: *mut libc::c_void, mapped: usize, bytes: usize) -> *mut libc::c_void {
    if mapped == 0 {
        return map(bytes);
    }
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the caller's contract.
        let moved = unsafe { libc::mremap(memory, mapped, bytes, libc::MREMAP_MAYMOVE) };
        if moved == libc::MAP_FAILED {
            null_mut()
        } else {
            moved
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let fresh = map(bytes);
        if !fresh.is_null() {
            // SAFETY: both are as long, and apart; the caller's contract.
            unsafe {
                fresh
                    .cast::<u8>()
                    .copy_from_nonoverlapping(memory.cast(), mapped.min(bytes));
                libc::munmap(memory, mapped);
            }
        }
        fresh
    }
}

impl<T> Deref for Stack<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: so many are there.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len()) }
    }
}

impl<T> DerefMut for Stack<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: so many are there.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len()) }
    }
}

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        self.truncate(0);
        // SAFETY: mapped by `remap` with this length.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes_mapped()) };
    }
}

#[cfg(test)]
mod tests {
    use super::Stack;
    use std::rc::Rc;

    #[test]
    fn what_is_put_on_comes_off() {
        let counted = Rc::new(());
        let mut stack = Stack::default();
        for number in 0..300_000_u64 {
            stack.push((number, counted.clone()));
        }
        assert_eq!(Rc::strong_count(&counted), 300_001);
        assert!(stack.capacity() >= stack.len());
        assert_eq!(stack[123_456].0, 123_456);
        stack.truncate(100_000);
        assert_eq!(Rc::strong_count(&counted), 100_001);
        for number in (50_000..100_000).rev() {
            assert_eq!(stack.pop().map(|(value, _)| value), Some(number));
        }
        assert_eq!(stack.last().map(|(value, _)| *value), Some(49_999));
        drop(stack);
        assert_eq!(Rc::strong_count(&counted), 1);
        assert_eq!(Stack::<u32>::default().pop(), None);
    }

    #[test]
    fn plain_values_stay_as_it_grows() {
        let mut stack = Stack::default();
        let values: Vec<u32> = (0..70_000).collect();
        for _ in 0..3 {
            values.iter().for_each(|value| stack.push(*value));
        }
        assert_eq!(stack.len(), 210_000);
        assert_eq!(stack[140_001], 1);
        stack.reserve(1_000_000);
        assert!(stack.capacity() >= 1_210_000);
        assert_eq!(stack[209_999], 69_999);
    }
}
