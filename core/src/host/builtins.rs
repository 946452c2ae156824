//! The table of plugins and builtins.

use super::arena::Arena;
use super::capability::Capabilities;
use super::roots::Roots;
use super::table::HostContext;
use crate::error::Error;
use crate::heap::Marker;
use crate::source::Pos;
use piton_plugin_api::abi::{Builtin, Resume, Start, arg, flag, tag};
use piton_plugin_api::hint::cold_path;
use std::collections::BTreeSet;
use std::ffi::c_void;

/// A plugin that is loaded. It stays so until the process ends.
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it was written in.
    pub language: String,
    /// The file it came from.
    pub file: std::path::PathBuf,
    pub(super) instance: *mut c_void,
    pub(super) fini: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// A builtin, as documentation has it.
#[derive(Clone, Debug)]
pub struct BuiltinInfo {
    /// Its name.
    pub name: String,
    /// The name of its plugin.
    pub plugin: String,
    /// Names of its arguments.
    pub arguments: Vec<String>,
    /// Markdown.
    pub doc: String,
    /// A Nix expression.
    pub example: String,
    /// What that evaluates to.
    pub example_result: String,
    /// Since which version of the plugin.
    pub since: String,
    /// Capabilities that it needs.
    pub capabilities: u64,
}

/// A builtin that can be called.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) descriptor: Builtin,
    pub(super) modes: Box<[u32]>,
    pub(super) plugin: usize,
    pub(super) name: &'static str,
}

/// Builtins with at most so many arguments are called without a frame for these, if they are ready.
pub(super) const INLINE_ARGS: usize = 6;

/// What a call of a builtin looks at. All of it is in one line of the processor's cache, apart from what is looked at rarely.
#[repr(align(64))]
pub(super) struct Call {
    pub(super) start: Start,
    pub(super) resume: Option<Resume>,
    pub(super) quick: Option<Start>,
    /// What `init` of the plugin has made.
    pub(super) instance: *mut c_void,
    /// As of the entry, for the first arguments: all values have tags below 16.
    modes: [u16; INLINE_ARGS],
    /// For each of these the tags of values, as a mask, with which the builtin can start at once.
    pub(super) ready: [u16; INLINE_ARGS],
    pub(super) frame_size: u32,
    pub(super) arity: u8,
    pub(super) is_leaf: bool,
    /// Roots that a call has left are released when it ends.
    pub(super) sweeps: bool,
}

const _: () = assert!(size_of::<Call>() == 64 && tag::THUNK < 16);

impl Call {
    pub(super) fn new(entry: &Entry, instance: *mut c_void, sweeps: bool) -> Self {
        let descriptor = &entry.descriptor;
        let mut modes = [0; INLINE_ARGS];
        let mut ready = [0; INLINE_ARGS];
        for (index, mode) in entry.modes.iter().take(INLINE_ARGS).enumerate() {
            modes[index] = *mode as u16;
            ready[index] = match *mode {
                arg::LAZY => u16::MAX,
                mode => mode as u16 & !(1 << tag::THUNK),
            };
        }
        Call {
            start: descriptor.start,
            resume: descriptor.resume,
            quick: descriptor.quick,
            instance,
            modes,
            ready,
            frame_size: descriptor.frame_size,
            arity: descriptor.arity as u8,
            is_leaf: descriptor.flags & flag::LEAF != 0,
            sweeps,
        }
    }
}

