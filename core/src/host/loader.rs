//! Loading: bytes and hash, manifest, dlopen, ABI, builtins, init; in that order, and nothing of a file runs
//! before all that can be checked without running it has been.

use super::builtins::{Call, Entry, PluginInfo};
use super::manifest::{Manifest, read_manifest};
use super::table::HostContext;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::Value;
use crate::symbol::Symbol;
use crate::vm::{Flow, Passed, Vm};
use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use piton_plugin_api::abi::{
    ABI_MAJOR, ABI_MINOR, ABI_STABLE_VERSION, AbiTypes, Arg, Builtin, Bytes, ENTRY_PREFIX,
    Entry as EntryFunction, HostTable, MAGIC, MAX_FRAME_ALIGN, MAX_FRAME_SIZE, Plugin, RawValue,
    TARGET, VmContext, arg, flag, tag,
};
use std::fmt::Display;
use std::io::{Read, Seek};
use std::path::Path;

/// How a plugin may be loaded.
#[derive(Clone, Debug, Default)]
pub struct LoadPolicy {
    /// Hashes (SHA-256, hexadecimal) of the files that may be loaded; `None` permits any.
    pub allowed: Option<Vec<String>>,
    /// Its builtins may take the place of those of plugins loaded before.
    pub override_existing: bool,
    /// Refuse the plugin if it has builtins with needs beyond these.
    pub only_capabilities: Option<u64>,
    /// It must be a set that ships with Piton, of this build.
    pub shipped: Option<ShippedBuild>,
}

/// Name and build id that a shipped set must have.
#[derive(Clone, Debug)]
pub struct ShippedBuild {
    /// "pure" or "impure".
    pub name: &'static str,
    /// The build id of this program.
    pub build_id: &'static str,
}

/// `Plugin` fields before anything else of it is believed.
#[repr(C)]
struct Prefix {
    magic: u64,
    abi_major: u32,
    abi_minor: u32,
    plugin_size: u32,
}

struct Refusal<'a> {
    file: &'a Path,
}

impl Refusal<'_> {
    fn because(&self, reason: impl Display) -> Error {
        Error::new(
            ErrorKind::Plugin,
            format!("cannot load the plugin '{}': {reason}", self.file.display()),
        )
    }
}

