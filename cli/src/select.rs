//! `-A a.b.0`, `--arg` and `--argstr`: going into a value, calling functions on the way.

use crate::failure::{Failure, Result};
use crate::session::Session;
use piton_core::error::{Error, ErrorKind};
use piton_core::heap::Value;
use piton_core::source::Pos;
use piton_core::symbol::Symbol;
use piton_core::vm::indefinite_type;

/// How often a value may answer `__functor` for another one.
const MAX_FUNCTORS: u32 = 10_000;

/// The names in a selection path. Names in quotes may hold dots.
pub fn parse_path(text: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '.' => names.push(std::mem::take(&mut name)),
            '"' => {
                let Some((quoted, after)) = rest.split_once('"') else {
                    return Err(Failure::new(format!(
                        "missing closing quote in selection path '{text}'"
                    )));
                };
                name.push_str(quoted);
                rest = after;
            }
            _ => name.push(character),
        }
    }
    if !name.is_empty() {
        names.push(name);
    }
    Ok(names)
}

impl Session {
    /// The part of `root` at a selection path, in weak head normal form.
    pub fn select(&mut self, root: Value, path: &str) -> Result<Value> {
        let mut value = root;
        for name in parse_path(path)? {
            value = self.auto_call(value)?;
            value = match name.parse::<u32>() {
                Ok(index) => self.item(value, index, path)?,
                Err(_) => self.attribute(value, &name, path)?,
            };
        }
        self.force(value)
    }

    fn item(&mut self, value: Value, index: u32, path: &str) -> Result<Value> {
        let Some(list) = value.as_list() else {
            return Err(Failure::new(format!(
                "the expression selected by the selection path '{path}' should be a list but is {}",
                self.type_name(value)
            )));
        };
        match list.items().get(index as usize) {
            Some(item) => Ok(*item),
            None => Err(Failure::new(format!(
                "list index {index} in selection path '{path}' is out of range"
            ))),
        }
    }

    fn attribute(&mut self, value: Value, name: &str, path: &str) -> Result<Value> {
        let Some(attrs) = value.as_attrs() else {
            return Err(Failure::new(format!(
                "the expression selected by the selection path '{path}' should be a set but is {}",
                self.type_name(value)
            )));
        };
        if name.is_empty() {
            return Err(Failure::new(format!(
                "empty attribute name in selection path '{path}'"
            )));
        }
        let symbol = self.evaluator.vm_mut().interner.intern(name.as_bytes());
        match attrs.get(symbol) {
            Some(value) => Ok(value),
            None => {
                let message = format!("attribute '{name}' in selection path '{path}' not found");
                let mut error = Error::new(ErrorKind::MissingAttribute, message);
                error.suggestions = self.suggestions(value, name);
                Err(self.report(&error))
            }
        }
    }

    /// Attributes of a set that were probably meant: those that the language itself would suggest.
    fn suggestions(&mut self, set: Value, name: &str) -> Vec<String> {
        let Ok(select) = self
            .evaluator
            .evaluate_text(b"set: name: set.${name}", b"/")
        else {
            return Vec::new();
        };
        let name = self.string(name.as_bytes());
        match self.evaluator.call(select, &[set, name]) {
            Ok(_) => Vec::new(),
            Err(error) => error.suggestions.clone(),
        }
    }

    /// Calls a function that takes a set with those of the arguments that it knows, or with all of them if it takes more than
    /// it names; anything else stays as it is.
    pub fn auto_call(&mut self, value: Value) -> Result<Value> {
        let mut value = self.force(value)?;
        let functor = self.evaluator.vm().names.functor;
        for _ in 0..MAX_FUNCTORS {
            let Some(function) = value.as_attrs().and_then(|attrs| attrs.get(functor)) else {
                break;
            };
            value = self.call(function, &[value])?;
        }
        let Some(formals) = self.evaluator.vm().next_formals(value) else {
            return Ok(value);
        };
        let mut passed = Vec::new();
        if formals.ellipsis {
            passed.clone_from(&self.arguments);
        } else {
            let mut missing = Vec::new();
            for formal in &formals.formals {
                match self.arguments.iter().find(|(name, _)| *name == formal.name) {
                    Some(argument) => passed.push(*argument),
                    None if formal.has_default => {}
                    None => missing.push((formal.pos, formal.name)),
                }
            }
            // The first one in the source.
            if let Some((pos, name)) = missing.into_iter().min() {
                return Err(self.missing_argument(pos, name));
            }
        }
        let argument = self.attrs(&passed);
        self.call(value, &[argument])
    }

    #[cold]
    fn missing_argument(&self, pos: Pos, name: Symbol) -> Failure {
        let name = self.evaluator.vm().interner.display(name);
        let message = format!(
            "cannot evaluate a function that has an argument without a value ('{name}')\n\
             Nix attempted to evaluate a function as a top level expression; in\n\
             this case it must have its arguments supplied either by default\n\
             values, or passed explicitly with '--arg' or '--argstr'. See\n\
             https://nix.dev/manual/nix/stable/language/syntax.html#functions."
        );
        self.report(&Error::new(ErrorKind::Type, message).at(pos))
    }

    /// The value in weak head normal form.
    pub fn force(&mut self, value: Value) -> Result<Value> {
        self.evaluator
            .force(value)
            .map_err(|error| self.report(&error))
    }

    fn call(&mut self, function: Value, arguments: &[Value]) -> Result<Value> {
        let function = self.force(function)?;
        self.evaluator
            .call(function, arguments)
            .map_err(|error| self.report(&error))
    }

    /// What kind of value it is, with an article.
    fn type_name(&self, value: Value) -> String {
        let name = |index| self.evaluator.vm().host.name(index);
        if let Some(index) = value.as_builtin() {
            return format!("the built-in function '{}'", name(index));
        }
        match value
            .as_partial()
            .and_then(|partial| partial.function().as_builtin())
        {
            Some(index) => format!("the partially applied built-in function '{}'", name(index)),
            None => indefinite_type(value.value_type()).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_path;

    #[test]
    fn selection_paths() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("a", &["a"]),
            ("a.b.0", &["a", "b", "0"]),
            ("a.\"b.c d\".e", &["a", "b.c d", "e"]),
            ("a\"b\"c", &["abc"]),
            ("a.", &["a"]),
            (".a", &["", "a"]),
            ("a..b", &["a", "", "b"]),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_path(text).expect("valid"), expected, "{text}");
        }
        assert!(parse_path("a.\"b").is_err());
    }
}
