//! [`Reference`]: what names a flake, an input and a folder within it, and how it is written.

use super::attrs::{Attrs, Fault, bad_url, fault};
use super::input::Input;
use super::names::is_flake_id;
use super::url::{Url, decode, decode_query, is_encoded, path_segments};
use std::fmt;

/// What names a flake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// Where it is.
    pub input: Input,
    /// The folder within that holds `flake.nix`; empty for the whole.
    pub dir: String,
}

impl Reference {
    /// Reads a reference, which must have no `#`. Relative paths (`./a`) are errors unless `relative`.
    pub fn parse(text: &str, is_flake: bool, relative: bool) -> Result<Self, Fault> {
        let (reference, fragment) = Reference::parse_with_fragment(text, is_flake, relative)?;
        if !fragment.is_empty() {
            return fault(format!(
                "unexpected fragment '{fragment}' in flake reference '{text}'"
            ));
        }
        Ok(reference)
    }

    /// Reads a reference and what follows its `#`.
    pub fn parse_with_fragment(
        text: &str,
        is_flake: bool,
        relative: bool,
    ) -> Result<(Self, String), Fault> {
        if let Some(found) = short_form(text, is_flake)? {
            return Ok(found);
        }
        match Url::parse(text, true).and_then(|url| Reference::of_url(url, is_flake)) {
            Err(Fault::BadUrl(_)) => path_form(text, is_flake, relative),
            other => other,
        }
    }

    /// From a URL; answers what follows its `#`, too.
    pub fn of_url(mut url: Url, is_flake: bool) -> Result<(Self, String), Fault> {
        let dir = url.query.remove("dir").unwrap_or_default();
        let fragment = std::mem::take(&mut url.fragment);
        let input = Input::from_url(&url, is_flake)?;
        Ok((Reference { input, dir }, fragment))
    }

    /// From attributes: those of an input, and `dir`.
    pub fn from_attrs(mut attrs: Attrs) -> Result<Self, Fault> {
        let dir = attrs.text("dir")?.unwrap_or_default().to_owned();
        attrs.0.remove("dir");
        Ok(Reference {
            input: Input::from_attrs(attrs)?,
            dir,
        })
    }

    /// As attributes.
    pub fn attrs(&self) -> Attrs {
        let mut attrs = self.input.attrs.clone();
        if !self.dir.is_empty() {
            attrs.set("dir", self.dir.as_str());
        }
        attrs
    }

    /// The form in which references are compared: old lock files have `dir` in the URL, too.
    pub fn canonical(mut self) -> Self {
        let Ok(Some(text)) = self.input.attrs.text("url") else {
            return self;
        };
        if let Ok(mut url) = Url::parse(text, true) {
            if !self.dir.is_empty() && url.query.get("dir") == Some(&self.dir) {
                url.query.remove("dir");
            }
            self.input.attrs.set("url", url.to_string());
        }
        self
    }

    /// As a URL.
    pub fn url(&self) -> Result<Url, Fault> {
        let mut url = self.input.url()?;
        if !self.dir.is_empty() {
            url.query
                .entry("dir".to_owned())
                .or_insert_with(|| self.dir.clone());
        }
        Ok(url)
    }
}

/// As a URL.
impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.url() {
            Ok(url) => write!(out, "{url}"),
            Err(_) => write!(out, "{}", self.attrs()),
        }
    }
}

/// `nixpkgs`, `nixpkgs/branch`, `nixpkgs/branch/commit`: a flake that a registry knows.
fn short_form(text: &str, is_flake: bool) -> Result<Option<(Reference, String)>, Fault> {
    let (name, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (id, rest) = match name.split_once('/') {
        Some((id, rest)) => (id, Some(rest)),
        None => (name, None),
    };
    let may_be_reference = |rest: &str| {
        rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '@')
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_./@+-".contains(&byte))
    };
    if !is_flake_id(id) || !rest.is_none_or(may_be_reference) || !is_encoded(fragment, "/? \"^") {
        return Ok(None);
    }
    let url = Url {
        scheme: "flake".to_owned(),
        path: path_segments(name),
        ..Url::default()
    };
    let input = Input::from_url(&url, is_flake)?;
    let dir = String::new();
    Ok(Some((Reference { input, dir }, decode(fragment))))
}

/// A path, with a query.
fn path_form(text: &str, is_flake: bool, relative: bool) -> Result<(Reference, String), Fault> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !relative && !path.starts_with('/') {
        return bad_url(format!("flake reference '{text}' is not an absolute path"));
    }
    let url = Url {
        scheme: "path".to_owned(),
        authority: path.starts_with('/').then(String::new),
        path: path_segments(path),
        query: decode_query(query),
        fragment: decode(fragment),
    };
    Reference::of_url(url, is_flake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        for (text, expected) in [
            ("nixpkgs", "flake:nixpkgs"),
            ("nixpkgs/nixos-24.05", "flake:nixpkgs/nixos-24.05"),
            ("/a b?dir=x", "path:/a%20b?dir=x"),
            ("path:./a", "path:./a"),
            (
                "github:NixOS/nixpkgs/23.05?dir=lib",
                "github:NixOS/nixpkgs/23.05?dir=lib",
            ),
            ("https://x.org/a.tar.gz", "https://x.org/a.tar.gz"),
        ] {
            let reference = Reference::parse(text, true, false).map(|found| found.to_string());
            assert_eq!(reference.as_deref(), Ok(expected), "{text}");
        }
        for (text, message) in [
            ("./a", "flake reference './a' is not an absolute path"),
            ("foo:bar", "input 'foo:bar' is unsupported"),
            ("/a#b", "unexpected fragment 'b' in flake reference '/a#b'"),
        ] {
            let error =
                Reference::parse(text, true, false).map_err(|error| error.text().to_owned());
            assert_eq!(error, Err(message.to_owned()), "{text}");
        }
        assert!(Reference::parse("./a", true, true).is_ok());
    }

    #[test]
    fn references_of_old_lock_files_are_the_same() {
        let reference = |url: &str| {
            let json = serde_json::json!({ "type": "git", "url": url, "dir": "d" });
            let attrs = Attrs::from_json(&json).expect("attributes");
            Reference::from_attrs(attrs)
                .expect("a reference")
                .canonical()
        };
        assert_eq!(
            reference("https://x.org/a?dir=d"),
            reference("https://x.org/a")
        );
        assert_ne!(
            reference("https://x.org/a?dir=e"),
            reference("https://x.org/a")
        );
    }
}
