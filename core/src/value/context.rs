//! String contexts: which store paths a string depends on. Interned, so that a string holds one number.

use crate::symbol::{Interner, Symbol};
use piton_plugin_api::Union;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::rc::Rc;

/// An interned context; 0 is the empty one.
pub type ContextId = u32;

/// An element of a context, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element<'e> {
    /// A store path as such.
    Path(&'e [u8]),
    /// A derivation with all that it needs and builds: `=DERIVATION`.
    Deep(&'e [u8]),
    /// An output: `!OUTPUT!DERIVATION`, or `!OUTPUT!...!OUTPUT!DERIVATION` for an output of an output.
    Output {
        /// The derivation that the way begins at.
        derivation: &'e [u8],
        /// The outputs, that of the derivation last, with `!` between them; [`way`] has them in the other order.
        outputs: &'e [u8],
    },
}

impl<'e> Element<'e> {
    /// Reads Nix's notation.
    pub fn parse(element: &'e [u8]) -> Self {
        match element {
            [b'=', path @ ..] => Element::Deep(path),
            [b'!', rest @ ..] => {
                // Names of outputs have no slash, and the path begins with one; no store path has the other character.
                let slash = rest.iter().position(|byte| *byte == b'/');
                let end = slash
                    .and_then(|slash| slash.checked_sub(1))
                    .filter(|end| rest[*end] == b'!')
                    .or_else(|| rest.iter().rposition(|byte| *byte == b'!'));
                Element::Output {
                    outputs: &rest[..end.unwrap_or(rest.len())],
                    derivation: end.map_or(&[], |end| &rest[end + 1..]),
                }
            }
            path => Element::Path(path),
        }
    }

    /// As messages show it: `PATH`, `PATH (deep)` or `PATH^OUTPUT`.
    pub fn display(self) -> String {
        let (path, after) = match self {
            Element::Path(path) => (path, Vec::new()),
            Element::Deep(path) => (path, b" (deep)".to_vec()),
            Element::Output {
                derivation,
                outputs,
            } => {
                let outputs = way(outputs).flat_map(|output| [&b"^"[..], output]);
                (derivation, outputs.collect::<Vec<_>>().concat())
            }
        };
        String::from_utf8_lossy(&[path, &after].concat()).into_owned()
    }
}

/// The outputs of an [`Element::Output`] on the way from its derivation.
pub fn way(outputs: &[u8]) -> impl Iterator<Item = &[u8]> {
    outputs.rsplit(|byte| *byte == b'!')
}

/// Elements of a context, in Nix's notation.
pub type Elements = Rc<[&'static [u8]]>;

/// All contexts of an evaluation.
pub struct Contexts {
    elements: Interner,
    /// The elements of each context, in the order of their symbols.
    sets: Vec<Rc<[Symbol]>>,
    set_ids: FxHashMap<Rc<[Symbol]>, ContextId>,
    /// The contexts of one element, by it; 0 where there is none. They are found here only.
    single_ids: Vec<ContextId>,
    unions: FxHashMap<(ContextId, ContextId), ContextId>,
    listed: RefCell<Option<(ContextId, Elements)>>,
}

impl Default for Contexts {
    fn default() -> Self {
        let mut contexts = Contexts {
            elements: Interner::new(),
            sets: Vec::new(),
            set_ids: FxHashMap::default(),
            single_ids: Vec::new(),
            unions: FxHashMap::default(),
            listed: RefCell::default(),
        };
        contexts.set(&[]);
        contexts
    }
}

impl Contexts {
    /// The context of these elements, which are sorted.
    fn set(&mut self, elements: &[Symbol]) -> ContextId {
        let next = self.sets.len() as ContextId;
        if let [element] = elements {
            let index = element.0 as usize;
            if index >= self.single_ids.len() {
                self.single_ids.resize(index + 1, 0);
            }
            match self.single_ids[index] {
                0 => self.single_ids[index] = next,
                id => return id,
            }
            self.sets.push(elements.into());
            return next;
        }
        if let Some(id) = self.set_ids.get(elements) {
            return *id;
        }
        let elements: Rc<[Symbol]> = elements.into();
        self.sets.push(elements.clone());
        self.set_ids.insert(elements, next);
        next
    }

    /// The context of these elements, in Nix's notation ("/nix/store/p", "!out!d.drv", "=d.drv").
    pub fn make<'a>(&mut self, elements: impl IntoIterator<Item = &'a [u8]>) -> ContextId {
        let mut set: SmallVec<[Symbol; 4]> = elements
            .into_iter()
            .map(|text| self.elements.intern(text))
            .collect();
        set.sort_unstable();
        set.dedup();
        self.set(&set)
    }

    /// Union.
    #[inline]
    pub fn union(&mut self, a: ContextId, b: ContextId) -> ContextId {
        if a == b || b == 0 {
            return a;
        }
        if a == 0 {
            return b;
        }
        self.union_slow(a.min(b), a.max(b))
    }

    fn union_slow(&mut self, a: ContextId, b: ContextId) -> ContextId {
        if let Some(id) = self.unions.get(&(a, b)) {
            return *id;
        }
        let mut set: SmallVec<[Symbol; 64]> = SmallVec::new();
        let [mut left, mut right] = [a, b].map(|id| &self.sets[id as usize][..]);
        while let (Some(first), Some(second)) = (left.first(), right.first()) {
            set.push(*first.min(second));
            let order = first.cmp(second);
            left = &left[usize::from(order.is_le())..];
            right = &right[usize::from(order.is_ge())..];
        }
        set.extend_from_slice(left);
        set.extend_from_slice(right);
        let id = self.set(&set);
        self.unions.insert((a, b), id);
        id
    }

    /// Adds a context to a union of many.
    #[inline]
    pub fn add(&mut self, all: &mut Union<ContextId>, context: ContextId) {
        if context != 0 {
            all.add(context, |a, b| self.union(a, b));
        }
    }

    /// The union of all.
    pub fn union_of(&mut self, contexts: Union<ContextId>) -> ContextId {
        contexts.finish(|a, b| self.union(a, b)).unwrap_or(0)
    }

    /// The elements, sorted by their text. Those of the context that was last asked about are kept: plugins ask for each of them.
    pub fn elements(&self, context: ContextId) -> Elements {
        let mut listed = self.listed.borrow_mut();
        match &*listed {
            Some((known, elements)) if *known == context => elements.clone(),
            _ => {
                let mut elements: Vec<&'static [u8]> = self.sets[context as usize]
                    .iter()
                    .map(|element| self.elements.name(*element))
                    .collect();
                elements.sort_unstable();
                let elements: Elements = elements.into();
                *listed = Some((context, elements.clone()));
                elements
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unions_of_many_are_one_context() {
        let mut contexts = Contexts::default();
        let names: Vec<String> = (0..100).map(|number| format!("/p{number}")).collect();
        let all = contexts.make(names.iter().map(String::as_bytes));
        let mut union = Union::default();
        for turn in 0..3 {
            for name in &names[turn..] {
                let one = contexts.make([name.as_bytes()]);
                contexts.add(&mut union, one);
            }
        }
        assert_eq!(contexts.union_of(union), all);
        assert_eq!(contexts.union_of(Union::default()), 0);
        let mut sorted: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        sorted.sort_unstable();
        let few = contexts.make([&b"/p1"[..]]);
        for _ in 0..2 {
            assert_eq!(contexts.elements(all)[..], sorted);
            assert_eq!(contexts.elements(few)[..], [b"/p1"]);
            assert!(contexts.elements(0).is_empty());
        }
    }

    #[test]
    fn elements_are_taken_apart() {
        let shown = |element: &str| Element::parse(element.as_bytes()).display();
        assert_eq!(shown("/p"), "/p");
        assert_eq!(shown("=/p.drv"), "/p.drv (deep)");
        assert_eq!(shown("!dev!/p.drv"), "/p.drv^dev");
        assert_eq!(shown("!x!out!/p.drv"), "/p.drv^out^x");
    }
}