/// Everything about plugins.
pub struct Host {
    pub(super) plugins: Vec<PluginInfo>,
    /// All builtins, by their numbers.
    pub(super) entries: Vec<Entry>,
    /// The same for calls.
    pub(super) calls: Vec<Call>,
    pub(super) context: Box<HostContext>,
    pub(super) roots: Roots,
    pub(super) arena: Arena,
    /// What builtins that are suspended have said that they hold in memory of their own: owner and bytes, inner frames last.
    held: Vec<(u64, usize)>,
    /// The sum of these bytes.
    held_bytes: usize,
    pub(super) error: Option<Error>,
    pub(super) next_owner: u64,
    /// Where the builtin was called that runs.
    pub(super) running_pos: Pos,
    /// A builtin runs that another one has called at once: it may not do so in turn, which would take native stack.
    pub(super) runs_at_once: bool,
    /// Requests are being served.
    pub(super) is_serving: bool,
    /// What the evaluation grants.
    pub granted: Capabilities,
    /// Nix's experimental features that are enabled.
    pub features: BTreeSet<String>,
    /// Builtins that are not there, although loaded.
    pub withheld: BTreeSet<String>,
    /// Entries of the search path that were found missing, and said to be.
    pub(super) missing_entries: BTreeSet<Vec<u8>>,
    /// See [`crate::eval::Options::left_out`].
    pub left_out: Option<String>,
}

impl Host {
    pub(crate) fn new() -> Self {
        let mut roots = Roots::new();
        let context = HostContext::new(&mut roots.table);
        Host {
            plugins: Vec::new(),
            entries: Vec::new(),
            calls: Vec::new(),
            context,
            roots,
            arena: Arena::default(),
            held: Vec::new(),
            held_bytes: 0,
            is_serving: false,
            error: None,
            next_owner: 1,
            running_pos: Pos::NONE,
            runs_at_once: false,
            granted: Capabilities::DEFAULT,
            features: BTreeSet::new(),
            withheld: BTreeSet::new(),
            missing_entries: BTreeSet::new(),
            left_out: None,
        }
    }

    pub(crate) fn mark(&self, marker: &mut Marker) {
        self.roots.mark(marker);
    }

    /// Bytes of the frames of builtins that are suspended, of their roots, and of what they hold in memory of their own.
    pub(crate) fn frame_bytes(&self) -> usize {
        self.held_bytes
            .saturating_add(self.arena.bytes() + self.roots.bytes())
    }

    /// From now on the frame of `owner`, which is on top, holds so many bytes in memory of its own.
    pub(super) fn hold(&mut self, owner: u64, bytes: usize) {
        self.let_go(owner);
        self.held.push((owner, bytes));
        self.count_held();
    }

    /// The frame of `owner`, which was on top, has ended, and what it held is free.
    #[inline(always)]
    pub(super) fn let_go(&mut self, owner: u64) {
        if self.held.last().is_some_and(|(last, _)| *last == owner) {
            cold_path();
            self.held.pop();
            self.count_held();
        }
    }

    #[cold]
    fn count_held(&mut self) {
        let held = self.held.iter().map(|(_, bytes)| *bytes);
        self.held_bytes = held.fold(0, usize::saturating_add);
    }

    /// How many arguments builtin `index` takes.
    #[inline(always)]
    pub(crate) fn arity(&self, index: u32) -> usize {
        usize::from(self.calls[index as usize].arity)
    }

    /// How many arguments a builtin takes, and which is the first that it forces before it runs. Nothing is told of a hidden one:
    /// it stands for an operator, whose errors do not mention it.
    pub(crate) fn strictness(&self, index: u32) -> Option<(usize, Option<usize>)> {
        let first = self.first_strict(index);
        (!self.is_hidden(index)).then_some((self.arity(index), first))
    }

    /// What a trace says of the argument number `argument`.
    pub(crate) fn argument_step(&self, builtin: u32, argument: usize) -> String {
        let entry = &self.entries[builtin as usize];
        // SAFETY: an array of `arity` entries, which lives as long as the plugin.
        let told = unsafe { (*entry.descriptor.args.add(argument)).told.as_slice() };
        if !told.is_empty() {
            return format!("while evaluating the {}", String::from_utf8_lossy(told));
        }
        const ORDINALS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
        let ordinal = match ORDINALS.get(argument) {
            Some(ordinal) => (*ordinal).to_owned(),
            None => format!("{}th", argument + 1),
        };
        let name = entry.name;
        format!("while evaluating the {ordinal} argument passed to builtins.{name}")
    }

    /// The first argument that is forced before the builtin starts.
    pub(crate) fn first_strict(&self, builtin: u32) -> Option<usize> {
        let modes = &self.entries[builtin as usize].modes;
        modes.iter().position(|mode| *mode != arg::LAZY)
    }

