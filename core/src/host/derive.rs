//! `derivationStrict`: the attributes of a derivation, evaluated and coerced one by one in the order of their names.

use super::derive_finish::{Draft, ensure_feature};
use crate::error::{Error, ErrorKind, Rank, Result, Trace};
use crate::heap::{Marker, Value};
use crate::source::Pos;
use crate::store::{Algorithm, Method, check_name};
use crate::vm::{Coerce, Coercion, Step, Task, Vm};
use crate::world::Message;
use piton_plugin_api::abi::{arg, tag};

/// The state machine of one derivation.
pub(super) struct Derive {
    attrs: Value,
    /// Names, positions and values in the order of the names' bytes.
    members: std::vec::IntoIter<Member>,
    /// The attribute at hand.
    current: Option<Member>,
    wait: Wait,
    /// What arrives next still has to be coerced to a string.
    coerces: bool,
    name_pos: Pos,
    ignore_nulls: bool,
    /// Elements of the list at hand, `args` or `outputs`, the next one last.
    elements: Vec<Value>,
    draft: Draft,
}

/// An attribute: its name, its position and its value.
type Member = (&'static [u8], Pos, Value);

/// What is being waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The set itself.
    Attrs,
    Name,
    Structured,
    IgnoreNulls,
    /// The attribute, which may be null.
    NotNull,
    ContentAddressed,
    Impure,
    /// The list of arguments, then each of them.
    Args,
    Argument,
    /// The attribute as JSON, then, where it means something here, its value again.
    Json,
    Special,
    /// The list of outputs among structured attributes, then each of them.
    Outputs,
    Output,
    /// The attribute as a string.
    Text,
}

/// What to do next.
enum Next {
    Force(Value),
    Coerce(Value),
    Json(Value),
    Finish,
}

/// Attributes that mean something only where they are variables.
const WITHOUT_EFFECT: [&[u8]; 6] = [
    b"allowedReferences",
    b"allowedRequisites",
    b"disallowedReferences",
    b"disallowedRequisites",
    b"maxClosureSize",
    b"maxSize",
];

const COERCION: Coercion = Coercion {
    more: true,
    copy_to_store: true,
};

impl Derive {
    pub(super) fn new(attrs: Value) -> Self {
        Derive {
            attrs,
            members: Vec::new().into_iter(),
            current: None,
            wait: Wait::Attrs,
            coerces: false,
            name_pos: Pos::NONE,
            ignore_nulls: false,
            elements: Vec::new(),
            draft: Draft::default(),
        }
    }

    fn awaits(&mut self, wait: Wait, next: Next) -> Result<Next> {
        self.wait = wait;
        Ok(next)
    }

    /// The attribute of the whole set by that name.
    fn attribute(&self, vm: &Vm, name: &[u8]) -> Option<(Value, Pos)> {
        let symbol = vm.interner.lookup(name)?;
        self.attrs.as_attrs()?.get_with_pos(symbol)
    }

