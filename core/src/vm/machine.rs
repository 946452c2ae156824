//! [`Vm`]: the state of one evaluation.

use super::drive::Flow;
use super::frame::{Frame, Load};
use super::layout::Layout;
use super::link::Linked;
use super::names::KnownNames;
use super::observer::{Counts, Observation, Observer, Sample};
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Heap, KeyEntry, Keys, Kind, MAX_STRING, Slab, Stack, Value};
use crate::host::Host;
use crate::source::{Pos, SourceMap};
use crate::store::{Backend, Overlay, Store};
use crate::symbol::{Interner, Symbol};
use crate::value::{Contexts, MergePlans};
use crate::world::World;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::rc::Rc;

/// Limits of an evaluation; each ends in an error that names it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nested calls (`--max-call-depth`).
    pub call_depth: u32,
    /// Bytes of memory (`--max-memory`): all that the process takes, where the world tells that, else those of heap and stacks.
    pub memory: usize,
    /// Bytes allocated before the first collection.
    pub first_collection: usize,
    /// Collect at every safepoint: finds values that are not rooted.
    pub gc_stress: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            call_depth: 10_000,
            memory: usize::MAX,
            first_collection: 68 << 20,
            gc_stress: false,
        }
    }
}

/// What running the VM comes to.
pub enum Outcome {
    /// A value in weak head normal form.
    Value(Value),
    /// Something has to be compiled: push it with [`Vm::enter_code`] and run on.
    Load(Load),
}

/// Names that the VM itself looks up.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct WellKnown {
    pub functor: Symbol,
    pub to_string: Symbol,
    pub out_path: Symbol,
    pub drv_path: Symbol,
    pub type_: Symbol,
    pub file: Symbol,
    pub line: Symbol,
    pub column: Symbol,
    pub path: Symbol,
    pub prefix: Symbol,
}

/// The names that Nix has before it reads any, in its order: those that it needs itself (the empty one is among them, `<with>` is none of a
/// program), those of its builtins, and those of its text of `derivation`. Members of a set are bound, compared and evaluated deeply in the order in
/// which names came up.
const FIRST_NAMES: &str = "\
    outPath drvPath type meta name value system __overrides outputs outputName __ignoreNulls file line column __functor __toString \
    right wrong __structuredAttrs __json allowedReferences allowedRequisites disallowedReferences disallowedRequisites maxSize maxClosureSize \
    builder args __contentAddressed __impure outputHash outputHashAlgo outputHashMode recurseForDerivations description self  startSet \
    operator key path prefix outputSpecified __sub __lessThan __mul __div or __findFile __nixPath body builtins true false null \
    __currentTime currentTime __currentSystem currentSystem __nixVersion nixVersion __storeDir storeDir __langVersion langVersion \
    __traceVerbose traceVerbose nixPath scopedImport import __typeOf typeOf isNull __isFunction isFunction __isInt isInt __isFloat \
    isFloat __isString isString __isBool isBool __isPath isPath __genericClosure genericClosure break abort throw __addErrorContext \
    addErrorContext __ceil ceil __floor floor __tryEval tryEval __getEnv getEnv __seq seq __deepSeq deepSeq __trace trace __warn warn \
    derivationStrict placeholder __toPath toPath __storePath storePath __pathExists pathExists baseNameOf dirOf __readFile readFile \
    findFile __hashFile hashFile __readFileType readFileType __readDir readDir __toXML toXML __toJSON toJSON __fromJSON fromJSON \
    __toFile toFile __filterSource filterSource __path __attrNames attrNames __attrValues attrValues __getAttr getAttr \
    __unsafeGetAttrPos unsafeGetAttrPos __hasAttr hasAttr __isAttrs isAttrs removeAttrs __listToAttrs listToAttrs __intersectAttrs \
    intersectAttrs __catAttrs catAttrs __functionArgs functionArgs __mapAttrs mapAttrs __zipAttrsWith zipAttrsWith __isList isList \
    __elemAt elemAt __head head __tail tail map __filter filter __elem elem __concatLists concatLists __length length __foldl' foldl' \
    __any any __all all __genList genList __sort sort __partition partition __groupBy groupBy __concatMap concatMap __add add sub mul \
    div __bitAnd bitAnd __bitOr bitOr __bitXor bitXor lessThan toString __substring substring __stringLength stringLength __hashString \
    hashString __convertHash convertHash __match match __split split __concatStringsSep concatStringsSep __replaceStrings replaceStrings \
    __parseDrvName parseDrvName __compareVersions compareVersions __splitVersion splitVersion __unsafeDiscardStringContext \
    unsafeDiscardStringContext __hasContext hasContext __unsafeDiscardOutputDependency unsafeDiscardOutputDependency \
    __addDrvOutputDependencies addDrvOutputDependencies __getContext getContext __appendContext appendContext fetchMercurial \
    fetchFinalTree __fetchurl fetchurl fetchTarball fetchGit fromTOML __getFlake getFlake __parseFlakeRef parseFlakeRef \
    __flakeRefToString flakeRefToString derivation strict drvAttrs commonAttrs outputsList x outputToAttrListElement";

