//! String contexts: which store paths a string depends on. Interned, so that a string holds one number.

use rustc_hash::FxHashMap;

/// An interned context; 0 is the empty one.
pub type ContextId = u32;

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
