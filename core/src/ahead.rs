//! Work done ahead, on other threads: files are compiled that a file names in its paths, before they are imported, and
//! derivations hashed, before another derivation needs them.
//!
//! Nothing of an evaluation depends on it. The evaluator still reads each file when it is imported, and takes what was made ahead only if
//! it was made of the same bytes; code arrives in the form in which it is also kept on disk, which names symbols and positions so
//! that they become what they would have become without. Errors and warnings are left to the evaluator, which compiles such files
//! itself.
//!
//! How much is done in vain is bounded: a file compiled ahead costs credit, one that is imported earns some, most if it was compiled
//! ahead. What is done in vain is not free where it is done elsewhere: processors share memory and caches.

use crate::bytecode::Image;
use crate::code_cache::{self, CodeCache, Key};
use crate::compile::{Environment, Globals, KnownBuiltin, Workspace, compile};
use crate::source::{Origin, SourceFile, SourceMap};
use crate::store::{Helper, Later};
use crate::symbol::Interner;
use crate::syntax::{ParseMemory, ParseOptions};
use crate::world::{FileType, World, file_to_evaluate};
use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What a file costs that is compiled ahead.
const COST: usize = 8;
/// What a file earns that is imported, if it was compiled ahead and if not.
const EARNED_AHEAD: usize = 2 * COST;
const EARNED: usize = 1;
/// What there is to begin with, and the most that is kept.
const FIRST_CREDIT: usize = 8 * COST;
const MAX_CREDIT: usize = 256 * COST;

/// So many files are left to the evaluator when it has caught up, so that it is not about to need the very file that a thread has begun.
const LEFT: usize = 4;
/// How often the evaluator looks whether a file is ready before it sleeps. To be woken takes about as long as to compile a small file.
const LOOKS: usize = 2000;

/// How long a thread that finds nothing to do sleeps before it looks again, and how often it does so before it waits to be woken. One
/// thread at a time does that. To wake a thread costs the evaluator several microseconds, thousands of times; that one looks costs it
/// nothing.
const NAP: Duration = Duration::from_micros(100);
const NAPS: usize = 100;

/// Makes a view of the files for each thread.
pub type MakeWorld = dyn Fn() -> Box<dyn World> + Send + Sync;

/// What compiling depends on beside the text.
pub(crate) struct Surroundings {
    /// All of it, hashed.
    pub key: Key,
    pub parse: ParseOptions,
    pub home: Result<Arc<[u8]>, String>,
    pub keep_thunks: bool,
    /// The global variables, by number.
    pub globals: Vec<Global>,
}

/// A global variable.
#[derive(Debug)]
pub(crate) struct Global {
    pub name: Vec<u8>,
    /// Whether only texts of builtins see it.
    pub hidden: bool,
    pub builtin: Option<KnownBuiltin>,
}

/// A file, by its path.
enum File {
    /// A thread is at it.
    Running,
    /// Compiled, and not yet imported: the text, and the image.
    Ready(Bytes, Vec<u8>),
    /// Nothing is to be done about it, or nothing any more.
    Spent,
}

#[derive(Default)]
struct State {
    /// What is to be hashed, which comes before all files: it is little, and may be needed soon.
    hashes: Vec<Arc<Later>>,
    /// How many of them were left to do when a thread came to them.
    hashed: usize,
    /// Paths that files name, the next one last. They may be anything.
    next: Vec<Box<[u8]>>,
    named: FxHashSet<Box<[u8]>>,
    files: FxHashMap<Box<[u8]>, File>,
    credit: usize,
    /// The evaluator has caught up: it is going to need what is next before that could be ready, and compiles it itself.
    caught_up: bool,
    ended: bool,
    /// A thread looks again soon.
    napping: bool,
    /// How many threads wait to be woken.
    asleep: usize,
    /// How many threads are writing to the cache.
    writing: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do: said to a thread that is asleep.
    work: Condvar,
    /// A file is no longer [`File::Running`], or an entry of the cache is written.
    done: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked; and if it does, the state is still one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes a thread if there is something to do and none is about to see that.
    fn wake(&self, state: MutexGuard<'_, State>) {
        let must = !state.napping && state.asleep > 0 && state.has_work();
        drop(state);
        if must {
            self.work.notify_one();
        }
    }
}

impl State {
    fn has_work(&self) -> bool {
        !self.hashes.is_empty() || self.credit >= COST && !self.next.is_empty()
    }

    fn name(&mut self, paths: Vec<Box<[u8]>>) {
        for path in paths.into_iter().rev() {
            if self.named.insert(path.clone()) {
                self.next.push(path);
            }
        }
    }