impl WellKnown {
    fn new(interner: &mut Interner) -> Self {
        for name in FIRST_NAMES.split(' ') {
            interner.intern(name.as_bytes());
        }
        WellKnown {
            functor: interner.intern(b"__functor"),
            to_string: interner.intern(b"__toString"),
            out_path: interner.intern(b"outPath"),
            drv_path: interner.intern(b"drvPath"),
            type_: interner.intern(b"type"),
            file: interner.intern(b"file"),
            line: interner.intern(b"line"),
            column: interner.intern(b"column"),
            path: interner.intern(b"path"),
            prefix: interner.intern(b"prefix"),
        }
    }
}

/// The virtual machine.
pub struct Vm {
    /// Its memory.
    pub heap: Heap,
    /// Names.
    pub interner: Interner,
    /// Source texts.
    pub sources: SourceMap,
    /// String contexts.
    pub contexts: Contexts,
    /// Plugins and their builtins.
    pub host: Host,
    /// The outside, with what is in the store laid over it.
    pub world: Rc<dyn World>,
    /// What the evaluation has added to the store.
    pub store: Rc<RefCell<Store>>,
    /// Limits.
    pub limits: Limits,
    /// Names that it looks up itself.
    pub names: WellKnown,
    /// Values of global variables.
    pub globals: Vec<Value>,
    /// Values kept for the embedder.
    pub pinned: Vec<Value>,
    /// The files that paths which were imported stand for.
    pub(crate) imported_files: FxHashMap<Box<[u8]>, Box<[u8]>>,
    /// What files have evaluated to, by canonical path.
    pub imports: FxHashMap<Box<[u8]>, Value>,
    /// What is in folders that were listed: package sets list the same ones again and again.
    pub(crate) listings: FxHashMap<Box<[u8]>, Value>,
    /// Files that are being evaluated.
    pub(crate) loading: FxHashSet<Box<[u8]>>,
    // Frames and closures point to them, so they stay where they are.
    pub(super) code: Vec<Box<[Linked]>>,
    /// Where what runs of its bodies lies, and where the rest does, so that the former is close together.
    pub(super) bodies: [Slab; 2],
    pub(super) known_names: KnownNames,
    /// How many `tryEval`s wait: what they catch needs no trace.
    pub(super) catching: u32,
    /// Room in which code is linked.
    pub(super) layout: Option<Box<Layout>>,
    pub(super) stack: Stack<Value>,
    pub(super) frames: Stack<Frame>,
    pub(crate) merge_plans: MergePlans,
    pub(super) position_keys: Option<Keys>,
    /// Who watches, if somebody does.
    pub(crate) observer: Option<Box<Observer>>,
}

