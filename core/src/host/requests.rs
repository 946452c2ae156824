//! What suspended builtins ask for, by number, and the capabilities that it takes.

use super::capability::capability_names;
use super::derive_finish::ensure_feature;
use super::raw::from_raw;
use super::store_requests::refused;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Marker, Value, ValueType};
use crate::source::Pos;
use crate::store::{Algorithm, hash_file};
use crate::vm::{
    Catch, CoerceItems, Coercion, DeepForce, Equal, Flow, Frame, Less, Load, Step, Task, Vm,
    cannot_coerce, or_fail,
};
use crate::world::{FileType, Message, NoFile, WorldError, file_to_evaluate};
use piton_plugin_api::abi::{capability, coerce, emit, request, tag};
use std::borrow::Cow;

impl Vm {
    /// Begins to serve the request of the generator on top. A value that is answered is the answer.
    pub(super) fn request(&mut self) -> Flow {
        let Some(Frame::Generator(frame)) = self.top_frame() else {
            unreachable!("a generator is on top")
        };
        let (builtin, owner, depth) = (frame.builtin, frame.owner, frame.depth_pos.0);
        let slot = &self.host.context.context.request;
        let (number, flags, argc) = (slot.number, slot.flags, slot.argc as usize);
        if number == 0 {
            return Flow::Failed(self.contract(builtin, "it suspended without a request"));
        }
        if argc > slot.args.len() {
            return Flow::Failed(self.contract(builtin, "a request has too many arguments"));
        }
        let mut args = [Value::NULL; 6];
        for (index, arg) in args[..argc].iter_mut().enumerate() {
            let raw = self.host.context.context.request.args[index].by_words();
            match from_raw(&mut self.heap, raw) {
                Some(value) => *arg = value,
                None => {
                    return Flow::Failed(
                        self.contract(builtin, "a request has an argument that is no value"),
                    );
                }
            }
        }
        let Some((needed, least)) = requirements(number) else {
            return Flow::Value(Value::UNSUPPORTED);
        };
        if argc < least {
            return Flow::Failed(self.contract(builtin, "a request has too few arguments"));
        }
        or_fail!(self.check_capability(builtin, needed));
        let [a, b, ..] = args;
        match number {
            request::FORCE => {
                if argc > 1 {
                    let level = b.as_int().and_then(|level| u32::try_from(level).ok());
                    or_fail!(self.check_nesting(level.unwrap_or(u32::MAX)));
                }
                self.force(a)
            }
            request::FORCE_DEEP => self.push_task(|| DeepForce::new(a)),
            request::TRY_FORCE => self.push_task(|| Catch::new(a)),
            request::FORCE_WITH_CONTEXT => self.force_explained(a, b, depth),
            request::CALL => self.apply(a, &args[1..argc]),
            request::COERCE_TO_STRING => {
                self.push_task(|| crate::vm::Coerce::new(a, coercion(flags)))
            }
            request::COERCE_ITEMS => match a.as_list() {
                Some(list) => self.push_task(|| CoerceItems::new(list.items(), coercion(flags))),
                None => Flow::Failed(self.type_mismatch(1 << tag::LIST, a)),
            },
            request::HOLD => {
                let Some(bytes) = a.as_int().and_then(|bytes| usize::try_from(bytes).ok()) else {
                    return Flow::Failed(
                        self.contract(builtin, "it holds a number of bytes that is none"),
                    );
                };
                self.host.hold(owner, bytes);
                or_fail!(self.make_room());
                Flow::Value(Value::NULL)
            }
            request::EQUAL => self.push_task(|| Equal::of_cells(a, b)),
            request::LESS => self.push_task(|| Order {
                left: a,
                right: b,
                forced: None,
            }),
            request::IMPORT => {
                let scope = (argc > 1).then_some(b);
                self.push_task(|| PathUse {
                    value: a,
                    action: Action::Import(scope),
                })
            }
            request::READ_FILE => self.push_task(|| PathUse {
                value: a,
                action: Action::ReadFile {
                    any_bytes: flags & 1 != 0,
                },
            }),
            request::HASH_FILE => {
                let name = or_fail!(self.plain_string(a));
                let algorithm = or_fail!(Algorithm::known(&name).map_err(refused));
                if algorithm == Algorithm::Blake3 {
                    or_fail!(ensure_feature(self, "blake3-hashes"));
                }
                self.push_task(|| PathUse {
                    value: b,
                    action: Action::HashFile(algorithm),
                })
            }
            request::READ_DIR => self.push_task(|| PathUse {
                value: a,
                action: Action::ReadDir,
            }),
            request::FILE_TYPE => self.push_task(|| PathUse {
                value: a,
                action: Action::FileType,
            }),
            request::PATH_EXISTS => self.push_task(|| PathUse {
                value: a,
                action: Action::Exists {
                    directory: flags & 1 != 0,
                    refuse: flags & 2 != 0,
                },
            }),
            request::COERCE_TO_PATH => self.push_task(|| PathUse {
                value: a,
                action: Action::Coerce,
            }),
            request::EVAL_TEXT => Flow::Load(Box::new(Load::Text(
                a.as_string().unwrap_or_default().to_vec(),
            ))),
            request::DERIVATION
            | request::ADD_TEXT_TO_STORE
            | request::ADD_PATH_TO_STORE
            | request::STORE_PATH
            | request::OUTPUT_OF => self.store_request(number, [a, b, args[2]]),
            request::ADD_FETCHED_TO_STORE => self.add_fetched(a, b, flags).into(),
            request::FIND_IN_STORE => self.find_in_store(a, b, flags).into(),
            _ => self.answer(number, flags, a).into(),
        }
    }

