//! Requests to the store, and what the VM itself asks of it: copying a path, reading what was not built.

use super::add_path::AddPath;
use super::derive::Derive;
use super::output_of::OutputOf;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Marker, Value};
use crate::source::Pos;
use crate::store::{
    Algorithm, BuildError, Derivation, Method, Modulo, Source, hash_tree, is_derivation,
    is_store_path, sha256, source_path, split_store_path, text_path,
};
use crate::value::{Element, way};
use crate::vm::{Coerce, Coercion, Flow, Step, Task, Vm};
use piton_plugin_api::abi::{arg, request, tag};
use std::borrow::Cow;

/// An error without a kind of its own.
#[cold]
pub(super) fn refused(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Eval, text)
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// A path as text, with its context.
pub(super) fn path_text(value: Value) -> Box<dyn Task> {
    let coercion = Coercion {
        more: false,
        copy_to_store: false,
    };
    Box::new(Coerce::new(value, coercion))
}

/// The path that a text is.
pub(super) fn absolute(text: &[u8]) -> Result<Vec<u8>> {
    if text.starts_with(b"/") {
        return Ok(crate::path::canonical(text));
    }
    Err(refused(format!(
        "string '{}' doesn't represent an absolute path",
        lossy(text)
    )))
}

impl Vm {
    /// Begins to serve a request to the store.
    pub(super) fn store_request(&mut self, number: u32, args: [Value; 3]) -> Flow {
        let [a, b, c] = args;
        match number {
            request::DERIVATION => self.push_task(|| Derive::new(a)),
            request::ADD_TEXT_TO_STORE => self.push_task(|| AddText {
                name: a,
                contents: b,
                text_follows: false,
            }),
            request::OUTPUT_OF => self.push_task(|| OutputOf::new(a, b)),
            request::ADD_PATH_TO_STORE => self.push_task(|| AddPath::new(a, b, c)),
            _ => self.push_task(|| StorePath { path: a }),
        }
    }

    /// An error unless `value` is of one of these types.
    pub(super) fn expect(&mut self, value: Value, types: u32) -> Result<()> {
        if types & super::raw::type_bit(value) == 0 {
            return Err(self.type_mismatch(types, value));
        }
        Ok(())
    }

    pub(super) fn expect_bool(&mut self, value: Value) -> Result<bool> {
        self.expect(value, arg::of(tag::BOOL))?;
        Ok(value == Value::TRUE)
    }

    /// The bytes of a string that must have no context.
    pub(super) fn plain_string(&mut self, value: Value) -> Result<Vec<u8>> {
        self.expect(value, arg::of(tag::STRING))?;
        let text = value.as_string().unwrap_or_default();
        // Plain paths are named first, then whole derivations, then single outputs.
        let rank = |element: &&[u8]| match element.first() {
            Some(b'=') => 1,
            Some(b'!') => 2,
            _ => 0,
        };
        match self
            .contexts
            .elements(value.context())
            .iter()
            .copied()
            .min_by_key(rank)
        {
            None => Ok(text.to_vec()),
            Some(element) => Err(refused(format!(
                "the string '{}' is not allowed to refer to a store path (such as '{}')",
                lossy(text),
                Element::parse(element).display()
            ))),
        }
    }

    /// Copies what is at `path` to the store; answers its store path and the context of that.
    pub(crate) fn copy_to_store(&mut self, path: &[u8]) -> Result<(Vec<u8>, u32)> {
        let known = self.store.borrow().copy_of(path).map(<[u8]>::to_vec);
        let copy = match known {
            Some(copy) => copy,
            None => self.copy(path)?,
        };
        let context = self.contexts.make([&copy[..]]);
        Ok((copy, context))
    }

    fn copy(&mut self, path: &[u8]) -> Result<Vec<u8>> {
        if is_derivation(path) {
            return Err(refused("file names are not allowed to end in '.drv'"));
        }
        // A link at the end is copied as a link.
        let name = crate::path::base_name(path);
        let fail = |error| self.world_error(path, error);
        let folder = self
            .world
            .resolve(crate::path::parent(path))
            .map_err(fail)?;
        let origin = crate::path::canonical(&[&folder, name].join(&b'/'));
        let hash = hash_tree(&*self.world, &origin).map_err(fail)?;
        let copy = source_path(crate::path::store_name(path), &hash, []).map_err(refused)?;
        let source = Source {
            origin,
            ..Source::default()
        };
        self.add_tree(&copy, source, Method::Recursive, Algorithm::Sha256)?;
        self.store.borrow_mut().note_copy(path, &copy);
        Ok(copy)
    }

