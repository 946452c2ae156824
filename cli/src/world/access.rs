//! Which files an evaluation may read, and what it is told of the others.

use piton_core::store::split_store_path;
use piton_core::world::WorldError;
use std::cell::RefCell;

/// The rule of a mode of evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Everything may be read.
    Everything,
    /// Nix's pure evaluation: the store, and the folders that are given.
    Pure,
    /// Nix's restricted evaluation: the folders that are given, and what leads to them.
    Restricted,
    /// `--no-impure`: the folders that are given.
    NoImpure,
}

/// What may be read. Paths are canonical; what a symbolic link names is looked at on its own.
#[derive(Clone, Debug)]
pub struct Access {
    rule: Rule,
    folders: Vec<Vec<u8>>,
    /// Where the store paths really lie, if not where they say.
    store: Option<Vec<u8>>,
    /// What was fetched during the evaluation.
    fetched: RefCell<Vec<Vec<u8>>>,
}

impl Access {
    /// Access by `rule`, to `folders` (or single files).
    pub fn new(rule: Rule, folders: Vec<Vec<u8>>) -> Self {
        Access {
            rule,
            folders,
            store: None,
            fetched: RefCell::default(),
        }
    }

    /// Lets store paths be read in this folder, under every rule: what may be read of the store is known by then.
    pub fn open_store(&mut self, folder: Option<Vec<u8>>) {
        self.store = folder;
    }

    /// From now on permits `folder`, too. Builtins fetch what the mode lets them, and may read what they got.
    pub fn permit(&self, folder: &[u8]) {
        let mut fetched = self.fetched.borrow_mut();
        if self.rule != Rule::Everything && !fetched.iter().any(|known| known == folder) {
            fetched.push(folder.to_vec());
        }
    }

    /// Whether everything may be read, so that no path has to be looked at.
    pub fn is_unlimited(&self) -> bool {
        self.rule == Rule::Everything
    }

    /// Whether `path` may be read.
    pub fn permits(&self, path: &[u8]) -> bool {
        let in_store = |store: &Vec<u8>| path != store && is_below(path, store);
        match self.rule {
            _ if self.store.as_ref().is_some_and(in_store) => true,
            Rule::Everything => true,
            Rule::Pure => split_store_path(path).is_some() || self.is_below_folder(path),
            Rule::NoImpure => self.is_below_folder(path),
            Rule::Restricted => self.is_below_folder(path) || self.leads_to_folder(path),
        }
    }

    /// An error unless `path` may be read.
    pub fn check(&self, path: &[u8]) -> Result<(), WorldError> {
        if self.permits(path) {
            Ok(())
        } else {
            Err(self.refusal(path))
        }
    }

    fn is_below_folder(&self, path: &[u8]) -> bool {
        self.folders.iter().any(|folder| is_below(path, folder))
            || self
                .fetched
                .borrow()
                .iter()
                .any(|folder| is_below(path, folder))
    }

    fn leads_to_folder(&self, path: &[u8]) -> bool {
        self.folders.iter().any(|folder| is_below(folder, path))
    }

    #[cold]
    fn refusal(&self, path: &[u8]) -> WorldError {
        let path = String::from_utf8_lossy(path);
        let reason = match self.rule {
            Rule::Everything => String::new(),
            Rule::Pure => " in pure evaluation mode (use '--impure' to override)".to_owned(),
            Rule::Restricted => " in restricted mode".to_owned(),
            Rule::NoImpure => match self.folders.first() {
                Some(folder) => format!(
                    " with '--no-impure': only files below '{}' can be imported",
                    String::from_utf8_lossy(folder)
                ),
                None => " with '--no-impure': only files below the folder of the evaluated file can be imported".to_owned(),
            },
        };
        WorldError::Forbidden(format!(
            "access to absolute path '{path}' is forbidden{reason}"
        ))
    }
}

/// Whether `path` is `folder` or lies below it.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    match path.strip_prefix(folder) {
        Some(rest) => rest.is_empty() || rest[0] == b'/' || folder == b"/",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(rule: Rule) -> Access {
        Access::new(rule, vec![b"/a/b".to_vec()])
    }

    #[test]
    fn folders_are_compared_by_component() {
        for (path, expected) in [
            ("/a/b", true),
            ("/a/b/c", true),
            ("/a/bc", false),
            ("/a", false),
            ("/", false),
        ] {
            assert_eq!(
                access(Rule::NoImpure).permits(path.as_bytes()),
                expected,
                "{path}"
            );
        }
        assert!(Access::new(Rule::NoImpure, vec![b"/".to_vec()]).permits(b"/etc/passwd"));
    }

    #[test]
    fn pure_evaluation_reads_store_paths_but_does_not_list_the_store() {
        for (path, expected) in [
            ("/nix/store/00000000000000000000000000000000-x/y", true),
            ("/nix/store/x/y", false),
            ("/nix/store", false),
            ("/nix/store-x/y", false),
        ] {
            assert_eq!(
                access(Rule::Pure).permits(path.as_bytes()),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn restricted_evaluation_sees_the_way() {
        for (path, expected) in [
            ("/", true),
            ("/a", true),
            ("/a/b/c", true),
            ("/c", false),
            ("/nix/store/x", false),
        ] {
            assert_eq!(
                access(Rule::Restricted).permits(path.as_bytes()),
                expected,
                "{path}"
            );
        }
    }
}
