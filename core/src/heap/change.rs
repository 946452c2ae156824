//! Changes of objects that may be old: a collection of what is new alone looks at no old object but those that are noted here.
//!
//! What is still being built is new, unless a safepoint comes between.

use super::block::Heap;
use super::object::{Captured, List, Object, Thunk};
use super::sets::{AnyAttrs, Attrs, Keys};
use super::word::Value;
use piton_plugin_api::hint::cold_path;

/// Changes that are noted in one piece: nothing has to be copied to make room for more.
const PIECE: usize = 1 << 13;

impl Heap {
    /// Notes that an object refers to others than before.
    #[inline(always)]
    pub(super) fn changed(&mut self, object: Object) {
        if object.is_old() {
            cold_path();
            self.note(object);
        }
    }

    #[inline(never)]
    fn note(&mut self, object: Object) {
        if !self.tells_new() {
            return;
        }
        match self.changed.last_mut() {
            Some(piece) if piece.len() < PIECE => piece.push(object),
            _ => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(object);
                self.changed.push(piece);
            }
        }
    }

    /// The same of an old thunk that has got a value: most values are new.
    #[inline(never)]
    fn note_value(&mut self, thunk: Thunk, value: Value) {
        if value.object().is_some_and(|object| !object.is_old()) {
            self.note(thunk.0);
        }
    }

    /// Stores the value of a thunk.
    #[inline(always)]
    pub fn finish(&mut self, thunk: Thunk, value: Value) {
        if thunk.store(value) {
            cold_path();
            self.note_value(thunk, value);
        }
    }

    /// Notes that captures of a closure or thunk have been filled in.
    #[inline(always)]
    pub fn filled(&mut self, object: Captured) {
        self.changed(object.0);
    }

    /// Sets an item of a list that is being built.
    #[inline(always)]
    pub fn set_item(&mut self, list: List, index: usize, value: Value) {
        list.items_mut()[index] = value;
        self.changed(list.0);
    }

    /// Sets an attribute of a set that is being built.
    #[inline(always)]
    pub fn set_attr(&mut self, attrs: Attrs, index: usize, value: Value) {
        attrs.values_mut()[index] = value;
        self.changed(attrs.0);
    }

    /// Keeps the indices of keys in the order of the names' text.
    pub fn set_name_order(&mut self, keys: Keys, order: List) {
        keys.keep_name_order(order);
        self.changed(keys.0);
    }

    /// From now on a set that has layers is `flat`, which has the same attributes.
    pub fn set_flat(&mut self, attrs: AnyAttrs, flat: Attrs) {
        attrs.keep_flat(flat);
        self.changed(attrs.0);
    }
}