impl Vm {
    /// A machine without builtins; what it adds to the store goes to `backend`, too.
    pub fn new(world: Box<dyn World>, limits: Limits, backend: Rc<dyn Backend>) -> Self {
        let mut interner = Interner::new();
        let names = WellKnown::new(&mut interner);
        let store = Rc::new(RefCell::new(Store::new(backend)));
        let world: Rc<dyn World> = Rc::new(Overlay::new(world, store.clone()));
        let threshold = if limits.gc_stress {
            0
        } else {
            limits.first_collection
        };
        Vm {
            heap: Heap::new(threshold, limits.memory, limits.gc_stress),
            interner,
            sources: SourceMap::of(world.clone()),
            contexts: Contexts::default(),
            host: Host::new(),
            world,
            store,
            limits,
            names,
            globals: Vec::new(),
            pinned: Vec::new(),
            imported_files: FxHashMap::default(),
            imports: FxHashMap::default(),
            listings: FxHashMap::default(),
            loading: FxHashSet::default(),
            code: Vec::new(),
            bodies: Default::default(),
            known_names: KnownNames::default(),
            catching: 0,
            layout: None,
            stack: Stack::default(),
            frames: Stack::default(),
            merge_plans: MergePlans::default(),
            position_keys: None,
            observer: None,
        }
    }

    /// Leaves the code to the end of the process, which is faster than freeing it piece by piece.
    pub fn leak_code(&mut self) {
        std::mem::forget(std::mem::take(&mut self.code));
    }

    /// Watches from now on.
    pub fn observe(&mut self, what: Observation) {
        self.observer = Some(Box::new(Observer::new(what)));
        self.heap.count_objects();
    }

    /// What has been counted, if somebody watches.
    pub fn counts(&self) -> Option<&Counts> {
        self.observer.as_ref().map(|observer| observer.counts())
    }

    /// The sampled stacks, if somebody watches.
    pub fn samples(&self) -> Vec<Sample> {
        self.observer.as_ref().map_or_else(Vec::new, |observer| {
            observer.samples(&self.sources, &self.interner, |number| {
                self.host.name(number)
            })
        })
    }

    /// A thunk of code at `address` (from [`Vm::link`]), all of whose captures are null.
    pub fn thunk_of(&mut self, address: usize) -> Value {
        let captures = Linked::at(address).captures();
        // SAFETY: a `Linked`, which lives as long as the VM.
        unsafe { self.heap.capturing(Kind::Thunk, address, captures) }.thunk_value()
    }

    /// Begins code at `address` (from [`Vm::link`]) on top of what waits; `captures` are those of a root.
    pub fn enter_code(
        &mut self,
        address: usize,
        captures: &[Value],
        loaded_from: Option<Box<[u8]>>,
    ) -> Result<()> {
        if let Some(path) = loaded_from {
            self.loading.insert(path.clone());
            self.push_frame(|| Frame::Loaded(path));
        }
        let code = Linked::at(address);
        // SAFETY: a `Linked`, which lives as long as the VM.
        let closure = unsafe { self.heap.capturing(Kind::Closure, address, code.captures()) };
        closure.captures_mut().copy_from_slice(captures);
        let depth = self.depth();
        self.push_call(code, closure, None, depth, std::ptr::null(), 0);
        Ok(())
    }

    /// Begins an evaluation: everything above is its, down to here.
    pub fn begin(&mut self) {
        self.push_frame(|| Frame::Stop);
    }

    /// Begins forcing `value`.
    pub fn begin_force(&mut self, value: Value) -> Result<Outcome> {
        self.begin();
        let flow = self.force(value);
        self.run(flow)
    }

    /// Begins a call.
    pub fn begin_call(&mut self, function: Value, args: &[Value]) -> Result<Outcome> {
        self.begin();
        let flow = self.apply(function, args);
        self.run(flow)
    }

    /// Begins a task.
    pub(crate) fn begin_task(&mut self, task: Box<dyn super::task::Task>) -> Result<Outcome> {
        self.begin();
        let flow = self.push_boxed(task);
        self.run(flow)
    }

    /// Runs on from the frame on top, which has just been pushed.
    pub fn resume(&mut self) -> Result<Outcome> {
        self.run(Flow::Enter)
    }

    /// Abandons the running evaluation with an error of its owner (a file that does not parse).
    pub fn abandon(&mut self, error: Error) -> Result<Outcome> {
        self.run(Flow::Failed(error))
    }

