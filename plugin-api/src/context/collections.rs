//! Lists and sets.

use super::cx::{Cx, host};
use super::error::Result;
use super::text::Symbol;
use crate::abi::{Attr, RawValue, tag};
use crate::value::{Type, Value};
use std::mem::offset_of;

/// An attribute with its position, as [`Attr`] lays it out.
#[derive(Debug)]
#[repr(C)]
pub struct Attribute<'f> {
    /// Its name.
    pub name: Symbol,
    /// Its source position, 0 for none.
    pub pos: u32,
    /// Its value, possibly a thunk.
    pub value: Value<'f>,
}

impl<'f> Attribute<'f> {
    /// An attribute without a source position.
    pub fn new(name: Symbol, value: Value<'f>) -> Self {
        Attribute {
            name,
            pos: 0,
            value,
        }
    }
}

/// How many elements are copied from the host at a time.
const BATCH: usize = 32;

/// How many a [`ListCursor`] copies at a time: they are part of the frame of the builtin that holds it.
const CURSOR_BATCH: usize = 8;

/// See [`Cx::list_cursor`].
pub struct ListCursor<'f, 'v> {
    cx: Cx<'f>,
    list: &'v Value<'f>,
    len: usize,
    next: usize,
    batch: [RawValue; CURSOR_BATCH],
}

impl<'f> ListCursor<'f, '_> {
    /// The next element. A clone of it has a root of its own and may be kept.
    #[inline(always)]
    #[allow(clippy::should_implement_trait)] // elements of an iterator could outlive the list
    pub fn next(&mut self) -> Option<impl std::ops::Deref<Target = Value<'f>> + use<'f>> {
        if self.next == self.len {
            return None;
        }
        let at = self.next % CURSOR_BATCH;
        if at == 0 {
            self.fill();
        }
        self.next += 1;
        // SAFETY: the list, which outlives the cursor, is immutable and holds the element.
        Some(unsafe { Value::borrow(self.batch[at], self.list) })
    }

    #[inline(never)]
    fn fill(&mut self) {
        let (cx, count) = (self.cx, CURSOR_BATCH.min(self.len - self.next));
        let batch = self.batch.as_mut_ptr();
        host!(cx.list_read(self.list.raw(), self.next, count, batch));
    }
}

impl<'f> Cx<'f> {
    // --- lists

    /// How many elements the list has.
    #[inline]
    pub fn list_len(self, list: &Value<'f>) -> Result<usize> {
        self.expect(list, Type::List)?;
        Ok(host!(self.list_len(list.raw())))
    }

