//! What builtins have fetched, on its way to the store. The builtin has put it somewhere, where it stays and is read from.

use super::derive_finish::ensure_feature;
use super::store_requests::refused;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::Value;
use crate::source::Pos;
use crate::store::{
    Algorithm, Digest, Hash, Method, NarWriter, Source, fixed_output_path, hash_file, source_path,
};
use crate::vm::Vm;
use crate::world::Answer;
use piton_plugin_api::abi::{arg, tag};
use rustc_hash::FxHashSet;
use sha2::{Digest as _, Sha256};

/// Flag of both requests: a file that is hashed as it is, not as an archive.
const FLAT: u64 = 1;

impl Vm {
    /// Serves `ADD_FETCHED_TO_STORE`: the set of `outPath` and `narHash`.
    pub(super) fn add_fetched(&mut self, path: Value, options: Value, flags: u64) -> Result<Value> {
        let place = self.plain_string(path)?;
        if !place.starts_with(b"/") {
            return Err(refused("what was fetched must have an absolute path"));
        }
        let place = crate::path::canonical(&place);
        self.expect(options, arg::of(tag::ATTRS))?;
        let name = match self.option(options, "name") {
            Some(name) => self.plain_string(name)?,
            None => b"source".to_vec(),
        };
        let excluded = self.excluded(options)?;
        self.world.permit(&place);
        let known = match self.option(options, "narHash") {
            Some(hash) => {
                let text = self.plain_string(hash)?;
                let hash = Hash::parse(&text, Some(Algorithm::Sha256)).map_err(refused)?;
                Digest::try_from(&hash.bytes[..]).ok()
            }
            None => None,
        };
        let fail = |error| self.world_error(&place, error);
        let nar_hash = match known {
            Some(hash) => hash,
            None => self.hash_fetched(&place, &excluded).map_err(fail)?,
        };
        let flat = flags & FLAT != 0;
        let (method, store_path) = if flat {
            let hash = hash_file(&*self.world, &place, Algorithm::Sha256).map_err(fail)?;
            let path = fixed_output_path(&name, Method::Flat, &hash);
            (Method::Flat, path)
        } else {
            (Method::Recursive, source_path(&name, &nar_hash, []))
        };
        let store_path = store_path.map_err(refused)?;
        let source = Source {
            origin: place,
            excluded,
            flat,
            ..Source::default()
        };
        self.add_tree(&store_path, source, method, Algorithm::Sha256)?;
        let context = self.contexts.make([&store_path[..]]);
        let path = self.heap.string(&store_path, context);
        let hash = Hash::of_sha256(nar_hash).sri();
        let hash = self.heap.string(hash.as_bytes(), 0);
        let hash_name = self.interner.intern(b"narHash");
        let mut members = [
            (self.names.out_path, Pos::NONE, path),
            (hash_name, Pos::NONE, hash),
        ];
        Ok(self.heap.attrs_from(&mut members).value())
    }

    /// Serves `FIND_IN_STORE`: the store path, unset if nothing is there.
    pub(super) fn find_in_store(&mut self, name: Value, hash: Value, flags: u64) -> Result<Value> {
        let name = self.plain_string(name)?;
        let hash = self.plain_string(hash)?;
        if Algorithm::named_in(&hash) == Some(Algorithm::Blake3) {
            ensure_feature(self, "blake3-hashes")?;
        }
        let hash = Hash::parse(&hash, Some(Algorithm::Sha256)).map_err(refused)?;
        let method = if flags & FLAT != 0 {
            Method::Flat
        } else {
            Method::Recursive
        };
        let path = fixed_output_path(&name, method, &hash).map_err(refused)?;
        let known = self.store.borrow().contains(&path);
        let known = known.map_err(|error| self.world_error(&path, error))?;
        let is_there = known || self.world.file_type(&path).is_ok();
        if !is_there {
            return Ok(Value::UNSET);
        }
        self.world.permit(&path);
        let context = self.contexts.make([&path[..]]);
        Ok(self.heap.string(&path, context))
    }

    fn option(&mut self, options: Value, name: &str) -> Option<Value> {
        let symbol = self.interner.intern(name.as_bytes());
        options.as_attrs()?.get(symbol)
    }

    fn excluded(&mut self, options: Value) -> Result<FxHashSet<Vec<u8>>> {
        let Some(list) = self.option(options, "exclude") else {
            return Ok(FxHashSet::default());
        };
        let Some(list) = list.as_list() else {
            return Err(Error::new(ErrorKind::Type, "'exclude' must be a list"));
        };
        let items = list.items().to_vec();
        items
            .into_iter()
            .map(|item| Ok(crate::path::canonical(&self.plain_string(item)?)))
            .collect()
    }

    /// The hash of the archive of what is at `path`, but for what is left out.
    fn hash_fetched(&self, path: &[u8], excluded: &FxHashSet<Vec<u8>>) -> Answer<Digest> {
        let mut writer = NarWriter::new(Sha256::new(), &*self.world, path)?;
        while let Some((path, kind)) = writer.next_entry() {
            if !excluded.contains(&path) {
                writer.add(&*self.world, &path, kind)?;
            }
        }
        Ok(writer.into_sink().finalize().into())
    }
}
