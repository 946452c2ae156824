//! Code with its constants as values, ready to run.

use super::machine::Vm;
use crate::bytecode::{
    CaptureSource, Code, CodeKind, Constant, FormalsSpec, Instruction, StrictArgument,
};
use crate::heap::{Attrs, KeyEntry, Keys, Marker, Value};
use crate::source::Pos;
use crate::symbol::Symbol;
use std::cell::Cell;

/// A place of the code that selects an attribute, with its inline cache: the shape last seen, and where the attribute
/// stood in it.
pub(super) struct Site {
    keys: Cell<usize>,
    index: Cell<u32>,
    pub(super) name: Symbol,
}

/// The index of an attribute that the shape does not have.
const ABSENT: u32 = u32::MAX;

impl Site {
    /// The attribute of `attrs`.
    #[inline(always)]
    pub(super) fn select(&self, attrs: Attrs) -> Option<Value> {
        let keys = attrs.keys();
        if self.keys.get() == keys.address() {
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
    pub(super) fn is_cached(&self, attrs: Attrs) -> bool {
        self.keys.get() == attrs.keys().address()
    }

    #[inline(never)]
    fn look_up(&self, attrs: Attrs) -> Option<Value> {
        let keys = attrs.keys();
        let index = keys.index_of(self.name);
        self.keys.set(keys.address());
        self.index.set(index.map_or(ABSENT, |index| index as u32));
        index.map(|index| attrs.value_at(index))
    }
}

/// A code object of the VM. It lives as long as the VM does, at one address.
pub struct Linked {
    pub(super) kind: CodeKind,
    pub(super) pos: Pos,
    pub(super) name: Option<Symbol>,
    pub(super) instructions: Box<[Instruction]>,
    pub(super) positions: Box<[Pos]>,
    part_positions: Box<[(u32, Box<[Pos]>)]>,
    pub(super) strict_arguments: Box<[StrictArgument]>,
    pub(super) registers: u16,
    pub(super) arity: u16,
    pub(super) parameters: Box<[(Option<Symbol>, Pos)]>,
    pub(super) formals: Box<[FormalsSpec]>,
    pub(super) captures: Box<[CaptureSource]>,
    pub(super) constants: Box<[Value]>,
    pub(super) shapes: Box<[Keys]>,
    pub(super) sites: Box<[Site]>,
    pub(super) children: Box<[*const Linked]>,
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

    /// The formals of parameter `parameter`.
    pub fn formals_of(&self, parameter: usize) -> Option<&FormalsSpec> {
        self.formals
            .iter()
            .find(|formals| usize::from(formals.parameter) == parameter)
    }

    /// The position of instruction `pc`.
    pub(super) fn position(&self, pc: usize) -> Pos {
        self.positions.get(pc).copied().unwrap_or(self.pos)
    }

    /// Where part `index` of the `+` or interpolation at `pc` begins.
    pub(super) fn part_position(&self, pc: u32, index: usize) -> Pos {
        match self.part_positions.binary_search_by_key(&pc, |(pc, _)| *pc) {
            Ok(at) => self.part_positions[at].1.get(index).copied(),
            Err(_) => None,
        }
        .unwrap_or_else(|| self.position(pc as usize))
    }

    pub(super) fn mark(&self, marker: &mut Marker) {
        marker.values(&self.constants);
        for keys in &self.shapes {
            marker.keys(*keys);
        }
    }

    /// Inline caches hold addresses of shapes, which a collection may free.
    pub(super) fn forget_caches(&self) {
        for site in &self.sites {
            site.keys.set(0);
        }
    }
}

impl Vm {
    /// Links `code` and all code below it; answers the address of the whole.
    pub fn link(&mut self, code: Code) -> usize {
        // Children first, without recursion: a stack of code objects whose children are being linked.
        struct Pending {
            code: Code,
            rest: std::vec::IntoIter<Code>,
            done: Vec<*const Linked>,
        }
        fn begin(mut code: Code) -> Pending {
            let children = std::mem::take(&mut code.children);
            let done = Vec::with_capacity(children.len());
            Pending {
                code,
                rest: children.into_iter(),
                done,
            }
        }
        let mut stack = vec![begin(code)];
        loop {
            let top = stack.last_mut().expect("ends with a return");
            if let Some(child) = top.rest.next() {
                stack.push(begin(child));
                continue;
            }
            let Pending { code, done, .. } = stack.pop().expect("just seen");
            let linked = self.link_one(code, done);
            match stack.last_mut() {
                Some(parent) => parent.done.push(linked),
                None => return linked as usize,
            }
        }
    }

    fn link_one(&mut self, code: Code, children: Vec<*const Linked>) -> *const Linked {
        let constants = code
            .constants
            .iter()
            .map(|constant| self.constant(constant))
            .collect();
        let shapes = code
            .shapes
            .iter()
            .map(|shape| {
                let entries: Vec<KeyEntry> = shape
                    .iter()
                    .map(|(name, pos)| KeyEntry {
                        name: *name,
                        pos: *pos,
                    })
                    .collect();
                self.heap.keys(&entries)
            })
            .collect();
        let linked = Box::new(Linked {
            kind: code.kind,
            pos: code.pos,
            name: code.name,
            instructions: code.instructions.into(),
            positions: code.positions.into(),
            part_positions: code.part_positions.into(),
            strict_arguments: code.strict_arguments.into(),
            registers: code.registers,
            arity: code.arity,
            parameters: code.parameters.into(),
            formals: code.formals.into(),
            captures: code.captures.into(),
            constants,
            shapes,
            sites: code
                .selects
                .iter()
                .map(|name| Site {
                    keys: Cell::new(0),
                    index: Cell::new(0),
                    name: *name,
                })
                .collect(),
            children: children.into(),
        });
        let address: *const Linked = &*linked;
        self.code.push(linked);
        address
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