    /// Requests that need no frame.
    fn answer(&mut self, number: u32, flags: u64, a: Value) -> Result<Value> {
        match number {
            request::GET_ENV => {
                let value = self
                    .world
                    .env(a.as_string().unwrap_or_default())
                    .unwrap_or_default();
                Ok(self.heap.string(&value, 0))
            }
            request::CURRENT_TIME => {
                let time = self.world.time();
                Ok(self.heap.int(time))
            }
            request::CURRENT_SYSTEM => {
                let system = self.world.system();
                Ok(self.heap.string(system.as_bytes(), 0))
            }
            request::SEARCH_PATH => Ok(self.search_path()),
            request::EMIT => {
                let kind = match flags {
                    emit::WARNING => Message::Warning,
                    emit::TRACE_VERBOSE => Message::TraceVerbose,
                    emit::BREAK => Message::Break,
                    emit::NOTICE => Message::Notice,
                    emit::CAUTION => Message::Caution,
                    _ => Message::Trace,
                };
                self.world.emit(kind, a.as_string().unwrap_or_default());
                Ok(Value::NULL)
            }
            request::RESOLVE_SEARCH_PATH => Ok(self.resolve_search_path(a)),
            request::SETTING => {
                let name = std::str::from_utf8(a.as_string().unwrap_or_default());
                Ok(Value::bool(
                    name.is_ok_and(|name| self.host.features.contains(name)),
                ))
            }
            _ => Ok(Value::UNSUPPORTED),
        }
    }

    fn search_path(&mut self) -> Value {
        let entries = self.world.search_path();
        let list = self.heap.list(entries.len());
        for (slot, (prefix, path)) in list.items_mut().iter_mut().zip(entries) {
            let path = self.heap.string(&path, 0);
            let prefix = self.heap.string(&prefix, 0);
            let mut members = [
                (self.names.path, Pos::NONE, path),
                (self.names.prefix, Pos::NONE, prefix),
            ];
            *slot = self.heap.attrs_from(&mut members).value();
        }
        list.value()
    }

    /// The path that an entry of the search path stands for, unset if nothing is there.
    fn resolve_search_path(&mut self, entry: Value) -> Value {
        let text = entry
            .as_string()
            .or_else(|| entry.as_path())
            .unwrap_or_default();
        if let Some(path) = crate::store::shipped_path(text) {
            return self.heap.path(&path);
        }
        let absolute = if text.starts_with(b"/") {
            text.to_vec()
        } else {
            [&self.world.current_dir(), text].join(&b'/')
        };
        let path = crate::path::canonical(&absolute);
        if entry.as_path().is_some() {
            // A file that was found: its links are resolved, and must lead somewhere.
            return match self.world.resolve(&path) {
                Ok(path) => self.heap.path(&path),
                Err(_) => Value::UNSET,
            };
        }
        match self.world.file_type(&path) {
            Ok(_) => self.heap.path(&path),
            Err(_) => {
                if self.host.missing_entries.insert(text.to_vec()) {
                    let text = String::from_utf8_lossy(text);
                    let warning =
                        format!("Nix search path entry '{text}' does not exist, ignoring");
                    self.world.emit(Message::Caution, warning.as_bytes());
                }
                Value::UNSET
            }
        }
    }

