//! [`Evaluator`]: the facade an embedder uses. It compiles what the VM asks for, and keeps the values it hands out alive.
//!
//! ```no_run
//! use piton_core::eval::{Evaluator, Options};
//! # fn world() -> Box<dyn piton_core::world::World> { unimplemented!("an embedder's own") }
//! let mut evaluator = Evaluator::new(world(), Options::default());
//! let value = evaluator.evaluate_text(b"let x = 20; in x + 22", b"/")?;
//! assert_eq!(evaluator.print(value), b"42");
//! # Ok::<(), piton_core::error::Error>(())
//! ```

use crate::ahead::{Ahead, Global, Surroundings};
use crate::bytecode::Image;
use crate::code_cache::{CodeCache, Key};
use crate::compile::{Environment, Globals, KnownBuiltin, Workspace, compile, compile_some};
use crate::error::{Error, ErrorKind, Result};
use crate::heap::Value;
use crate::host::{Capabilities, LoadPolicy};
use crate::print::{PrintLimits, XmlOptions, print_value, xml};
use crate::report::{ReportOptions, report};
use crate::source::{Origin, SourceFile};
use crate::store::{Backend, InMemory};
use crate::symbol::{Interner, Symbol};
use crate::syntax::{ParseMemory, ParseOptions, ast::Ast};
use crate::vm::{DeepForce, Limits, Load, Outcome, Task, Vm};
use crate::world::{FileType, Message, World};

pub use crate::ahead::MakeWorld;
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Settings of an evaluation.
#[derive(Clone, Debug)]
pub struct Options {
    /// Limits.
    pub limits: Limits,
    /// What of the language is enabled.
    pub parse: ParseOptions,
    /// What is granted to builtins.
    pub granted: Capabilities,
    /// Nix's experimental features that are enabled, as builtins may ask.
    pub features: BTreeSet<String>,
    /// Builtins that are not there, since a feature that they need is not enabled.
    pub withheld: BTreeSet<String>,
    /// What `~/` in a path stands for, or why it stands for nothing: "in pure mode" and the like.
    pub home: std::result::Result<Vec<u8>, String>,
    /// What is said of a builtin that no loaded plugin has: which choice of the user's left its plugin out.
    pub left_out: Option<String>,
    /// Of a file of at least so many bytes, bodies are compiled when they first run; see [`compile_some`]. Nobody can tell.
    pub compile_late_from: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            limits: Limits::default(),
            parse: ParseOptions::default(),
            granted: Capabilities::DEFAULT,
            features: BTreeSet::new(),
            withheld: BTreeSet::new(),
            home: Err("because there is no home folder".to_owned()),
            left_out: None,
            // Most of what stands in shorter files runs once they are imported, and then it is compiled sooner at once.
            compile_late_from: 64 << 10,
        }
    }
}

/// Evaluates Nix expressions.
pub struct Evaluator {
    vm: Box<Vm>,
    parse: ParseOptions,
    home: std::result::Result<Arc<[u8]>, String>,
    globals: Rc<Globals>,
    keep_thunks: bool,
    compile_late_from: usize,
    parsing: ParseMemory,
    compiling: Rc<RefCell<Workspace>>,
    cache: Option<Arc<dyn CodeCache>>,
    /// What compiling depends on beside the text, hashed; made when it is first needed.
    surroundings: Option<Key>,
    /// How many threads compile ahead, and what they see.
    threads: Option<(usize, Arc<MakeWorld>)>,
    /// They, once a file has been asked for.
    ahead: Option<Ahead>,
    /// How many files they compiled that were imported.
    compiled_ahead: usize,
}

impl Evaluator {
    /// An evaluator without builtins; see [`Evaluator::load_plugin`]. What it adds to the store ends with it.
    pub fn new(world: Box<dyn World>, options: Options) -> Self {
        Evaluator::with_store(world, options, Rc::new(InMemory))
    }

