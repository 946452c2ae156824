//! Which derivations a value stands for: itself, or those in its lists and, where they say so, its sets.

use crate::failure::{Failure, Result};
use crate::output;
use crate::session::Session;
use crate::store::Roots;
use piton_core::error::{Error, ErrorKind};
use piton_core::heap::Value;
use piton_core::source::Pos;
use piton_core::vm::{indefinite_type, show_short};
use std::collections::HashSet;

/// What is to be looked at, and the attribute that led there.
struct Work {
    value: Value,
    how: How,
    step: Option<usize>,
}

#[derive(Clone, Copy)]
enum How {
    /// A function is called, and whatever it is must hold derivations.
    Enter,
    /// An attribute: a derivation, or a set that wants to be entered.
    Attribute,
    /// An element of a list: a derivation, or entered.
    Element,
}

/// Attributes on the way, each with the one before: for messages.
#[derive(Default)]
struct Steps(Vec<(Option<usize>, Pos, String)>);

impl Steps {
    fn trace(&self, mut error: Error, mut step: Option<usize>) -> Error {
        while let Some((parent, pos, name)) = step.map(|step| &self.0[step]) {
            error.trace(*pos, format!("while evaluating the attribute '{name}'"));
            step = *parent;
        }
        error
    }
}

impl Session {
    /// Prints the path of each derivation that `value` stands for, and which output is meant if it is not `out`.
    pub fn print_derivations(&mut self, value: Value, roots: &mut Roots) -> Result<()> {
        for derivation in self.derivations(value)? {
            let path = self.member(derivation, "drvPath")?;
            let Some(path) = path.filter(|path| path.ends_with(b".drv")) else {
                return Err(Failure::new(
                    "derivation does not contain a 'drvPath' attribute",
                ));
            };
            let mut line = path.clone();
            match self.member(derivation, "outputName")? {
                Some(output) if output == b"out" => {}
                Some(output) if !output.is_empty() => {
                    line.extend_from_slice(&[b"!", &output[..]].concat())
                }
                _ => {
                    let path = String::from_utf8_lossy(&line);
                    return Err(Failure::new(format!(
                        "derivation '{path}' lacks an 'outputName' attribute"
                    )));
                }
            }
            if let Some(root) = roots.add(&path)? {
                line.splice(..path.len(), root);
            }
            line.push(b'\n');
            output::write(&line)?;
        }
        Ok(())
    }

    /// Whether a value in weak head normal form is a derivation.
    pub fn is_derivation_value(&mut self, value: Value) -> Result<bool> {
        self.is_derivation(value, &Steps::default(), None)
    }

    /// A string in a derivation.
    pub fn member(&mut self, derivation: Value, name: &str) -> Result<Option<Vec<u8>>> {
        let symbol = self.evaluator.vm_mut().interner.intern(name.as_bytes());
        let Some(value) = derivation.as_attrs().and_then(|attrs| attrs.get(symbol)) else {
            return Ok(None);
        };
        let value = self.force(value)?;
        match value.as_string() {
            Some(text) => Ok(Some(text.to_vec())),
            None => Err(Failure::new(format!(
                "the attribute '{name}' of a derivation is not a string"
            ))),
        }
    }