    /// Whether what goes wrong while an argument is evaluated is told as of that argument: so it is in Nix where a number, a string, a bool
    /// or a function is wanted.
    pub(crate) fn tells_argument(&self, builtin: u32, argument: usize) -> bool {
        const FUNCTION: u32 = arg::of(tag::FUNCTION);
        let mode = self.entries[builtin as usize].modes.get(argument).copied();
        mode.is_some_and(|mode| {
            [tag::INT, tag::FLOAT, tag::STRING, tag::BOOL]
                .map(arg::of)
                .contains(&mode)
                || mode == FUNCTION
                || mode == FUNCTION | arg::of(tag::ATTRS)
        })
    }

    /// How the arguments of a builtin that is called with `count` are to be passed, the lower halves of [`arg`]; nothing if it takes
    /// another number, or many.
    #[inline(always)]
    pub(crate) fn modes(&self, index: u32, count: usize) -> &[u16] {
        let call = &self.calls[index as usize];
        match call.modes.get(..count) {
            Some(modes) if usize::from(call.arity) == count => modes,
            _ => &[],
        }
    }

    /// The name of builtin `index`.
    pub fn name(&self, index: u32) -> &'static str {
        self.entries[index as usize].name
    }

    /// The name of the plugin that builtin `index` comes from.
    pub fn plugin_of(&self, index: u32) -> &str {
        &self.plugins[self.entries[index as usize].plugin].name
    }

    /// Whether it is none that a program can name: then it shows in no trace.
    pub(crate) fn is_hidden(&self, index: u32) -> bool {
        self.entries[index as usize].descriptor.flags & flag::HIDDEN != 0
    }

    /// The number of the builtin of that name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.entries
            .iter()
            .position(|entry| entry.name == name)
            .map(|index| index as u32)
    }

    /// Why `builtins` has no `name`, where that can be told: a capability that it needs and that is not granted, or a plugin that
    /// was left out.
    pub(crate) fn absence(&self, name: &[u8]) -> Option<String> {
        let name = std::str::from_utf8(name).ok()?;
        let Some(entry) = self.find(name).map(|index| &self.entries[index as usize]) else {
            return self.left_out.clone();
        };
        let missing = entry.descriptor.capabilities & !self.granted.0;
        (missing != 0).then(|| {
            let names = super::capability::capability_names(missing).join(", ");
            format!(
                "'{name}' needs the capability '{names}', which this mode of evaluation does not grant"
            )
        })
    }

    /// The plugins, in the order of loading.
    pub fn plugins(&self) -> &[PluginInfo] {
        &self.plugins
    }

    /// Roots that plugins hold now: none while no builtin is suspended.
    pub fn roots_in_use(&self) -> usize {
        self.roots.in_use()
    }

    /// All builtins, documented.
    pub fn builtins(&self) -> Vec<BuiltinInfo> {
        self.entries.iter().map(|entry| self.info(entry)).collect()
    }

    fn info(&self, entry: &Entry) -> BuiltinInfo {
        // SAFETY: descriptors live as long as their plugin, and plugins are never unloaded.
        let text = |bytes: piton_plugin_api::abi::Bytes| unsafe {
            String::from_utf8_lossy(bytes.as_slice()).into_owned()
        };
        let descriptor = &entry.descriptor;
        // SAFETY: as above; the array has `arity` entries.
        let arguments = (0..descriptor.arity as usize)
            .map(|index| unsafe { text((*descriptor.args.add(index)).name) });
        BuiltinInfo {
            name: entry.name.to_owned(),
            plugin: self.plugins[entry.plugin].name.clone(),
            arguments: arguments.collect(),
            doc: text(descriptor.doc),
            example: text(descriptor.example),
            example_result: text(descriptor.example_result),
            since: text(descriptor.since),
            capabilities: descriptor.capabilities,
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for plugin in &self.plugins {
            if let Some(fini) = plugin.fini {
                // SAFETY: the instance that `init` made, ended once.
                unsafe { fini(plugin.instance) };
            }
        }
    }
}