    /// An evaluator without builtins over a store that outlasts it.
    pub fn with_store(world: Box<dyn World>, options: Options, store: Rc<dyn Backend>) -> Self {
        let mut vm = Box::new(Vm::new(world, options.limits, store));
        vm.host.granted = options.granted;
        vm.host.features = options.features;
        vm.host.withheld = options.withheld;
        vm.host.left_out = options.left_out;
        let mut evaluator = Evaluator {
            vm,
            parse: options.parse,
            home: options.home.map(Into::into),
            globals: Rc::default(),
            keep_thunks: false,
            compile_late_from: options.compile_late_from,
            parsing: ParseMemory::default(),
            compiling: Rc::default(),
            cache: None,
            surroundings: None,
            threads: None,
            ahead: None,
            compiled_ahead: 0,
        };
        evaluator.refresh_globals();
        evaluator
    }

    /// Loads a plugin: `file`, whose `bytes` are read from their beginning. All plugins are loaded before anything is evaluated.
    pub fn load_plugin(
        &mut self,
        file: &Path,
        bytes: impl Read + Seek,
        policy: &LoadPolicy,
    ) -> Result<()> {
        self.vm.load_plugin(file, bytes, policy)?;
        self.refresh_globals();
        Ok(())
    }

    /// From now on makes a thunk wherever Nix makes one, also where the value could be had for nothing. For a result that is
    /// printed without evaluating its members: there a thunk shows, as `<CODE>`.
    pub fn keep_thunks(&mut self) {
        self.keep_thunks = true;
        self.forget_surroundings();
    }

    /// Looks from now on for the code of files in `cache`, and adds to it what it lacks.
    pub fn use_cache(&mut self, cache: Arc<dyn CodeCache>) {
        self.cache = Some(cache);
    }

    /// Compiles files on so many more threads before they are imported, and hashes derivations. What `world` makes must show the same
    /// files as this evaluator's world, or nothing of them; what else it shows does not matter.
    pub fn compile_ahead(&mut self, threads: usize, world: Arc<MakeWorld>) {
        self.threads = (threads > 0).then_some((threads, world));
        self.ahead = None;
    }

    /// How many files that were imported had been compiled before, on another thread.
    pub fn compiled_ahead(&self) -> usize {
        self.compiled_ahead
    }

    /// How many derivations have been hashed on another thread, before another derivation needed them.
    pub fn hashed_ahead(&self) -> usize {
        self.ahead.as_ref().map_or(0, Ahead::hashed)
    }

    fn forget_surroundings(&mut self) {
        self.surroundings = None;
        self.ahead = None;
    }

    fn refresh_globals(&mut self) {
        self.forget_surroundings();
        let names = self.vm.make_globals();
        let Vm { globals, host, .. } = &*self.vm;
        let builtin = |global: &Value| {
            let number = global.as_builtin()?;
            let (arity, first_strict) = host.strictness(number)?;
            Some(KnownBuiltin {
                number,
                arity,
                first_strict,
            })
        };
        self.globals = Rc::new(Globals {
            numbers: names
                .into_iter()
                .enumerate()
                .map(|(index, (name, hidden))| (name, (index as u32, hidden)))
                .collect(),
            builtins: globals.iter().map(builtin).collect(),
        });
    }

    /// The machine: its host, names, sources and statistics.
    pub fn vm(&self) -> &Vm {
        &self.vm
    }

    /// The machine, to be changed.
    pub fn vm_mut(&mut self) -> &mut Vm {
        &mut self.vm
    }

    // --- evaluation. Values that are answered stay alive as long as the evaluator.

    /// The value of a file or, for a folder, of its `default.nix`; in weak head normal form.
    pub fn evaluate_file(&mut self, path: &[u8]) -> Result<Value> {
        let path = self.resolve_file(path)?;
        let outcome = self.begin_load(Load::File { path, scope: None })?;
        self.finish(outcome)
    }

    /// The value of a text (`--expr`), relative paths starting from `base`; in weak head normal form.
    pub fn evaluate_text(&mut self, text: &[u8], base: &[u8]) -> Result<Value> {
        self.evaluate_source(Origin::String, text, base)
    }