    /// An error if `path`, a string with this context, lies in an output that nobody has built.
    pub(super) fn ensure_built(&self, context: u32, path: &[u8]) -> Result<()> {
        if context == 0 {
            return Ok(());
        }
        for element in self.contexts.elements(context).iter() {
            let Element::Output {
                derivation,
                outputs,
            } = Element::parse(element)
            else {
                continue;
            };
            let root = split_store_path(path).map_or(path, |(root, _)| root);
            if self.world.file_type(root).is_ok() {
                continue;
            }
            let mut way = way(outputs);
            let backend = self.store.borrow().backend();
            let mut built = backend.build(derivation, &[way.next().unwrap_or_default()]);
            if built.is_ok() && way.next().is_some() {
                let reason = "outputs of derivations that are outputs themselves cannot be built";
                built = Err(BuildError::Failed(reason.to_owned()));
            }
            match built {
                Ok(()) => {}
                Err(reason) => {
                    let mut error = not_built(element, path, reason);
                    let path = lossy(path);
                    error.trace(
                        Pos::NONE,
                        format!("while realising the context of path '{path}'"),
                    );
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The context of what a file of the store holds: those references of its store path that occur in it.
    pub(super) fn file_context(&mut self, path: &[u8], contents: &[u8]) -> u32 {
        let Some((root, _)) = split_store_path(path) else {
            return 0;
        };
        let mut found = self.references_of(root).unwrap_or_default();
        found.retain(|reference| {
            let hash = split_store_path(reference)
                .map(|(root, _)| &root[crate::store::STORE_DIR.len() + 1..][..32]);
            hash.is_some_and(|hash| contents.windows(hash.len()).any(|window| window == hash))
        });
        self.contexts
            .make(found.iter().map(|reference| &reference[..]))
    }

    /// What a store path refers to.
    pub(super) fn references_of(&self, path: &[u8]) -> Result<Vec<Vec<u8>>> {
        if !is_derivation(path) {
            let answer = self.store.borrow().references(path);
            return answer.map_err(|error| self.world_error(path, error));
        }
        let text = self.derivation_text(path)?;
        let derivation = self.read_derivation(path, &text)?;
        Ok(derivation
            .references()
            .into_iter()
            .map(<[u8]>::to_vec)
            .collect())
    }

    /// The text of a derivation, of this evaluation or one that has been there before.
    pub(super) fn derivation_text(&self, path: &[u8]) -> Result<Vec<u8>> {
        let invalid = |_| {
            Error::new(
                ErrorKind::Io,
                format!("path '{}' is not valid", lossy(path)),
            )
        };
        self.world.read_file(path).map_err(invalid)
    }

    /// Reads that text.
    pub(super) fn read_derivation<'t>(
        &self,
        path: &'t [u8],
        text: &'t [u8],
    ) -> Result<Derivation<'t>> {
        let name = crate::store::store_name(path);
        let name = name.strip_suffix(b".drv").unwrap_or(name);
        Derivation::read(name, text).map_err(|reason| {
            let text = format!("error parsing derivation '{}': {reason}", lossy(path));
            Error::new(ErrorKind::Io, text)
        })
    }

    /// Sees to it that the store knows what a derivation counts as in the hashes of others. One that this evaluation has
    /// not made is read, and so is what it needs in turn.
    pub(super) fn learn_derivation(&mut self, path: &[u8]) -> Result<()> {
        if self.store.borrow().modulo(path).is_some() {
            return Ok(());
        }
        let mut open = vec![path.to_vec()];
        while let Some(path) = open.last().cloned() {
            let text = self.derivation_text(&path)?;
            let derivation = self.read_derivation(&path, &text)?;
            let mut store = self.store.borrow_mut();
            let plain = derivation.input_drvs.iter().map(|(input, _)| input);
            let dynamic = derivation.dynamic_inputs.iter().map(|(input, _)| input);
            let missing = plain
                .chain(dynamic)
                .map(|input| &**input)
                .find(|input| store.modulo(input).is_none());
            match missing {
                Some(missing) if open.iter().any(|path| path == missing) => {
                    return Err(refused(format!(
                        "derivation '{}' needs itself",
                        lossy(missing)
                    )));
                }
                Some(missing) => open.push(missing.to_vec()),
                None => {
                    let modulo =
                        Modulo::of(&derivation, |input| store.modulo(input)).map_err(refused)?;
                    store.note_modulo(&path, modulo);
                    open.pop();
                }
            }
        }
        Ok(())
    }
}

/// The error of reading something in an output that is not built.
#[cold]
fn not_built(element: &[u8], path: &[u8], reason: BuildError) -> Error {
    let wanted = Element::parse(element).display();
    let path = lossy(path);
    match reason {
        BuildError::Disabled => Error::new(
            ErrorKind::Io,
            format!(
                "cannot build '{wanted}' during evaluation because the option 'allow-import-from-derivation' is disabled"
            ),
        ),
        BuildError::Failed(reason) => Error::new(
            ErrorKind::Io,
            format!("cannot build '{wanted}' during evaluation, which reading '{path}' needs: {reason}"),
        ),
        BuildError::NoBuilder => Error::new(
            ErrorKind::Io,
            format!(
                "cannot build '{wanted}' during evaluation, which reading '{path}' needs: this evaluation has no builder"
            ),
        )
        .with_hint(
            "this is an import from derivation; build the output first, so that its path exists, or let a daemon build \
             it: '--store daemon'",
        ),
    }
}

/// `builtins.toFile`
struct AddText {
    name: Value,
    contents: Value,
    text_follows: bool,
}

impl Task for AddText {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let Some(value) = value else {
            return Ok(Step::Force(self.name));
        };
        if !self.text_follows {
            vm.expect(value, arg::of(tag::STRING))?;
            self.name = value;
            self.text_follows = true;
            return Ok(Step::Force(self.contents));
        }
        vm.expect(value, arg::of(tag::STRING))?;
        let name = vm.plain_string(self.name)?;
        let references = vm.contexts.elements(value.context());
        if let Some(element) = references.iter().find(|element| !element.starts_with(b"/")) {
            // Nix shows the element without the folder of the store.
            let prefix = format!("{}/", crate::store::STORE_DIR);
            return Err(refused(format!(
                "files created by builtins.toFile may not reference derivations, but {} references {}",
                lossy(&name),
                lossy(element).replace(&prefix, "")
            )));
        }
        let contents = value.as_string().unwrap_or_default();
        let path =
            text_path(&name, &sha256(&[contents]), references.iter().copied()).map_err(refused)?;
        vm.add_text(&path, contents, &references)?;
        let context = vm.contexts.make([&path[..]]);
        Ok(Step::Done(vm.heap.string(&path, context)))
    }

    fn mark(&self, marker: &mut Marker) {
        marker.values(&[self.name, self.contents]);
    }
}

/// `builtins.storePath`
struct StorePath {
    path: Value,
}

impl Task for StorePath {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let Some(value) = value else {
            return Ok(Step::Push(path_text(self.path)));
        };
        let mut path = absolute(value.as_string().unwrap_or_default())?;
        if !is_store_path(&path) {
            path = vm
                .world
                .resolve(&path)
                .map_err(|error| vm.world_error(&path, error))?;
        }
        let Some((root, _)) = split_store_path(&path) else {
            return Err(refused(format!(
                "path '{}' is not in the Nix store",
                lossy(&path)
            )));
        };
        if !vm.store_has(root)? {
            let backend = vm.store.borrow().backend();
            backend
                .require(root)
                .map_err(|error| vm.world_error(root, error))?;
        }
        let own = vm.contexts.make([root]);
        let context = vm.contexts.union(own, value.context());
        Ok(Step::Done(vm.heap.string(&path, context)))
    }

    fn mark(&self, marker: &mut Marker) {
        marker.value(self.path);
    }
}
