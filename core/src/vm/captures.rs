//! What thunks and closures take along: the captures that stand behind an instruction or, where they are many, apart.

use super::layout::{FEW, FROM_CAPTURE, MANY_CAPTURES, PER_WORD};
use super::machine::Vm;
use crate::bytecode::{CaptureSource, Instruction};
use crate::heap::{Captured, Kind, Value};
use piton_plugin_api::hint::cold_path;

impl Vm {
    /// Fills in the captures of `into`: those that are listed behind the instruction at `ip`, or else those of its child. Where they are
    /// `RESOLVED`, evaluated thunks in registers are looked through: what is filled in may take the place of a value, which is none.
    ///
    /// # Safety
    /// `ip` is at an instruction with captures of the running frame, whose registers are `registers` and captures `from`.
    #[inline(always)]
    pub(super) unsafe fn take_captures<const RESOLVED: bool>(
        ip: *const Instruction,
        from: Captured,
        registers: *mut Value,
        into: Captured,
    ) {
        // SAFETY: the caller's promise; the compiler names registers and captures that exist, and `layout` lists as many captures
        // as it says.
        unsafe {
            let count = (*ip).x;
            if count == MANY_CAPTURES {
                let captures = Self::many_captures(ip);
                return Self::take_many_captures::<RESOLVED>(captures, from, registers, into);
            }
            let sources = ip.add(2).cast::<u16>();
            for index in 0..usize::from(count) {
                let mut value = Self::take(*sources.add(index), from, registers);
                if RESOLVED {
                    value = value.resolved_thunk();
                }
                into.set_capture(index, value);
            }
        }
    }

    /// Fills in `groups` times [`PER_WORD`] captures of `into`, those listed behind the instruction at `ip` and what there is to fill
    /// the last group up.
    ///
    /// # Safety
    /// As of `take_captures`; there is a group at least, and so much room behind `into`'s header.
    #[inline(always)]
    pub(super) unsafe fn take_groups(
        ip: *const Instruction,
        groups: usize,
        from: Captured,
        registers: *mut Value,
        into: Captured,
    ) {
        // SAFETY: the caller's promise; what fills a group up is register 0, which is on the stack or, where there is none, in the
        // room behind.
        unsafe {
            let (mut source, mut slot) = (ip.add(2).cast::<u16>(), into.start());
            let end = source.add(groups * PER_WORD);
            loop {
                // How many there are cannot be foreseen: so no jump for each one.
                for index in 0..PER_WORD {
                    *slot.add(index) = Self::take(*source.add(index), from, registers);
                }
                source = source.add(PER_WORD);
                if source == end {
                    break;
                }
                cold_path();
                slot = slot.add(PER_WORD);
            }
        }
    }

    /// Fills in [`FEW`] captures of `into`, the first of those listed behind the instruction at `ip`.
    ///
    /// # Safety
    /// As of `take_groups`.
    #[inline(always)]
    pub(super) unsafe fn take_few(
        ip: *const Instruction,
        from: Captured,
        registers: *mut Value,
        into: Captured,
    ) {
        // SAFETY: as there.
        unsafe {
            let (source, slot) = (ip.add(2).cast::<u16>(), into.start());
            for index in 0..FEW {
                *slot.add(index) = Self::take(*source.add(index), from, registers);
            }
        }
    }

    /// A capture as it is listed.
    ///
    /// # Safety
    /// It is one of the running frame, whose registers are `registers` and captures `from`.
    #[inline(always)]
    unsafe fn take(source: u16, from: Captured, registers: *mut Value) -> Value {
        // Which of the two it is cannot be foreseen.
        let values =
            std::hint::select_unpredictable(source & FROM_CAPTURE != 0, from.start(), registers);
        // SAFETY: the caller's promise.
        unsafe { *values.add(usize::from(source & !FROM_CAPTURE)) }
    }

    /// A new thunk or closure, by `kind`, with the captures of the instruction at `ip`, where they are many or there is no room at hand.
    ///
    /// # Safety
    /// As of `take_captures`; the word behind the instruction is a header.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn capture_slowly(
        &mut self,
        kind: Kind,
        ip: *const Instruction,
        from: Captured,
        registers: *mut Value,
    ) -> Captured {
        // SAFETY: the caller's promise; headers name code that lives as long as the VM.
        unsafe {
            let child = Captured::code_of(Self::header(ip));
            let object = self
                .heap
                .capturing_unfilled(kind, child, Self::captures(ip));
            Self::take_captures::<false>(ip, from, registers, object);
            object
        }
    }

    /// The header behind the instruction at `ip`.
    ///
    /// # Safety
    /// It is an instruction with a header.
    #[inline(always)]
    pub(super) unsafe fn header(ip: *const Instruction) -> u64 {
        // SAFETY: the caller's promise; see `layout`.
        unsafe { *ip.add(1).cast::<u64>() }
    }

    /// The child that the word behind the instruction at `ip` names.
    ///
    /// # Safety
    /// It is an instruction with a child.
    #[inline(always)]
    pub(super) unsafe fn child(ip: *const Instruction) -> usize {
        // SAFETY: the caller's promise; see `layout`.
        unsafe { *ip.add(1).cast::<usize>() }
    }

    /// How many captures the child of the instruction at `ip` has.
    ///
    /// # Safety
    /// As of `child`.
    #[inline(always)]
    pub(super) unsafe fn captures(ip: *const Instruction) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            match (*ip).x {
                MANY_CAPTURES => Self::many_captures(ip).len(),
                count => usize::from(count),
            }
        }
    }

    /// The captures of the instruction at `ip` that stand apart.
    ///
    /// # Safety
    /// It is an instruction with a child whose captures are [`MANY_CAPTURES`].
    #[cold]
    unsafe fn many_captures<'a>(ip: *const Instruction) -> &'a [CaptureSource] {
        // SAFETY: the caller's promise; see `layout`. The body that the code is of owns them.
        unsafe {
            let captures = *ip.add(2).cast::<*const CaptureSource>();
            std::slice::from_raw_parts(captures, *ip.add(3).cast::<usize>())
        }
    }

    #[cold]
    fn take_many_captures<const RESOLVED: bool>(
        captures: &[CaptureSource],
        from: Captured,
        registers: *mut Value,
        into: Captured,
    ) {
        for (index, source) in captures.iter().enumerate() {
            let mut value = match source {
                CaptureSource::Register(register) => {
                    // SAFETY: the compiler names registers below the frame's count.
                    unsafe { *registers.add(usize::from(*register)) }
                }
                CaptureSource::Capture(index) => from.capture(usize::from(*index)),
            };
            if RESOLVED {
                value = value.resolved();
            }
            into.set_capture(index, value);
        }
    }
}
