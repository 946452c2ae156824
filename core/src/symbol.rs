//! Interned identifiers. A [`Symbol`] is an attribute or variable name; equal names have equal symbols.

use rustc_hash::FxHashMap;

/// An interned name. The order of symbols is the order of interning, not of their text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Symbol(pub u32);

/// Maps names to [`Symbol`]s and back. Names are bytes, as Nix strings are.
#[derive(Default)]
pub struct Interner {
    map: FxHashMap<&'static [u8], Symbol>,
    names: Vec<&'static [u8]>,
    /// Every symbol that was asked for since [`Interner::record`], if somebody wants to know.
    record: Option<Vec<Symbol>>,
}

impl Interner {
    /// An interner that knows no name.
    pub fn new() -> Self {
        Self::default()
    }

    /// The symbol for `name`, which is interned if it is new.
    ///
    /// Names live as long as the process: the set of distinct names of an evaluation is small against its
    /// heap, and it lets every table hold plain slices.
    pub fn intern(&mut self, name: &[u8]) -> Symbol {
        if let Some(symbol) = self.map.get(name) {
            if let Some(record) = &mut self.record {
                record.push(*symbol);
            }
            return *symbol;
        }
        let stored: &'static [u8] = Box::leak(name.to_vec().into_boxed_slice());
        let symbol =
            Symbol(u32::try_from(self.names.len()).expect("fewer than 2^32 distinct names"));
        self.names.push(stored);
        self.map.insert(stored, symbol);
        if let Some(record) = &mut self.record {
            record.push(symbol);
        }
        symbol
    }

    /// Records from now on which symbols are asked for.
    pub fn record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What has been recorded.
    pub fn recorded(&mut self) -> Vec<Symbol> {
        self.record.take().unwrap_or_default()
    }

    /// The symbol for `name` if some source or value has used that name before.
    pub fn lookup(&self, name: &[u8]) -> Option<Symbol> {
        self.map.get(name).copied()
    }

    /// The text of `symbol`.
    pub fn name(&self, symbol: Symbol) -> &'static [u8] {
        self.names[symbol.0 as usize]
    }

    /// The text of `symbol` for messages; bytes that are not UTF-8 are replaced.
    pub fn display(&self, symbol: Symbol) -> String {
        String::from_utf8_lossy(self.name(symbol)).into_owned()
    }
}