impl Vm {
    /// Loads the plugin whose file has these `bytes`, from their beginning, and adds its builtins.
    pub fn load_plugin(
        &mut self,
        file: &Path,
        mut bytes: impl Read + Seek,
        policy: &LoadPolicy,
    ) -> Result<()> {
        let refusal = Refusal { file };
        if let Some(allowed) = &policy.allowed {
            let mut all = Vec::new();
            bytes
                .read_to_end(&mut all)
                .map_err(|error| refusal.because(format!("it cannot be read ({error})")))?;
            let hash = crate::store::hex(&crate::store::sha256(&[&all]));
            let hash = String::from_utf8_lossy(&hash).into_owned();
            if !allowed.contains(&hash) {
                return Err(refusal.because(format!(
                    "its SHA-256 hash {hash} is not among those that are allowed"
                )));
            }
        }
        let manifest = read_manifest(bytes).map_err(|error| refusal.because(&error.message))?;
        check_manifest(&manifest, policy).map_err(|reason| refusal.because(reason))?;
        if self
            .host
            .plugins
            .iter()
            .any(|plugin| plugin.name == manifest.name)
        {
            return Err(refusal.because(format!(
                "a plugin of the name '{}' is loaded already",
                manifest.name
            )));
        }
        // SAFETY: running the initialisers of a library that the user asked for is what loading a plugin means.
        let library = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| refusal.because(format!("the system's loader says: {error}")))?;
        let symbol = format!("{ENTRY_PREFIX}{}", manifest.name);
        // SAFETY: the symbol's name carries the ABI's major version, and so its type.
        let entry = unsafe { library.get::<EntryFunction>(symbol.as_bytes()) }
            .map_err(|_| refusal.because(format!("it does not export the entry '{symbol}'")))?;
        // SAFETY: the entry of a plugin returns its descriptor, which lives for ever.
        let plugin = unsafe { entry() };
        // Never unloaded: code, descriptors and thread-local state stay valid as long as the process.
        std::mem::forget(library);
        let plugin = check_plugin(plugin, policy).map_err(|reason| refusal.because(reason))?;
        self.register(file, plugin, &manifest, policy)
            .map_err(|reason| refusal.because(reason))
    }

    fn register(
        &mut self,
        file: &Path,
        plugin: &'static Plugin,
        manifest: &Manifest,
        policy: &LoadPolicy,
    ) -> std::result::Result<(), String> {
        let name = text(plugin.name);
        agree("name", &manifest.name, &name)?;
        agree("version", &manifest.version, &text(plugin.version))?;
        let number = self.host.plugins.len();
        let mut entries = Vec::new();
        for builtin in builtins(plugin) {
            entries.push(check_builtin(builtin, number)?);
        }
        check_agreement(manifest, &entries)?;
        for (index, entry) in entries.iter().enumerate() {
            if entries[..index]
                .iter()
                .any(|earlier| earlier.name == entry.name)
            {
                return Err(format!("it defines the builtin '{}' twice", entry.name));
            }
            let Some(existing) = self.host.find(entry.name) else {
                continue;
            };
            if !policy.override_existing {
                let other = &self.host.plugins[self.host.entries[existing as usize].plugin].name;
                return Err(format!(
                    "its builtin '{}' is one of plugin '{other}' already (--plugin-override permits '{name}' to replace it)",
                    entry.name
                ));
            }
        }
        let instance = match plugin.init {
            Some(init) => {
                let context = HostContext::enter(self);
                // SAFETY: called once for this VM, with its context.
                unsafe { init(context) }
            }
            None => std::ptr::null_mut(),
        };
        self.host.plugins.push(PluginInfo {
            name,
            version: text(plugin.version),
            language: text(plugin.language),
            file: file.to_owned(),
            instance,
            fini: plugin.fini,
        });
        for entry in entries {
            let call = Call::new(&entry, instance, plugin.rust_proof.is_none());
            match self.host.find(entry.name) {
                Some(existing) => {
                    self.host.entries[existing as usize] = entry;
                    self.host.calls[existing as usize] = call;
                }
                None => {
                    self.host.entries.push(entry);
                    self.host.calls.push(call);
                }
            }
        }
        Ok(())
    }

    /// The value of builtin `index`: itself; for a constant its value where that can be had at once, else a thunk of it.
    fn builtin_value(&mut self, index: u32) -> Value {
        let function = Value::builtin(index);
        if self.host.arity(index) != 0 {
            return function;
        }
        let capabilities = self.host.entries[index as usize].descriptor.capabilities;
        if self.host.calls[index as usize].is_leaf && capabilities == 0 {
            // `true` and `null` are values wherever they stand, not something to be evaluated yet.
            if let Flow::Value(value) =
                self.call_builtin(index, Passed::of(&[]), 0, crate::source::Pos::NONE)
            {
                return value;
            }
        }
        self.heap.apply_thunk(function, &[]).as_value()
    }

    /// Makes the set `builtins` and the global variables of what is loaded, and answers their names in the order of their numbers.
    pub fn make_globals(&mut self) -> Vec<(Symbol, bool)> {
        let mut names = Vec::new();
        let mut members = Vec::new();
        self.globals.clear();
        for index in 0..self.host.entries.len() {
            let (name, flags) = (
                self.host.entries[index].name,
                self.host.entries[index].descriptor.flags,
            );
            if !self.host.is_visible(index as u32) {
                continue;
            }
            let value = self.builtin_value(index as u32);
            self.globals.push(value);
            let symbol = self.interner.intern(name.as_bytes());
            let is_hidden = flags & flag::HIDDEN != 0;
            if !is_hidden {
                members.push((symbol, crate::source::Pos::NONE, value));
            }
            let global = if flags & flag::BARE != 0 {
                symbol
            } else {
                self.interner.intern(format!("__{name}").as_bytes())
            };
            names.push((global, is_hidden));
        }
        // `builtins` holds itself.
        let builtins = self.interner.intern(b"builtins");
        members.push((builtins, crate::source::Pos::NONE, Value::NULL));
        let attrs = self.heap.attrs_from(&mut members);
        if let Some(index) = attrs.keys().index_of(builtins) {
            attrs.values_mut()[index] = attrs.value();
        }
        self.globals.push(attrs.value());
        names.push((builtins, false));
        names
    }
}

