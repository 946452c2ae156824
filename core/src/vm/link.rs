//! Code with its constants as values, ready to run.

use super::layout::{Child, Word, call_position, instructions, stated};
use super::machine::Vm;
use crate::bytecode::{
    CaptureSource, CodeKind, CodePlace, Constant, FormalsSpec, Head, Image, Instruction, Op,
    Operand, OperandOf, OperandUse, Part, PositionsPlace, Signature,
};
use crate::heap::{AnyAttrs, CODE_END, CodeHead, Form, KeyEntry, Keys, Lasting, Marker, Value};
use crate::source::Pos;
use crate::symbol::Symbol;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Instant;

/// A place of the code that selects an attribute, with its inline cache: the shape last seen, and where the attribute
/// stood in it.
pub(super) struct Site {
    keys: Cell<usize>,
    index: Cell<u32>,
    pub(super) name: Symbol,
}

/// The address of no shape, nor what sets with layers have in its place.
const NO_SHAPE: usize = 1;
/// The index of an attribute that the shape does not have.
const ABSENT: u32 = u32::MAX;

impl Site {
    /// The attribute of `attrs`.
    #[inline(always)]
    pub(super) fn select(&self, attrs: AnyAttrs) -> Option<Value> {
        if self.keys.get() == attrs.shape() {
            let index = self.index.get();
            if index == ABSENT {
                return None;
            }
            // Sets of one shape are of one length.
            return Some(attrs.value_at(index as usize));
        }
        self.look_up(attrs)
    }

    /// Whether the cache knows the shape of `attrs`.
    pub(super) fn is_cached(&self, attrs: AnyAttrs) -> bool {
        self.keys.get() == attrs.shape()
    }

    #[inline(never)]
    fn look_up(&self, attrs: AnyAttrs) -> Option<Value> {
        let mut form = attrs.form();
        let attrs = loop {
            match form {
                Form::Flat(attrs) => break attrs,
                Form::Layers(base, over) => match over.get(self.name) {
                    Some(value) => return Some(value),
                    None => form = base.form(),
                },
            }
        };
        let keys = attrs.keys();
        if self.keys.get() == keys.address() {
            // What lies under layers is of a known shape as often as other sets.
            let index = self.index.get();
            return (index != ABSENT).then(|| attrs.value_at(index as usize));
        }
        let index = keys.index_of(self.name);
        self.keys.set(keys.address());
        self.index.set(index.map_or(ABSENT, |index| index as u32));
        index.map(|index| attrs.value_at(index))
    }
}

/// A code object of the VM. It lives as long as the VM does, at one address, in one cache line with all that entering it takes: most
/// code of a large program runs a few times, from memory that is not at hand. Most code of a large program does not run at all:
/// its body is linked when it is first entered.
#[repr(C, align(64))]
pub struct Linked {
    head: CodeHead,
    /// How many registers it needs, once it is linked.
    registers: Cell<u16>,
    pub(super) kind: CodeKind,
    pub(super) arity: u16,
    /// The first instruction; null until the body is linked.
    start: Cell<*const Instruction>,
    sites: Cell<*const Site>,
    body: OnceCell<Box<Body>>,
    image: Rc<Image>,
    pub(super) name: Option<Symbol>,
    pub(super) pos: Pos,
    place: CodePlace,
}

const _: () = assert!(size_of::<Linked>() == 64);

/// What runs, and what is told of it where something fails.
pub(super) struct Body {
    pub(super) words: Lasting<Word>,
    pub(super) sites: Lasting<Site>,
    pub(super) shapes: Lasting<Keys>,
    pub(super) constants: Lasting<Value>,
    /// Once somebody has asked.
    told: OnceCell<Box<Told>>,
    /// Where that can be read.
    positions_place: PositionsPlace,
    /// The image that the body is in, if that is not its file's.
    late: Option<Rc<Image>>,
    /// What most bodies have none of.
    rest: Option<Box<Rest>>,
}

/// What few bodies have.
pub(super) struct Rest {
    formals: Box<[FormalsSpec]>,
    /// Orders of shapes, which words point to.
    orders: Box<[Box<[u32]>]>,
    /// Captures that are too many for words, which point to them.
    captures: Box<[Box<[CaptureSource]>]>,
}

