//! The table of plugins and builtins.

use super::arena::Arena;
use super::capability::Capabilities;
use super::roots::Roots;
use super::table::HostContext;
use crate::error::Error;
use crate::heap::Marker;
use crate::source::Pos;
use piton_plugin_api::abi::{Builtin, arg, flag};
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
    /// For each argument the tags of values, as a mask, with which the builtin can start at once.
    pub(super) ready: Box<[u32]>,
    pub(super) plugin: usize,
    /// What `init` of the plugin has made.
    pub(super) instance: *mut c_void,
    /// Roots that a call has left are released when it ends.
    pub(super) sweeps: bool,
    pub(super) name: &'static str,
}

impl Entry {
    pub(super) fn is_leaf(&self) -> bool {
        self.descriptor.flags & flag::LEAF != 0
    }
}

/// Everything about plugins.
pub struct Host {
    pub(super) plugins: Vec<PluginInfo>,
    pub(super) entries: Vec<Entry>,
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
        self.entries[index as usize].modes.len()
    }

    /// How many arguments a builtin takes, and which is the first that it forces before it runs. Nothing is told of a hidden one:
    /// it stands for an operator, whose errors do not mention it.
    pub(crate) fn strictness(&self, index: u32) -> Option<(usize, Option<usize>)> {
        let modes = &self.entries[index as usize].modes;
        let first = modes.iter().position(|mode| *mode != arg::LAZY);
        (!self.is_hidden(index)).then_some((modes.len(), first))
    }

    /// How the arguments of a builtin that is called with `count` are to be passed; nothing if it takes another number.
    #[inline(always)]
    pub(crate) fn modes(&self, index: u32, count: usize) -> &[u32] {
        let modes = &self.entries[index as usize].modes;
        if modes.len() == count { modes } else { &[] }
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