    fn derivations(&mut self, value: Value) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut steps = Steps::default();
        let mut todo = vec![Work {
            value,
            how: How::Enter,
            step: None,
        }];
        while let Some(Work { value, how, step }) = todo.pop() {
            let value = match how {
                How::Enter => self.auto_call(value)?,
                _ => self.traced_force(value, &steps, step)?,
            };
            if self.is_derivation(value, &steps, step)? {
                if seen.insert(value) {
                    match self.symbol_of(value, "name") {
                        Some(name) => self.check_name(name, &steps, step)?,
                        None => {
                            return Err(self.failure(
                                ErrorKind::Type,
                                "derivation name missing",
                                &steps,
                                step,
                            ));
                        }
                    };
                    found.push(value);
                }
                continue;
            }
            match how {
                How::Enter => self.enter(value, &mut todo, &mut steps, step)?,
                How::Element => todo.push(Work {
                    value,
                    how: How::Enter,
                    step,
                }),
                How::Attribute => {
                    if let Some(recurse) = self.symbol_of(value, "recurseForDerivations")
                        && self.boolean(recurse, &steps, step)?
                    {
                        todo.push(Work {
                            value,
                            how: How::Enter,
                            step,
                        });
                    }
                }
            }
        }
        Ok(found)
    }

    /// Notes the members of a set or list, the first one to be looked at first.
    fn enter(
        &mut self,
        value: Value,
        todo: &mut Vec<Work>,
        steps: &mut Steps,
        step: Option<usize>,
    ) -> Result<()> {
        if let Some(list) = value.as_list() {
            todo.extend(list.items().iter().rev().map(|item| Work {
                value: *item,
                how: How::Element,
                step,
            }));
            return Ok(());
        }
        let Some(attrs) = value.as_attrs() else {
            let message =
                "expression does not evaluate to a derivation (or a set or list of those)";
            return Err(self.failure(ErrorKind::Type, message, steps, step));
        };
        let combined = self.symbol_of(value, "_combineChannels").is_some();
        let interner = &self.evaluator.vm().interner;
        let mut members: Vec<(&[u8], Pos, Value)> = attrs
            .members()
            .into_iter()
            .map(|(entry, value)| (interner.name(entry.name), entry.pos, value))
            .filter(|(name, ..)| is_path_component(name))
            .collect();
        members.sort_by_key(|member| std::cmp::Reverse(member.0));
        for (name, pos, value) in members {
            steps
                .0
                .push((step, pos, String::from_utf8_lossy(name).into_owned()));
            todo.push(Work {
                value,
                how: if combined { How::Enter } else { How::Attribute },
                step: Some(steps.0.len() - 1),
            });
        }
        Ok(())
    }

    /// The name of a derivation must be a string, even if nobody looks at it.
    fn check_name(&mut self, name: Value, steps: &Steps, step: Option<usize>) -> Result<()> {
        let name = self.traced_force(name, steps, step)?;
        if name.as_string().is_some() {
            return Ok(());
        }
        let mut error = self.unexpected("a string", name);
        error.trace(
            Pos::NONE,
            "while evaluating the 'name' attribute of a derivation",
        );
        Err(self.report(&steps.trace(error, step)))
    }

    fn unexpected(&mut self, expected: &str, found: Value) -> Error {
        let kind = indefinite_type(found.value_type());
        let shown = show_short(self.evaluator.vm_mut(), found);
        Error::new(
            ErrorKind::Type,
            format!("expected {expected} but found {kind}: {shown}"),
        )
    }

    fn is_derivation(&mut self, value: Value, steps: &Steps, step: Option<usize>) -> Result<bool> {
        let kind = self.evaluator.vm().names.type_;
        let Some(kind) = value.as_attrs().and_then(|attrs| attrs.get(kind)) else {
            return Ok(false);
        };
        Ok(self.traced_force(kind, steps, step)?.as_string() == Some(b"derivation"))
    }

    fn boolean(&mut self, value: Value, steps: &Steps, step: Option<usize>) -> Result<bool> {
        let value = self.traced_force(value, steps, step)?;
        match value.as_bool() {
            Some(value) => Ok(value),
            None => {
                let error = self.unexpected("a Boolean", value);
                Err(self.report(&steps.trace(error, step)))
            }
        }
    }

    fn symbol_of(&mut self, set: Value, name: &str) -> Option<Value> {
        let symbol = self.evaluator.vm().interner.lookup(name.as_bytes())?;
        set.as_attrs()?.get(symbol)
    }

    fn traced_force(&mut self, value: Value, steps: &Steps, step: Option<usize>) -> Result<Value> {
        let forced = self.evaluator.force(value);
        forced.map_err(|error| self.report(&steps.trace(error, step)))
    }

    fn failure(
        &self,
        kind: ErrorKind,
        message: &str,
        steps: &Steps,
        step: Option<usize>,
    ) -> Failure {
        self.report(&steps.trace(Error::new(kind, message), step))
    }
}

/// Whether a derivation can be selected by this name: others do not count.
fn is_path_component(name: &[u8]) -> bool {
    let Some((first, rest)) = name.split_first() else {
        return false;
    };
    let letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    letter(first)
        && rest
            .iter()
            .all(|byte| letter(byte) || byte.is_ascii_digit() || b"-+".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::is_path_component;

    #[test]
    fn path_components() {
        for (name, expected) in [
            ("a", true),
            ("_a-1+", true),
            ("", false),
            ("1a", false),
            ("a.b", false),
            ("-a", false),
        ] {
            assert_eq!(is_path_component(name.as_bytes()), expected, "{name}");
        }
    }
}