    /// Takes what was waited for.
    fn accept(&mut self, vm: &mut Vm, value: Value) -> Result<Next> {
        match self.wait {
            Wait::Attrs => {
                vm.expect(value, arg::of(tag::ATTRS))?;
                self.attrs = value;
                let Some((name, pos)) = self.attribute(vm, b"name") else {
                    return Err(Error::new(
                        ErrorKind::MissingAttribute,
                        "attribute 'name' missing",
                    ));
                };
                self.name_pos = pos;
                self.awaits(Wait::Name, Next::Force(name))
            }
            Wait::Name => {
                self.draft.name = vm.plain_string(value)?;
                self.wait = Wait::Structured;
                check_name(&self.draft.name).map_err(|reason| {
                    let text = format!(
                        "invalid derivation name: {reason}. Please pass a different 'name'."
                    );
                    Error::new(ErrorKind::Eval, text)
                })?;
                match self.attribute(vm, b"__structuredAttrs") {
                    Some((value, _)) => Ok(Next::Force(value)),
                    None => self.structured(vm, false),
                }
            }
            Wait::Structured => {
                let structured = vm.expect_bool(value)?;
                self.structured(vm, structured)
            }
            Wait::IgnoreNulls => {
                self.ignore_nulls = vm.expect_bool(value)?;
                self.enter(vm)
            }
            Wait::NotNull if value.is_null() => self.advance(vm),
            Wait::NotNull => self.dispatch(vm, value),
            Wait::ContentAddressed => {
                if vm.expect_bool(value)? {
                    ensure_feature(vm, "ca-derivations")?;
                    self.draft.content_addressed = true;
                }
                self.advance(vm)
            }
            Wait::Impure => {
                if vm.expect_bool(value)? {
                    ensure_feature(vm, "impure-derivations")?;
                    self.draft.impure = true;
                }
                self.advance(vm)
            }
            Wait::Args => {
                self.open_list(vm, value)?;
                self.next_argument(vm)
            }
            Wait::Argument => {
                self.draft.add_context(vm, value);
                self.draft.args.push(value);
                self.next_argument(vm)
            }
            Wait::Json => {
                self.draft.add_context(vm, value);
                self.json(vm, value)
            }
            Wait::Special => {
                let name = self.name();
                self.special(vm, name, value)?;
                self.advance(vm)
            }
            Wait::Outputs => {
                self.open_list(vm, value)?;
                self.draft.outputs.clear();
                self.next_output(vm)
            }
            Wait::Output => {
                let output = vm.plain_string(value)?;
                self.draft.add_output(&output)?;
                self.next_output(vm)
            }
            Wait::Text => {
                self.draft.add_context(vm, value);
                let name = self.name();
                if name == b"__json" {
                    let warning = format!(
                        "In derivation '{}': setting structured attributes via '__json' is deprecated, and may be disallowed in future versions of Nix. Set '__structuredAttrs = true' instead.",
                        String::from_utf8_lossy(&self.draft.name)
                    );
                    vm.world.emit(Message::Caution, warning.as_bytes());
                    self.draft.set_json(value.as_string().unwrap_or_default())?;
                } else {
                    self.draft.env.push((name, value));
                    self.plain_attribute(vm, name, value)?;
                }
                self.advance(vm)
            }
        }
    }

    fn structured(&mut self, vm: &mut Vm, structured: bool) -> Result<Next> {
        self.draft.structured = structured.then(Vec::new);
        match self.attribute(vm, b"__ignoreNulls") {
            Some((value, _)) => self.awaits(Wait::IgnoreNulls, Next::Force(value)),
            None => self.enter(vm),
        }
    }

    /// Begins with the attributes, all that is set apart being known.
    fn enter(&mut self, vm: &mut Vm) -> Result<Next> {
        if let Some(attrs) = self.attrs.as_attrs() {
            let attrs = crate::value::flat(&mut vm.heap, attrs);
            let entries = attrs.keys().entries();
            let order = crate::value::name_order(&mut vm.heap, &vm.interner, attrs);
            let member = |index: usize| {
                let entry = entries[index];
                let name = vm.interner.name(entry.name);
                (name, entry.pos, attrs.values()[index])
            };
            let members: Vec<Member> = order.map(member).collect();
            self.draft.env.reserve(members.len());
            self.members = members.into_iter();
        }
        self.advance(vm)
    }

    /// On to the next attribute.
    fn advance(&mut self, vm: &mut Vm) -> Result<Next> {
        loop {
            self.current = self.members.next();
            let Some((name, _, value)) = self.current else {
                return Ok(Next::Finish);
            };
            if name == b"__ignoreNulls" {
                continue;
            }
            if self.ignore_nulls {
                return self.awaits(Wait::NotNull, Next::Force(value));
            }
            return self.dispatch(vm, value);
        }
    }

