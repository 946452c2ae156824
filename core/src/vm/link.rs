//! Code with its constants as values, ready to run.

use super::layout::{self, Child, Word};
use super::machine::Vm;
use crate::bytecode::{
    CaptureSource, CodeKind, CodePlace, Constant, FormalsSpec, Head, Image, Instruction,
    StrictArgument,
};
use crate::heap::{AnyAttrs, Form, KeyEntry, Keys, Marker, Value};
use crate::source::Pos;
use crate::symbol::Symbol;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;

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
    /// The first instruction; null until the body is linked.
    start: Cell<*const Instruction>,
    sites: Cell<*const Site>,
    body: OnceCell<Box<Body>>,
    image: Rc<Image>,
    pub(super) kind: CodeKind,
    pub(super) name: Option<Symbol>,
    pub(super) pos: Pos,
    place: CodePlace,
    pub(super) registers: u16,
    pub(super) arity: u16,
}

const _: () = assert!(size_of::<Linked>() == 64);

/// What runs, and what is told of it where something fails.
pub(super) struct Body {
    pub(super) words: Box<[Word]>,
    pub(super) sites: Box<[Site]>,
    pub(super) shapes: Box<[Keys]>,
    pub(super) constants: Box<[Value]>,
    pub(super) formals: Box<[FormalsSpec]>,
    /// Orders of shapes, which words point to.
    #[allow(dead_code)] // it is kept, not read
    orders: Box<[Order]>,
    /// Captures that are too many for words, which point to them.
    #[allow(dead_code)] // it is kept, not read
    captures: Box<[Box<[CaptureSource]>]>,
    positions: Box<[Pos]>,
    part_positions: Box<[(u32, Box<[Pos]>)]>,
    pub(super) strict_arguments: Box<[StrictArgument]>,
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

    /// What its image says of it beside what stands here.
    pub(super) fn head(&self) -> Head {
        self.image.head(self.place)
    }

    /// The instruction at `pc`, which is one's and not that of a word that belongs to one.
    pub(super) fn instruction(&self, pc: usize) -> Option<&Instruction> {
        self.body().words.get(pc).map(Word::instruction)
    }

    /// The formals of parameter `parameter`.
    pub fn formals_of(&self, parameter: usize) -> Option<FormalsSpec> {
        let formals = self.head().formals;
        formals
            .into_iter()
            .find(|formals| usize::from(formals.parameter) == parameter)
    }

    /// The position of instruction `pc`.
    pub(super) fn position(&self, pc: usize) -> Pos {
        self.body().positions.get(pc).copied().unwrap_or(self.pos)
    }

    /// Where part `index` of the `+` or interpolation at `pc` begins.
    pub(super) fn part_position(&self, pc: u32, index: usize) -> Pos {
        let parts = &self.body().part_positions;
        match parts.binary_search_by_key(&pc, |(pc, _)| *pc) {
            Ok(at) => parts[at].1.get(index).copied(),
            Err(_) => None,
        }
        .unwrap_or_else(|| self.position(pc as usize))
    }

    pub(super) fn mark(&self, marker: &mut Marker) {
        if let Some(body) = self.body.get() {
            marker.values(&body.constants);
            for keys in &body.shapes {
                marker.keys(*keys);
            }
        }
    }

    /// Inline caches hold addresses of shapes, which a collection may free.
    pub(super) fn forget_caches(&self) {
        for site in self.body.get().iter().flat_map(|body| &body.sites) {
            site.keys.set(NO_SHAPE);
        }
    }
}

impl Vm {
    /// Makes the code of an image ready to be entered; answers its address.
    pub fn link(&mut self, image: Image) -> usize {
        let root = image.root();
        self.link_head(Rc::new(image), &root) as usize
    }

    fn link_head(&mut self, image: Rc<Image>, head: &Head) -> *const Linked {
        let linked = Box::new(Linked {
            start: Cell::new(std::ptr::null()),
            sites: Cell::new(std::ptr::null()),
            body: OnceCell::new(),
            image,
            kind: head.kind,
            name: head.name,
            pos: head.pos,
            place: head.place,
            registers: head.registers,
            arity: head.arity,
        });
        let address: *const Linked = &*linked;
        self.code.push(linked);
        address
    }

    /// Links the body of code that is entered for the first time.
    #[cold]
    #[inline(never)]
    pub(super) fn link_body(&mut self, linked: &Linked) {
        let (head, mut body) = linked.image.code(linked.place);
        let children: Vec<Child> = std::mem::take(&mut body.children)
            .into_iter()
            .map(|child| Child {
                code: self.link_head(linked.image.clone(), &child),
                captures: child.captures,
            })
            .collect();
        let constants: Box<[Value]> = body
            .constants
            .iter()
            .map(|constant| self.constant(constant))
            .collect();
        let orders: Box<[Order]> = body.shapes.iter().map(|shape| order(shape)).collect();
        let shapes = body
            .shapes
            .iter()
            .zip(&orders)
            .map(|(shape, order)| {
                let entries = (0..shape.len()).map(|index| {
                    let from = order.as_ref().map_or(index, |order| order[index] as usize);
                    let (name, pos) = shape[from];
                    KeyEntry { name, pos }
                });
                self.heap.keys_of(shape.len(), entries)
            })
            .collect();
        let layout = layout::lay_out(&mut body, &constants, children, &orders);
        let sites = body.selects.iter().map(|name| Site {
            keys: Cell::new(NO_SHAPE),
            index: Cell::new(0),
            name: *name,
        });
        let body = Box::new(Body {
            words: layout.words,
            sites: sites.collect(),
            shapes,
            constants,
            formals: head.formals,
            orders,
            captures: layout.captures,
            positions: layout.positions,
            part_positions: body.part_positions.into(),
            strict_arguments: body.strict_arguments.into(),
        });
        linked.start.set(body.words.as_ptr().cast());
        linked.sites.set(body.sites.as_ptr());
        if linked.body.set(body).is_err() {
            unreachable!("code is linked once");
        }
    }

    fn constant(&mut self, constant: &Constant) -> Value {
        match constant {
            Constant::Int(value) => self.heap.int(*value),
            Constant::Float(value) => self.heap.float(*value),
            Constant::String(bytes) => self.heap.string(bytes, 0),
            Constant::Path(bytes) => self.heap.path(bytes),
            Constant::Bool(value) => Value::bool(*value),
            Constant::Global(index) => self.globals[*index as usize],
        }
    }
}