    /// The value of a text that came from `origin`.
    pub fn evaluate_source(&mut self, origin: Origin, text: &[u8], base: &[u8]) -> Result<Value> {
        let address = self.link_text(origin, text, base)?;
        self.vm.begin();
        self.vm.enter_code(address, &[], None)?;
        let outcome = self.vm.resume()?;
        self.finish(outcome)
    }

    /// Evaluates to weak head normal form.
    pub fn force(&mut self, value: Value) -> Result<Value> {
        let outcome = self.vm.begin_force(value)?;
        self.finish(outcome)
    }

    /// Evaluates everything that can be reached.
    pub fn force_deep(&mut self, value: Value) -> Result<Value> {
        self.run_task(Box::new(DeepForce::new(value)))
    }

    /// Calls a function.
    pub fn call(&mut self, function: Value, args: &[Value]) -> Result<Value> {
        let outcome = self.vm.begin_call(function, args)?;
        self.finish(outcome)
    }

    /// The builtin `name`, if a loaded plugin provides it.
    pub fn builtin(&self, name: &str) -> Option<Value> {
        self.vm.host.find(name).map(Value::builtin)
    }

    /// Keeps a value alive as long as the evaluator.
    pub fn keep(&mut self, value: Value) -> Value {
        if value.is_heap() {
            self.vm.pinned.push(value);
        }
        value
    }

    fn run_task(&mut self, task: Box<dyn Task>) -> Result<Value> {
        let outcome = self.vm.begin_task(task)?;
        self.finish(outcome)
    }

    /// Serves what the VM asks for until it has its value.
    fn finish(&mut self, mut outcome: Outcome) -> Result<Value> {
        loop {
            match outcome {
                Outcome::Value(value) => return Ok(self.keep(value)),
                Outcome::Load(load) => outcome = self.load(load)?,
            }
        }
    }

    fn begin_load(&mut self, load: Load) -> Result<Outcome> {
        if let Load::File { path, scope: None } = &load
            && let Some(value) = self.vm.imports.get(&**path)
        {
            return Ok(Outcome::Value(*value));
        }
        self.vm.begin();
        self.load(load)
    }

    fn load(&mut self, load: Load) -> Result<Outcome> {
        match self.enter(load) {
            Ok(()) => self.vm.resume(),
            Err(error) => self.vm.abandon(error),
        }
    }

    /// Compiles what is asked for and puts it on top of the frames.
    fn enter(&mut self, load: Load) -> Result<()> {
        match load {
            Load::File { path, scope } => {
                let text = self
                    .vm
                    .world
                    .read_file(&path)
                    .map_err(|error| self.vm.world_error(&path, error))?;
                let base = crate::path::parent(&path).to_vec();
                let origin = Origin::File(path.clone().into());
                let names = scope.and_then(Value::as_attrs).map(|attrs| {
                    let members = attrs.members().into_iter();
                    members.map(|(entry, _)| entry.name).collect()
                });
                let image = self.image_of(origin, text.into(), &base, names)?;
                self.vm.sources.release_last(|_| true);
                let address = self.vm.link(image);
                self.vm.note_loaded();
                match scope {
                    Some(scope) => self.vm.enter_code(address, &[scope], None),
                    None => self.vm.enter_code(address, &[], Some(path.into())),
                }
            }
            Load::Text(text) => {
                let address = self.link_text(Origin::Internal, &text, b"/")?;
                self.vm.enter_code(address, &[], None)
            }
        }
    }

    // --- sources

    /// The file that a path refers to: a link at its end followed, `default.nix` of a folder.
    pub fn resolve_file(&mut self, path: &[u8]) -> Result<Vec<u8>> {
        self.vm.file_to_evaluate(crate::path::canonical(path))
    }

    /// Makes a text ready to be entered: the address of its code.
    pub fn link_text(&mut self, origin: Origin, text: &[u8], base: &[u8]) -> Result<usize> {
        let image = self.image_of(origin, Bytes::copy_from_slice(text), base, None)?;
        let Vm { sources, world, .. } = &mut *self.vm;
        // What the command has read may have come through a pipe.
        sources.release_last(|path| world.file_type(path) == Ok(FileType::Regular));
        Ok(self.vm.link(image))
    }

