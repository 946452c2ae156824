//! `builtins.fromTOML`: TOML 1.0, as Nix reads it, by a parser that knows 1.1; what is new there is refused afterwards.
//!
//! Tables, arrays and keys nest at most 80 deep: the parser's own limit, which keeps recursion bounded here too.

use crate::support::plain;
use ::toml::de::{DeArray, DeInteger, DeTable, DeValue};
use ::toml::value::{Datetime, Offset};
use piton_plugin_api::abi::request;
use piton_plugin_api::{Attribute, Cx, Value, builtin};
use toml_parser::Source;
use toml_parser::decoder::Encoding;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};

builtin! {
    /// The set that the TOML 1.0 text `e` stands for. Dates and times have no counterpart in Nix and are errors, unless the
    /// experimental feature `parse-toml-timestamps` makes sets of them: `{ _type = "timestamp"; value = "1979-05-27"; }`.
    name = "fromTOML", since = "0.1.0",
    example = "builtins.fromTOML ''\n  x = 1\n  [table]\n  y = [ true, 2.5 ]\n''"
        => "{ table = { y = [ true 2.5 ]; }; x = 1; }",
    flags = [BARE],
    async fn from_toml<'f>(cx, e: string as "argument passed to builtins.fromTOML") {
        let mut result = parse(cx, plain(cx, e)?, false);
        // The host is asked only where a text has a date or time.
        if result.as_ref().is_err_and(|reason| reason == NO_TIMESTAMPS) {
            let feature = cx.string("parse-toml-timestamps");
            if cx.ask(request::SETTING, 0, [&feature]).await?.as_bool() == Some(true) {
                result = parse(cx, plain(cx, e)?, true);
            }
        }
        result.map_err(|reason| cx.fail(format!("while parsing TOML: {}", reason.trim_end())))
    }
}

const NO_TIMESTAMPS: &str = "Dates and times are not supported";

fn parse<'f>(cx: Cx<'f>, bytes: &[u8], timestamps: bool) -> Result<Value<'f>, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("invalid UTF-8 at byte {}", error.valid_up_to()))?;
    let document = DeTable::parse(text).map_err(|error| error.to_string())?;
    refuse_newer(text)?;
    Reader { cx, timestamps }.table(document.get_ref())
}

/// From what the parser understood to values.
struct Reader<'f> {
    cx: Cx<'f>,
    /// Dates and times become sets.
    timestamps: bool,
}

impl<'f> Reader<'f> {
    fn table(&self, table: &DeTable<'_>) -> Result<Value<'f>, String> {
        let attributes = table
            .iter()
            .map(|(key, element)| {
                let name = self.cx.symbol(without_null(key.get_ref())?);
                Ok(Attribute::new(name, self.value(element.get_ref())?))
            })
            .collect::<Result<Vec<_>, String>>()?;
        Ok(self.cx.attrs(&attributes))
    }

    fn array(&self, array: &DeArray<'_>) -> Result<Value<'f>, String> {
        let items = array
            .iter()
            .map(|element| self.value(element.get_ref()))
            .collect::<Result<Vec<_>, String>>()?;
        Ok(self.cx.list(&items))
    }

    fn value(&self, value: &DeValue<'_>) -> Result<Value<'f>, String> {
        Ok(match value {
            DeValue::String(text) => self.cx.string(without_null(text)?),
            DeValue::Integer(digits) => Value::int(integer(digits)?),
            DeValue::Float(digits) => Value::float(float(digits.as_str())?),
            DeValue::Boolean(value) => Value::bool(*value),
            DeValue::Datetime(value) if self.timestamps => self.timestamp(value),
            DeValue::Datetime(_) => return Err(NO_TIMESTAMPS.to_owned()),
            DeValue::Array(items) => self.array(items)?,
            DeValue::Table(attributes) => self.table(attributes)?,
        })
    }

    fn timestamp(&self, value: &Datetime) -> Value<'f> {
        let cx = self.cx;
        cx.attrs(&[
            Attribute::new(cx.symbol("_type"), cx.string("timestamp")),
            Attribute::new(cx.symbol("value"), cx.string(timestamp_text(value))),
        ])
    }
}

/// A date or time as Nix spells it: fractions of seconds with as many digits as milli-, micro- or nanoseconds take.
fn timestamp_text(value: &Datetime) -> String {
    let mut text = value.date.map_or_else(String::new, |date| date.to_string());
    if let Some(time) = value.time {
        if !text.is_empty() {
            text.push('T');
        }
        let second = time.second.unwrap_or(0);
        text.push_str(&format!("{:02}:{:02}:{second:02}", time.hour, time.minute));
        let nanoseconds = time.nanosecond.unwrap_or(0);
        text.push_str(&match nanoseconds {
            0 => String::new(),
            _ if nanoseconds.is_multiple_of(1_000_000) => {
                format!(".{:03}", nanoseconds / 1_000_000)
            }
            _ if nanoseconds.is_multiple_of(1_000) => format!(".{:06}", nanoseconds / 1_000),
            _ => format!(".{nanoseconds:09}"),
        });
    }
    match value.offset {
        None => {}
        Some(Offset::Z | Offset::Custom { minutes: 0 }) => text.push('Z'),
        Some(offset) => text.push_str(&offset.to_string()),
    }
    text
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
