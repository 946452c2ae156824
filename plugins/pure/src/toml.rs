//! `builtins.fromTOML`: TOML 1.0, as Nix reads it, by a parser that knows 1.1; what is new there is refused afterwards.
//!
//! Tables, arrays and keys nest at most 80 deep: the parser's own limit, which keeps recursion bounded here too.

use crate::support::plain;
use ::toml::de::{DeArray, DeInteger, DeTable, DeValue};
use piton_plugin_api::{Attribute, Cx, Value, builtin};
use toml_parser::Source;
use toml_parser::decoder::Encoding;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};

builtin! {
    /// The set that the TOML 1.0 text `e` stands for. Dates and times have no counterpart in Nix and are errors.
    name = "fromTOML", since = "0.1.0",
    example = "builtins.fromTOML ''\n  x = 1\n  [table]\n  y = [ true, 2.5 ]\n''"
        => "{ table = { y = [ true 2.5 ]; }; x = 1; }",
    flags = [BARE],
    leaf fn from_toml<'f>(cx, e: string) {
        parse(cx, plain(cx, e)?)
            .map_err(|reason| cx.fail(format!("while parsing TOML: {}", reason.trim_end())))
    }
}

fn parse<'f>(cx: Cx<'f>, bytes: &[u8]) -> Result<Value<'f>, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("invalid UTF-8 at byte {}", error.valid_up_to()))?;
    let document = DeTable::parse(text).map_err(|error| error.to_string())?;
    refuse_newer(text)?;
    table(cx, document.get_ref())
}

fn table<'f>(cx: Cx<'f>, table: &DeTable<'_>) -> Result<Value<'f>, String> {
    let attributes = table
        .iter()
        .map(|(key, element)| {
            let name = cx.symbol(without_null(key.get_ref())?);
            Ok(Attribute::new(name, value(cx, element.get_ref())?))
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(cx.attrs(&attributes))
}

fn array<'f>(cx: Cx<'f>, array: &DeArray<'_>) -> Result<Value<'f>, String> {
    let items = array
        .iter()
        .map(|element| value(cx, element.get_ref()))
        .collect::<Result<Vec<_>, String>>()?;
    Ok(cx.list(&items))
}

fn value<'f>(cx: Cx<'f>, value: &DeValue<'_>) -> Result<Value<'f>, String> {
    Ok(match value {
        DeValue::String(text) => cx.string(without_null(text)?),
        DeValue::Integer(digits) => Value::int(integer(digits)?),
        DeValue::Float(digits) => Value::float(float(digits.as_str())?),
        DeValue::Boolean(value) => Value::bool(*value),
        DeValue::Datetime(_) => return Err("Dates and times are not supported".to_owned()),
        DeValue::Array(items) => array(cx, items)?,
        DeValue::Table(attributes) => table(cx, attributes)?,
    })
}

fn integer(digits: &DeInteger<'_>) -> Result<i64, String> {
    i64::from_str_radix(digits.as_str(), digits.radix())
        .map_err(|_| format!("the integer {digits} does not fit in 64 bits"))
}

fn float(digits: &str) -> Result<f64, String> {
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() || digits.ends_with(['f', 'n']) => Ok(value),
        _ => Err(format!("the float {digits} is out of range")),
    }
}

/// `text`, if it can be a string of Nix.
fn without_null(text: &str) -> Result<&str, String> {
    if !text.contains('\0') {
        return Ok(text);
    }
    Err(format!(
        "error: input string '{}' cannot be represented as Nix string because it contains null bytes",
        text.replace('\0', "␀")
    ))
}

/// Fails if a valid document uses what TOML 1.1 has added: newlines and a last comma in inline tables, `\e` and `\x`.
fn refuse_newer(text: &str) -> Result<(), String> {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events: Vec<Event> = Vec::with_capacity(tokens.len());
    let mut guard = RecursionGuard::new(&mut events, u32::from(u8::MAX));
    parse_document(&tokens, &mut guard, &mut ());
    // Whether each bracket that is open belongs to an inline table.
    let mut open = Vec::new();
    let mut last = EventKind::Newline;
    for event in &events {
        let reason = match event.kind() {
            EventKind::InlineTableOpen => {
                open.push(true);
                None
            }
            EventKind::ArrayOpen => {
                open.push(false);
                None
            }
            EventKind::ArrayClose => {
                open.pop();
                None
            }
            EventKind::InlineTableClose => {
                open.pop();
                (last == EventKind::ValueSep).then_some("a last comma in an inline table")
            }
            EventKind::Newline | EventKind::Comment if open.last() == Some(&true) => {
                Some("a newline in an inline table")
            }
            EventKind::Scalar | EventKind::SimpleKey => source
                .get(event)
                .filter(|_| {
                    matches!(
                        event.encoding(),
                        Some(Encoding::BasicString | Encoding::MlBasicString)
                    )
                })
                .filter(|raw| has_new_escape(raw.as_bytes()))
                .map(|_| "the escapes \\e and \\x"),
            _ => None,
        };
        if let Some(reason) = reason {
            let line = text[..event.span().start()].matches('\n').count() + 1;
            return Err(format!("line {line}: TOML 1.0 does not have {reason}"));
        }
        if event.kind() != EventKind::Whitespace {
            last = event.kind();
        }
    }
    Ok(())
}

fn has_new_escape(raw: &[u8]) -> bool {
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' && matches!(bytes.next(), Some(b'e' | b'x')) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_old(text: &str) -> bool {
        assert!(DeTable::parse(text).is_ok(), "{text}");
        refuse_newer(text).is_ok()
    }

    #[test]
    fn newer_syntax() {
        assert!(is_old("a = { b = [\n1, # x\n2,\n] }\n"));
        assert!(is_old("a = \"\\\\e\"\nb = '\\e'\nc = '''\\x41'''"));
        assert!(is_old("a = \"\"\"\nx\"\"\""));
        assert!(!is_old("a = {\nb = 1 }"));
        assert!(!is_old("a = { b = 1, }"));
        assert!(!is_old("a = { b = 1 # x\n}"));
        assert!(!is_old("a = \"\\e\""));
        assert!(!is_old("\"\\x41\" = 1"));
    }

    #[test]
    fn floats() {
        assert_eq!(float("1_0.5".replace('_', "").as_str()), Ok(10.5));
        assert_eq!(float("-inf"), Ok(f64::NEG_INFINITY));
        assert!(float("-nan").is_ok_and(|value| value.is_nan() && value.is_sign_negative()));
        assert!(float("nan").is_ok_and(|value| value.is_nan() && value.is_sign_positive()));
        assert!(float("1e400").is_err());
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let arrays = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
        let tables = format!("a = {}{}", "{ a = ".repeat(100_000), "}".repeat(100_000));
        let keys = format!("{}a = 1", "a.".repeat(100_000));
        let header = format!("[{}a]", "a.".repeat(100_000));
        for text in [arrays, tables, keys, header] {
            assert!(DeTable::parse(&text).is_err());
        }
    }
}
