//! The manifest of a plugin: JSON text in a section of its file, written at compile time, so that a host knows name,
//! version, builtins and capabilities before it runs any of the plugin's code.

use crate::abi::{ABI_MAJOR, ABI_MINOR, Builtin, Bytes, TARGET};

/// Appends to a buffer, or only counts where the buffer is full.
struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Writer<'_> {
    const fn bytes(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            if self.len < self.out.len() {
                self.out[self.len] = bytes[at];
            }
            self.len += 1;
            at += 1;
        }
    }

    const fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A JSON string of text that needs no escapes; anything else does not compile.
    const fn string(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                bytes[at] >= b' ' && bytes[at] < 0x7f && bytes[at] != b'"' && bytes[at] != b'\\',
                "names and versions in a plugin are printable ASCII without quotes"
            );
            at += 1;
        }
        self.text("\"");
        self.bytes(bytes);
        self.text("\"");
    }

    const fn number(&mut self, value: u64) {
        if value >= 10 {
            self.number(value / 10);
        }
        self.bytes(&[b'0' + (value % 10) as u8]);
    }
}

const fn view(bytes: Bytes) -> &'static [u8] {
    // SAFETY: descriptors hold string literals.
    unsafe { bytes.as_slice() }
}

const fn write(name: &str, version: &str, builtins: &[Builtin], out: &mut [u8]) -> usize {
    let mut to = Writer { out, len: 0 };
    to.text("{\"piton-plugin\":1,\"abi\":[");
    to.number(ABI_MAJOR as u64);
    to.text(",");
    to.number(ABI_MINOR as u64);
    to.text("],\"target\":");
    to.string(TARGET.as_bytes());
    to.text(",\"name\":");
    to.string(name.as_bytes());
    to.text(",\"version\":");
    to.string(version.as_bytes());
    to.text(",\"builtins\":[");
    let mut at = 0;
    while at < builtins.len() {
        if at > 0 {
            to.text(",");
        }
        to.text("{\"name\":");
        to.string(view(builtins[at].name));
        to.text(",\"arity\":");
        to.number(builtins[at].arity as u64);
        to.text(",\"capabilities\":");
        to.number(builtins[at].capabilities);
        to.text("}");
        at += 1;
    }
    to.text("]}");
    to.len
}

/// How long the manifest is.
pub const fn length(name: &str, version: &str, builtins: &[Builtin]) -> usize {
    write(name, version, builtins, &mut [])
}

/// The manifest; `N` is [`length`].
pub const fn render<const N: usize>(name: &str, version: &str, builtins: &[Builtin]) -> [u8; N] {
    let mut out = [0; N];
    write(name, version, builtins, &mut out);
    out
}