impl super::builtins::Host {
    /// Whether what builtin `index` needs is granted, or the builtin stands in `builtins` all the same to fail with a message
    /// when it is used, as Nix has it in pure evaluation.
    fn is_visible(&self, index: u32) -> bool {
        let entry = &self.entries[index as usize];
        self.granted.contains(entry.descriptor.capabilities) && !self.withheld.contains(entry.name)
    }
}

fn text(bytes: Bytes) -> String {
    // SAFETY: descriptors hold views that live for ever.
    String::from_utf8_lossy(unsafe { bytes.as_slice() }).into_owned()
}

fn check_manifest(manifest: &Manifest, policy: &LoadPolicy) -> std::result::Result<(), String> {
    let (major, minor) = manifest.abi;
    if major != ABI_MAJOR || minor > ABI_MINOR {
        return Err(format!(
            "it is made for ABI {major}.{minor}, this version of Piton has ABI {ABI_MAJOR}.{ABI_MINOR}"
        ));
    }
    if manifest.target != TARGET {
        return Err(format!(
            "it is made for {}, this is {TARGET}",
            manifest.target
        ));
    }
    if let Some(shipped) = &policy.shipped
        && manifest.name != shipped.name
    {
        return Err(format!(
            "it is the plugin '{}', not the shipped set '{}'",
            manifest.name, shipped.name
        ));
    }
    if let Some(granted) = policy.only_capabilities {
        for builtin in &manifest.builtins {
            let missing = builtin.capabilities & !granted;
            if missing != 0 {
                let names = super::capability::capability_names(missing).join(", ");
                return Err(format!(
                    "its builtin '{}' needs the capability '{names}', which this mode of evaluation does not grant",
                    builtin.name
                ));
            }
        }
    }
    Ok(())
}

