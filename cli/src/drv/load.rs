//! From what the command line names to derivations: files of derivations, or attributes that evaluate to them.

use crate::arguments::DerivationArguments;
use crate::failure::{Failure, Result};
use crate::session::Session;
use crate::source::{Named, absolute};
use piton_core::store::{Derivation, STORE_DIR, store_name};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One argument.
enum Wanted {
    /// The file of a derivation.
    File(Vec<u8>),
    /// A selection path in the value of a source, by the number of that source.
    Attribute(usize, String),
}

/// An evaluation in which derivations can be looked up.
pub struct Derivations {
    session: Session,
    texts: HashMap<Vec<u8>, Vec<u8>>,
}

impl Derivations {
    /// Evaluates what `arguments` name; answers the paths of the derivations, too, in that order.
    pub fn load(
        arguments: &DerivationArguments,
        names: &[OsString],
    ) -> Result<(Self, Vec<Vec<u8>>)> {
        let (named, wanted) = plan(arguments, names)?;
        let session = Session::new(&arguments.evaluation, &named)?;
        let mut derivations = Derivations {
            session,
            texts: HashMap::new(),
        };
        let mut paths = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let path = match wanted {
                Wanted::File(path) => path,
                Wanted::Attribute(source, attribute) => derivations.evaluate(source, &attribute)?,
            };
            derivations.read(&path)?;
            paths.push(path);
        }
        Ok((derivations, paths))
    }

    fn evaluate(&mut self, source: usize, attribute: &str) -> Result<Vec<u8>> {
        let source = self.session.sources[source].clone();
        let root = self.session.evaluate(&source)?;
        let selected = self.session.select(root, attribute)?;
        let value = self.session.auto_call(selected)?;
        if !self.session.is_derivation_value(value)? {
            return Err(Failure::new(format!(
                "'{attribute}' does not evaluate to a derivation"
            )));
        }
        match self.session.member(value, "drvPath")? {
            Some(path) => Ok(path),
            None => Err(Failure::new(
                "derivation does not contain a 'drvPath' attribute",
            )),
        }
    }

    /// The derivation in a file, which is read once.
    pub fn read(&mut self, path: &[u8]) -> Result<Derivation<'_>> {
        if !self.texts.contains_key(path) {
            let text = self.session.evaluator.vm().world.read_file(path);
            let text =
                text.map_err(|error| Failure::new(crate::failure::world_text(path, error)))?;
            self.texts.insert(path.to_vec(), text);
        }
        self.get(path)
    }

    /// A derivation that has been read.
    pub fn get(&self, path: &[u8]) -> Result<Derivation<'_>> {
        let (path, text) = match self.texts.get_key_value(path) {
            Some(known) => known,
            None => {
                let path = String::from_utf8_lossy(path);
                return Err(Failure::new(format!("path '{path}' has not been read")));
            }
        };
        Derivation::read(name_of(path), text).map_err(|reason| {
            let path = String::from_utf8_lossy(path);
            Failure::new(format!("error parsing derivation '{path}': {reason}"))
        })
    }
}

/// The name of the derivation in this file.
fn name_of(path: &[u8]) -> &[u8] {
    let name = if path.starts_with(STORE_DIR.as_bytes()) {
        store_name(path)
    } else {
        path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    };
    name.strip_suffix(b".drv").unwrap_or(name)
}

/// An argument is the file of a derivation (`.../x.drv`), an attribute of a certain file (`FILE#ATTR`), or one of the file or
/// expression that is given for all.
fn plan(arguments: &DerivationArguments, names: &[OsString]) -> Result<(Vec<Named>, Vec<Wanted>)> {
    let current = std::env::current_dir().unwrap_or_default();
    let current = current.into_os_string().into_vec();
    let mut named: Vec<(Option<&[u8]>, Named)> = Vec::new();
    let mut wanted = Vec::new();
    for name in names {
        let bytes = name.as_bytes();
        if bytes.ends_with(b".drv") && bytes.contains(&b'/') {
            wanted.push(Wanted::File(absolute(bytes, &current)));
            continue;
        }
        let at = bytes.iter().position(|byte| *byte == b'#');
        let (file, attribute) = match at {
            Some(at) => (Some(&bytes[..at]), &bytes[at + 1..]),
            None => (None, bytes),
        };
        let Ok(attribute) = String::from_utf8(attribute.to_vec()) else {
            return Err(Failure::new(format!(
                "the selection path '{}' is not UTF-8",
                name.to_string_lossy()
            )));
        };
        let known = named.iter().position(|(known, _)| *known == file);
        let source = known.unwrap_or_else(|| {
            let given = match file {
                Some(file) => Named::new(OsStr::from_bytes(file), None),
                None => Named::new(&arguments.file, arguments.expr.as_deref()),
            };
            named.push((file, given));
            named.len() - 1
        });
        wanted.push(Wanted::Attribute(source, attribute));
    }
    Ok((named.into_iter().map(|(_, named)| named).collect(), wanted))
}
