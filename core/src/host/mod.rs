//! Plugins: loading them, calling their builtins, serving what those ask for. All builtins come in here.

mod add_path;
mod additions;
mod arena;
mod builtins;
mod capability;
mod derive;
mod derive_finish;
mod fetched;
mod generator;
mod loader;
mod manifest;
mod output_of;
mod raw;
mod requests;
mod roots;
mod store_requests;
mod table;
mod table_sets;

pub use builtins::{BuiltinInfo, Host, PluginInfo};
pub use capability::{Capabilities, capability_names};
pub use loader::{LoadPolicy, ShippedBuild};
pub use manifest::{Manifest, ManifestBuiltin, read_manifest};
pub(crate) use raw::accepts;