fn check_plugin(
    plugin: *const Plugin,
    policy: &LoadPolicy,
) -> std::result::Result<&'static Plugin, String> {
    if plugin.is_null() {
        return Err("its entry returned no descriptor".to_owned());
    }
    // SAFETY: the entry returned a descriptor; only its first fields are read until its size is known to be right.
    let prefix = unsafe { plugin.cast::<Prefix>().read() };
    if prefix.magic != MAGIC {
        return Err(
            "its entry did not return a Piton plugin (the magic number is wrong)".to_owned(),
        );
    }
    if prefix.abi_major != ABI_MAJOR || prefix.abi_minor > ABI_MINOR {
        return Err(format!(
            "it is made for ABI {}.{}, this version of Piton has ABI {ABI_MAJOR}.{ABI_MINOR}",
            prefix.abi_major, prefix.abi_minor
        ));
    }
    if prefix.plugin_size as usize != size_of::<Plugin>() {
        return Err(wrong_size(
            "Plugin",
            prefix.plugin_size,
            size_of::<Plugin>(),
        ));
    }
    // SAFETY: of the right size, and it lives for ever.
    let plugin = unsafe { &*plugin };
    let sizes = [
        ("Builtin", plugin.builtin_size, size_of::<Builtin>()),
        ("Arg", plugin.arg_size, size_of::<Arg>()),
        ("RawValue", plugin.value_size, size_of::<RawValue>()),
        ("VmContext", plugin.context_size, size_of::<VmContext>()),
    ];
    for (name, found, expected) in sizes {
        if found as usize != expected {
            return Err(wrong_size(name, found, expected));
        }
    }
    // The table of functions may grow: a plugin that knows fewer of them is fine.
    if plugin.host_table_size as usize > size_of::<HostTable>() {
        return Err(wrong_size(
            "HostTable",
            plugin.host_table_size,
            size_of::<HostTable>(),
        ));
    }
    check_bytes(plugin.target, "its target")?;
    if text(plugin.target) != TARGET {
        return Err(format!(
            "it is made for {}, this is {TARGET}",
            text(plugin.target)
        ));
    }
    if plugin.builtin_count > 0 && plugin.builtins.is_null() {
        return Err("it has no table of builtins".to_owned());
    }
    check_texts(plugin)?;
    if let Some(shipped) = &policy.shipped {
        let found = text(plugin.build_id);
        if found != shipped.build_id {
            return Err(format!(
                "it belongs to another build of Piton (its build id is '{found}', this program's is '{}')",
                shipped.build_id
            ));
        }
        // A build id is a hash of the sources, the compiler and the profile, which decide how types are laid out; to compare these takes
        // longer than all else of loading.
    } else if let Some(proof) = plugin.rust_proof {
        let proof = proof();
        let version = text(proof.abi_stable_version);
        if version != ABI_STABLE_VERSION {
            return Err(format!(
                "it was built with abi_stable {version}, this program with {ABI_STABLE_VERSION}"
            ));
        }
        check_layout_compatibility(<AbiTypes as StableAbi>::LAYOUT, proof.layout)
            .map_err(|errors| layout_errors(&errors.to_string()))?;
    }
    Ok(plugin)
}

fn wrong_size(name: &str, found: u32, expected: usize) -> String {
    format!("its '{name}' is of {found} bytes, this version of Piton has {expected}")
}

/// The few lines of the report that say what differs; the rest are the layouts in full.
fn layout_errors(report: &str) -> String {
    let lines: Vec<&str> = report.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.trim_start().starts_with("Error:") {
            let detail = lines[index..]
                .iter()
                .take(4)
                .map(|line| line.trim())
                .collect::<Vec<_>>()
                .join(" ");
            if !found.contains(&detail) {
                found.push(detail);
            }
        }
    }
    found.truncate(4);
    format!(
        "its types are laid out differently from this program's:\n  {}",
        found.join("\n  ")
    )
}

