//! `builtins.path` and `filterSource`: a tree on its way to the store, each entry of it shown to a function of the program first.

use super::derive_finish::expected_hash;
use super::store_requests::{absolute, path_text, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Marker, Value};
use crate::source::Pos;
use crate::store::{
    Algorithm, Hash, Method, NarWriter, Source, fixed_output_path, hash_file, source_path,
    split_store_path,
};
use crate::vm::{Step, Task, Vm};
use crate::world::FileType;
use piton_plugin_api::abi::{arg, tag};
use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};

/// The state machine of one tree.
pub(super) struct AddPath {
    path: Value,
    options: Value,
    filter: Value,
    wait: Wait,
    name: Vec<u8>,
    flat: bool,
    expected: Option<Hash>,
    /// The path as it was given.
    given: Vec<u8>,
    references: Vec<Vec<u8>>,
    /// The path without links.
    origin: Vec<u8>,
    archive: Option<NarWriter<Sha256>>,
    /// The entry that the filter decides on.
    entry: Option<(Vec<u8>, FileType)>,
    excluded: FxHashSet<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Wait {
    Nothing,
    Path,
    Options,
    Name,
    Recursive,
    Hash,
    Filter,
    Decision,
}

impl AddPath {
    pub(super) fn new(path: Value, options: Value, filter: Value) -> Self {
        AddPath {
            path,
            options,
            filter,
            wait: Wait::Nothing,
            name: Vec::new(),
            flat: false,
            expected: None,
            given: Vec::new(),
            references: Vec::new(),
            origin: Vec::new(),
            archive: None,
            entry: None,
            excluded: FxHashSet::default(),
        }
    }

    /// Waits for the option of that name, or passes over it.
    fn option(&mut self, vm: &mut Vm, wait: Wait, name: &[u8]) -> Result<Step> {
        self.wait = wait;
        let symbol = vm.interner.intern(name);
        match self.options.as_attrs().and_then(|attrs| attrs.get(symbol)) {
            Some(value) => Ok(Step::Force(value)),
            None => self.accept(vm, None),
        }
    }

    /// Takes what was waited for; `None` is an option that was not given.
    fn accept(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        match self.wait {
            Wait::Nothing => {
                self.wait = Wait::Path;
                Ok(Step::Push(path_text(self.path)))
            }
            Wait::Path => {
                let value = value.unwrap_or(Value::NULL);
                self.given = absolute(value.as_string().unwrap_or_default())?;
                if let Some((root, _)) = split_store_path(&self.given)
                    && value.context() != 0
                {
                    vm.ensure_built(value.context(), &self.given)?;
                    self.references = vm.references_of(root)?;
                }
                self.wait = Wait::Options;
                Ok(Step::Force(self.options))
            }
            Wait::Options => {
                self.options = value.unwrap_or(Value::NULL);
                vm.expect(self.options, arg::of(tag::ATTRS))?;
                self.option(vm, Wait::Name, b"name")
            }
            Wait::Name => {
                if let Some(name) = value {
                    self.name = vm.plain_string(name)?;
                }
                self.option(vm, Wait::Recursive, b"recursive")
            }
            Wait::Recursive => {
                if let Some(recursive) = value {
                    self.flat = !vm.expect_bool(recursive)?;
                }
                self.option(vm, Wait::Hash, b"sha256")
            }
            Wait::Hash => {
                if let Some(hash) = value {
                    let text = vm.plain_string(hash)?;
                    self.expected = Some(expected_hash(vm, &text, Some(Algorithm::Sha256))?);
                }
                self.wait = Wait::Filter;
                Ok(Step::Force(self.filter))
            }
            Wait::Filter => {
                self.filter = value.unwrap_or(Value::NULL);
                self.begin(vm)
            }
            Wait::Decision => {
                let included = vm.expect_bool(value.unwrap_or(Value::NULL))?;
                if let Some((path, kind)) = self.entry.take() {
                    self.decide(vm, path, kind, included)?;
                }
                self.next_entry(vm)
            }
        }
    }

