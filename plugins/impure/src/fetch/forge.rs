//! Inputs of the types `github`, `gitlab` and `sourcehut`: archives that a forge makes of a commit.

use super::attrs::{Fault, fault};
use super::cache::Cache;
use super::input::{Input, Kind, check_commit};
use super::obtain::{Fetched, archive, file, said};
use super::tarball::tree_by_name;
use piton_plugin_api::{Cx, Result};
use serde_json::{Value as Json, json};
use std::path::Path;

/// Finds out the commit, if only a branch is named, and fetches its archive.
pub async fn fetch(cx: Cx<'_>, mut input: Input) -> Result<Fetched> {
    let shown = input.to_string();
    let rev = match said(
        cx,
        input.attrs.text("rev").map(|rev| rev.map(str::to_owned)),
    )? {
        Some(rev) => rev,
        None => {
            let name = said(
                cx,
                input.attrs.text("ref").map(|name| name.map(str::to_owned)),
            )?;
            resolve(cx, &input, name.as_deref().unwrap_or("HEAD")).await?
        }
    };
    said(cx, check_commit(&rev))?;
    input.attrs.0.remove("ref");
    input.attrs.set("rev", rev.as_str());
    let cache = said(cx, Cache::open())?;
    // A commit is the same wherever it comes from.
    let known = cache
        .record("forge", &rev)
        .and_then(|record| tree_by_name(&cache, record.get("tree")?.as_str()?));
    let tree = match known {
        Some(tree) => tree,
        None => {
            let url = said(cx, archive_url(&input, &rev))?;
            let tree = archive(cx, &url, &[], None, &shown).await?;
            cache.note("forge", &rev, json!({ "tree": tree.name }));
            tree
        }
    };
    input.attrs.set_int("lastModified", tree.last_modified);
    Ok(Fetched::of_tree(tree, input))
}

/// Host, owner and name of the repository.
fn parts(input: &Input) -> std::result::Result<(&str, &str, &str), Fault> {
    let host = match (input.attrs.text("host")?, input.kind) {
        (Some(host), _) => host,
        (None, Some(Kind::GitLab)) => "gitlab.com",
        (None, Some(Kind::SourceHut)) => "git.sr.ht",
        (None, _) => "github.com",
    };
    Ok((
        host,
        input.attrs.required("owner")?,
        input.attrs.required("repo")?,
    ))
}

fn archive_url(input: &Input, rev: &str) -> std::result::Result<String, Fault> {
    let (host, owner, repo) = parts(input)?;
    Ok(match input.kind {
        Some(Kind::GitLab) => format!(
            "https://{host}/api/v4/projects/{owner}%2F{repo}/repository/archive.tar.gz?sha={rev}"
        ),
        Some(Kind::SourceHut) => format!("https://{host}/{owner}/{repo}/archive/{rev}.tar.gz"),
        // Without a token this way counts against no limit.
        _ if host == "github.com" => format!("https://{host}/{owner}/{repo}/archive/{rev}.tar.gz"),
        _ => format!("https://{host}/api/v3/repos/{owner}/{repo}/tarball/{rev}"),
    })
}

/// The commit that a branch or tag is.
async fn resolve(cx: Cx<'_>, input: &Input, name: &str) -> Result<String> {
    let (host, owner, repo) = said(cx, parts(input))?;
    match input.kind {
        Some(Kind::GitLab) => {
            let url = format!(
                "https://{host}/api/v4/projects/{owner}%2F{repo}/repository/commits?ref_name={name}"
            );
            let json = said(cx, read_json(&file(cx, &url, &[]).await?.place))?;
            match json.as_array().map(Vec::as_slice) {
                Some([first, ..]) if first["id"].is_string() => {
                    Ok(first["id"].as_str().unwrap_or_default().to_owned())
                }
                Some([]) => Err(
                    cx.fail("No commits returned by GitLab API -- does the git ref really exist?")
                ),
                _ => Err(cx.fail(format!("Unexpected response received from GitLab: {json}"))),
            }
        }
        Some(Kind::SourceHut) => {
            let base = format!("https://{host}/{owner}/{repo}");
            let wanted = if name == "HEAD" {
                let head = file(cx, &format!("{base}/HEAD"), &[]).await?;
                let head = said(cx, read(&head.place))?;
                match head
                    .lines()
                    .next()
                    .and_then(|line| line.strip_prefix("ref: "))
                {
                    Some(branch) => vec![branch.trim().to_owned()],
                    None => {
                        return Err(
                            cx.fail(format!("in '{input}', couldn't resolve HEAD ref '{name}'"))
                        );
                    }
                }
            } else {
                vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")]
            };
            let refs = file(cx, &format!("{base}/info/refs"), &[]).await?;
            let refs = said(cx, read(&refs.place))?;
            let found = refs.lines().find_map(|line| {
                let (rev, reference) = line.split_once('\t')?;
                wanted
                    .iter()
                    .any(|wanted| wanted == reference)
                    .then_some(rev)
            });
            match found {
                Some(rev) => Ok(rev.to_owned()),
                None => Err(cx.fail(format!("in '{input}', couldn't find ref '{name}'"))),
            }
        }
        _ => {
            let url = if host == "github.com" {
                format!("https://api.{host}/repos/{owner}/{repo}/commits/{name}")
            } else {
                format!("https://{host}/api/v3/repos/{owner}/{repo}/commits/{name}")
            };
            let json = said(cx, read_json(&file(cx, &url, &[]).await?.place))?;
            match json["sha"].as_str() {
                Some(rev) => Ok(rev.to_owned()),
                None => Err(cx.fail(format!("'{url}' does not say which commit it is"))),
            }
        }
    }
}

fn read(path: &Path) -> std::result::Result<String, Fault> {
    std::fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| super::cache::io_fault("reading", path, &error))
}

fn read_json(path: &Path) -> std::result::Result<Json, Fault> {
    match serde_json::from_str(&read(path)?) {
        Ok(json) => Ok(json),
        Err(error) => fault(format!("the answer of the server is no JSON: {error}")),
    }
}
