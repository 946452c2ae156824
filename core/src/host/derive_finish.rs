//! The last step of `derivationStrict`: from attributes that are strings to a derivation in the store.

use super::store_requests::refused;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Marker, Value};
use crate::source::Pos;
use crate::store::{
    Algorithm, Derivation, Hash, Method, Output, OutputNames, Text, Way, fixed_output_path,
    is_derivation, output_placeholder, unknown_output_placeholder,
};
use crate::value::{Element, way};
use crate::vm::Vm;
use crate::world::Message;
use piton_plugin_api::Union;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What the attributes have come to.
pub(super) struct Draft {
    pub(super) name: Vec<u8>,
    /// Members of the JSON of structured attributes.
    pub(super) structured: Option<Vec<u8>>,
    /// The whole JSON, as `__json` gives it.
    json: Option<Vec<u8>>,
    /// Variables, in the order of their names.
    pub(super) env: Vec<(&'static [u8], Value)>,
    pub(super) args: Vec<Value>,
    pub(super) builder: Value,
    pub(super) system: Value,
    contexts: Union<u32>,
    /// Sorted.
    pub(super) outputs: Vec<Vec<u8>>,
    pub(super) hash: Option<Vec<u8>>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) method: Option<Method>,
    pub(super) content_addressed: bool,
    pub(super) impure: bool,
}

impl Default for Draft {
    fn default() -> Self {
        Draft {
            name: Vec::new(),
            structured: None,
            json: None,
            env: Vec::new(),
            args: Vec::new(),
            builder: Value::EMPTY_STRING,
            system: Value::EMPTY_STRING,
            contexts: Union::default(),
            outputs: vec![b"out".to_vec()],
            hash: None,
            algorithm: None,
            method: None,
            content_addressed: false,
            impure: false,
        }
    }
}

/// An error unless an experimental feature of Nix is enabled.
pub(super) fn ensure_feature(vm: &Vm, feature: &str) -> Result<()> {
    if vm.host.features.contains(feature) {
        return Ok(());
    }
    let text = format!(
        "experimental Nix feature '{feature}' is disabled; add '--extra-experimental-features {feature}' to enable it"
    );
    Err(Error::new(ErrorKind::Eval, text))
}

fn fails<T>(text: impl Into<String>) -> Result<T> {
    Err(refused(text))
}

impl Draft {
    pub(super) fn mark(&self, marker: &mut Marker) {
        for (_, value) in &self.env {
            marker.value(*value);
        }
        marker.values(&self.args);
        marker.values(&[self.builder, self.system]);
    }

    #[inline]
    pub(super) fn add_context(&mut self, vm: &mut Vm, value: Value) {
        vm.contexts.add(&mut self.contexts, value.context());
    }

    pub(super) fn add_output(&mut self, output: &[u8]) -> Result<()> {
        match self.outputs.binary_search_by(|known| known[..].cmp(output)) {
            Ok(_) => fails(format!(
                "duplicate derivation output '{}'",
                String::from_utf8_lossy(output)
            )),
            Err(_) if output == b"drvPath" => fails("invalid derivation output name 'drvPath'"),
            Err(at) => {
                self.outputs.insert(at, output.to_vec());
                Ok(())
            }
        }
    }

    pub(super) fn check_outputs(&self) -> Result<()> {
        if self.outputs.is_empty() {
            return fails("derivation cannot have an empty set of outputs");
        }
        Ok(())
    }

    /// A structured attribute.
    pub(super) fn add_json(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        let Ok(name) = std::str::from_utf8(name) else {
            return fails("the name of a structured attribute is not UTF-8");
        };
        let members = self.structured.get_or_insert_default();
        if !members.is_empty() {
            members.push(b',');
        }
        members.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
        members.push(b':');
        members.extend_from_slice(value);
        Ok(())
    }

    /// Structured attributes as JSON. They are written anew, so that spaces and the order of members do not matter.
    pub(super) fn set_json(&mut self, text: &[u8]) -> Result<()> {
        match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(text) {
            Ok(attributes) => {
                self.json = Some(
                    serde_json::Value::Object(attributes)
                        .to_string()
                        .into_bytes(),
                );
                Ok(())
            }
            Err(reason) => fails(format!("cannot process __json attribute: {reason}")),
        }
    }

