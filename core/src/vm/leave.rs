//! How the loop over code leaves its frame, other than by the common return and the common call in place: for a thunk, for other calls,
//! with an error. Most of it is rare and stands apart so that the loop stays in machine registers.

use super::call::Passed;
use super::drive::{Flow, infinite_recursion};
use super::frame::{CodeFrame, Frame, NOWHERE};
use super::layout::CALL_WORDS;
use super::link::Linked;
use super::machine::Vm;
use crate::bytecode::{CodeKind, Instruction, Op};
use crate::error::{Error, ErrorKind};
use crate::heap::Value;
use crate::source::Pos;

impl Vm {
    /// The code frame on top.
    #[inline(always)]
    pub(super) fn code_frame(&mut self) -> *mut CodeFrame {
        match self.frames.last_mut() {
            Some(Frame::Code(frame)) => frame,
            _ => unreachable!("a code frame is on top"),
        }
    }

    /// The error of what the instruction at `ip` of `code` waits for in this register, where it has not begun to be evaluated.
    #[cold]
    #[inline(never)]
    pub(super) fn failed_operand(
        error: Error,
        code: &Linked,
        ip: *const Instruction,
        register: u16,
    ) -> Error {
        // SAFETY: it is at an instruction of the code.
        let pc = unsafe { ip.offset_from(code.start()) } as usize;
        error.at(code.waiting_position(pc, register))
    }

    /// Puts a value where the code frame on top, if it is one, awaits it.
    #[inline(always)]
    pub(super) fn hand_to_code(&mut self, value: Value) -> bool {
        match self.frames.last() {
            Some(Frame::Code(frame)) => {
                let slot = frame.base as usize + usize::from(frame.dst);
                self.stack[slot] = value;
                true
            }
            _ => false,
        }
    }

    /// Lets a thunk, not yet evaluated, take the place of the code frame on top.
    pub(super) fn return_thunk(&mut self, value: Value) -> Flow {
        if value.as_thunk().is_some_and(|thunk| thunk.is_running()) {
            return Flow::Failed(infinite_recursion());
        }
        let depth = self.leave_code();
        self.force_at(value, depth)
    }

    /// Takes the code frame on top away; a thunk that it was to update waits on in a small frame of its own. Answers the depth.
    fn leave_code(&mut self) -> u32 {
        let Some(&Frame::Code(CodeFrame {
            update,
            depth,
            base,
            ..
        })) = self.frames.last()
        else {
            unreachable!("the running frame is on top")
        };
        self.pop_frame();
        self.stack.truncate(base as usize);
        if let Some(thunk) = update {
            self.push_frame(|| Frame::Update(thunk));
        }
        depth
    }

    /// A call in place of the code frame on top that [`Vm::replace_call`] does not serve.
    #[inline(never)]
    pub(super) fn tail_call(&mut self, function: Value, args: Passed, pos: Pos) -> Flow {
        if let (Some(closure), Some(Frame::Code(frame))) =
            (function.as_closure(), self.frames.last())
            && usize::from(Linked::at(closure.code()).arity) == args.len()
            && frame.depth >= self.limits.call_depth
        {
            return Flow::Failed(self.too_deep());
        }
        args.copied(|args| {
            let depth = self.leave_code();
            let flow = self.apply_at(function, args, depth, pos);
            self.called_at(&flow, pos);
            flow
        })
    }

    /// Lets a lambda that has just been entered tell where it was called, since no frame below does.
    pub(super) fn called_at(&mut self, flow: &Flow, pos: Pos) {
        // A thunk may be on top that evaluates the function first, and the function of a set with `__functor` is called there.
        if let Flow::Enter = flow
            && !matches!(
                &self.frames[..],
                [.., Frame::Functor { .. }, Frame::Code(_)]
                    | [
                        ..,
                        Frame::Functor { .. },
                        Frame::Apply { .. },
                        Frame::Code(_)
                    ]
            )
            && let Some(Frame::Code(frame)) = self.frames.last_mut()
            && frame.code().kind == CodeKind::Lambda
            && frame.update.is_none()
        {
            frame.tail = pos;
        }
    }

    /// What the loop leaves with that ends the instruction at `at` of `code`: an error is that of the instruction.
    #[inline(never)]
    pub(super) fn leave_with(&mut self, flow: Flow, code: &Linked, at: *const Instruction) -> Flow {
        match flow {
            Flow::Failed(error) => Flow::Failed(self.failed_at(error, code, at)),
            flow => flow,
        }
    }

    /// An error of the instruction at `at` of `code`, which may have left other frames on top.
    #[cold]
    fn failed_at(&mut self, error: Error, code: &Linked, at: *const Instruction) -> Error {
        // SAFETY: `at` is an instruction of `code`, which ends with one that leaves.
        let behind = unsafe {
            match (*at).op {
                Op::Call | Op::TailCall => at.add(CALL_WORDS),
                _ => at.add(1),
            }
        };
        if let Some(Frame::Code(frame)) = self.frames.last_mut()
            && std::ptr::eq(frame.code, code)
            && (frame.ip == behind || frame.ip == at)
        {
            frame.ip = at;
            frame.dst = NOWHERE;
        }
        // SAFETY: as above.
        let pc = unsafe { at.offset_from(code.start()) } as usize;
        error.at(code.position(pc))
    }

    #[cold]
    pub(super) fn undefined(&mut self, name: crate::symbol::Symbol) -> Error {
        let name = self.interner.display(name);
        Error::new(
            ErrorKind::UndefinedVariable,
            format!("undefined variable '{name}'"),
        )
    }

    /// The error of the assertion at `pc` whose text is constant `text`; `operands` are those of the comparison that it is, if it
    /// is one: it stands with a jump before.
    #[cold]
    pub(super) fn assertion_failed(
        &mut self,
        code: &Linked,
        pc: usize,
        text: u32,
        operands: Option<[Value; 2]>,
    ) -> Error {
        let text = code.body().constants[text as usize];
        let text = String::from_utf8_lossy(text.as_string().unwrap_or_default()).into_owned();
        if let Some([left, right]) = operands {
            let pos = code.position(pc);
            if let Some(error) = self.inequality(left, right, &text, pos) {
                return error;
            }
        }
        Error::new(ErrorKind::Assertion, format!("assertion '{text}' failed"))
    }
}
