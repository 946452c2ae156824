//! Matching an argument against `{ a, b ? d, ... }`.

use super::link::Linked;
use super::machine::Vm;
use super::messages::suggest;
use crate::bytecode::FormalsSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{AnyAttrs, Form, Value};
use crate::symbol::Symbol;

impl Vm {
    /// Spreads the set `argument` over the registers of the formals, `stride` apart from `first` on. What is missing and has
    /// a default is left unset.
    #[inline]
    pub(super) fn match_formals(
        &mut self,
        code: &Linked,
        spec: &FormalsSpec,
        argument: Value,
        registers: *mut Value,
        first: u16,
        stride: u8,
    ) -> Result<()> {
        let Some(attrs) = argument.as_attrs() else {
            return Err(self.no_set(argument));
        };
        let (entries, values) = match attrs.form() {
            Form::Flat(attrs) => (attrs.keys().entries(), attrs.values()),
            // Asked for each formal, it need not be laid side by side.
            Form::Layers(..) => (&[][..], &[][..]),
        };
        let mut at = 0;
        let mut matched = 0;
        for formal in &spec.formals {
            // Both sides are sorted by symbol.
            while at < entries.len() && entries[at].name < formal.name {
                at += 1;
            }
            let found = match attrs.shape() {
                0 => attrs.get(formal.name),
                _ => (at < entries.len() && entries[at].name == formal.name).then(|| values[at]),
            };
            if found.is_none() && !formal.has_default {
                return Err(self.missing_argument(code, formal.name));
            }
            matched += usize::from(found.is_some());
            let register = usize::from(first) + usize::from(formal.slot) * usize::from(stride);
            // SAFETY: the compiler has reserved these registers of the frame.
            unsafe { *registers.add(register) = found.unwrap_or(Value::UNSET) };
        }
        if !spec.ellipsis && matched < attrs.len() {
            return Err(self.unexpected_argument(code, spec, attrs));
        }
        Ok(())
    }

    #[cold]
    fn no_set(&mut self, argument: Value) -> Error {
        let found = super::messages::describe(self, argument);
        let mut error = not_entered(Error::new(
            ErrorKind::Type,
            format!("expected a set but found {found}"),
        ));
        error.step = Some("while evaluating the value passed for the lambda argument");
        error
    }

    #[cold]
    fn missing_argument(&mut self, code: &Linked, name: Symbol) -> Error {
        let function = self.lambda_name(code);
        let name = self.interner.display(name);
        not_entered(Error::new(
            ErrorKind::Type,
            format!("function '{function}' called without required argument '{name}'"),
        ))
    }

    #[cold]
    fn unexpected_argument(&mut self, code: &Linked, spec: &FormalsSpec, attrs: AnyAttrs) -> Error {
        let known = |name| {
            spec.formals
                .binary_search_by_key(&name, |formal| formal.name)
                .is_ok()
        };
        let members = attrs.members().into_iter();
        let unexpected = members
            .map(|(entry, _)| entry.name)
            .filter(|name| !known(*name));
        let Some(name) = unexpected.min() else {
            return Error::new(
                ErrorKind::Type,
                "function called with an unexpected argument",
            );
        };
        let function = self.lambda_name(code);
        let text = crate::syntax::symbol_text(&self.interner, name);
        let mut error = not_entered(Error::new(
            ErrorKind::Type,
            format!("function '{function}' called with unexpected argument '{text}'"),
        ));
        error.suggestions = suggest(
            &self.interner,
            name,
            spec.formals.iter().map(|formal| formal.name),
        );
        error
    }

    fn lambda_name(&self, code: &Linked) -> String {
        code.name.map_or_else(
            || "anonymous lambda".to_owned(),
            |name| self.interner.display(name),
        )
    }
}

fn not_entered(mut error: Error) -> Error {
    error.not_entered = true;
    error
}