    /// A builtin must have declared what it asks for, and the evaluation must grant it.
    fn check_capability(&self, builtin: u32, needed: u64) -> Result<()> {
        let entry = &self.host.entries[builtin as usize];
        if entry.descriptor.capabilities & needed == needed && self.host.granted.contains(needed) {
            return Ok(());
        }
        let names = capability_names(needed).join(", ");
        let plugin = &self.host.plugins[entry.plugin].name;
        let error = if entry.descriptor.capabilities & needed != needed {
            Error::new(
                ErrorKind::Forbidden,
                format!(
                    "the builtin '{}' of plugin '{plugin}' asked for the capability '{names}', which it does not declare",
                    entry.name
                ),
            )
        } else {
            Error::new(
                ErrorKind::Forbidden,
                format!(
                    "the builtin '{}' needs the capability '{names}', which this evaluation does not grant",
                    entry.name
                ),
            )
        };
        Err(error)
    }

    /// The error of the world's refusal.
    #[cold]
    pub(crate) fn world_error(&self, path: &[u8], error: WorldError) -> Error {
        let path = String::from_utf8_lossy(path);
        match error {
            WorldError::NotFound => {
                Error::new(ErrorKind::Io, format!("path '{path}' does not exist"))
            }
            WorldError::Forbidden(text) => Error::new(ErrorKind::Forbidden, text),
            WorldError::Other(text) => Error::new(ErrorKind::Io, text),
        }
    }
}

/// Capabilities that a request takes, and how many arguments it has at least; `None` if this host does not know it.
fn requirements(number: u32) -> Option<(u64, usize)> {
    Some(match number {
        request::FORCE
        | request::FORCE_DEEP
        | request::TRY_FORCE
        | request::COERCE_TO_STRING
        | request::COERCE_ITEMS
        | request::HOLD => (0, 1),
        request::CALL | request::EQUAL | request::LESS | request::FORCE_WITH_CONTEXT => (0, 2),
        request::IMPORT | request::COERCE_TO_PATH | request::EVAL_TEXT | request::EMIT => (0, 1),
        request::READ_FILE | request::READ_DIR | request::FILE_TYPE | request::PATH_EXISTS => {
            (capability::READ, 1)
        }
        request::HASH_FILE => (capability::READ, 2),
        request::RESOLVE_SEARCH_PATH => (capability::READ, 1),
        request::GET_ENV => (capability::ENV, 1),
        request::CURRENT_TIME => (capability::CLOCK, 0),
        request::CURRENT_SYSTEM => (capability::SYSTEM, 0),
        request::SEARCH_PATH => (capability::ENV, 0),
        request::SETTING => (0, 1),
        request::DERIVATION => (0, 1),
        request::ADD_TEXT_TO_STORE => (capability::STORE_WRITE, 2),
        request::ADD_PATH_TO_STORE => (capability::READ | capability::STORE_WRITE, 3),
        request::STORE_PATH => (capability::READ, 1),
        request::ADD_FETCHED_TO_STORE => (capability::NET | capability::STORE_WRITE, 2),
        request::FIND_IN_STORE => (capability::NET, 2),
        request::OUTPUT_OF => (0, 2),
        _ => return None,
    })
}

fn coercion(flags: u64) -> Coercion {
    Coercion {
        more: flags & coerce::MORE != 0,
        copy_to_store: flags & coerce::COPY_TO_STORE != 0,
    }
}

/// `a < b` of values that may be thunks.
struct Order {
    left: Value,
    right: Value,
    forced: Option<Value>,
}