fn builtins(plugin: &'static Plugin) -> impl Iterator<Item = &'static Builtin> {
    // SAFETY: an array of `builtin_count` descriptors, whose size has been checked; it lives for ever.
    (0..plugin.builtin_count).map(|index| unsafe { &*plugin.builtins.add(index) })
}

/// The descriptor's texts can be read.
fn check_texts(plugin: &Plugin) -> std::result::Result<(), String> {
    for (bytes, what) in [
        (plugin.name, "its name"),
        (plugin.version, "its version"),
        (plugin.build_id, "its build id"),
        (plugin.language, "its language"),
    ] {
        check_bytes(bytes, what)?;
    }
    Ok(())
}

/// Null is a text only where it is empty.
fn check_bytes(bytes: Bytes, what: impl Display) -> std::result::Result<(), String> {
    if bytes.ptr.is_null() && bytes.len > 0 {
        return Err(format!("{what} is null with a length of {}", bytes.len));
    }
    Ok(())
}

fn agree<T: PartialEq + Display + ?Sized>(
    what: impl Display,
    manifest: &T,
    found: &T,
) -> std::result::Result<(), String> {
    if manifest == found {
        return Ok(());
    }
    Err(format!(
        "its manifest states the {what} '{manifest}', its code '{found}'"
    ))
}

/// Permissions were decided on the manifest, so it must state just what the descriptors do, in their order.
fn check_agreement(manifest: &Manifest, entries: &[Entry]) -> std::result::Result<(), String> {
    agree(
        "number of builtins",
        &manifest.builtins.len(),
        &entries.len(),
    )?;
    for (stated, entry) in manifest.builtins.iter().zip(entries) {
        let name = entry.name;
        agree("builtin", stated.name.as_str(), name)?;
        agree(
            format_args!("arity of '{name}'"),
            &stated.arity,
            &(entry.modes.len() as u64),
        )?;
        let names = |mask| match super::capability::capability_names(mask).join(", ") {
            names if names.is_empty() => "none".to_owned(),
            names => names,
        };
        if stated.capabilities != entry.descriptor.capabilities {
            return Err(format!(
                "its manifest states the capabilities of '{name}' as '{}', its code as '{}'",
                names(stated.capabilities),
                names(entry.descriptor.capabilities)
            ));
        }
    }
    Ok(())
}

fn check_builtin(builtin: &'static Builtin, plugin: usize) -> std::result::Result<Entry, String> {
    check_bytes(builtin.name, "the name of one of its builtins")?;
    // SAFETY: descriptors hold views that live for ever.
    let name = std::str::from_utf8(unsafe { builtin.name.as_slice() })
        .map_err(|_| "the name of one of its builtins is not UTF-8".to_owned())?;
    if name.is_empty() {
        return Err("one of its builtins has no name".to_owned());
    }
    for bytes in [
        builtin.doc,
        builtin.example,
        builtin.example_result,
        builtin.since,
    ] {
        check_bytes(bytes, format_args!("a text of its builtin '{name}'"))?;
    }
    let unknown = builtin.flags & !(flag::LEAF | flag::BARE | flag::HIDDEN);
    if unknown != 0 {
        return Err(format!(
            "its builtin '{name}' has the flags {unknown:#x}, which this version of Piton does not know"
        ));
    }
    let unknown = builtin.capabilities & !super::capability::ALL;
    if unknown != 0 {
        return Err(format!(
            "its builtin '{name}' needs the capabilities {unknown:#x}, which this version of Piton does not know"
        ));
    }
    let leaf = builtin.flags & flag::LEAF != 0;
    if !leaf && builtin.resume.is_none() {
        return Err(format!(
            "its builtin '{name}' may suspend, and has no function to resume it"
        ));
    }
    if !leaf
        && (builtin.frame_size > MAX_FRAME_SIZE
            || builtin.frame_align > MAX_FRAME_ALIGN
            || !builtin.frame_align.is_power_of_two())
    {
        return Err(format!(
            "its builtin '{name}' wants a frame of {} bytes aligned to {}; the limits are {MAX_FRAME_SIZE} and \
             {MAX_FRAME_ALIGN}",
            builtin.frame_size, builtin.frame_align
        ));
    }
    if builtin.arity > 0 && builtin.args.is_null() {
        return Err(format!("its builtin '{name}' has no table of arguments"));
    }
    if builtin.arity > 16 {
        return Err(format!(
            "its builtin '{name}' takes {} arguments; the limit is 16",
            builtin.arity
        ));
    }
    for index in 0..builtin.arity as usize {
        // SAFETY: an array of `arity` entries.
        let argument = unsafe { &*builtin.args.add(index) };
        check_bytes(
            argument.name,
            format_args!("the name of an argument of its builtin '{name}'"),
        )?;
        check_bytes(
            argument.told,
            format_args!("what is told of an argument of its builtin '{name}'"),
        )?;
        let unknown = argument.mode & !(2 * arg::of(tag::THUNK) - 1);
        if argument.mode != arg::ANY && unknown != 0 {
            return Err(format!(
                "its builtin '{name}' wants an argument of the types {unknown:#x}, which this version of Piton does not know"
            ));
        }
    }
    // SAFETY: an array of `arity` entries.
    let modes: Box<[u32]> = (0..builtin.arity as usize)
        .map(|index| unsafe { (*builtin.args.add(index)).mode })
        .collect();
    Ok(Entry {
        descriptor: *builtin,
        modes,
        plugin,
        name,
    })
}