    fn name(&self) -> &'static [u8] {
        self.current.map_or(b"", |(name, ..)| name)
    }

    /// What an attribute is waited for as.
    fn dispatch(&mut self, vm: &mut Vm, value: Value) -> Result<Next> {
        let structured = self.draft.structured.is_some();
        match self.name() {
            b"__contentAddressed" => self.awaits(Wait::ContentAddressed, Next::Force(value)),
            b"__impure" => self.awaits(Wait::Impure, Next::Force(value)),
            b"args" => self.awaits(Wait::Args, Next::Force(value)),
            b"__structuredAttrs" if structured => self.advance(vm),
            _ if structured => self.awaits(Wait::Json, Next::Json(value)),
            _ => self.awaits(Wait::Text, Next::Coerce(value)),
        }
    }

    fn json(&mut self, vm: &mut Vm, text: Value) -> Result<Next> {
        let name = self.name();
        if WITHOUT_EFFECT.contains(&name) {
            let attribute = String::from_utf8_lossy(name);
            let warning = format!(
                "In a derivation named '{}', 'structuredAttrs' disables the effect of the derivation attribute '{attribute}'; use 'outputChecks.<output>.{attribute}' instead",
                String::from_utf8_lossy(&self.draft.name)
            );
            vm.world.emit(Message::Caution, warning.as_bytes());
        }
        self.draft
            .add_json(name, text.as_string().unwrap_or_default())?;
        let Some((_, _, value)) = self.current else {
            return Ok(Next::Finish);
        };
        match name {
            b"builder" | b"system" | b"outputHash" | b"outputHashAlgo" | b"outputHashMode" => {
                self.awaits(Wait::Special, Next::Force(value))
            }
            b"outputs" => self.awaits(Wait::Outputs, Next::Force(value)),
            _ => self.advance(vm),
        }
    }

    /// An attribute among structured ones that means something here.
    fn special(&mut self, vm: &mut Vm, name: &[u8], value: Value) -> Result<()> {
        if name == b"builder" {
            vm.expect(value, arg::of(tag::STRING))?;
            self.draft.add_context(vm, value);
            self.draft.builder = value;
            return Ok(());
        }
        let text = vm.plain_string(value)?;
        match name {
            b"system" => self.draft.system = value,
            b"outputHash" => self.draft.hash = Some(text),
            b"outputHashAlgo" => self.algorithm(vm, &text)?,
            _ => self.mode(vm, &text)?,
        }
        Ok(())
    }

    /// An attribute that has become a variable.
    fn plain_attribute(&mut self, vm: &Vm, name: &[u8], value: Value) -> Result<()> {
        match name {
            b"builder" => self.draft.builder = value,
            b"system" => self.draft.system = value,
            b"outputHash" => self.draft.hash = value.as_string().map(<[u8]>::to_vec),
            b"outputHashAlgo" => self.algorithm(vm, value.as_string().unwrap_or_default())?,
            b"outputHashMode" => self.mode(vm, value.as_string().unwrap_or_default())?,
            b"outputs" => {
                self.draft.outputs.clear();
                let text = value.as_string().unwrap_or_default();
                for output in text
                    .split(|byte| b" \t\n\r".contains(byte))
                    .filter(|output| !output.is_empty())
                {
                    self.draft.add_output(output)?;
                }
                self.draft.check_outputs()?;
            }
            _ => {}
        }
        Ok(())
    }

    fn algorithm(&mut self, vm: &Vm, name: &[u8]) -> Result<()> {
        self.draft.algorithm = Algorithm::parse(name);
        if self.draft.algorithm == Some(Algorithm::Blake3) {
            ensure_feature(vm, "blake3-hashes")?;
        }
        Ok(())
    }

    fn mode(&mut self, vm: &Vm, name: &[u8]) -> Result<()> {
        let Some(method) = Method::parse(name) else {
            let name = String::from_utf8_lossy(name);
            let text = format!("invalid value '{name}' for 'outputHashMode' attribute");
            return Err(Error::new(ErrorKind::Eval, text));
        };
        match method {
            Method::Text => ensure_feature(vm, "dynamic-derivations")?,
            Method::Git => ensure_feature(vm, "git-hashing")?,
            Method::Flat | Method::Recursive => {}
        }
        self.draft.method = Some(method);
        Ok(())
    }

    fn open_list(&mut self, vm: &mut Vm, value: Value) -> Result<()> {
        vm.expect(value, arg::of(tag::LIST))?;
        let items = value.as_list().map(|list| list.items()).unwrap_or_default();
        self.elements = items.iter().rev().copied().collect();
        Ok(())
    }

    fn next_argument(&mut self, vm: &mut Vm) -> Result<Next> {
        match self.elements.pop() {
            Some(element) => self.awaits(Wait::Argument, Next::Coerce(element)),
            None => self.advance(vm),
        }
    }

    fn next_output(&mut self, vm: &mut Vm) -> Result<Next> {
        match self.elements.pop() {
            Some(element) => self.awaits(Wait::Output, Next::Force(element)),
            None => {
                self.draft.check_outputs()?;
                self.advance(vm)
            }
        }
    }
}