impl Task for Order {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let Some(value) = value else {
            return Ok(Step::Force(self.left));
        };
        let Some(left) = self.forced else {
            self.forced = Some(value);
            return Ok(Step::Force(self.right));
        };
        if self.right == Value::UNSET {
            return Ok(Step::Done(value));
        }
        match vm.less_shallow(left, value)? {
            Some(less) => Ok(Step::Done(Value::bool(less))),
            None => {
                self.right = Value::UNSET;
                Ok(Step::push(|| Less::new(left, value, true)))
            }
        }
    }

    fn mark(&self, marker: &mut Marker) {
        marker.value(self.left);
        marker.value(self.right);
        marker.values(self.forced.as_slice());
    }
}

/// What is done with a path.
enum Action {
    Coerce,
    Import(Option<Value>),
    ReadFile { any_bytes: bool },
    HashFile(Algorithm),
    ReadDir,
    FileType,
    Exists { directory: bool, refuse: bool },
}

/// Coerces a value to a path, then does something with it.
struct PathUse {
    value: Value,
    action: Action,
}

/// How many listings of folders are kept.
const MAX_LISTINGS: usize = 1 << 16;

impl PathUse {
    /// The path that a value in weak head normal form is, or what has to be evaluated to know.
    fn path<'p>(
        &self,
        vm: &mut Vm,
        value: &'p Value,
    ) -> Result<std::result::Result<Cow<'p, [u8]>, Step>> {
        match value.value_type() {
            ValueType::Path => Ok(Ok(Cow::Borrowed(value.as_path().unwrap_or_default()))),
            ValueType::String => {
                let text = value.as_string().unwrap_or_default();
                if !text.starts_with(b"/") {
                    let text = String::from_utf8_lossy(text).into_owned();
                    return Err(Error::new(
                        ErrorKind::Eval,
                        format!("string '{text}' doesn't represent an absolute path"),
                    ));
                }
                let trailing = matches!(self.action, Action::Exists { .. }) && text.ends_with(b"/");
                let mut path = crate::path::canonical(text);
                if !matches!(self.action, Action::Coerce) {
                    vm.ensure_built(value.context(), &path)?;
                }
                if trailing && path != b"/" {
                    path.push(b'/');
                }
                Ok(Ok(Cow::Owned(path)))
            }
            ValueType::Attrs => {
                let attrs = value.as_attrs();
                if let Some(function) = attrs.and_then(|attrs| attrs.get(vm.names.to_string)) {
                    return Ok(Err(Step::Call(function, vec![*value])));
                }
                match attrs.and_then(|attrs| attrs.get(vm.names.out_path)) {
                    Some(path) => Ok(Err(Step::Force(path))),
                    None => Err(cannot_coerce(vm, *value)),
                }
            }
            _ => Err(cannot_coerce(vm, *value)),
        }
    }

    /// What comes of it for a path, if that is known: package sets list the same folders and import the same files again and again.
    fn known(&self, vm: &Vm, path: &[u8]) -> Option<Value> {
        match self.action {
            Action::Import(None) => vm.imports.get(vm.imported_files.get(path)?),
            Action::ReadDir => vm.listings.get(path),
            _ => None,
        }
        .copied()
    }

    fn act(&self, vm: &mut Vm, path: Vec<u8>) -> Result<Step> {
        let value = match &self.action {
            Action::Coerce => vm.heap.path(&path),
            Action::Import(scope) => return vm.import(path, *scope),
            Action::ReadFile { any_bytes } => {
                let bytes = vm
                    .world
                    .read_file(&path)
                    .map_err(|error| vm.world_error(&path, error))?;
                if !any_bytes && bytes.contains(&0) {
                    let path = String::from_utf8_lossy(&path).into_owned();
                    return Err(Error::new(
                        ErrorKind::Eval,
                        format!(
                            "the contents of the file '{path}' cannot be represented as a Nix string"
                        ),
                    ));
                }
                let context = vm.file_context(&path, &bytes);
                vm.heap.string(&bytes, context)
            }
            Action::HashFile(algorithm) => {
                let hash = hash_file(&*vm.world, &path, *algorithm)
                    .map_err(|error| vm.world_error(&path, error))?;
                vm.heap.string(&hash.hex(), 0)
            }
            Action::ReadDir => {
                let entries = vm
                    .world
                    .read_dir(&path)
                    .map_err(|error| vm.world_error(&path, error))?;
                let mut entries: Vec<_> = entries
                    .into_iter()
                    .map(|(name, kind)| {
                        let kind = vm.heap.string(kind.name().as_bytes(), 0);
                        (vm.interner.intern(&name), Pos::NONE, kind)
                    })
                    .collect();
                let listing = vm.heap.attrs_from(&mut entries).value();
                if vm.listings.len() < MAX_LISTINGS {
                    vm.listings.insert(path.into(), listing);
                }
                listing
            }
            Action::FileType => {
                let kind = vm
                    .world
                    .file_type(&path)
                    .map_err(|error| vm.world_error(&path, error))?;
                vm.heap.string(kind.name().as_bytes(), 0)
            }
            Action::Exists { directory, refuse } => {
                let trailing = path.len() > 1 && path.ends_with(b"/");
                let plain = if trailing {
                    &path[..path.len() - 1]
                } else {
                    &path[..]
                };
                let found = if *directory || trailing {
                    let target = vm.world.resolve(plain);
                    target
                        .and_then(|target| vm.world.file_type(&target))
                        .map(|kind| kind == FileType::Directory)
                } else {
                    vm.world.file_type(plain).map(|_| true)
                };
                match found {
                    Ok(found) => Value::bool(found),
                    Err(WorldError::Forbidden(text)) if *refuse => {
                        return Err(Error::new(ErrorKind::Forbidden, text));
                    }
                    // What may not be seen is not there.
                    Err(_) => Value::FALSE,
                }
            }
        };
        Ok(Step::Done(value))
    }
}

