//! Strings as JSON. Strings of Nix are bytes; those that are not UTF-8 have no JSON.

/// Appends `bytes` with quotes and escapes, or says why it cannot: in Nix's words.
pub fn push_string(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), String> {
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(complaint(bytes, error));
    }
    out.push(b'"');
    let mut rest = bytes;
    while let Some(plain) = rest.iter().position(|byte| is_special(*byte)) {
        out.extend_from_slice(&rest[..plain]);
        push_escape(out, rest[plain]);
        rest = &rest[plain + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
    Ok(())
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => return out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
    };
    out.extend_from_slice(&[b'\\', letter]);
}

fn complaint(bytes: &[u8], error: std::str::Utf8Error) -> String {
    let start = error.valid_up_to();
    let Some(len) = error.error_len() else {
        let last = bytes.last().copied().unwrap_or_default();
        return format!(
            "[json.exception.type_error.316] incomplete UTF-8 string; last byte: 0x{last:02X}"
        );
    };
    // Of a sequence that breaks off, the byte that does not continue it is to blame.
    let index = match bytes[start] {
        0xc2..=0xf4 => start + len,
        _ => start,
    };
    format!(
        "[json.exception.type_error.316] invalid UTF-8 byte at index {index}: 0x{:02X}",
        bytes[index]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(bytes: &[u8]) -> Result<String, String> {
        let mut out = Vec::new();
        push_string(&mut out, bytes)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn escapes() {
        assert_eq!(
            string("\"\\\n\r\t\u{8}\u{c}\u{1}\u{7f}é".as_bytes()).as_deref(),
            Ok("\"\\\"\\\\\\n\\r\\t\\b\\f\\u0001\u{7f}é\"")
        );
    }

    #[test]
    fn what_is_not_utf8() {
        let message = |text: &str| Err(format!("[json.exception.type_error.316] {text}"));
        assert_eq!(
            string(b"a\xff"),
            message("invalid UTF-8 byte at index 1: 0xFF")
        );
        assert_eq!(
            string(b"a\xc3("),
            message("invalid UTF-8 byte at index 2: 0x28")
        );
        assert_eq!(
            string(b"a\xe0\x80x"),
            message("invalid UTF-8 byte at index 2: 0x80")
        );
        assert_eq!(
            string(b"a\xf0\x9f\x98"),
            message("incomplete UTF-8 string; last byte: 0x98")
        );
    }
}