/// Where in the text things stand, which is told where something fails. Words are counted, not instructions.
struct Told {
    /// The position of the instruction that each word is or belongs to.
    positions: Box<[Pos]>,
    parts: Box<[Part]>,
    part_positions: Box<[Pos]>,
    operands: Box<[Operand]>,
}

impl Rest {
    fn is_empty(&self) -> bool {
        self.formals.is_empty() && self.orders.is_empty() && self.captures.is_empty()
    }
}

impl Body {
    pub(super) fn formals(&self) -> &[FormalsSpec] {
        self.rest.as_ref().map_or(&[], |rest| &rest.formals)
    }
}

/// Which entry of a shape, as the compiler sorted it, stands at each place when it is sorted by the symbols of this evaluation; nothing
/// where that is the same.
pub(super) type Order = Option<Box<[u32]>>;

fn order(shape: &[(Symbol, Pos)]) -> Order {
    if shape.is_sorted_by_key(|entry| entry.0) {
        return None;
    }
    let mut order: Box<[u32]> = (0..shape.len() as u32).collect();
    order.sort_unstable_by_key(|index| shape[*index as usize].0);
    Some(order)
}

impl Linked {
    /// The code at an address that a closure or thunk holds.
    ///
    /// The address was stored from a `Linked` of this VM, which frees none before its end.
    #[inline(always)]
    pub(super) fn at<'a>(address: usize) -> &'a Linked {
        // SAFETY: see above; closures and thunks do not outlive the VM that made them.
        unsafe { &*(address as *const Linked) }
    }

    /// How many captures its closures or thunks have.
    pub(super) fn captures(&self) -> usize {
        usize::from(self.head.captures)
    }

    /// How many registers it needs; it is linked.
    #[inline(always)]
    pub(super) fn registers(&self) -> u16 {
        self.registers.get()
    }

    /// Whether it has been entered before.
    #[inline(always)]
    pub(super) fn is_linked(&self) -> bool {
        !self.start.get().is_null()
    }

    /// Its body, once it has been entered.
    #[inline(always)]
    pub(super) fn body(&self) -> &Body {
        debug_assert!(self.is_linked(), "code is linked when it is entered");
        match self.body.get() {
            Some(body) => body,
            // SAFETY: `Vm::push_call` and `Vm::replace_call`, which enter code, link it; nobody else asks for what runs.
            None => unsafe { std::hint::unreachable_unchecked() },
        }
    }

    /// Its first instruction.
    #[inline(always)]
    pub(super) fn start(&self) -> *const Instruction {
        self.start.get()
    }

    /// Its first select site.
    #[inline(always)]
    pub(super) fn sites(&self) -> *const Site {
        self.sites.get()
    }

    /// What it takes.
    pub(super) fn signature(&self) -> Signature {
        self.image.signature(self.place)
    }

    /// Where the lambda of its last parameter stands: that one's body is what runs.
    pub(super) fn innermost(&self) -> Pos {
        let parameters = self.signature().parameters;
        parameters.last().map_or(self.pos, |(_, pos)| *pos)
    }

    /// The instruction at `pc`, which is one's and not that of a word that belongs to one.
    pub(super) fn instruction(&self, pc: usize) -> Option<&Instruction> {
        self.body().words.get(pc).map(Word::instruction)
    }

    /// The formals of parameter `parameter`.
    pub fn formals_of(&self, parameter: usize) -> Option<FormalsSpec> {
        let formals = self.signature().formals;
        formals
            .into_iter()
            .find(|formals| usize::from(formals.parameter) == parameter)
    }

    fn told(&self) -> &Told {
        let body = self.body();
        body.told.get_or_init(|| {
            let image = body.late.as_ref().unwrap_or(&self.image);
            let mut reader = image.positions(body.positions_place);
            let mut places = Vec::new();
            let mut positions = Vec::with_capacity(body.words.len());
            {
                let mut others = reader.positions();
                for (instruction, words) in instructions(&body.words) {
                    places.push(positions.len() as u32);
                    let pos = match instruction.op.is_call() {
                        true => call_position(words),
                        false => others.next().unwrap_or(Pos::NONE),
                    };
                    positions.resize(positions.len() + words.len(), pos);
                }
            }
            let mut parts = reader.parts();
            let part_positions = reader.part_positions();
            let mut operands = reader.operands();
            for (at, _) in &mut parts {
                *at = places[*at as usize];
            }
            for operand in &mut operands {
                for at in [&mut operand.start, &mut operand.end, &mut operand.at] {
                    *at = places[*at as usize];
                }
            }
            Box::new(Told {
                positions: positions.into(),
                parts,
                part_positions,
                operands,
            })
        })
    }

