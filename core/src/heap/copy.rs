//! Copies of few values.
//!
//! A processor hands what has just been written on to who reads it only if it was written at once. Values are written one by one, and
//! most are copied right after: whoever reads two at once waits until both have come to the cache.

use super::word::Value;
use piton_plugin_api::hint::cold_path;

/// So many values are copied one by one; more of them have not all been written just now.
const FEW: usize = 12;

/// Copies as many values.
#[inline(always)]
pub fn copy_values(from: &[Value], to: &mut [Value]) {
    debug_assert_eq!(from.len(), to.len(), "as many");
    let count = from.len().min(to.len());
    // SAFETY: so many are in both, which are apart.
    unsafe { copy_values_down(from.as_ptr(), to.as_mut_ptr(), count) };
}

/// Copies values. Both places may overlap where `to` is before `from`.
///
/// # Safety
/// `count` values can be read at `from` and written at `to`, which is none of the places behind `from` that are read.
#[inline(always)]
pub unsafe fn copy_values_down(from: *const Value, to: *mut Value, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if count > FEW {
            cold_path();
            return std::ptr::copy(from, to, count);
        }
        for index in 0..count {
            // Volatile, so that the compiler makes no larger pieces of them.
            *to.add(index) = from.add(index).read_volatile();
        }
    }
}
