//! How instructions lie in memory once they are linked: with what they refer to right behind them, so that running them touches few
//! other cache lines.
//!
//! ```text
//!  Const                  [instruction][value]
//!  Thunk, Closure         [instruction, x: captures][child][capture u16 * 4]*
//!  NewThunk, NewClosure,
//!  ThunkIfUnset           [instruction, x: captures][child]                     no list of captures
//!  Fill, FillIfNew        [instruction, x: captures][child][capture u16 * 4]*
//!  Attrs                  [instruction], or, where its shape is sorted anew, [instruction, x: 1][order]
//!  all others             [instruction]; one that may skip the next has the words of that in x
//! ```
//!
//! A capture is the number of a register or, with [`FROM_CAPTURE`], of a capture. Where there are more than [`MAX_CAPTURES`], or one
//! has a larger number, x is [`MANY_CAPTURES`] and what follows the child is [address of the captures][how many].

use super::link::{Linked, Order};
use crate::bytecode::{Body, CaptureSource, Instruction, Op, Operands};
use crate::heap::Value;
use crate::source::Pos;
use rustc_hash::FxHashMap;

/// Says that a capture is one of the frame's own captures.
pub(super) const FROM_CAPTURE: u16 = 1 << 15;
/// See the module.
pub(super) const MANY_CAPTURES: u8 = u8::MAX;
const MAX_CAPTURES: usize = MANY_CAPTURES as usize - 1;
/// Captures in a word.
const PER_WORD: usize = 4;

/// A word of linked code: an instruction, or what belongs to one.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Word(u64);

const _: () = assert!(size_of::<Instruction>() == size_of::<Word>());

impl Word {
    /// The instruction that it is. Only of words that are one: whoever counts words goes by [`extent`].
    pub(super) fn instruction(&self) -> &Instruction {
        // SAFETY: made of an instruction by `of`, and as long; the caller names no other word.
        unsafe { &*(&raw const self.0).cast::<Instruction>() }
    }

    fn of(instruction: Instruction) -> Self {
        // SAFETY: an instruction is one word without padding.
        Word(unsafe { std::mem::transmute::<Instruction, u64>(instruction) })
    }
}

/// Words that follow the child for so many captures, where captures follow it.
#[inline(always)]
pub(super) fn capture_words(count: u8) -> usize {
    match count {
        MANY_CAPTURES => 2,
        count => usize::from(count).div_ceil(PER_WORD),
    }
}

/// Words that follow the child where only the number of captures matters.
#[inline(always)]
pub(super) fn many_words(count: u8) -> usize {
    match count {
        MANY_CAPTURES => 2,
        _ => 0,
    }
}

/// Laid out code.
pub(super) struct Layout {
    pub(super) words: Box<[Word]>,
    /// The position of the instruction that each word is or belongs to.
    pub(super) positions: Box<[Pos]>,
    /// Captures that words point to.
    pub(super) captures: Box<[Box<[CaptureSource]>]>,
}

/// What the code makes thunks and closures of.
pub(super) struct Child {
    pub(super) code: *const Linked,
    pub(super) captures: Box<[CaptureSource]>,
}

/// How many captures an instruction says that there are.
fn stated(captures: &[CaptureSource]) -> u8 {
    let fits = |source: &CaptureSource| match source {
        CaptureSource::Register(number) | CaptureSource::Capture(number) => *number < FROM_CAPTURE,
    };
    if captures.len() <= MAX_CAPTURES && captures.iter().all(fits) {
        captures.len() as u8
    } else {
        MANY_CAPTURES
    }
}

/// Whether it may skip the next instruction.
fn skips(op: Op) -> bool {
    matches!(
        op,
        Op::SelectOr
            | Op::SelectAtHand
            | Op::AddAtHand
            | Op::SubAtHand
            | Op::AddIntAtHand
            | Op::SelectDynamicOr
            | Op::WithLookup
    )
}

/// Words of an instruction of this code.
fn extent(instruction: Instruction, children: &[Child], orders: &[Order]) -> usize {
    let child = || stated(&children[instruction.wide() as usize].captures);
    match instruction.op {
        Op::Const => 2,
        Op::NewThunk | Op::NewClosure | Op::ThunkIfUnset => 2 + many_words(child()),
        Op::Thunk | Op::Closure | Op::Fill | Op::FillIfNew => 2 + capture_words(child()),
        Op::Attrs => 1 + usize::from(orders[usize::from(instruction.c)].is_some()),
        _ => 1,
    }
}

