//! URLs as Nix reads and writes them: a scheme, perhaps an authority, segments of a path, and a query whose parameters are a
//! map. Written again, a URL has its parameters sorted and what is special in it encoded.

use super::attrs::{Fault, bad_url};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;
use std::fmt;

/// What needs no encoding anywhere.
const PLAIN: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: AsciiSet = PLAIN.remove(b':').remove(b'@');
const QUERY: AsciiSet = PATH.remove(b'/').remove(b'?');

/// A URL.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Url {
    /// As in `https`, or `git+https`.
    pub scheme: String,
    /// Host, user and port, as they were written; `Some("")` in `file:///x`.
    pub authority: Option<String>,
    /// The path between its slashes, decoded: of `/a/b` an empty one, `a` and `b`.
    pub path: Vec<String>,
    /// Parameters, decoded.
    pub query: BTreeMap<String, String>,
    /// What follows `#`, decoded.
    pub fragment: String,
}

impl Url {
    /// Reads a URL. `lenient` takes some characters as they are that should be encoded: spaces and quotes in queries and
    /// fragments, and `^` in fragments.
    pub fn parse(text: &str, lenient: bool) -> Result<Self, Fault> {
        let invalid =
            || -> Result<Self, Fault> { bad_url(format!("'{text}' is not a valid URL: leftover")) };
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, query),
            None => (rest, ""),
        };
        let Some((scheme, rest)) = rest.split_once(':').filter(|(scheme, _)| is_scheme(scheme))
        else {
            return if rest.contains([' ', '"', '<', '>']) {
                invalid()
            } else {
                bad_url(format!("'{text}' doesn't have a scheme"))
            };
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(rest[..end].to_owned()), &rest[end..])
            }
            None => (None, rest),
        };
        let more = if lenient { " \"" } else { "" };
        let fragment_more = if lenient { " \"^" } else { "" };
        if !is_encoded(path, "/")
            || !is_encoded(query, &format!("/?{more}"))
            || !is_encoded(fragment, &format!("/?{fragment_more}"))
            || !authority
                .as_deref()
                .is_none_or(|authority| is_encoded(authority, "[]"))
        {
            return invalid();
        }
        let (_, transport) = split_scheme(scheme);
        if transport == "file"
            && let Some(authority) = authority
                .as_deref()
                .filter(|authority| !authority.is_empty())
        {
            return bad_url(format!(
                "file:// URL '{text}' has unexpected authority '{authority}'"
            ));
        }
        let path = if transport == "file" && path.is_empty() {
            "/"
        } else {
            path
        };
        Ok(Url {
            scheme: scheme.to_owned(),
            authority,
            path: path.split('/').map(decode).collect(),
            query: decode_query(query),
            fragment: decode(fragment),
        })
    }

    /// The path with its slashes, decoded.
    pub fn file_path(&self) -> String {
        self.path.join("/")
    }

    /// The segments of the path that are not empty.
    pub fn segments(&self) -> Vec<&str> {
        self.path
            .iter()
            .map(String::as_str)
            .filter(|segment| !segment.is_empty())
            .collect()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:", self.scheme)?;
        if let Some(authority) = &self.authority {
            write!(out, "//{authority}")?;
        }
        for (index, segment) in self.path.iter().enumerate() {
            if index > 0 {
                out.write_str("/")?;
            }
            write!(out, "{}", utf8_percent_encode(segment, &PATH))?;
        }
        for (index, (name, value)) in self.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            let (name, value) = (
                utf8_percent_encode(name, &QUERY),
                utf8_percent_encode(value, &QUERY),
            );
            write!(out, "{separator}{name}={value}")?;
        }
        if !self.fragment.is_empty() {
            write!(out, "#{}", utf8_percent_encode(&self.fragment, &PLAIN))?;
        }
        Ok(())
    }
}

