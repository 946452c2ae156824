//! `builtins.outputOf`: from a derivation, or an output that is one, to an output of it. The string that is given has to be the one
//! that its context stands for.

use super::derive_finish::ensure_feature;
use super::store_requests::refused;
use crate::error::{Error, Result};
use crate::heap::{Marker, Value};
use crate::source::Pos;
use crate::store::{is_derivation, unknown_placeholder};
use crate::value::{Element, way};
use crate::vm::{Step, Task, Vm};
use piton_plugin_api::abi::{arg, tag};
use std::borrow::Cow;

/// The state machine of one call.
pub(super) struct OutputOf {
    derivation: Value,
    output: Value,
    /// Which argument is being evaluated.
    wait: Wait,
    /// The element of the context that the derivation is, once it is known.
    element: &'static [u8],
}

#[derive(PartialEq, Eq)]
enum Wait {
    Derivation,
    Output,
    Nothing,
}

impl OutputOf {
    pub(super) fn new(derivation: Value, output: Value) -> Self {
        OutputOf {
            derivation,
            output,
            wait: Wait::Derivation,
            element: b"",
        }
    }

    /// The element that the string stands for; an error unless it is what that element looks like.
    fn element(&self, vm: &mut Vm, string: Value) -> Result<&'static [u8]> {
        vm.expect(string, arg::of(tag::STRING))?;
        let text = string.as_string().unwrap_or_default();
        let shown = || String::from_utf8_lossy(text).into_owned();
        let elements = vm.contexts.elements(string.context());
        let &[element] = &elements[..] else {
            return Err(refused(format!(
                "string '{}' has {} entries in its context. It should only have exactly one entry",
                shown(),
                elements.len()
            )));
        };
        match Element::parse(element) {
            Element::Deep(_) => Err(refused(format!(
                "string '{}' has a context which refers to a complete source and binary closure. This is not supported at this time",
                shown()
            ))),
            Element::Path(path) if path != text => Err(refused(format!(
                "path string '{}' has context with the different path '{}'",
                shown(),
                String::from_utf8_lossy(path)
            ))),
            Element::Path(_) => Ok(element),
            Element::Output {
                derivation,
                outputs,
            } => {
                let mut names = way(outputs).collect::<Vec<_>>();
                let output = names.pop().unwrap_or_default();
                let expected = vm.output_text(derivation, &names, output)?;
                if expected == text {
                    return Ok(element);
                }
                let derivation = Element::parse(element).display();
                Err(refused(format!(
                    "string '{}' has context with the output '{}' from derivation '{}', but the string is not the right \
                     placeholder for this derivation output. It should be '{}'",
                    shown(),
                    String::from_utf8_lossy(output),
                    &derivation[..derivation.rfind('^').unwrap_or(derivation.len())],
                    String::from_utf8_lossy(&expected)
                )))
            }
        }
    }
}

impl Task for OutputOf {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let Some(value) = value else {
            return Ok(Step::Force(self.derivation));
        };
        if self.wait == Wait::Derivation {
            let element = self.element(vm, value);
            self.element = element.or_else(|error| self.explained(error))?;
            self.wait = Wait::Output;
            return Ok(Step::Force(self.output));
        }
        let output = vm.plain_string(value);
        let output = output.or_else(|error| self.explained(error))?;
        self.wait = Wait::Nothing;
        let inner = self.element.strip_prefix(b"!").unwrap_or(self.element);
        let element = [b"!", &output[..], b"!", inner].concat();
        let text = match Element::parse(self.element) {
            Element::Output {
                derivation,
                outputs,
            } => vm.output_text(derivation, &way(outputs).collect::<Vec<_>>(), &output)?,
            _ => vm.output_text(self.element, &[], &output)?,
        };
        let context = vm.contexts.make([&element[..]]);
        Ok(Step::Done(vm.heap.string(&text, context)))
    }

    fn mark(&self, marker: &mut Marker) {
        marker.values(&[self.derivation, self.output]);
    }

    fn fail(&mut self, _: &mut Vm, error: Error) -> Result<Value> {
        self.explained(error)
    }
}

impl OutputOf {
    /// The error with the argument that it is in.
    #[cold]
    fn explained<T>(&self, mut error: Error) -> Result<T> {
        let ordinal = match self.wait {
            Wait::Derivation => "first",
            Wait::Output => "second",
            Wait::Nothing => return Err(error),
        };
        error.trace(
            Pos::NONE,
            format!("while evaluating the {ordinal} argument to builtins.outputOf"),
        );
        error.place_told = true;
        Err(error)
    }
}

impl Vm {
    /// What an output, at the end of a way from a derivation, is in a string: its path where that is known, else what stands for it.
    fn output_text(&self, derivation: &[u8], way: &[&[u8]], output: &[u8]) -> Result<Vec<u8>> {
        if way.is_empty()
            && let Some(path) = self.output_path(derivation, output)?
        {
            return Ok(path);
        }
        ensure_feature(self, "ca-derivations")?;
        Ok(unknown_placeholder(
            derivation,
            way.iter().copied().chain([output]),
        ))
    }

    /// The path of an output, if it is known.
    fn output_path(&self, path: &[u8], output: &[u8]) -> Result<Option<Vec<u8>>> {
        let lossy = |text| -> Cow<'_, str> { String::from_utf8_lossy(text) };
        let text = self.derivation_text(path)?;
        let reason = if text.is_empty() {
            Some("file is empty (possible filesystem corruption)".to_owned())
        } else if is_derivation(path) {
            None
        } else {
            let name = crate::path::base_name(path);
            let name = lossy(name);
            Some(format!(
                "store path '{name}' is not a valid derivation path"
            ))
        };
        if let Some(reason) = reason {
            let path = lossy(path);
            return Err(refused(format!(
                "error parsing derivation '{path}': {reason}"
            )));
        }
        let derivation = self.read_derivation(path, &text)?;
        let found = derivation
            .outputs
            .iter()
            .find(|(name, _)| **name == *output);
        match found {
            Some((_, output)) => Ok(output.path().map(<[u8]>::to_vec)),
            None => Err(refused(format!(
                "derivation '{}' does not have output '{}'",
                lossy(path),
                lossy(output)
            ))),
        }
    }
}