impl Task for Derive {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let mut value = value.unwrap_or(self.attrs).resolved();
        if value.is_thunk() {
            return Ok(Step::Force(value));
        }
        loop {
            // A string, or what becomes an empty one, needs nobody to coerce it: most attributes are that.
            if std::mem::take(&mut self.coerces) && !value.is_string() {
                let nothing =
                    value.is_null() || value.as_list().is_some_and(|list| list.is_empty());
                if !nothing {
                    return Ok(Step::push(|| Coerce::new(value, COERCION)));
                }
                value = Value::EMPTY_STRING;
            }
            value = match self.accept(vm, value)? {
                Next::Force(next) => next.resolved(),
                Next::Coerce(next) => {
                    self.coerces = true;
                    next.resolved()
                }
                Next::Json(next) => match vm.host.find("toJSON") {
                    Some(builtin) => return Ok(Step::Call(Value::builtin(builtin), vec![next])),
                    None => {
                        let text = "structured attributes need 'builtins.toJSON', which no loaded plugin provides";
                        return Err(Error::new(ErrorKind::Plugin, text));
                    }
                },
                Next::Finish => return self.draft.finish(vm).map(Step::Done),
            };
            if value.is_thunk() {
                return Ok(Step::Force(value));
            }
        }
    }

    fn mark(&self, marker: &mut Marker) {
        marker.value(self.attrs);
        for (_, _, value) in self.members.as_slice().iter().chain(&self.current) {
            marker.value(*value);
        }
        marker.values(&self.elements);
        self.draft.mark(marker);
    }

    fn fail(&mut self, vm: &mut Vm, mut error: Error) -> Result<Value> {
        let name = String::from_utf8_lossy(&self.draft.name).into_owned();
        match self.wait {
            Wait::Attrs => return Err(error),
            Wait::Name => {
                error.trace(
                    self.name_pos,
                    "while evaluating the derivation attribute 'name'",
                );
                error.place_told = true;
                return Err(error);
            }
            Wait::Structured => error.trace(
                Pos::NONE,
                "while evaluating the `__structuredAttrs` attribute passed to builtins.derivationStrict",
            ),
            Wait::IgnoreNulls => error.trace(
                Pos::NONE,
                "while evaluating the `__ignoreNulls` attribute passed to builtins.derivationStrict",
            ),
            Wait::Argument => error.trace(
                Pos::NONE,
                "while evaluating an element of the argument list",
            ),
            _ => {}
        }
        if let Some((attribute, pos, _)) = self.current {
            let attribute = String::from_utf8_lossy(attribute);
            error.trace(
                pos,
                format!("while evaluating attribute '{attribute}' of derivation '{name}'"),
            );
        }
        let place = match vm.sources.locate(self.name_pos) {
            Some(place) => format!(
                "{}:{}:{}",
                place.file.origin.display(),
                place.line,
                place.column
            ),
            None => "«none»".to_owned(),
        };
        error.traces.push(Trace {
            pos: Pos::NONE,
            text: format!(
                "while evaluating derivation '{name}'\n  whose name attribute is located at {place}"
            ),
            rank: Rank::Context,
        });
        error.place_told = true;
        Err(error)
    }
}