    /// The position of instruction `pc`.
    pub(super) fn position(&self, pc: usize) -> Pos {
        self.told().positions.get(pc).copied().unwrap_or(self.pos)
    }

    /// Where part `index` of the `+` or interpolation at `pc` begins.
    pub(super) fn part_position(&self, pc: u32, index: usize) -> Pos {
        let told = self.told();
        let known = || {
            let at = told.parts.binary_search_by_key(&pc, |(pc, _)| *pc).ok()?;
            let start = at.checked_sub(1).map_or(0, |before| told.parts[before].1);
            let positions = start as usize..told.parts[at].1 as usize;
            told.part_positions[positions].get(index).copied()
        };
        known().unwrap_or_else(|| self.position(pc as usize))
    }

    /// Where the operand stands that the instruction at `pc` waits for in this register, as far as that is known. What builtins take, and
    /// operators that are builtins for Nix, is evaluated in no place of its own.
    pub(super) fn waiting_position(&self, pc: usize, register: u16) -> Pos {
        let Some(&Instruction { op, x, b, c, .. }) = self.instruction(pc) else {
            return self.position(pc);
        };
        match op {
            Op::Call | Op::TailCall if register != b => Pos::NONE,
            Op::Negate | Op::Sub | Op::SubInt | Op::Mul | Op::Div => Pos::NONE,
            Op::Less | Op::NotLess | Op::LessInt | Op::NotLessInt => Pos::NONE,
            Op::AddInt => self.part_position(pc as u32, usize::from(x == 1)),
            Op::Update if register == c => self.operand_position(pc, OperandUse::UpdateRight),
            Op::Update => self.operand_position(pc, OperandUse::UpdateLeft),
            Op::Add => self.part_position(pc as u32, usize::from(register == c)),
            Op::Interpolate => self.part_position(pc as u32, usize::from(register - b)),
            _ => self.position(pc),
        }
    }

    /// What is evaluated in place, inner ones first.
    pub(super) fn operands(&self) -> &[Operand] {
        &self.told().operands
    }

    /// Where the operand of the instruction at `pc` stands that is for `usage`.
    pub(super) fn operand_position(&self, pc: usize, usage: OperandUse) -> Pos {
        let place = |operand: &Operand| match operand.of {
            OperandOf::Placed(of, pos) if of == usage && operand.at as usize == pc => Some(pos),
            _ => None,
        };
        self.operands().iter().find_map(place).unwrap_or(Pos::NONE)
    }

    pub(super) fn mark(&self, marker: &mut Marker) {
        if let Some(body) = self.body.get() {
            marker.values(&body.constants);
            for keys in body.shapes.iter() {
                marker.keys(*keys);
            }
        }
    }

    /// Inline caches hold addresses of shapes, which a collection may free.
    pub(super) fn forget_caches(&self) {
        for site in self.body.get().iter().flat_map(|body| body.sites.iter()) {
            site.keys.set(NO_SHAPE);
        }
    }
}

impl Vm {
    /// Makes the code of an image ready to be entered; answers its address.
    pub fn link(&mut self, image: Image) -> usize {
        let root = image.root();
        self.link_heads(std::iter::once(root), &Rc::new(image)) as usize
    }

    /// Code to be entered, in neighbouring places; answers the first one's.
    fn link_heads(
        &mut self,
        heads: impl Iterator<Item = Head>,
        image: &Rc<Image>,
    ) -> *const Linked {
        let linked: Box<[Linked]> = heads
            .map(|head| Linked {
                head: CodeHead {
                    captures: head.captures,
                },
                start: Cell::new(std::ptr::null()),
                sites: Cell::new(std::ptr::null()),
                body: OnceCell::new(),
                image: image.clone(),
                kind: head.kind,
                name: head.name,
                pos: head.pos,
                place: head.place,
                registers: Cell::new(head.registers),
                arity: head.arity,
            })
            .collect();
        let first = linked.as_ptr();
        assert!(
            (first as u64) < CODE_END,
            "closures and thunks have no more than 48 bits for the address of their code"
        );
        self.code.push(linked);
        first
    }

