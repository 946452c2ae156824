//! The manifest of a plugin file: read from its section without running any of its code.

use crate::error::{Error, ErrorKind, Result};
use object::{Object, ObjectSection, ReadCache};
use piton_plugin_api::abi::MANIFEST_SECTION;
use std::io::{Read, Seek};

/// What a plugin says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// Its name, which its entry symbol carries.
    pub name: String,
    /// Its version.
    pub version: String,
    /// ABI major and minor.
    pub abi: (u32, u32),
    /// Architecture and system.
    pub target: String,
    /// Its builtins.
    pub builtins: Vec<ManifestBuiltin>,
}

/// A builtin in a manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestBuiltin {
    /// Its name.
    pub name: String,
    /// How many arguments it takes.
    pub arity: u64,
    /// What it needs.
    pub capabilities: u64,
}

/// Reads the manifest of a shared library. Of its bytes only headers and the section itself are read: with the names of functions
/// for debuggers a library is ten times as large as what is loaded of it.
pub fn read_manifest(file: impl Read + Seek) -> Result<Manifest> {
    let fail = |text: String| Error::new(ErrorKind::Plugin, text);
    let bytes = ReadCache::new(file);
    let file = object::File::parse(&bytes)
        .map_err(|error| fail(format!("it is not a shared library ({error})")))?;
    let section = file
        .section_by_name(MANIFEST_SECTION)
        .or_else(|| file.section_by_name("__piton"))
        .ok_or_else(|| fail("it has no Piton manifest, so it is not a Piton plugin".to_owned()))?;
    let data = section
        .data()
        .map_err(|error| fail(format!("its manifest cannot be read ({error})")))?;
    let end = data
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    let json: serde_json::Value = serde_json::from_slice(&data[..end])
        .map_err(|error| fail(format!("its manifest is not valid JSON ({error})")))?;
    let text = |key: &str| {
        json[key]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| fail(format!("its manifest lacks '{key}'")))
    };
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or(u64::from(u32::MAX)) as u32;
    let name = text("name")?;
    if name.is_empty()
        || !name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return Err(fail(format!(
            "its manifest has the name '{name}', which is not of lower-case letters, digits and '_'"
        )));
    }
    let builtins = json["builtins"]
        .as_array()
        .ok_or_else(|| fail("its manifest lacks 'builtins'".to_owned()))?;
    Ok(Manifest {
        name,
        version: text("version")?,
        abi: (number(&json["abi"][0]), number(&json["abi"][1])),
        target: text("target")?,
        builtins: builtins
            .iter()
            .map(|builtin| ManifestBuiltin {
                name: builtin["name"].as_str().unwrap_or_default().to_owned(),
                arity: builtin["arity"].as_u64().unwrap_or_default(),
                capabilities: builtin["capabilities"].as_u64().unwrap_or_default(),
            })
            .collect(),
    })
}
