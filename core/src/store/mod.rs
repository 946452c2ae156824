//! Store paths, derivations and archives: arithmetic over bytes that asks nobody. What an evaluation adds to its store stays
//! in memory ([`Store`]) and can be read back through [`Overlay`]. Whether anything is written is the affair of the
//! [`Backend`], which an embedder brings along.

mod aterm;
mod backend;
mod derivation;
mod dynamic;
mod hash;
mod hasher;
mod later;
mod memory;
mod modulo;
mod nar;
mod overlay;
mod path;
mod references;

pub use aterm::AtermError;
pub use backend::{Addition, Backend, BuildError, Contents, InMemory};
pub use derivation::{Derivation, Method, Output, OutputNames, Text, escaped};
pub use dynamic::{Input, Tree, Visit, Way};
pub use hash::{Algorithm, Digest, Hash, HexDigest, base32, hex, sha256};
pub use hasher::{Hasher, hash_file};
pub use later::Later;
pub use memory::{Helper, Source, Store, shipped_path};
pub use modulo::{
    Modulo, ResolveError, Resolved, Resolver, output_placeholder, unknown_output_placeholder,
    unknown_placeholder,
};
pub use nar::{Measure, NarWriter, Sink, hash_tree, write_file, write_tree};
pub use overlay::Overlay;
pub use path::{
    MAX_NAME, STORE_DIR, check_name, fixed_output_path, is_derivation, is_store_path, output_name,
    output_path, source_path, split_store_path, store_name, text_path,
};
pub use references::ReferenceScanner;
