//! Attributes: what happens where one is missing, and dynamic ones.

use super::link::Linked;
use super::machine::Vm;
use super::messages::{describe, suggest};
use crate::bytecode::OperandUse;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::Value;
use crate::source::Pos;
use crate::symbol::Symbol;
use crate::value::Element;

impl Vm {
    /// The error of a selection that did not succeed.
    #[cold]
    pub(super) fn missing_attribute(&mut self, set: Value, name: Symbol) -> Error {
        let Some(attrs) = set.as_attrs() else {
            let mut error = self.not_a_set(set);
            error.step = Some("while selecting an attribute");
            return error;
        };
        let text = crate::syntax::symbol_text(&self.interner, name);
        let mut error = Error::new(
            ErrorKind::MissingAttribute,
            format!("attribute '{text}' missing"),
        );
        error.suggestions = suggest(
            &self.interner,
            name,
            attrs.members().iter().map(|(entry, _)| entry.name),
        );
        if self.globals.last() == Some(&set) {
            // It is `builtins`.
            error.hint = self.host.absence(self.interner.name(name));
        }
        error
    }

    #[cold]
    pub(super) fn not_a_set(&mut self, value: Value) -> Error {
        let found = describe(self, value);
        Error::new(ErrorKind::Type, format!("expected a set but found {found}"))
    }

    /// The error of an operand of `//` or a `with` that stands at `pos`.
    #[cold]
    pub(super) fn not_a_set_in(&mut self, value: Value, usage: OperandUse, pos: Pos) -> Error {
        let mut error = self.not_a_set(value);
        error.trace(pos, usage.step());
        error.place_told = true;
        error
    }

    #[cold]
    pub(super) fn not_a_list(&mut self, value: Value) -> Error {
        let found = describe(self, value);
        let mut error = Error::new(
            ErrorKind::Type,
            format!("expected a list but found {found}"),
        );
        error.step = Some("while evaluating one of the elements to concatenate");
        error
    }

    #[cold]
    pub(super) fn not_a_bool(&mut self, value: Value, usage: OperandUse, pos: Pos) -> Error {
        let found = describe(self, value);
        let mut error = Error::new(
            ErrorKind::Type,
            format!("expected a Boolean but found {found}"),
        )
        .at(pos);
        error.trace(pos, usage.step());
        error
    }

    /// The error of a name that the instruction at `pc` selects or asks for, with what is told of it.
    #[cold]
    pub(super) fn not_a_name(&self, error: Error, name: Value, code: &Linked, pc: usize) -> Error {
        let pos = code.operand_position(pc, OperandUse::Name);
        // Of a string the place is told by the step alone.
        let mut error = match name.is_string() {
            true => error,
            false => error.at(pos),
        };
        error.trace(pos, OperandUse::Name.step());
        error.place_told = true;
        error
    }

    /// The symbol of a computed attribute name.
    pub(super) fn attribute_name(&mut self, name: Value) -> Result<Symbol> {
        match self.string_symbol(name) {
            Some(symbol) => Ok(symbol),
            None if name.is_string() => Err(self.refers_to_store(name)),
            None => {
                let found = describe(self, name);
                Err(Error::new(
                    ErrorKind::Type,
                    format!("expected a string but found {found}"),
                ))
            }
        }
    }

    #[cold]
    fn refers_to_store(&self, string: Value) -> Error {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let element = self.contexts.elements(string.context());
        let element = Element::parse(element.first().copied().unwrap_or_default()).display();
        let string = text(string.as_string().unwrap_or_default());
        Error::new(
            ErrorKind::Eval,
            format!(
                "the string '{string}' is not allowed to refer to a store path (such as '{element}')"
            ),
        )
    }

    /// `set` with one more attribute; a name of null adds nothing.
    pub(super) fn add_dynamic(
        &mut self,
        set: Value,
        name: Value,
        value: Value,
        pos: Pos,
    ) -> Result<Value> {
        if name.is_null() {
            return Ok(set);
        }
        let symbol = self.attribute_name(name).map_err(|mut error| {
            const STEP: &str = "while evaluating the name of a dynamic attribute";
            if name.is_string() {
                error.step = Some(STEP);
                return error;
            }
            let mut error = error.at(pos);
            error.trace(pos, STEP);
            error
        })?;
        let Some(attrs) = set.as_attrs() else {
            return Err(self.not_a_set(set));
        };
        if let Some((_, earlier)) = attrs.get_with_pos(symbol) {
            let text = self.interner.display(symbol);
            let place = self
                .sources
                .locate(earlier)
                .map_or_else(String::new, |location| {
                    format!(
                        " at {}:{}:{}",
                        location.file.origin.display(),
                        location.line,
                        location.column
                    )
                });
            return Err(Error::new(
                ErrorKind::Eval,
                format!("dynamic attribute '{text}' already defined{place}"),
            ));
        }
        let more = self.heap.attrs_from(&mut [(symbol, pos, value)]);
        Ok(crate::value::update(&mut self.heap, &mut self.merge_plans, attrs, more.into()).value())
    }
}