    pub(crate) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    pub(crate) fn top_frame(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    /// Pushes a frame, which is made where it comes to stand: a copy of what has just been written word by word would have to wait until
    /// the words have come to the cache.
    #[inline(always)]
    pub(crate) fn push_frame(&mut self, frame: impl FnOnce() -> Frame) {
        if !self.frames.has_room(1) {
            self.grow_frames();
        }
        // SAFETY: there is room for one more.
        unsafe {
            let slot = self.frames.end();
            slot.write(frame());
            self.frames.set_end(slot.add(1));
        }
    }

    /// Takes off the frame on top, which owns nothing.
    #[inline(always)]
    pub(crate) fn pop_frame(&mut self) {
        debug_assert!(
            !matches!(
                self.frames.last(),
                None | Some(Frame::Task(_) | Frame::Loaded(_))
            ),
            "there is nothing to drop"
        );
        // SAFETY: there is one, and nothing to drop.
        unsafe { self.frames.set_end(self.frames.end().sub(1)) };
    }

    pub(crate) fn stack_len(&self) -> usize {
        self.stack.len()
    }

    pub(crate) fn stack_at(&self, index: usize) -> Value {
        self.stack[index]
    }

    pub(crate) fn set_stack_at(&mut self, index: usize, value: Value) {
        self.stack[index] = value;
    }

    pub(crate) fn truncate_stack(&mut self, len: usize) {
        self.stack.truncate(len);
    }

    /// How many calls are open.
    pub(super) fn depth(&self) -> u32 {
        for frame in self.frames.iter().rev() {
            match frame {
                Frame::Code(frame) => return frame.depth,
                Frame::Generator(frame) => return frame.depth_pos.0,
                Frame::Apply { depth, .. } | Frame::Arguments { depth, .. } => return *depth,
                Frame::Update(_)
                | Frame::Explained(_)
                | Frame::Functor { .. }
                | Frame::Task(_)
                | Frame::Loaded(_) => {}
                Frame::Stop => return 0,
            }
        }
        0
    }

    #[cold]
    pub(crate) fn too_deep(&self) -> Error {
        Error::new(ErrorKind::Limit, "stack overflow; max-call-depth exceeded").with_hint(format!(
            "the limit is {} nested calls; raise it with --max-call-depth if the recursion is meant",
            self.limits.call_depth
        ))
    }

    #[cold]
    pub(super) fn out_of_memory(&self) -> Error {
        let limit = match self.heap.max_bytes() {
            usize::MAX => {
                "more memory was asked for than there is; --max-memory sets a limit".to_owned()
            }
            limit => format!("the evaluation exceeds the limit of {limit} bytes (--max-memory)"),
        };
        Error::new(ErrorKind::Limit, format!("out of memory: {limit}"))
    }

    /// Data nested `level` deep within each other may be walked: that counts like as many calls, as in Nix.
    #[inline]
    pub(crate) fn check_nesting(&self, level: u32) -> Result<()> {
        if self.depth().saturating_add(level) > self.limits.call_depth {
            return Err(self.too_deep());
        }
        Ok(())
    }

    /// A string of `len` bytes can be made.
    #[inline]
    pub(super) fn check_string(&mut self, len: usize) -> Result<()> {
        if len > MAX_STRING || !self.has_room(len) {
            return Err(self.no_such_string(len));
        }
        Ok(())
    }

    #[cold]
    fn no_such_string(&self, len: usize) -> Error {
        if len <= MAX_STRING {
            return self.out_of_memory();
        }
        Error::new(
            ErrorKind::Limit,
            format!("a string of {len} bytes is longer than the limit of {MAX_STRING} bytes"),
        )
    }

    /// Collects, unless it only was to be seen how much room there is, and there is enough. Only where every live value is below a root:
    /// between frames.
    pub(super) fn safepoint(&mut self) -> Result<()> {
        let beside = self.stack_bytes();
        if self.heap.is_limited() {
            // Pages of stacks that were deeper once.
            self.frames.give_back();
            self.stack.give_back();
            self.note_resident(beside);
            if self.heap.can_wait(beside) {
                return Ok(());
            }
        }
        let Vm {
            heap,
            host,
            globals,
            pinned,
            imports,
            listings,
            code,
            stack,
            frames,
            position_keys,
            merge_plans,
            known_names,
            ..
        } = self;
        merge_plans.clear();
        known_names.clear();
        heap.collect(beside, |marker| {
            marker.values(globals);
            marker.values(pinned);
            marker.values(stack);
            for value in imports.values().chain(listings.values()) {
                marker.value(*value);
            }
            for linked in code.iter().flatten() {
                linked.mark(marker);
                linked.forget_caches();
            }
            if let Some(keys) = *position_keys {
                marker.keys(keys);
            }
            host.mark(marker);
            for frame in frames.iter() {
                match frame {
                    Frame::Code(frame) => {
                        marker.captured(frame.captured);
                        if let Some(thunk) = frame.update {
                            marker.value(thunk.as_value());
                        }
                    }
                    Frame::Update(thunk) => marker.value(thunk.as_value()),
                    Frame::Explained(text) => marker.value(*text),
                    Frame::Task(task) => task.mark(marker),
                    Frame::Generator(frame) => host.mark_arguments(frame, marker),
                    Frame::Apply { .. }
                    | Frame::Arguments { .. }
                    | Frame::Functor { .. }
                    | Frame::Loaded(_)
                    | Frame::Stop => {}
                }
            }
        });
        if self.is_out_of_memory() {
            return Err(self.out_of_memory());
        }
        Ok(())
    }

    /// Whether what was alive at the last collection is beyond the limit of memory.
    pub(super) fn is_out_of_memory(&self) -> bool {
        self.heap.is_over_limit(self.stack_bytes())
    }

    /// Sees what else the process takes: code, texts and tables grow, too, and allocators keep some of what is freed.
    fn note_resident(&mut self, beside: usize) {
        if let Some(resident) = self.world.resident_memory() {
            self.heap.note_resident(resident, beside);
        }
    }

    /// Whether `bytes` at once are within the limit of memory.
    #[inline(always)]
    pub(crate) fn has_room(&mut self, bytes: usize) -> bool {
        self.heap.is_little(bytes) || self.has_much_room(bytes)
    }

    #[cold]
    #[inline(never)]
    fn has_much_room(&mut self, bytes: usize) -> bool {
        if self.heap.is_limited() {
            self.note_resident(self.stack_bytes());
        }
        self.heap.has_room(bytes)
    }

    /// Code has been loaded, which takes memory beside the heap: where that leaves no room, the next safepoint sees to it.
    pub(crate) fn note_loaded(&mut self) {
        if self.heap.is_limited() {
            let beside = self.stack_bytes();
            self.note_resident(beside);
            if self.heap.room_beside(beside) == 0 {
                self.heap.collect_soon();
            }
        }
    }

    /// More is held beside the heap than before: sees to it that all of it is within the limit of memory. Only between frames.
    #[cold]
    pub(crate) fn make_room(&mut self) -> Result<()> {
        if self.heap.fit_beside(self.stack_bytes()) {
            return Ok(());
        }
        self.safepoint()
    }

    /// Bytes that the stacks of frames and values take, and the frames of suspended builtins.
    pub(super) fn stack_bytes(&self) -> usize {
        let stacks = self.frames.len() * size_of::<Frame>() + self.stack.len() * size_of::<Value>();
        self.host.frame_bytes().saturating_add(stacks)
    }

    /// The set `{ column, file, line }` of a position, or null.
    pub fn position_value(&mut self, pos: Pos) -> Value {
        let Some(location) = self.sources.locate(pos) else {
            return Value::NULL;
        };
        // What is no file has places for messages alone.
        if !matches!(location.file.origin, crate::source::Origin::File(_)) {
            return Value::NULL;
        }
        let (file, line, column) = (
            location.file.origin.display(),
            location.line,
            location.column,
        );
        let file = self.heap.string(file.as_bytes(), 0);
        let (line, column) = (
            self.heap.int(i64::from(line)),
            self.heap.int(i64::from(column)),
        );
        let mut members = [
            (self.names.file, file),
            (self.names.line, line),
            (self.names.column, column),
        ];
        members.sort_by_key(|member| member.0);
        let keys = match self.position_keys {
            Some(keys) => keys,
            None => {
                let entries = members.map(|(name, _)| KeyEntry {
                    name,
                    pos: Pos::NONE,
                });
                let keys = self.heap.keys(&entries);
                self.position_keys = Some(keys);
                keys
            }
        };
        self.heap
            .attrs_of(keys, &members.map(|member| member.1))
            .value()
    }
}