    /// Links the body of code that is entered for the first time.
    #[cold]
    #[inline(never)]
    pub(super) fn link_body(&mut self, linked: &Linked) {
        let late = self.late_body(linked);
        let (image, place) = match &late {
            None => (&linked.image, linked.place),
            Some((image, head)) => {
                linked.registers.set(head.registers);
                (image, head.place)
            }
        };
        let mut layout = self.layout.take().unwrap_or_default();
        layout.clear();
        let mut reader = image.body(place);
        let formals = reader.formals();

        {
            let places = reader.children();
            if places.len() > 0 {
                let (captures, children) = (&mut layout.captures, &mut layout.children);
                let heads = places.map(|place| {
                    let start = captures.len();
                    let head = image.head(place, captures);
                    children.push(Child {
                        code: std::ptr::null(),
                        captures_end: captures.len(),
                        stated: stated(&captures[start..]),
                    });
                    head
                });
                let first = self.link_heads(heads, image);
                for (index, child) in layout.children.iter_mut().enumerate() {
                    // SAFETY: as many were linked, in neighbouring places.
                    child.code = unsafe { first.add(index) };
                }
            }
        }
        // The VM holds both the slab and the code, which nobody enters once it has ended.
        let [mut bodies, mut others] = std::mem::take(&mut self.bodies);
        let constants = reader.constants().map(|constant| self.constant(constant));
        // SAFETY: see above; so below.
        let constants = unsafe { others.slice(constants) };
        let shapes = (0..reader.shapes()).map(|_| {
            let shape = &mut layout.shape;
            shape.clear();
            shape.extend(reader.shape());
            let order = order(shape);
            let keys = (0..shape.len()).map(|index| {
                let from = order.as_ref().map_or(index, |order| order[index] as usize);
                let (name, pos) = shape[from];
                KeyEntry { name, pos }
            });
            let keys = self.heap.keys_of(keys.len(), keys);
            layout.orders.push(order);
            keys
        });
        // SAFETY: as above.
        let shapes = unsafe { others.slice(shapes) };
        let sites = reader.selects().map(|name| Site {
            keys: Cell::new(NO_SHAPE),
            index: Cell::new(0),
            name,
        });
        // SAFETY: as above.
        let sites = unsafe { bodies.slice(sites) };
        layout.instructions.extend(reader.instructions());
        let captures = layout.lay_out(reader.positions(), &constants, &shapes);
        let positions_place = reader.other_positions();
        // SAFETY: as above.
        let words = unsafe { bodies.slice(layout.words.iter().copied()) };
        let rest = Rest {
            formals,
            orders: layout.orders.drain(..).flatten().collect(),
            captures,
        };
        let body = Box::new(Body {
            words,
            sites,
            shapes,
            constants,
            told: OnceCell::new(),
            positions_place,
            late: late.map(|(image, _)| image),
            rest: (!rest.is_empty()).then(|| Box::new(rest)),
        });
        self.bodies = [bodies, others];
        self.layout = Some(layout);
        linked.start.set(body.words.as_ptr().cast());
        linked.sites.set(body.sites.as_ptr());
        if linked.body.set(body).is_err() {
            unreachable!("code is linked once");
        }
    }

    /// The image that a body is in which its file's image lacks, with its head.
    fn late_body(&mut self, linked: &Linked) -> Option<(Rc<Image>, Head)> {
        let begun = self.observer.as_ref().map(|_| Instant::now());
        let late = linked
            .image
            .compile_deferred(linked.place, &mut self.interner)?;
        if let (Some(begun), Some(observer)) = (begun, &mut self.observer) {
            observer.late_body(begun.elapsed());
        }
        let head = late.root();
        debug_assert_eq!(
            head.captures, linked.head.captures,
            "what was left out takes what its thunks hold"
        );
        Some((Rc::new(late), head))
    }

    fn constant(&mut self, constant: Constant<'_>) -> Value {
        match constant {
            Constant::Int(value) => self.heap.int(value),
            Constant::Float(value) => self.heap.float(value),
            Constant::String(bytes) => self.heap.string(bytes, 0),
            Constant::Path(bytes) => self.heap.path(bytes),
            Constant::Bool(value) => Value::bool(value),
            Constant::List(members) => {
                let members = Constant::members(members);
                let members: Vec<Value> = members.map(|member| self.constant(member)).collect();
                self.heap.list_of(&members).value()
            }
            Constant::Global(index) => self.globals[index as usize],
        }
    }
}