    /// Parses a text.
    pub fn parse(&mut self, origin: Origin, text: &[u8]) -> Result<Ast> {
        self.parse_source(origin, Bytes::copy_from_slice(text))
    }

    fn parse_source(&mut self, origin: Origin, text: Bytes) -> Result<Ast> {
        let file = self
            .vm
            .sources
            .add(origin, text)
            .map_err(|limit| Error::new(ErrorKind::Limit, limit))?;
        let ast =
            crate::syntax::parse(file, &mut self.vm.interner, &self.parse, &mut self.parsing)?;
        for warning in &ast.warnings {
            let text = crate::report::warning(warning, &self.vm.sources);
            self.vm.world.emit(Message::Lint, text.as_bytes());
        }
        Ok(ast)
    }

    /// Compiles a text; undefined variables are errors here.
    pub fn compile_text(&mut self, origin: Origin, text: &[u8], base: &[u8]) -> Result<Image> {
        self.new_image(origin, Bytes::copy_from_slice(text), base, None)
    }

    /// Reports undefined variables of a parsed text, as `--parse` does.
    pub fn check(&mut self, ast: &Ast, base: &[u8]) -> Result<()> {
        self.compile_ast(ast, base, None, false).map(|_| ())
    }

    /// What a text is compiled to, now or, for a file, when that was last done.
    fn image_of(
        &mut self,
        origin: Origin,
        text: Bytes,
        base: &[u8],
        scope: Option<Vec<Symbol>>,
    ) -> Result<Image> {
        let begun = Instant::now();
        let bytes = text.len();
        let image = match &origin {
            Origin::File(path) if scope.is_none() => {
                let path = path.clone();
                self.image_of_file(&path, origin, text, base)
            }
            _ => self.new_image(origin, text, base, scope),
        };
        if let Some(observer) = &mut self.vm.observer {
            observer.file(bytes, begun.elapsed());
        }
        image
    }

    fn image_of_file(
        &mut self,
        path: &[u8],
        origin: Origin,
        text: Bytes,
        base: &[u8],
    ) -> Result<Image> {
        self.start_ahead();
        let start = self.vm.sources.end();
        let ahead = self.ahead.as_ref();
        let mut image = match ahead.and_then(|ahead| ahead.take(path, &text)) {
            Some(bytes) => {
                self.compiled_ahead += 1;
                self.add_source(origin, text)?;
                Image::from_bytes(bytes, start, &mut self.vm.interner)
            }
            None => {
                let cache = self.cache.as_ref();
                let cache = cache.filter(|cache| text.len() >= cache.least()).cloned();
                match cache {
                    Some(cache) => self.cached_image(&*cache, origin, text, base)?,
                    None if text.len() >= self.compile_late_from => {
                        let ast = self.parse_source(origin, text)?;
                        self.compile_some_of(ast, base)?
                    }
                    None => self.new_image(origin, text, base, None)?,
                }
            }
        };
        let paths = image.take_paths();
        if let Some(ahead) = &self.ahead {
            ahead.name(paths);
        }
        Ok(image)
    }

    fn new_image(
        &mut self,
        origin: Origin,
        text: Bytes,
        base: &[u8],
        scope: Option<Vec<Symbol>>,
    ) -> Result<Image> {
        let internal = matches!(origin, Origin::Internal);
        let ast = self.parse_source(origin, text)?;
        let image = self.compile_ast(&ast, base, scope, internal);
        self.parsing.recycle(ast);
        image
    }

    fn start_ahead(&mut self) {
        if self.ahead.is_none()
            && let Some((threads, world)) = self.threads.clone()
        {
            let surroundings = self.all_surroundings();
            let ahead = Ahead::start(threads, surroundings, world, self.cache.clone());
            self.vm.store.borrow_mut().set_helper(ahead.helper());
            self.ahead = Some(ahead);
        }
    }