    /// The path that is looked at now.
    fn pop(&mut self) -> Option<Box<[u8]>> {
        // Most paths are those of files.
        while self.files.contains_key(self.next.last()?) {
            self.next.pop();
        }
        let last = self.next.len() - 1;
        let left = if std::mem::take(&mut self.caught_up) {
            LEFT.min(last)
        } else {
            0
        };
        Some(self.next.remove(last - left))
    }
}

/// The threads, which end with it.
pub(crate) struct Ahead {
    shared: Arc<Shared>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.ended = true;
        self.shared.work.notify_all();
        // What is being compiled nobody waits for. An entry of the cache that is being written is finished: else a draft of it would
        // stay behind when the process ends.
        while state.writing > 0 {
            let waited = self.shared.done.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Ahead {
    /// Starts so many threads. If the system has none, nothing is compiled ahead.
    pub(crate) fn start(
        threads: usize,
        surroundings: Surroundings,
        world: Arc<MakeWorld>,
        cache: Option<Arc<dyn CodeCache>>,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        shared.state().credit = FIRST_CREDIT;
        let surroundings = Arc::new(surroundings);
        for _ in 0..threads {
            let (shared, surroundings, world, cache) = (
                shared.clone(),
                surroundings.clone(),
                world.clone(),
                cache.clone(),
            );
            let run = move || Worker::new(&surroundings, &*world, cache).run(&shared);
            let spawned = thread::Builder::new()
                .name("piton-ahead".to_owned())
                .spawn(run);
            if spawned.is_err() {
                break;
            }
        }
        Ahead { shared }
    }

    /// Through which these threads are handed hashes.
    pub(crate) fn helper(&self) -> Rc<dyn Helper> {
        Rc::new(Hashes(self.shared.clone()))
    }

    /// How many hashes the threads have come to before the evaluator needed them.
    pub(crate) fn hashed(&self) -> usize {
        self.shared.state().hashed
    }

    /// Files that have just been named, in the order in which they are likely to be imported.
    pub(crate) fn name(&self, paths: Vec<Box<[u8]>>) {
        if !paths.is_empty() {
            let mut state = self.shared.state();
            state.name(paths);
            self.shared.wake(state);
        }
    }

    /// The image of the file at `path` with this text, if it was made ahead. Waits if it is being made. It is asked for once, when
    /// the file is imported.
    pub(crate) fn take(&self, path: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        let mut state = self.shared.state();
        state.caught_up = !matches!(state.files.get(path), Some(File::Ready(..)));
        let mut looks = 0;
        while let Some(File::Running) = state.files.get(path) {
            if looks < LOOKS {
                looks += 1;
                drop(state);
                std::hint::spin_loop();
                state = self.shared.state();
                continue;
            }
            let waited = self.shared.done.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let made = match state.files.insert(path.into(), File::Spent) {
            Some(File::Ready(of, image)) if of == text => Some(image),
            _ => None,
        };
        let earned = if made.is_some() { EARNED_AHEAD } else { EARNED };
        state.credit = (state.credit + earned).min(MAX_CREDIT);
        self.shared.wake(state);
        made
    }
}

struct Hashes(Arc<Shared>);

impl Helper for Hashes {
    fn hash(&self, hashes: &mut Vec<Arc<Later>>) {
        let mut state = self.0.state();
        if state.ended {
            hashes.clear();
            return;
        }
        state.hashes.append(hashes);
        self.0.wake(state);
    }
}

/// A compiled file.
struct Made {
    text: Bytes,
    image: Vec<u8>,
    /// The paths in it.
    paths: Vec<Box<[u8]>>,
    /// Where the image belongs that was not there.
    entry: Option<(Arc<dyn CodeCache>, Key)>,
}

/// What a thread compiles with.
struct Worker<'a> {
    surroundings: &'a Surroundings,
    world: Box<dyn World>,
    cache: Option<Arc<dyn CodeCache>>,
    interner: Interner,
    globals: Rc<Globals>,
    parsing: ParseMemory,
    compiling: Workspace,
}

impl<'a> Worker<'a> {
    fn new(
        surroundings: &'a Surroundings,
        world: &MakeWorld,
        cache: Option<Arc<dyn CodeCache>>,
    ) -> Self {
        let mut interner = Interner::new();
        let globals = &surroundings.globals;
        // Names that are not seen are not interned either.
        let visible = globals.iter().zip(0..).filter(|(global, _)| !global.hidden);
        let globals = Rc::new(Globals {
            numbers: visible
                .map(|(global, number)| (interner.intern(&global.name), (number, false)))
                .collect(),
            builtins: globals.iter().map(|global| global.builtin).collect(),
        });
        Worker {
            surroundings,
            world: world(),
            cache,
            interner,
            globals,
            parsing: ParseMemory::default(),
            compiling: Workspace::default(),
        }
    }

    fn run(mut self, shared: &Shared) {
        let mut state = shared.state();
        let mut naps = 0;
        while !state.ended {
            if !state.has_work() {
                if naps < NAPS && !state.napping {
                    naps += 1;
                    state.napping = true;
                    let napped = shared.work.wait_timeout(state, NAP);
                    (state, _) = napped.unwrap_or_else(PoisonError::into_inner);
                    state.napping = false;
                } else {
                    naps = 0;
                    state.asleep += 1;
                    let woken = shared.work.wait(state);
                    state = woken.unwrap_or_else(PoisonError::into_inner);
                    state.asleep -= 1;
                }
                continue;
            }
            naps = 0;
            if !state.hashes.is_empty() {
                let hashes = std::mem::take(&mut state.hashes);
                shared.wake(state);
                // The evaluator may have been faster.
                let mut hashed = 0;
                for hash in hashes {
                    hashed += usize::from(!hash.is_done());
                    hash.digest();
                }
                state = shared.state();
                state.hashed += hashed;
                continue;
            }
            let Some(path) = state.pop() else { continue };
            drop(state);
            let file = self.find(path.into_vec());
            state = shared.state();
            let Some(file) = file else { continue };
            if state.files.contains_key(&*file) {
                continue;
            }
            state.credit = state.credit.saturating_sub(COST);
            state.files.insert(file.clone().into(), File::Running);
            // The next file is for the next thread.
            shared.wake(state);
            // A panic here is one on the evaluator's thread, too, if the file is ever imported.
            let made = catch_unwind(AssertUnwindSafe(|| self.compile(&file)));
            state = shared.state();
            let mut write = None;
            let made = match made.ok().flatten() {
                Some(made) => {
                    state.name(made.paths);
                    write = made.entry.map(|entry| (entry, made.image.clone()));
                    File::Ready(made.text, made.image)
                }
                None => File::Spent,
            };
            state.files.insert(file.into(), made);
            shared.done.notify_all();
            if let Some(((cache, key), image)) = write
                && !state.ended
            {
                state.writing += 1;
                drop(state);
                // Who waits for it must not wait for ever.
                let _ = catch_unwind(AssertUnwindSafe(|| cache.store(&key, &image)));
                state = shared.state();
                state.writing -= 1;
                shared.done.notify_all();
            }
        }
    }

    /// The file that a path stands for, if it is one of Nix.
    fn find(&self, path: Vec<u8>) -> Option<Vec<u8>> {
        let file = file_to_evaluate(&*self.world, path).ok()?;
        let regular = self.world.file_type(&file) == Ok(FileType::Regular);
        (regular && file.ends_with(b".nix")).then_some(file)
    }

    /// Compiles a file, or finds it compiled.
    fn compile(&mut self, file: &[u8]) -> Option<Made> {
        let text = Bytes::from(self.world.read_file(file).ok()?);
        let base = crate::path::parent(file);
        let cache = self.cache.as_ref();
        let cache = cache.filter(|cache| text.len() >= cache.least()).cloned();
        let entry = cache.map(|cache| {
            let key = code_cache::key(&self.surroundings.key, base, &text);
            (cache, key)
        });
        if let Some(bytes) = entry.as_ref().and_then(|(cache, key)| cache.load(key)) {
            let paths = Image::paths_of(&bytes);
            return Some(Made {
                text,
                image: bytes,
                paths,
                entry: None,
            });
        }
        let mut sources = SourceMap::default();
        let source = sources.add(Origin::File(file.into()), text.clone()).ok()?;
        self.interner.record();
        let image = self.image(source, base);
        let names = self.interner.recorded();
        let mut image = image?;
        Some(Made {
            text,
            image: image.to_bytes(&self.interner, &names),
            paths: image.take_paths(),
            entry,
        })
    }

    fn image(&mut self, source: &SourceFile, base: &[u8]) -> Option<Image> {
        let options = &self.surroundings.parse;
        let memory = &mut self.parsing;
        let ast = crate::syntax::parse(source, &mut self.interner, options, memory).ok()?;
        if !ast.warnings.is_empty() {
            return None;
        }
        let environment = Environment {
            globals: &self.globals,
            internal: false,
            absence: &|_| None,
            base: base.into(),
            keep_thunks: self.surroundings.keep_thunks,
            home: self.surroundings.home.clone(),
            scope: None,
        };
        let image = compile(&ast, &mut self.interner, &environment, &mut self.compiling).ok();
        self.parsing.recycle(ast);
        image
    }
}