impl Task for PathUse {
    fn step(&mut self, vm: &mut Vm, value: Option<Value>) -> Result<Step> {
        let value = value.unwrap_or(self.value).resolved();
        if value.is_thunk() {
            return Ok(Step::Force(value));
        }
        match self.path(vm, &value)? {
            Ok(path) => match self.known(vm, &path) {
                Some(known) => Ok(Step::Done(known)),
                None => self.act(vm, path.into_owned()),
            },
            Err(step) => Ok(step),
        }
    }

    fn mark(&self, marker: &mut Marker) {
        marker.value(self.value);
        if let Action::Import(Some(scope)) = self.action {
            marker.value(scope);
        }
    }
}

impl Vm {
    /// The file that a path stands for; see [`file_to_evaluate`].
    pub(crate) fn file_to_evaluate(&self, path: Vec<u8>) -> Result<Vec<u8>> {
        file_to_evaluate(&*self.world, path).map_err(|refused| match refused {
            NoFile::Refused(file, error) => self.world_error(&file, error),
            NoFile::Links(file) => {
                let path = String::from_utf8_lossy(&file).into_owned();
                Error::new(
                    ErrorKind::Io,
                    format!(
                        "too many symbolic links encountered while traversing the path '{path}'"
                    ),
                )
            }
        })
    }

    /// The same, found out once for each path that is imported, as in Nix.
    fn imported_file(&mut self, path: Vec<u8>) -> Result<Vec<u8>> {
        if let Some(file) = self.imported_files.get(&*path) {
            return Ok(file.to_vec());
        }
        let file = self.file_to_evaluate(path.clone())?;
        self.imported_files.insert(path.into(), file[..].into());
        Ok(file)
    }

    /// What a file evaluates to: known already, or to be compiled by the VM's owner.
    fn import(&mut self, path: Vec<u8>, scope: Option<Value>) -> Result<Step> {
        let file = self.imported_file(path)?;
        if let Some(scope) = scope {
            return Ok(Step::Load(Load::File {
                path: file,
                scope: Some(scope),
            }));
        }
        if let Some(value) = self.imports.get(&*file) {
            return Ok(Step::Done(*value));
        }
        if self.loading.contains(&*file) {
            let file = String::from_utf8_lossy(&file).into_owned();
            return Err(Error::new(
                ErrorKind::InfiniteRecursion,
                format!(
                    "infinite recursion encountered: the file '{file}' imports itself while it is being evaluated"
                ),
            ));
        }
        Ok(Step::Load(Load::File {
            path: file,
            scope: None,
        }))
    }
}