/// `a+b` as the application `a` and the transport `b`; a scheme without plus is a transport.
pub fn split_scheme(scheme: &str) -> (Option<&str>, &str) {
    match scheme.split_once('+') {
        Some((application, transport)) => (Some(application), transport),
        None => (None, scheme),
    }
}

/// A path as segments of a URL.
pub fn path_segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Decodes `%41` and the like; what is no UTF-8 is replaced.
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The parameters of a query. Those without `=` are left out.
pub fn decode_query(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for (name, value) in query.split('&').filter_map(|part| part.split_once('=')) {
        parameters
            .entry(decode(name))
            .or_insert_with(|| decode(value));
    }
    parameters
}

/// The URL that git means: an absolute path is a file, `user@host:path` is SSH, and a scheme `git+https` is `https`.
pub fn fix_git_url(text: &str) -> Result<Url, Fault> {
    if text.starts_with('/') {
        return Ok(Url {
            scheme: "file".to_owned(),
            authority: Some(String::new()),
            path: path_segments(text),
            ..Url::default()
        });
    }
    if let Some(url) = scp_style(text) {
        return Ok(url);
    }
    let mut url = Url::parse(text, false)?;
    if let (Some("git"), transport) = split_scheme(&url.scheme) {
        url.scheme = transport.to_owned();
    }
    Ok(url)
}

/// `user@host:path`, which is a path on that host.
fn scp_style(text: &str) -> Option<Url> {
    let (host, path) = text.split_once(':')?;
    let plain = host.strip_prefix("git+").unwrap_or(host);
    let is_scheme = ["ssh", "http", "https", "file", "ftp", "ftps", "git"].contains(&plain);
    if host.is_empty() || host.contains('/') || is_scheme || path.starts_with("//") {
        return None;
    }
    let mut segments = path_segments(path);
    if !path.starts_with('/') {
        segments.insert(0, String::new());
    }
    Some(Url {
        scheme: "ssh".to_owned(),
        authority: Some(host.to_owned()),
        path: segments,
        ..Url::default()
    })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Whether a part of a URL holds nothing that would have to be encoded; `more` is what may stand there, too.
pub fn is_encoded(text: &str, more: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let valid = match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                digit() && digit()
            }
            _ => {
                byte.is_ascii_alphanumeric()
                    || b"-._~!$&'()*+,;=:@".contains(&byte)
                    || more.as_bytes().contains(&byte)
            }
        };
        if !valid {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_written_as_nix_writes_them() {
        for (text, expected) in [
            (
                "https://x.org/a%20b?z=1&a=2%2F3",
                "https://x.org/a%20b?a=2/3&z=1",
            ),
            ("path:./a", "path:./a"),
            ("file:///a/b+c", "file:///a/b%2Bc"),
            ("git+ssh://git@x.org:22/a", "git+ssh://git@x.org:22/a"),
            ("https://x.org", "https://x.org"),
            ("file:", "file:/"),
            ("a:b#c%20d", "a:b#c%20d"),
        ] {
            let url = Url::parse(text, false).map(|url| url.to_string());
            assert_eq!(url.as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "nixpkgs",
            "./a",
            "/a",
            "a b:c",
            "x:a b",
            "x:%4",
            "file://host/a",
        ] {
            assert!(
                matches!(Url::parse(text, false), Err(Fault::BadUrl(_))),
                "{text}"
            );
        }
        assert!(Url::parse("x:a?b=c d#e^f", true).is_ok());
    }

    #[test]
    fn urls_of_git() {
        for (text, expected) in [
            ("/a b", "file:///a%20b"),
            ("git@github.com:a/b+c", "ssh://git@github.com/a/b%2Bc"),
            ("git+https://x.org/a", "https://x.org/a"),
            ("file:/a", "file:/a"),
        ] {
            let url = fix_git_url(text).map(|url| url.to_string());
            assert_eq!(url.as_deref(), Ok(expected), "{text}");
        }
        assert!(fix_git_url("a/b:c").is_err());
    }
}
