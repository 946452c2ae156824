//! Fetching: what can be fetched and how it is named, downloads, archives, git, and the cache of it all.

pub mod attrs;
mod cache;
mod command_line;
mod download;
mod forge;
pub mod git;
mod git_input;
pub mod input;
mod names;
pub mod obtain;
mod path_input;
pub mod reference;
pub mod tarball;
mod unpack;
pub mod url;
pub mod values;
pub use cache::Cache;