    fn cached_image(
        &mut self,
        cache: &dyn CodeCache,
        origin: Origin,
        text: Bytes,
        base: &[u8],
    ) -> Result<Image> {
        let key = crate::code_cache::key(&self.surroundings(), base, &text);
        let start = self.vm.sources.end();
        if let Some(bytes) = cache.load(&key) {
            self.add_source(origin, text)?;
            return Ok(Image::from_bytes(bytes, start, &mut self.vm.interner));
        }
        self.vm.interner.record();
        let compiled = self.parse_source(origin, text).and_then(|ast| {
            let image = self.compile_ast(&ast, base, None, false)?;
            Ok((ast, image))
        });
        let names = self.vm.interner.recorded();
        let (ast, image) = compiled?;
        // What is warned of is warned of each time.
        if ast.warnings.is_empty() {
            cache.store(&key, &image.to_bytes(&self.vm.interner, &names));
        }
        self.parsing.recycle(ast);
        Ok(image)
    }

    /// What the code of a text depends on beside text and folder: language options, and which builtins there are.
    fn surroundings(&mut self) -> Key {
        if let Some(key) = self.surroundings {
            return key;
        }
        let key = self.all_surroundings().key;
        self.surroundings = Some(key);
        key
    }

    /// The same, not hashed.
    fn all_surroundings(&self) -> Surroundings {
        let mut names: Vec<_> = self.globals.numbers.iter().collect();
        names.sort_unstable_by_key(|(_, (index, _))| *index);
        let globals: Vec<Global> = names
            .into_iter()
            .map(|(name, (index, hidden))| Global {
                name: self.vm.interner.name(*name).to_vec(),
                hidden: *hidden,
                builtin: self.globals.builtin(*index),
            })
            .collect();
        debug_assert_eq!(globals.len(), self.vm.globals.len(), "no name stands twice");
        let text = format!(
            "{globals:?} {:?} {:?} {}",
            self.parse, self.home, self.keep_thunks
        );
        Surroundings {
            key: crate::store::sha256(&[text.as_bytes()]),
            parse: self.parse,
            home: self.home.clone(),
            keep_thunks: self.keep_thunks,
            globals,
        }
    }

    fn add_source(&mut self, origin: Origin, text: Bytes) -> Result<&SourceFile> {
        let file = self.vm.sources.add(origin, text);
        file.map_err(|limit| Error::new(ErrorKind::Limit, limit))
    }

    /// Compiles; `internal` is a text of a builtin.
    fn compile_ast(
        &mut self,
        ast: &Ast,
        base: &[u8],
        scope: Option<Vec<Symbol>>,
        internal: bool,
    ) -> Result<Image> {
        let work = self.compiling.clone();
        self.in_environment(base, scope, internal, |interner, environment| {
            compile(ast, interner, environment, &mut work.borrow_mut())
        })
    }

    /// Compiles what of a file runs first.
    fn compile_some_of(&mut self, ast: Ast, base: &[u8]) -> Result<Image> {
        let work = self.compiling.clone();
        self.in_environment(base, None, false, |interner, environment| {
            compile_some(ast, interner, environment, &work)
        })
    }

    fn in_environment(
        &mut self,
        base: &[u8],
        scope: Option<Vec<Symbol>>,
        internal: bool,
        compile: impl FnOnce(&mut Interner, &Environment<'_>) -> Result<Image>,
    ) -> Result<Image> {
        let Vm { host, interner, .. } = &mut *self.vm;
        let environment = Environment {
            globals: &self.globals,
            internal,
            absence: &|name| host.absence(name.strip_prefix(b"__")?),
            base: base.into(),
            keep_thunks: self.keep_thunks,
            home: self.home.clone(),
            scope,
        };
        compile(interner, &environment)
    }

    // --- text

    /// `value` as `nix-instantiate --eval` prints it; what is not evaluated shows as `<CODE>`.
    pub fn print(&mut self, value: Value) -> Vec<u8> {
        print_value(&mut self.vm, value, PrintLimits::RESULT)
    }

    /// `value` as an XML document.
    pub fn xml(&mut self, value: Value, options: XmlOptions) -> Vec<u8> {
        xml(&mut self.vm, value, options)
    }

    /// An error as text.
    pub fn report(&self, error: &Error, options: ReportOptions) -> String {
        report(error, &self.vm.sources, options)
    }
}
