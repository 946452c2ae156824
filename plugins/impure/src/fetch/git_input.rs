//! Inputs of the type `git`: commits of a repository, or a working tree as it is.

use super::attrs::{Attr, Attrs, fault};
use super::cache::{Cache, is_fresh, make_folder};
use super::git::{Repository, path_text, remote_head, submodule_url};
use super::input::{Input, check_commit};
use super::obtain::{Fetched, History, caution, notice, said};
use super::tarball::{TTL, tree_by_name};
use super::url::Url;
use piton_plugin_api::{Cx, Result};
use serde_json::json;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

/// Where a repository is.
enum Location {
    /// A folder with a working tree.
    Folder(PathBuf),
    /// Anything else that git can fetch from.
    Url(String),
}

impl Location {
    fn of(input: &Input) -> std::result::Result<Self, super::attrs::Fault> {
        let mut url = Url::parse(input.attrs.required("url")?, false)?;
        if url.scheme == "file" {
            let path = url.file_path();
            let path = Path::new(&path);
            // A bare repository is fetched from.
            if !path.exists() || path.join(".git").exists() {
                return match std::path::absolute(path) {
                    Ok(path) if path.exists() => Ok(Location::Folder(path)),
                    _ => fault(format!(
                        "Git repository \"{}\" does not exist.",
                        path.display()
                    )),
                };
            }
            url.query.clear();
        }
        url.query.remove("dir");
        Ok(Location::Url(url.to_string()))
    }

    fn shown(&self) -> String {
        match self {
            Location::Folder(path) => path_text(path),
            Location::Url(url) => url.clone(),
        }
    }
}

/// Fetches a commit, or looks at a working tree.
pub fn fetch<'f>(cx: Cx<'f>, input: Input) -> Pin<Box<dyn Future<Output = Result<Fetched>> + 'f>> {
    // Repositories may have others within.
    Box::pin(async move {
        let location = said(cx, Location::of(&input))?;
        let attrs = &input.attrs;
        let submodules = said(cx, attrs.is_set("submodules"))?;
        if submodules && said(cx, attrs.is_set("exportIgnore"))? {
            return Err(cx.fail("exportIgnore and submodules are not supported together yet"));
        }
        match &location {
            Location::Folder(path) if !attrs.has("ref") && !attrs.has("rev") => {
                work_tree(cx, path.clone(), input).await
            }
            _ => commit(cx, location, input).await,
        }
    })
}

async fn work_tree(cx: Cx<'_>, path: PathBuf, mut input: Input) -> Result<Fetched> {
    let repository = Repository::new(&path);
    let export_ignore = said(cx, input.attrs.is_set("exportIgnore"))?;
    let mut tree = said(cx, repository.work_tree(export_ignore))?;
    for inner in &tree.submodules {
        let place = path.join(inner);
        if !said(cx, input.attrs.is_set("submodules"))? {
            tree.exclude.push(place);
            continue;
        }
        let mut attrs = Attrs::default();
        attrs.set("type", "git");
        attrs.set("url", path_text(&place));
        attrs.0.insert("submodules".to_owned(), Attr::Bool(true));
        let inner = fetch(cx, said(cx, Input::from_attrs(attrs))?).await?;
        tree.is_dirty |= !inner.input.attrs.has("rev");
        tree.exclude.extend(inner.exclude);
    }
    let mut history = None;
    let zeros = "0".repeat(40);
    if tree.is_dirty {
        caution(cx, format!("Git tree '{}' is dirty", path_text(&path))).await?;
        if let Some(head) = &tree.head {
            input.attrs.set("dirtyRev", format!("{head}-dirty"));
            let short = head.get(..7).unwrap_or(head);
            input.attrs.set("dirtyShortRev", format!("{short}-dirty"));
        }
    } else {
        if let Some(branch) = repository.branch() {
            input.attrs.set("ref", branch);
        }
        input.attrs.set("rev", tree.head.clone().unwrap_or(zeros));
        if !said(cx, input.attrs.is_set("shallow"))? {
            match &tree.head {
                None => input.attrs.set_int("revCount", 0),
                Some(head) => {
                    history = Some(History {
                        repository: path.clone(),
                        rev: head.clone(),
                        shown: path_text(&path),
                    });
                }
            }
        }
    }
    let time = match &tree.head {
        Some(head) => said(cx, repository.last_modified(head))?,
        None => 0,
    };
    input.attrs.set_int("lastModified", time);
    Ok(Fetched {
        place: path,
        exclude: tree.exclude,
        tree: None,
        nar_hash: None,
        input,
        history,
    })
}

