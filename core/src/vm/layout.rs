//! How instructions lie in memory once they are linked: with what they refer to right behind them, so that running them touches few
//! other cache lines.
//!
//! ```text
//!  Const, ConstIfUnset,
//!  EqConst                [instruction][value]
//!  Thunk, Closure         [instruction, x: captures, b: words of the object, c: words of captures][header of the object][capture u16 * 4]+
//!  ThunkOfFew,
//!  ClosureOfFew           the same with one word of captures
//!  NewThunk, NewClosure,
//!  ThunkIfUnset           [instruction, x: captures][child]                     no list of captures
//!  Fill, FillIfNew        [instruction, x: captures][child][capture u16 * 4]+
//!  Attrs                  [instruction, c: length][shape], and [order] where its shape is sorted anew, which x says
//!  Call, TailCall         [instruction][position]
//!  all others             [instruction]; one that may skip the next has the words of that in x
//! ```
//!
//! A capture is the number of a register or, with [`FROM_CAPTURE`], of a capture. What fills the last word up is register 0, and there is
//! one word at least: so whoever copies them looks for the end only behind each word. Where there are more than [`MAX_CAPTURES`], or one
//! has a larger number, x is [`MANY_CAPTURES`] and what follows the child is [address of the captures][how many].

use super::link::{Linked, Order};
use crate::bytecode::{CaptureSource, Instruction, Op, Operands};
use crate::heap::{Captured, Keys, Kind, Value};
use crate::source::Pos;
use crate::symbol::Symbol;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// Says that a capture is one of the frame's own captures.
pub(super) const FROM_CAPTURE: u16 = 1 << 15;
/// See the module.
pub(super) const MANY_CAPTURES: u8 = u8::MAX;
const MAX_CAPTURES: usize = MANY_CAPTURES as usize - 1;
/// Words of a call.
pub(super) const CALL_WORDS: usize = 2;
/// Captures in a word.
pub(super) const PER_WORD: usize = 4;
/// Few captures are at most so many: two thirds of thunks and half of the closures have no more.
pub(super) const FEW: usize = 2;
/// Words of an instruction that makes something of few captures.
pub(super) const FEW_WORDS: usize = 3;

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
        count => usize::from(count).div_ceil(PER_WORD).max(1),
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

/// How many words an instruction has, which says in x what it is to say once it is laid out.
fn extent(instruction: Instruction) -> usize {
    match instruction.op {
        Op::Const | Op::ConstIfUnset | Op::EqConst => 2,
        Op::Call | Op::TailCall => CALL_WORDS,
        Op::NewThunk | Op::NewClosure | Op::ThunkIfUnset => 2 + many_words(instruction.x),
        Op::Thunk | Op::Closure | Op::Fill | Op::FillIfNew => 2 + capture_words(instruction.x),
        Op::ThunkOfFew | Op::ClosureOfFew => FEW_WORDS,
        Op::Attrs => 2 + usize::from(instruction.x),
        _ => 1,
    }
}

/// The instructions of linked code, with the words that belong to them.
pub(super) fn instructions(words: &[Word]) -> impl Iterator<Item = (Instruction, &[Word])> {
    let mut left = words;
    std::iter::from_fn(move || {
        let instruction = *left.first()?.instruction();
        let (own, rest) = left.split_at(extent(instruction));
        left = rest;
        Some((instruction, own))
    })
}

/// The position of a call, from its words.
pub(super) fn call_position(words: &[Word]) -> Pos {
    words.get(1).map_or(Pos::NONE, |word| Pos(word.0 as u32))
}

/// What the code makes thunks and closures of.
pub(super) struct Child {
    pub(super) code: *const Linked,
    /// Where its captures end among those of all children; they begin where those of the one before end.
    pub(super) captures_end: usize,
    /// How many captures its instructions say that there are; see [`stated`].
    pub(super) stated: u8,
}

/// The body being laid out, in memory that is used for one after the other.
#[derive(Default)]
pub(super) struct Layout {
    pub(super) children: Vec<Child>,
    pub(super) captures: Vec<CaptureSource>,
    /// A shape, as it was sorted when the file was compiled.
    pub(super) shape: Vec<(Symbol, Pos)>,
    pub(super) orders: Vec<Order>,
    pub(super) instructions: Vec<Instruction>,
    /// Where each instruction comes to stand, and the end.
    places: Vec<u32>,
    pub(super) words: Vec<Word>,
    /// Of the set that is being built in a register: where each entry of its shape comes to stand, if that is sorted anew.
    built: FxHashMap<u16, Vec<u32>>,
}