    /// Element `index`; nothing where the list ends before.
    #[inline]
    pub fn list_item(self, list: &Value<'f>, index: usize) -> Option<Value<'f>> {
        let raw = host!(self.list_item(list.raw(), index));
        (raw.tag() != tag::ABSENT).then(|| self.adopt(raw))
    }

    /// The list of the elements from `start` on; nothing where the list ends before `start`.
    #[inline]
    pub fn list_from(self, list: &Value<'f>, start: usize) -> Option<Value<'f>> {
        let raw = host!(self.list_from(list.raw(), start));
        (raw.tag() != tag::ABSENT).then(|| self.adopt(raw))
    }

    /// Element `index`, which must be below the length.
    #[inline]
    pub fn list_get(self, list: &Value<'f>, index: usize) -> Value<'f> {
        self.list_item(list, index).unwrap_or(Value::null())
    }

    /// All elements.
    pub fn list_items(self, list: &Value<'f>) -> Result<Vec<Value<'f>>> {
        let len = self.list_len(list)?;
        let mut items = Vec::with_capacity(len);
        self.list_each(list, |value| {
            // SAFETY: the element is alive: the list, which is rooted, holds it.
            items.push(unsafe { Value::adopt(*value.raw(), self.vm) });
            Ok(())
        })?;
        Ok(items)
    }

    /// Looks at each element in turn, without rooting it: the fast way for what does not suspend. A clone of the element has
    /// a root of its own and may be kept.
    pub fn list_each(
        self,
        list: &Value<'f>,
        mut look: impl FnMut(&Value<'f>) -> Result<()>,
    ) -> Result<()> {
        let len = self.list_len(list)?;
        // Elements borrow this root, so that their clones know where to get one; see `Value::borrow`.
        let anchor = self.adopt(RawValue {
            head: list.raw().head & 0xffff,
            payload: list.raw().payload,
        });
        let mut batch = [RawValue::new(tag::NULL, 0); BATCH];
        let mut start = 0;
        while start < len {
            let count = BATCH.min(len - start);
            host!(self.list_read(list.raw(), start, count, batch.as_mut_ptr()));
            for raw in &batch[..count] {
                // SAFETY: the list holds the element, and nothing suspends while `look` borrows it.
                let element = unsafe { Value::borrow(*raw, &anchor) };
                look(&element)?;
            }
            start += count;
        }
        Ok(())
    }

    /// The elements one after another, for a loop that suspends. None of them has a root of its own: the list holds them.
    pub fn list_cursor<'v>(self, list: &'v Value<'f>) -> Result<ListCursor<'f, 'v>> {
        Ok(ListCursor {
            cx: self,
            list,
            len: self.list_len(list)?,
            next: 0,
            batch: [RawValue::new(tag::NULL, 0); CURSOR_BATCH],
        })
    }

    /// A list of these values.
    #[inline]
    pub fn list(self, items: &[Value<'f>]) -> Value<'f> {
        let raw = host!(self.make_list(items.as_ptr().cast(), items.len()));
        self.adopt(raw)
    }

    /// The concatenation of lists.
    pub fn list_concat(self, lists: &[Value<'f>]) -> Value<'f> {
        let raw = host!(self.list_concat(lists.as_ptr().cast(), lists.len()));
        self.adopt(raw)
    }

    /// The list of thunks `f e`.
    #[inline]
    pub fn list_map(self, f: &Value<'f>, list: &Value<'f>) -> Value<'f> {
        let raw = host!(self.list_map(f.raw(), list.raw()));
        self.adopt(raw)
    }

    /// The list of thunks `f i`, `i` from 0 to `count - 1`.
    #[inline]
    pub fn list_generate(self, f: &Value<'f>, count: usize) -> Value<'f> {
        let raw = host!(self.list_generate(f.raw(), count));
        self.adopt(raw)
    }

    // --- sets

    /// How many attributes the set has.
    #[inline]
    pub fn attrs_len(self, attrs: &Value<'f>) -> Result<usize> {
        self.expect(attrs, Type::Attrs)?;
        Ok(host!(self.attrs_len(attrs.raw())))
    }

    /// The attribute `name`, if it is there.
    #[inline]
    pub fn attrs_get(self, attrs: &Value<'f>, name: Symbol) -> Option<Value<'f>> {
        self.attribute(attrs, name).map(|attribute| attribute.value)
    }

    /// The attribute `name` with its position, if it is there.
    #[inline]
    pub fn attribute(self, attrs: &Value<'f>, name: Symbol) -> Option<Attribute<'f>> {
        if attrs.kind() != Type::Attrs {
            return None;
        }
        let attr = host!(self.attrs_get(attrs.raw(), name.0));
        (attr.value.tag() != tag::ABSENT).then(|| self.attribute_of(attr))
    }

    /// All attributes, sorted by the bytes of their names.
    pub fn attrs_items(self, attrs: &Value<'f>) -> Result<Vec<Attribute<'f>>> {
        let len = self.attrs_len(attrs)?;
        let none = Attr {
            name: 0,
            pos: 0,
            value: RawValue::new(tag::NULL, 0),
        };
        let mut raw = vec![none; len];
        host!(self.attrs_read(attrs.raw(), 0, len, raw.as_mut_ptr()));
        Ok(raw
            .into_iter()
            .map(|attr| self.attribute_of(attr))
            .collect())
    }

    /// The names of a set, as strings sorted by their bytes.
    #[inline]
    pub fn attrs_names(self, attrs: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_names(attrs.raw()));
        self.adopt(raw)
    }

    /// The values of a set, in the order of their names' bytes.
    #[inline]
    pub fn attrs_values(self, attrs: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_values(attrs.raw()));
        self.adopt(raw)
    }

    /// The set without the attributes of these names, which it need not have.
    #[inline]
    pub fn attrs_without(self, attrs: &Value<'f>, names: &[Symbol]) -> Value<'f> {
        let raw = host!(self.attrs_without(attrs.raw(), names.as_ptr().cast(), names.len()));
        self.adopt(raw)
    }

    /// The same for names in a list; nothing where a member of it is not evaluated, or is no string without context.
    #[inline]
    pub fn attrs_without_list(self, attrs: &Value<'f>, list: &Value<'f>) -> Option<Value<'f>> {
        let raw = host!(self.attrs_without_list(attrs.raw(), list.raw()));
        (raw.tag() != tag::ABSENT).then(|| self.adopt(raw))
    }

    /// A set out of a list of evaluated sets: for each its attribute `member`, under the name that its attribute `name` is, an evaluated
    /// string without context. Of several with one name the first stays; nothing where one that stays has no `member`, or where one
    /// has no such name.
    #[inline]
    pub fn attrs_of_members(
        self,
        list: &Value<'f>,
        name: Symbol,
        member: Symbol,
    ) -> Option<Value<'f>> {
        let raw = host!(self.attrs_of_members(list.raw(), name.0, member.0));
        (raw.tag() != tag::ABSENT).then(|| self.adopt(raw))
    }

    /// The names of all sets in a list, each with the thunk `f "name" values`, where `values` lists what the sets have under that name;
    /// nothing where one of them is not evaluated, or no set.
    #[inline]
    pub fn attrs_zip(self, f: &Value<'f>, list: &Value<'f>) -> Option<Value<'f>> {
        let raw = host!(self.attrs_zip(f.raw(), list.raw()));
        (raw.tag() != tag::ABSENT).then(|| self.adopt(raw))
    }

    /// The attributes of the set `b` whose names the set `a` has, too.
    #[inline]
    pub fn attrs_common(self, a: &Value<'f>, b: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_common(a.raw(), b.raw()));
        self.adopt(raw)
    }

    /// A set; of attributes with one name the first stays.
    pub fn attrs(self, attributes: &[Attribute<'f>]) -> Value<'f> {
        const {
            assert!(size_of::<Attribute<'_>>() == size_of::<Attr>());
            assert!(offset_of!(Attribute<'_>, pos) == offset_of!(Attr, pos));
            assert!(offset_of!(Attribute<'_>, value) == offset_of!(Attr, value));
        }
        let raw = host!(self.make_attrs(attributes.as_ptr().cast(), attributes.len()));
        self.adopt(raw)
    }

    /// `a // b`
    pub fn attrs_update(self, a: &Value<'f>, b: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_update(a.raw(), b.raw()));
        self.adopt(raw)
    }

    /// The set of thunks `f "name" value`.
    pub fn attrs_map(self, f: &Value<'f>, attrs: &Value<'f>) -> Value<'f> {
        let raw = host!(self.attrs_map(f.raw(), attrs.raw()));
        self.adopt(raw)
    }

    #[inline(always)]
    fn attribute_of(self, attr: Attr) -> Attribute<'f> {
        Attribute {
            name: Symbol(attr.name),
            pos: attr.pos,
            value: self.adopt(attr.value),
        }
    }
}
