//! String contexts: which store paths a string depends on. Interned, so that a string holds one number.

use rustc_hash::FxHashMap;

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

/// All contexts of an evaluation.
pub struct Contexts {
    elements: Vec<&'static [u8]>,
    element_ids: FxHashMap<&'static [u8], u32>,
    /// Sorted element ids of each context.
    sets: Vec<Box<[u32]>>,
    set_ids: FxHashMap<Box<[u32]>, ContextId>,
    unions: FxHashMap<(ContextId, ContextId), ContextId>,
}

impl Default for Contexts {
    fn default() -> Self {
        let mut contexts = Contexts {
            elements: Vec::new(),
            element_ids: FxHashMap::default(),
            sets: Vec::new(),
            set_ids: FxHashMap::default(),
            unions: FxHashMap::default(),
        };
        contexts.set(Box::default());
        contexts
    }
}

impl Contexts {
    fn set(&mut self, ids: Box<[u32]>) -> ContextId {
        if let Some(id) = self.set_ids.get(&ids) {
            return *id;
        }
        let id = self.sets.len() as ContextId;
        self.sets.push(ids.clone());
        self.set_ids.insert(ids, id);
        id
    }

    fn element(&mut self, text: &[u8]) -> u32 {
        if let Some(id) = self.element_ids.get(text) {
            return *id;
        }
        let text: &'static [u8] = Box::leak(text.to_vec().into_boxed_slice());
        let id = self.elements.len() as u32;
        self.elements.push(text);
        self.element_ids.insert(text, id);
        id
    }

    /// The context of these elements, in Nix's notation ("/nix/store/p", "!out!d.drv", "=d.drv").
    pub fn make<'a>(&mut self, elements: impl IntoIterator<Item = &'a [u8]>) -> ContextId {
        let mut ids: Vec<u32> = elements
            .into_iter()
            .map(|text| self.element(text))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        self.set(ids.into())
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
        let mut ids = [&*self.sets[a as usize], &*self.sets[b as usize]].concat();
        ids.sort_unstable();
        ids.dedup();
        let id = self.set(ids.into());
        self.unions.insert((a, b), id);
        id
    }

    /// The elements, sorted by their text.
    pub fn elements(&self, context: ContextId) -> Vec<&'static [u8]> {
        let mut elements: Vec<&'static [u8]> = self.sets[context as usize]
            .iter()
            .map(|id| self.elements[*id as usize])
            .collect();
        elements.sort_unstable();
        elements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_taken_apart() {
        let shown = |element: &str| Element::parse(element.as_bytes()).display();
        assert_eq!(shown("/p"), "/p");
        assert_eq!(shown("=/p.drv"), "/p.drv (deep)");
        assert_eq!(shown("!dev!/p.drv"), "/p.drv^dev");
        assert_eq!(shown("!x!out!/p.drv"), "/p.drv^out^x");
    }
}
