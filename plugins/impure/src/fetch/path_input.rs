//! Inputs of the type `path`: files and folders that are here.

use super::git::path_text;
use super::input::Input;
use super::obtain::{Fetched, said};
use piton_plugin_api::abi::request;
use piton_plugin_api::{Cx, Result};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Looks at the path; nothing is copied.
pub async fn fetch(cx: Cx<'_>, mut input: Input) -> Result<Fetched> {
    let path = said(cx, input.attrs.required("path").map(str::to_owned))?;
    if !path.starts_with('/') {
        return Err(cx.fail(format!(
            "cannot fetch input '{input}' because it uses a relative path"
        )));
    }
    let place = normal(Path::new(&path));
    if !place.starts_with("/nix/store") && fs::symlink_metadata(&place).is_err() {
        return Err(cx.fail(format!("path '{}' does not exist", path_text(&place))));
    }
    if place.starts_with("/nix/store") {
        // It may be in the store of this evaluation alone; the host knows.
        let place = cx.string(path_text(&place));
        cx.ask(request::FILE_TYPE, 0, [&place]).await?;
    }
    if !input.attrs.has("lastModified") {
        input.attrs.set_int("lastModified", last_modified(&place));
    }
    Ok(Fetched {
        place,
        exclude: Vec::new(),
        tree: None,
        nar_hash: None,
        input,
        history: None,
    })
}

/// A path without `.` and `..`, by its text alone.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::from("/");
    for part in path.components() {
        match part {
            std::path::Component::Normal(part) => out.push(part),
            std::path::Component::ParentDir => {
                out.pop();
            }
            _ => {}
        }
    }
    out
}

/// The time of the youngest file or folder.
fn last_modified(path: &Path) -> u64 {
    let is_tree_of_store = path
        .parent()
        .is_some_and(|parent| parent == Path::new("/nix/store"))
        && path.to_string_lossy().ends_with("-source");
    if is_tree_of_store {
        // It is in the store as it is, and has no time there.
        return 0;
    }
    let mut latest = 0;
    let mut todo = vec![path.to_owned()];
    while let Some(path) = todo.pop() {
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        latest = latest.max(u64::try_from(metadata.mtime()).unwrap_or(0));
        if metadata.is_dir()
            && let Ok(entries) = fs::read_dir(&path)
        {
            todo.extend(entries.flatten().map(|entry| entry.path()));
        }
    }
    latest
}