async fn commit(cx: Cx<'_>, location: Location, mut input: Input) -> Result<Fetched> {
    let shown = location.shown();
    let shallow = said(cx, input.attrs.is_set("shallow"))?;
    let cache = said(cx, Cache::open())?;
    let asked = said(
        cx,
        input.attrs.text("rev").map(|rev| rev.map(str::to_owned)),
    )?;
    if let Some(rev) = &asked {
        said(cx, check_commit(rev))?;
    }
    let flags = flags(cx, &input)?;
    let (repository, reference, rev) = match &location {
        Location::Folder(path) => {
            let repository = Repository::new(path);
            let reference = match said(cx, input.attrs.text("ref"))? {
                Some(reference) => reference.to_owned(),
                None => match repository.branch() {
                    Some(branch) => branch,
                    None => {
                        let text = "could not read HEAD ref from repo at";
                        caution(cx, format!("{text} '{shown}', using 'master'")).await?;
                        "master".to_owned()
                    }
                },
            };
            let rev = match asked {
                Some(rev) => rev,
                None => said(cx, repository.resolve(&reference))?,
            };
            (repository, reference, rev)
        }
        Location::Url(url) => remote(cx, &cache, url, &input, asked).await?,
    };
    input.attrs.set("ref", reference.as_str());
    input.attrs.set("rev", rev.as_str());
    let name = format!("git:{rev}{flags}");
    let tree = match tree_by_name(&cache, &name) {
        Some(tree) => tree,
        None => {
            if !repository.has(&rev) {
                if let Location::Folder(_) = location {
                    return Err(cx.fail(format!(
                        "getting Git object '{rev}': object not found - no match for id ({rev}) (libgit2 error code = 9)"
                    )));
                }
                return Err(cx.fail(format!(
                    "Cannot find Git revision '{rev}' in ref '{reference}' of repository '{shown}'! \
                     Please make sure that the rev exists on the ref you've specified or add allRefs = true; to fetchGit."
                )));
            }
            let scratch = said(cx, cache.scratch_folder())?;
            let export_ignore = said(cx, input.attrs.is_set("exportIgnore"))?;
            said(cx, repository.write(&rev, scratch.path(), export_ignore))?;
            if said(cx, input.attrs.is_set("submodules"))? {
                write_submodules(cx, &repository, &location, &reference, &rev, scratch.path())
                    .await?;
            }
            let time = said(cx, repository.last_modified(&rev))?;
            said(cx, cache.keep(&scratch.keep(), &cache.tree(&name)))?;
            cache.note("tree", &name, json!({ "lastModified": time }));
            match tree_by_name(&cache, &name) {
                Some(tree) => tree,
                None => return Err(cx.fail(format!("the cache has lost commit '{rev}'"))),
            }
        }
    };
    if !input.attrs.has("lastModified") {
        input.attrs.set_int("lastModified", tree.last_modified);
    }
    let history = (!shallow && !input.attrs.has("revCount")).then_some(History {
        repository: repository.path,
        rev,
        shown,
    });
    Ok(Fetched {
        place: tree.place,
        exclude: Vec::new(),
        tree: Some(tree.name),
        nar_hash: tree.nar_hash,
        input,
        history,
    })
}

/// What of an input decides which files of a commit come, and how.
fn flags(cx: Cx<'_>, input: &Input) -> Result<String> {
    let mut flags = String::new();
    for (name, letter) in [("submodules", ";s"), ("exportIgnore", ";e"), ("lfs", ";l")] {
        if said(cx, input.attrs.is_set(name))? {
            flags.push_str(letter);
        }
    }
    if flags.contains('l') {
        return Err(cx.fail(format!("Git LFS is not supported (input '{input}')")));
    }
    Ok(flags)
}