    fn begin(&mut self, vm: &mut Vm) -> Result<Step> {
        if self.name.is_empty() {
            self.name = crate::path::store_name(&self.given).to_vec();
        }
        if let Some(hash) = &self.expected {
            let method = if self.flat {
                Method::Flat
            } else {
                Method::Recursive
            };
            let path = fixed_output_path(&self.name, method, hash).map_err(refused)?;
            if vm.store_has(&path)? {
                return self.answer(vm, &path);
            }
        }
        let fail = |error| vm.world_error(&self.given, error);
        self.origin = vm.world.resolve(&self.given).map_err(fail)?;
        if self.flat {
            let hash = hash_file(&*vm.world, &self.origin, Algorithm::Sha256).map_err(fail)?;
            let path = fixed_output_path(&self.name, Method::Flat, &hash).map_err(refused)?;
            return self.add(vm, path);
        }
        self.archive = Some(NarWriter::new(Sha256::new(), &*vm.world, &self.origin).map_err(fail)?);
        self.next_entry(vm)
    }

    fn next_entry(&mut self, vm: &mut Vm) -> Result<Step> {
        while let Some((path, kind)) = self.archive.as_mut().and_then(NarWriter::next_entry) {
            if self.filter.is_null() {
                self.decide(vm, path, kind, true)?;
                continue;
            }
            let args = vec![
                vm.heap.string(&path, 0),
                vm.heap.string(kind.name().as_bytes(), 0),
            ];
            self.entry = Some((path, kind));
            self.wait = Wait::Decision;
            return Ok(Step::Call(self.filter, args));
        }
        let Some(archive) = self.archive.take() else {
            return Ok(Step::Done(Value::NULL));
        };
        let hash = archive.into_sink().finalize().into();
        let references = self.references.iter().map(|path| &path[..]);
        let path = source_path(&self.name, &hash, references).map_err(refused)?;
        self.add(vm, path)
    }

    fn decide(&mut self, vm: &mut Vm, path: Vec<u8>, kind: FileType, included: bool) -> Result<()> {
        if !included {
            self.excluded.insert(path);
        } else if let Some(archive) = &mut self.archive {
            archive
                .add(&*vm.world, &path, kind)
                .map_err(|error| vm.world_error(&path, error))?;
        }
        Ok(())
    }

    fn add(&mut self, vm: &mut Vm, path: Vec<u8>) -> Result<Step> {
        if let Some(hash) = &self.expected {
            let method = if self.flat {
                Method::Flat
            } else {
                Method::Recursive
            };
            if fixed_output_path(&self.name, method, hash).map_err(refused)? != path {
                let given = String::from_utf8_lossy(&self.given);
                let text =
                    format!("store path mismatch in (possibly filtered) path added from '{given}'");
                return Err(Error::new(ErrorKind::Eval, text));
            }
        }
        let source = Source {
            origin: std::mem::take(&mut self.origin),
            excluded: std::mem::take(&mut self.excluded),
            references: std::mem::take(&mut self.references),
            flat: self.flat,
        };
        let method = if self.flat {
            Method::Flat
        } else {
            Method::Recursive
        };
        vm.add_tree(&path, source, method, Algorithm::Sha256)?;
        self.answer(vm, &path)
    }

    fn answer(&self, vm: &mut Vm, path: &[u8]) -> Result<Step> {
        let context = vm.contexts.make([path]);
        Ok(Step::Done(vm.heap.string(path, context)))
    }
}

impl Task for AddPath {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        self.accept(vm, value)
    }

    fn mark(&self, marker: &mut Marker) {
        marker.values(&[self.path, self.options, self.filter]);
    }

    fn fail(&mut self, _: &mut Vm, mut error: Error) -> Result<Value> {
        match self.wait {
            Wait::Decision if error.traces.is_empty() => {
                error.trace(
                    Pos::NONE,
                    "while evaluating the return value of the path filter function",
                );
            }
            Wait::Filter | Wait::Decision => {}
            _ => return Err(error),
        }
        let path = String::from_utf8_lossy(&self.given);
        error.trace(Pos::NONE, format!("while adding path '{path}'"));
        error.place_told = true;
        Err(error)
    }
}
