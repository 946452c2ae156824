//! Names as messages show them.

/// Words that are no names unless quoted.
const KEYWORDS: [&[u8]; 9] = [
    b"assert", b"else", b"if", b"in", b"inherit", b"let", b"rec", b"then", b"with",
];

/// `name` as a program would write it as an attribute: as it is, or quoted.
pub fn written(name: &[u8]) -> Vec<u8> {
    if is_identifier(name) && !KEYWORDS.contains(&name) {
        return name.to_vec();
    }
    let mut quoted = vec![b'"'];
    for (index, &byte) in name.iter().enumerate() {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            b'\n' => quoted.extend(b"\\n"),
            b'\r' => quoted.extend(b"\\r"),
            b'\t' => quoted.extend(b"\\t"),
            b'$' if name.get(index + 1) == Some(&b'{') => quoted.extend(b"\\$"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'"');
    quoted
}

fn is_identifier(name: &[u8]) -> bool {
    let starts = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"_'-".contains(byte);
    name.first().is_some_and(starts) && name.iter().all(goes_on)
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn names_are_quoted_where_a_program_must() {
        for (name, shown) in [
            ("a'-_9", "a'-_9"),
            ("or", "or"),
            ("if", r#""if""#),
            ("", r#""""#),
            ("9", r#""9""#),
            ("a b", r#""a b""#),
            ("é", r#""é""#),
            ("\t\"\\", r#""\t\"\\""#),
            ("$a${", r#""$a\${""#),
        ] {
            assert_eq!(written(name.as_bytes()), shown.as_bytes(), "{name}");
        }
    }
}