    /// Adds the derivation to the store; answers the set of its paths.
    pub(super) fn finish(&mut self, vm: &mut Vm) -> Result<Value> {
        if let Some(members) = self.structured.take() {
            self.json = Some([b"{", &members[..], b"}"].concat());
        }
        let context = vm.contexts.union_of(std::mem::take(&mut self.contexts));
        let inputs = vm.inputs_of(context)?;
        if text_of(&self.builder).is_empty() {
            return fails("required attribute 'builder' missing");
        }
        if text_of(&self.system).is_empty() {
            return fails("required attribute 'system' missing");
        }
        let is_single = self.outputs == [b"out"];
        if is_derivation(&self.name) && !(self.method == Some(Method::Text) && is_single) {
            return fails(
                "derivation names are allowed to end in '.drv' only if they produce a single derivation file",
            );
        }
        // The outputs are added, and perhaps `__json`.
        let mut env = Vec::with_capacity(self.env.len() + self.outputs.len() + 1);
        env.extend(
            self.env
                .iter()
                .map(|(name, value)| (Cow::Borrowed(*name), text_of(value))),
        );
        let mut derivation = Derivation {
            name: Cow::Borrowed(&self.name),
            outputs: Vec::with_capacity(self.outputs.len()),
            input_drvs: inputs.drvs,
            dynamic_inputs: inputs.dynamic,
            input_srcs: inputs.srcs,
            system: text_of(&self.system),
            builder: text_of(&self.builder),
            args: self.args.iter().map(text_of).collect(),
            env,
        };
        if let Some(json) = &self.json {
            derivation.set_env(Cow::Borrowed(b"__json"), Cow::Borrowed(json));
        }
        match &self.hash {
            Some(hash) => {
                if !is_single {
                    return fails("multiple outputs are not supported in fixed-output derivations");
                }
                let hash = expected_hash(vm, hash, self.algorithm)?;
                let method = self.method.unwrap_or(Method::Flat);
                let path =
                    Cow::Owned(fixed_output_path(&self.name, method, &hash).map_err(refused)?);
                derivation.set_env(Cow::Borrowed(b"out"), Clone::clone(&path));
                derivation
                    .outputs
                    .push((Cow::Borrowed(b"out"), Output::Fixed { path, method, hash }));
            }
            None if self.content_addressed || self.impure => {
                if self.content_addressed && self.impure {
                    return fails("derivation cannot be both content-addressed and impure");
                }
                let algorithm = self.algorithm.unwrap_or(Algorithm::Sha256);
                let method = self.method.unwrap_or(Method::Recursive);
                for name in &self.outputs {
                    derivation.set_env(Cow::Borrowed(name), Cow::Owned(output_placeholder(name)));
                    let output = if self.impure {
                        Output::Impure { method, algorithm }
                    } else {
                        Output::Floating { method, algorithm }
                    };
                    derivation.outputs.push((Cow::Borrowed(name), output));
                }
            }
            None => {
                for name in &self.outputs {
                    derivation.set_env(Cow::Borrowed(name), Cow::Borrowed(b""));
                    derivation
                        .outputs
                        .push((Cow::Borrowed(name), Output::Deferred));
                }
            }
        }
        let references = derivation.references();
        let resolved = vm.store.borrow_mut().resolve(&derivation, &references);
        let resolved = resolved.map_err(refused)?;
        let mut members = Vec::with_capacity(1 + self.outputs.len());
        let path = &resolved.path;
        let context = vm.contexts.make([&[b"=", &path[..]].concat()[..]]);
        members.push((vm.names.drv_path, Pos::NONE, vm.heap.string(path, context)));
        for (name, output) in self.outputs.iter().zip(&resolved.outputs) {
            let context = vm
                .contexts
                .make([&[b"!", &name[..], b"!", path].concat()[..]]);
            let text = match output {
                Some(output) => Cow::Borrowed(&output[..]),
                None => Cow::Owned(unknown_output_placeholder(path, name)),
            };
            members.push((
                vm.interner.intern(name),
                Pos::NONE,
                vm.heap.string(&text, context),
            ));
        }
        vm.add_derivation(&resolved, &references)?;
        Ok(vm.heap.attrs_from(&mut members).value())
    }
}