/// Lays a body out, and moves along what refers to its instructions by number.
pub(super) fn lay_out(
    code: &mut Body,
    constants: &[Value],
    children: Vec<Child>,
    orders: &[Order],
) -> Layout {
    // Where each instruction comes to stand, and the end.
    let mut places = Vec::with_capacity(code.instructions.len() + 1);
    let mut end = 0;
    for instruction in &code.instructions {
        places.push(end as u32);
        end += extent(*instruction, &children, orders);
    }
    places.push(end as u32);
    let mut words = Vec::with_capacity(end);
    let mut positions = Vec::with_capacity(end);
    // The shape of the set that is being built in a register.
    let mut built = FxHashMap::default();
    for (index, instruction) in code.instructions.iter().enumerate() {
        let mut instruction = *instruction;
        let wide = instruction.wide() as usize;
        match instruction.op {
            Op::Attrs => match &orders[usize::from(instruction.c)] {
                Some(order) => {
                    instruction.x = 1;
                    words.push(Word::of(instruction));
                    words.push(Word(order.as_ptr() as u64));
                }
                None => words.push(Word::of(instruction)),
            },
            Op::NewAttrs => {
                built.insert(instruction.a, wide);
                words.push(Word::of(instruction));
            }
            Op::SetAttr => {
                // It stands behind the `NewAttrs` of its set, with nothing in between that builds another in the same register.
                let order = built
                    .get(&instruction.a)
                    .and_then(|shape| orders[*shape].as_ref());
                let at =
                    order.and_then(|order| order.iter().position(|from| *from as usize == wide));
                let at = at.unwrap_or(wide) as u32;
                words.push(Word::of(Instruction::aw(Op::SetAttr, instruction.a, at)));
            }
            Op::Const => {
                words.push(Word::of(instruction));
                words.push(Word(constants[wide].to_word()));
            }
            Op::Thunk
            | Op::Closure
            | Op::NewThunk
            | Op::NewClosure
            | Op::ThunkIfUnset
            | Op::Fill
            | Op::FillIfNew => {
                let child = &children[wide];
                instruction.x = stated(&child.captures);
                words.push(Word::of(instruction));
                words.push(Word(child.code as u64));
                let lists = !matches!(
                    instruction.op,
                    Op::NewThunk | Op::NewClosure | Op::ThunkIfUnset
                );
                if instruction.x == MANY_CAPTURES {
                    words.push(Word(child.captures.as_ptr() as u64));
                    words.push(Word(child.captures.len() as u64));
                } else if lists {
                    words.extend(child.captures.chunks(PER_WORD).map(pack));
                }
            }
            op => {
                if skips(op) {
                    instruction.x = (places[index + 2] - places[index + 1]) as u8;
                }
                if matches!(op.operands(), Operands::Target | Operands::ATarget) {
                    let target = (index + 1).wrapping_add_signed(instruction.offset());
                    let offset = places[target].wrapping_sub(places[index] + 1);
                    instruction.b = offset as u16;
                    instruction.c = (offset >> 16) as u16;
                }
                words.push(Word::of(instruction));
            }
        }
        positions.resize(words.len(), code.positions[index]);
    }
    for (at, _) in &mut code.part_positions {
        *at = places[*at as usize];
    }
    for argument in &mut code.strict_arguments {
        for at in [&mut argument.start, &mut argument.end, &mut argument.call] {
            *at = places[*at as usize];
        }
    }
    let captures = children
        .into_iter()
        .map(|child| child.captures)
        .filter(|captures| stated(captures) == MANY_CAPTURES)
        .collect();
    Layout {
        words: words.into(),
        positions: positions.into(),
        captures,
    }
}

fn pack(captures: &[CaptureSource]) -> Word {
    let mut packed = [0; PER_WORD];
    for (slot, source) in packed.iter_mut().zip(captures) {
        *slot = match source {
            CaptureSource::Register(number) => *number,
            CaptureSource::Capture(number) => number | FROM_CAPTURE,
        };
    }
    // In memory one after the other, as they are read.
    // SAFETY: four u16 are one word without padding.
    Word(unsafe { std::mem::transmute::<[u16; PER_WORD], u64>(packed) })
}
