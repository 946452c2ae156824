//! Flake references as people type them: paths are relative to a folder, and a folder within a flake means the flake.

use super::attrs::{Fault, bad_url, fault};
use super::git::path_text;
use super::path_input::normal;
use super::reference::Reference;
use super::url::{Url, decode, decode_query, path_segments};
use std::fs;
use std::path::{Path, PathBuf};

impl Reference {
    /// Reads a reference and what follows its `#`; relative paths start from `base`. Answers notices, too.
    pub fn typed(text: &str, base: &Path) -> Result<(Self, String, Vec<String>), Fault> {
        let given = text.split(['?', '#']).next().unwrap_or_default();
        if base.join(given).is_dir() {
            // Also where the name could be one of a registry.
            return path_form(text, base);
        }
        match Reference::parse_with_fragment(text, true, false) {
            Err(Fault::BadUrl(_)) => {}
            Err(fault) => return Err(fault),
            Ok((reference, fragment)) => {
                let is_path = text.starts_with('/');
                if let (Some(relative), false) = (relative_url(text, base), is_path) {
                    let (reference, fragment) =
                        Reference::parse_with_fragment(&relative, true, false)?;
                    return Ok((reference, fragment, Vec::new()));
                }
                if !is_path {
                    return Ok((reference, fragment, Vec::new()));
                }
            }
        }
        path_form(text, base)
    }
}

/// `path:./a` and `git+file:./a` with an absolute path.
fn relative_url(text: &str, base: &Path) -> Option<String> {
    let mut url = Url::parse(text, true).ok()?;
    if !matches!(url.scheme.as_str(), "path" | "git+file") {
        return None;
    }
    let path = url.file_path();
    if path.starts_with('/') {
        return None;
    }
    url.path = path_segments(&path_text(&normal(&base.join(path))));
    Some(url.to_string())
}

/// A path: of a folder with a `flake.nix`, or of one within it. In a Git repository the repository is meant.
fn path_form(text: &str, base: &Path) -> Result<(Reference, String, Vec<String>), Fault> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (given, query) = rest.split_once('?').unwrap_or((rest, ""));
    let given = base.join(given);
    let mut notices = Vec::new();
    let Ok(mut path) = given.canonicalize() else {
        return fault(format!(
            "getting status of \"{}\": No such file or directory",
            path_text(&normal(&given))
        ));
    };
    let shown = |path: &Path| format!("\"{}\"", path_text(path));
    if !path.is_dir() {
        let parent = path.parent().map(Path::to_owned).unwrap_or_default();
        if path.file_name().is_none_or(|name| name != "flake.nix") {
            return bad_url(format!(
                "path {} is not a flake (because it's not a directory)",
                shown(&path)
            ));
        }
        notices.push(format!(
            "warning: Path {} should point at the directory containing the 'flake.nix' file, not the file itself. Pretending that you meant {}",
            shown(&path),
            shown(&parent)
        ));
        path = parent;
    }
    if !path.join("flake.nix").exists() {
        notices.push(format!(
            "path {} does not contain a 'flake.nix', searching up",
            shown(&path)
        ));
        path = search_up(&path)?;
    }
    let mut query = decode_query(query);
    let (root, dir) = match repository_of(&path) {
        Some(root) => {
            let dir = path.strip_prefix(&root).unwrap_or(Path::new(""));
            (Some(root.clone()), path_text(dir))
        }
        None => (None, String::new()),
    };
    if !dir.is_empty() && query.insert("dir".to_owned(), dir).is_some() {
        return fault(format!(
            "flake URL '{text}' has an inconsistent 'dir' parameter"
        ));
    }
    if let Some(root) = &root
        && root.join(".git/shallow").exists()
    {
        query.insert("shallow".to_owned(), "1".to_owned());
    }
    let url = Url {
        scheme: if root.is_some() { "git+file" } else { "path" }.to_owned(),
        authority: root.is_some().then(String::new),
        path: path_segments(&path_text(root.as_deref().unwrap_or(&path))),
        query,
        fragment: decode(fragment),
    };
    let (reference, fragment) = Reference::of_url(url, true)?;
    Ok((reference, fragment, notices))
}

/// The nearest folder above that has a `flake.nix`, within the same repository and file system.
fn search_up(start: &Path) -> Result<PathBuf, Fault> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let first = device(start);
    for path in start.ancestors() {
        if path.join("flake.nix").exists() {
            return Ok(path.to_owned());
        }
        if path.join(".git").exists() {
            return fault(format!(
                "path \"{}\" is not part of a flake (neither it nor its parent directories contain a 'flake.nix' file)",
                path_text(path)
            ));
        }
        if device(path) != first {
            return fault(format!(
                "unable to find a flake before encountering filesystem boundary at \"{}\"",
                path_text(path)
            ));
        }
    }
    bad_url("could not find a flake.nix file")
}

/// The folder of the Git repository that a folder is in.
fn repository_of(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .take_while(|folder| folder.parent().is_some())
        .find(|folder| folder.join(".git").exists())
        .map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_typed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a folder");
        fs::create_dir_all(root.join("f/sub")).expect("a folder");
        fs::write(root.join("f/flake.nix"), "{ outputs = _: { }; }").expect("a file");
        let typed = |text: &str, base: &str| {
            Reference::typed(text, &root.join(base))
                .map(|(reference, fragment, _)| (reference.to_string(), fragment))
        };
        let here = format!("path:{}", root.join("f").display());
        assert_eq!(typed(".#a.b", "f"), Ok((here.clone(), "a.b".to_owned())));
        assert_eq!(typed("./f", ""), Ok((here.clone(), String::new())));
        assert_eq!(typed("./sub", "f"), Ok((here.clone(), String::new())));
        assert_eq!(typed("path:./f#x", ""), Ok((here.clone(), "x".to_owned())));
        assert_eq!(
            typed("nixpkgs#x", ""),
            Ok(("flake:nixpkgs".to_owned(), "x".to_owned()))
        );
        fs::create_dir(root.join(".git")).expect("a folder");
        let repository = format!("git+file://{}?dir=f", root.display());
        assert_eq!(typed(".", "f"), Ok((repository, String::new())));
        assert!(typed("./none", "").is_err());
        assert!(typed(".", "").is_err());
    }
}