fn text_of(value: &Value) -> Text<'_> {
    Cow::Borrowed(value.as_string().unwrap_or_default())
}

/// The hash that something is said to have; the empty one is a placeholder.
pub(super) fn expected_hash(vm: &Vm, text: &[u8], algorithm: Option<Algorithm>) -> Result<Hash> {
    if Algorithm::named_in(text) == Some(Algorithm::Blake3) {
        ensure_feature(vm, "blake3-hashes")?;
    }
    if !text.is_empty() {
        return Hash::parse(text, algorithm).map_err(refused);
    }
    let Some(algorithm) = algorithm else {
        return fails("empty hash requires explicit hash algorithm");
    };
    let hash = Hash::zero(algorithm);
    let text = format!("found empty hash, assuming '{}'", hash.sri());
    vm.world.emit(Message::Lint, text.as_bytes());
    Ok(hash)
}

/// What a context makes a derivation depend on.
#[derive(Default)]
struct Inputs<'i> {
    drvs: Vec<(Text<'i>, OutputNames<'i>)>,
    dynamic: Vec<(Text<'i>, Way<'i>)>,
    srcs: Vec<Text<'i>>,
}

/// A store path, with the names of its outputs if it is a derivation.
type Member = (Vec<u8>, Vec<Vec<u8>>);

impl Vm {
    fn inputs_of<'i>(&mut self, context: u32) -> Result<Inputs<'i>> {
        let mut inputs = Inputs::default();
        let mut built: Vec<(Text<'i>, Text<'i>)> = Vec::new();
        let elements = self.contexts.elements(context);
        built.reserve(elements.len());
        for element in elements.iter() {
            match Element::parse(element) {
                Element::Deep(path) => {
                    for (path, outputs) in self.closure(path)? {
                        built.extend(
                            outputs
                                .into_iter()
                                .map(|output| (Cow::Owned(path.clone()), Cow::Owned(output))),
                        );
                        inputs.srcs.push(Cow::Owned(path));
                    }
                }
                Element::Output {
                    derivation,
                    outputs,
                } => {
                    let derivation = Cow::Borrowed(derivation);
                    let way: Way<'_> = way(outputs).map(Cow::Borrowed).collect();
                    match &way[..] {
                        [output] => built.push((derivation, output.clone())),
                        _ => inputs.dynamic.push((derivation, way)),
                    }
                }
                Element::Path(path) => inputs.srcs.push(Cow::Borrowed(path)),
            }
        }
        inputs.srcs.sort_unstable();
        inputs.srcs.dedup();
        inputs.dynamic.sort_unstable();
        inputs.dynamic.dedup();
        for (path, _) in &inputs.dynamic {
            self.learn_derivation(path)?;
        }
        built.sort_unstable();
        built.dedup();
        inputs.drvs.reserve(built.len());
        for (path, output) in built {
            match inputs.drvs.last_mut() {
                Some((known, outputs)) if *known == path => outputs.push(output),
                _ => {
                    self.learn_derivation(&path)?;
                    inputs.drvs.push((path, OutputNames::from_elem(output, 1)));
                }
            }
        }
        Ok(inputs)
    }

    /// A store path with all that it refers to, each with its outputs if it is a derivation.
    fn closure(&self, root: &[u8]) -> Result<Vec<Member>> {
        let mut seen: BTreeSet<Vec<u8>> = BTreeSet::from([root.to_vec()]);
        let mut todo = vec![root.to_vec()];
        let mut closure = Vec::new();
        while let Some(path) = todo.pop() {
            let (references, outputs) = if is_derivation(&path) {
                let text = self.derivation_text(&path)?;
                let derivation = self.read_derivation(&path, &text)?;
                let references: Vec<Vec<u8>> = derivation
                    .references()
                    .into_iter()
                    .map(<[u8]>::to_vec)
                    .collect();
                let outputs = derivation
                    .outputs
                    .iter()
                    .map(|(name, _)| name.to_vec())
                    .collect();
                (references, outputs)
            } else {
                (self.references_of(&path)?, Vec::new())
            };
            for reference in references {
                if seen.insert(reference.clone()) {
                    todo.push(reference);
                }
            }
            closure.push((path, outputs));
        }
        Ok(closure)
    }
}
