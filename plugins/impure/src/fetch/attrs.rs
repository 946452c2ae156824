//! Attributes of an input: what names a thing to be fetched, in Nix, in lock files and in URLs.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;

/// Why something cannot be fetched, or is no reference to anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is no URL, or not one of this kind: another reading of the text may be tried.
    BadUrl(String),
    /// Anything else.
    Other(String),
}

impl Fault {
    /// The text of the message.
    pub fn text(&self) -> &str {
        match self {
            Fault::BadUrl(text) | Fault::Other(text) => text,
        }
    }
}

/// A fault of the other sort.
#[cold]
pub fn fault<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Other(text.into()))
}

/// A text that is no URL.
#[cold]
pub fn bad_url<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::BadUrl(text.into()))
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Attr {
    Text(String),
    Int(u64),
    Bool(bool),
}

impl From<&str> for Attr {
    fn from(text: &str) -> Self {
        Attr::Text(text.to_owned())
    }
}

impl From<String> for Attr {
    fn from(text: String) -> Self {
        Attr::Text(text)
    }
}

/// Attributes by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attrs(pub BTreeMap<String, Attr>);

impl Attrs {
    /// Sets an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Attr>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Sets a number.
    pub fn set_int(&mut self, name: &str, value: u64) {
        self.0.insert(name.to_owned(), Attr::Int(value));
    }

    /// Whether there is one of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text, if it is there.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Fault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Attr::Text(text)) => Ok(Some(text)),
            Some(_) => fault(format!("input attribute '{name}' is not a string {self}")),
        }
    }

    /// A text that must be there.
    pub fn required(&self, name: &str) -> Result<&str, Fault> {
        match self.text(name)? {
            Some(text) => Ok(text),
            None => fault(format!("input attribute '{name}' is missing")),
        }
    }

    /// A number, if it is there.
    pub fn int(&self, name: &str) -> Result<Option<u64>, Fault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Attr::Int(number)) => Ok(Some(*number)),
            Some(_) => fault(format!("input attribute '{name}' is not an integer")),
        }
    }

    /// A Boolean, if it is there.
    pub fn bool(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Attr::Bool(value)) => Ok(Some(*value)),
            Some(_) => fault(format!("input attribute '{name}' is not a Boolean")),
        }
    }

    /// Whether a Boolean is there and true.
    pub fn is_set(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.bool(name)?.unwrap_or(false))
    }

    /// From JSON, for tests; `None` if it holds something else.
    #[cfg(test)]
    pub fn from_json(json: &Json) -> Option<Self> {
        let mut attrs = Attrs::default();
        for (name, value) in json.as_object()? {
            let value = match value {
                Json::String(text) => Attr::Text(text.clone()),
                Json::Bool(value) => Attr::Bool(*value),
                Json::Number(number) => Attr::Int(number.as_u64()?),
                _ => return None,
            };
            attrs.0.insert(name.clone(), value);
        }
        Some(attrs)
    }

    /// As JSON.
    pub fn to_json(&self) -> Json {
        let value = |value: &Attr| match value {
            Attr::Text(text) => Json::String(text.clone()),
            Attr::Int(number) => Json::from(*number),
            Attr::Bool(value) => Json::Bool(*value),
        };
        Json::Object(
            self.0
                .iter()
                .map(|(name, attr)| (name.clone(), value(attr)))
                .collect(),
        )
    }
}

/// As messages show them: JSON without spaces.
impl fmt::Display for Attrs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.to_json())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_typed() {
        let mut attrs = Attrs::default();
        attrs.set("type", "git");
        attrs.0.insert("revCount".to_owned(), Attr::Int(3));
        attrs.0.insert("shallow".to_owned(), Attr::Bool(true));
        assert_eq!(
            attrs.to_string(),
            r#"{"revCount":3,"shallow":true,"type":"git"}"#
        );
        assert_eq!(Attrs::from_json(&attrs.to_json()), Some(attrs.clone()));
        assert_eq!(attrs.int("revCount"), Ok(Some(3)));
        assert!(attrs.text("revCount").is_err() && attrs.bool("type").is_err());
        assert_eq!(
            attrs.required("url"),
            Err(Fault::Other("input attribute 'url' is missing".to_owned()))
        );
        assert_eq!(Attrs::from_json(&serde_json::json!({ "a": [] })), None);
    }
}