/// How many captures an instruction says that there are.
pub(super) fn stated(captures: &[CaptureSource]) -> u8 {
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

impl Layout {
    /// Forgets the body before.
    pub(super) fn clear(&mut self) {
        self.children.clear();
        self.captures.clear();
        self.orders.clear();
        self.instructions.clear();
        self.places.clear();
        self.words.clear();
        self.built.clear();
    }

    fn captures_range(&self, child: usize) -> Range<usize> {
        let before = child.checked_sub(1);
        let start = before.map_or(0, |before| self.children[before].captures_end);
        start..self.children[child].captures_end
    }

    /// What an instruction of this code says in x once it is laid out, where words belong to it.
    fn x(&self, instruction: Instruction) -> u8 {
        match instruction.op {
            op if op.has_child() => self.children[instruction.wide() as usize].stated,
            Op::Attrs => self.orders[usize::from(instruction.c)].is_some().into(),
            _ => instruction.x,
        }
    }

    /// Lays the instructions out. `positions`: those of the calls. Answers the captures that words point to.
    pub(super) fn lay_out(
        &mut self,
        mut positions: impl Iterator<Item = Pos>,
        constants: &[Value],
        shapes: &[Keys],
    ) -> Box<[Box<[CaptureSource]>]> {
        let mut end = 0;
        for index in 0..self.instructions.len() {
            self.places.push(end as u32);
            self.instructions[index].x = self.x(self.instructions[index]);
            end += extent(self.instructions[index]);
        }
        self.places.push(end as u32);
        let many: Vec<(usize, Box<[CaptureSource]>)> = (0..self.children.len())
            .filter(|child| self.children[*child].stated == MANY_CAPTURES)
            .map(|child| (child, self.captures[self.captures_range(child)].into()))
            .collect();
        for index in 0..self.instructions.len() {
            let mut instruction = self.instructions[index];
            let wide = instruction.wide() as usize;
            match instruction.op {
                Op::Attrs => {
                    let shape = usize::from(instruction.c);
                    let order = &self.orders[shape];
                    instruction.c = shapes[shape].len() as u16;
                    self.words.push(Word::of(instruction));
                    self.words.push(Word(shapes[shape].address() as u64));
                    if let Some(order) = order {
                        self.words.push(Word(order.as_ptr() as u64));
                    }
                }
                Op::Call | Op::TailCall => {
                    let pos = positions.next().unwrap_or(Pos::NONE);
                    self.words.push(Word::of(instruction));
                    self.words.push(Word(pos.0.into()));
                }
                Op::NewAttrs => {
                    self.built.remove(&instruction.a);
                    if let Some(order) = &self.orders[wide] {
                        let mut places = vec![0; order.len()];
                        for (at, from) in (0..).zip(order) {
                            places[*from as usize] = at;
                        }
                        self.built.insert(instruction.a, places);
                    }
                    self.words.push(Word::of(instruction));
                }
                Op::SetAttr => {
                    // It stands behind the `NewAttrs` of its set, with nothing in between that builds another in the same register.
                    let places = self.built.get(&instruction.a);
                    let at = places.map_or(wide as u32, |places| places[wide]);
                    self.words
                        .push(Word::of(Instruction::aw(Op::SetAttr, instruction.a, at)));
                }
                Op::Const | Op::ConstIfUnset => {
                    self.words.push(Word::of(instruction));
                    self.words.push(Word(constants[wide].to_word()));
                }
                Op::EqConst => {
                    let constant = constants[usize::from(instruction.c)];
                    self.words.push(Word::of(instruction));
                    self.words.push(Word(constant.to_word()));
                }
                op if op.has_child() => {
                    if matches!(instruction.op, Op::Thunk | Op::Closure) {
                        // A thunk has room for its value.
                        let least = u16::from(instruction.op == Op::Thunk);
                        instruction.b = 1 + u16::from(instruction.x).max(least);
                        instruction.c = capture_words(instruction.x) as u16;
                    }
                    let code = self.children[wide].code as usize;
                    let (of_few, word) = match instruction.op {
                        Op::Thunk => (Op::ThunkOfFew, Captured::header(Kind::Thunk, code)),
                        Op::Closure => (Op::ClosureOfFew, Captured::header(Kind::Closure, code)),
                        op => (op, code as u64),
                    };
                    if usize::from(instruction.x) <= FEW {
                        instruction.op = of_few;
                    }
                    self.words.push(Word::of(instruction));
                    self.words.push(Word(word));
                    let lists = !matches!(
                        instruction.op,
                        Op::NewThunk | Op::NewClosure | Op::ThunkIfUnset
                    );
                    if instruction.x == MANY_CAPTURES {
                        let apart = many.iter().find(|(child, _)| *child == wide);
                        let (address, count) = apart.map_or((0, 0), |(_, captures)| {
                            (captures.as_ptr() as u64, captures.len() as u64)
                        });
                        self.words.push(Word(address));
                        self.words.push(Word(count));
                    } else if lists {
                        let captures = &self.captures[self.captures_range(wide)];
                        if captures.is_empty() {
                            self.words.push(pack(&[]));
                        }
                        self.words.extend(captures.chunks(PER_WORD).map(pack));
                    }
                }
                op => {
                    if skips(op) {
                        instruction.x = (self.places[index + 2] - self.places[index + 1]) as u8;
                    }
                    if matches!(op.operands(), Operands::Target | Operands::ATarget) {
                        let target = (index + 1).wrapping_add_signed(instruction.offset());
                        let offset = self.places[target].wrapping_sub(self.places[index] + 1);
                        instruction.b = offset as u16;
                        instruction.c = (offset >> 16) as u16;
                    }
                    self.words.push(Word::of(instruction));
                }
            }
        }
        many.into_iter().map(|(_, captures)| captures).collect()
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
    let [[a, b], [c, d], [e, f], [g, h]] = packed.map(u16::to_ne_bytes);
    Word(u64::from_ne_bytes([a, b, c, d, e, f, g, h]))
}