/// The clone of a remote repository with the commit in it, the reference, and the commit.
async fn remote(
    cx: Cx<'_>,
    cache: &Cache,
    url: &str,
    input: &Input,
    asked: Option<String>,
) -> Result<(Repository, String, String)> {
    let shallow = said(cx, input.attrs.is_set("shallow"))?;
    let all = said(cx, input.attrs.is_set("allRefs"))?;
    let folder = cache.clone_of(url, shallow);
    let repository = said(cx, Repository::bare(&folder, url))?;
    let given = said(
        cx,
        input.attrs.text("ref").map(|name| name.map(str::to_owned)),
    )?;
    if let Some(rev) = asked.as_ref().filter(|rev| repository.has(rev)) {
        return Ok((
            repository,
            given.unwrap_or_else(|| "HEAD".to_owned()),
            rev.clone(),
        ));
    }
    let reference = match given {
        Some(reference) => reference,
        None => head(cx, cache, url).await?,
    };
    let full = if reference.starts_with("refs/") || reference == "HEAD" {
        reference.clone()
    } else {
        format!("refs/heads/{reference}")
    };
    let fetched = format!("{url} {full}");
    let is_current = asked.is_none()
        && !all
        && cache
            .record("git", &fetched)
            .is_some_and(|record| is_fresh(&record, TTL) && !url.starts_with("file:"))
        && repository.resolve(&full).is_ok();
    if !is_current {
        notice(cx, format!("fetching Git repository '{url}'...")).await?;
        let refspec = match &asked {
            _ if all => "refs/*:refs/*".to_owned(),
            Some(rev) => rev.clone(),
            None => format!("{full}:{full}"),
        };
        let mut result = repository.fetch(url, &refspec, shallow);
        if result.is_err() && asked.is_some() && !all {
            // Not every server gives a commit that no reference names.
            result = repository.fetch(url, &format!("{full}:{full}"), false);
        }
        if let Err(fault) = result {
            // What git complained of comes first.
            notice(cx, fault.text().to_owned()).await?;
            if asked.is_some() || repository.resolve(&full).is_err() {
                return Err(cx.fail(format!("Failed to fetch git repository '{url}'")));
            }
            let text = "could not update local clone of Git repository";
            caution(
                cx,
                format!("{text} '{url}'; continuing with the most recent version"),
            )
            .await?;
        }
        cache.note("git", &fetched, json!({}));
    }
    let rev = match asked {
        Some(rev) => rev,
        None => said(cx, repository.resolve(&full))?,
    };
    Ok((repository, reference, rev))
}

/// The branch that is meant if none is named.
async fn head(cx: Cx<'_>, cache: &Cache, url: &str) -> Result<String> {
    if let Some(record) = cache.record("git-head", url)
        && is_fresh(&record, TTL)
        && !url.starts_with("file:")
        && let Some(head) = record["head"].as_str()
    {
        return Ok(head.to_owned());
    }
    match said(cx, remote_head(url))? {
        Some(head) => {
            cache.note("git-head", url, json!({ "head": head }));
            Ok(head)
        }
        None => {
            let text = "could not read HEAD ref from repo at";
            caution(cx, format!("{text} '{url}', using 'master'")).await?;
            Ok("master".to_owned())
        }
    }
}

/// Fetches the repositories within a commit, and copies their files to where they belong.
async fn write_submodules(
    cx: Cx<'_>,
    repository: &Repository,
    location: &Location,
    reference: &str,
    rev: &str,
    folder: &Path,
) -> Result<()> {
    let origin = repository.origin().unwrap_or_else(|| location.shown());
    for submodule in said(cx, repository.submodules(rev))? {
        let mut attrs = Attrs::default();
        attrs.set("type", "git");
        attrs.set("url", submodule_url(&submodule.url, &origin));
        match submodule.branch.as_str() {
            "" => {}
            // The branch of the repository around it.
            "." => attrs.set("ref", reference),
            branch => attrs.set("ref", branch),
        }
        attrs.set("rev", submodule.rev);
        for name in ["submodules", "allRefs"] {
            attrs.0.insert(name.to_owned(), Attr::Bool(true));
        }
        let inner = fetch(cx, said(cx, Input::from_attrs(attrs))?).await?;
        said(cx, copy(&inner.place, &folder.join(&submodule.path)))?;
    }
    Ok(())
}

/// Copies a tree of the cache.
fn copy(from: &Path, to: &Path) -> std::result::Result<(), super::attrs::Fault> {
    let mut todo = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = todo.pop() {
        let fail = |error| super::cache::io_fault("copying", &from, &error);
        let kind = fs::symlink_metadata(&from).map_err(fail)?.file_type();
        if kind.is_dir() {
            make_folder(&to)?;
            for entry in fs::read_dir(&from).map_err(fail)? {
                let entry = entry.map_err(fail)?;
                todo.push((entry.path(), to.join(entry.file_name())));
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(&from).map_err(fail)?;
            std::os::unix::fs::symlink(target, &to).map_err(fail)?;
        } else {
            fs::copy(&from, &to).map_err(fail)?;
        }
    }
    Ok(())
}
