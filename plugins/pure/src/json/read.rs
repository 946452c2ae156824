//! `builtins.fromJSON`. The containers that are open stand on an explicit stack, so that depth costs memory alone.

use super::lexer::{Lexer, Message, Token};
use crate::support::plain;
use piton_plugin_api::{Attribute, Cx, ErrorKind, Symbol, Value, builtin};
use std::borrow::Cow;

builtin! {
    /// The value that the JSON text `e` stands for: numbers with a fraction or an exponent become floats, objects become sets, of
    /// which the last of two attributes with one name stays. Integers must fit in 64 bits with a sign, and strings must not
    /// contain `\u0000`.
    name = "fromJSON", since = "0.1.0",
    example = "builtins.fromJSON ''{\"version\": [1, 2.5, null]}''" => "{ version = [ 1 2.5 null ]; }",
    leaf fn from_json<'f>(cx, e: string) {
        let text = plain(cx, e)?;
        parse(cx, text).map_err(|message| cx.error_bytes(ErrorKind::Eval, &message))
    }
}

/// A container that is not complete.
enum Open<'f> {
    List(Vec<Value<'f>>),
    /// With the name of the attribute whose value comes next.
    Object(Vec<Attribute<'f>>, Symbol),
}

fn parse<'f>(cx: Cx<'f>, text: &[u8]) -> Result<Value<'f>, Message> {
    let mut reader = Reader {
        cx,
        lexer: Lexer::new(text),
    };
    let mut open: Vec<Open<'f>> = Vec::new();
    let mut token = reader.next("value", "")?;
    loop {
        let mut value = match token {
            Token::ListStart => {
                token = reader.next("value", "")?;
                if token != Token::ListEnd {
                    open.push(Open::List(Vec::new()));
                    continue;
                }
                cx.list(&[])
            }
            Token::ObjectStart => match reader.next("object key", "string literal")? {
                Token::ObjectEnd => cx.attrs(&[]),
                key => {
                    let name = reader.key(key)?;
                    open.push(Open::Object(Vec::new(), name));
                    token = reader.next("value", "")?;
                    continue;
                }
            },
            token => reader.scalar(token)?,
        };
        // The value is complete, and perhaps the containers are whose last element it is.
        loop {
            match open.last_mut() {
                None => {
                    return match reader.next("value", "end of input")? {
                        Token::End => Ok(value),
                        other => Err(reader.lexer.unexpected(&other, "value", "end of input")),
                    };
                }
                Some(Open::List(items)) => {
                    items.push(value);
                    match reader.next("array", "']'")? {
                        Token::Comma => {
                            token = reader.next("value", "")?;
                            break;
                        }
                        Token::ListEnd => value = cx.list(items),
                        other => return Err(reader.lexer.unexpected(&other, "array", "']'")),
                    }
                }
                Some(Open::Object(attributes, name)) => {
                    attributes.push(Attribute::new(*name, value));
                    match reader.next("object", "'}'")? {
                        Token::Comma => {
                            let key = reader.next("object key", "string literal")?;
                            *name = reader.key(key)?;
                            token = reader.next("value", "")?;
                            break;
                        }
                        Token::ObjectEnd => {
                            // Of two attributes with one name the host keeps the first, JSON the last.
                            attributes.reverse();
                            value = cx.attrs(attributes);
                        }
                        other => return Err(reader.lexer.unexpected(&other, "object", "'}'")),
                    }
                }
            }
            open.pop();
        }
    }
}

struct Reader<'f, 'a> {
    cx: Cx<'f>,
    lexer: Lexer<'a>,
}

impl<'f, 'a> Reader<'f, 'a> {
    /// The next token; the rest is for the message if it is malformed.
    fn next(&mut self, context: &str, expected: &str) -> Result<Token<'a>, Message> {
        self.lexer
            .next()
            .map_err(|complaint| self.lexer.malformed(&complaint, context, expected))
    }

    /// The name that `token` must be, with the colon behind it.
    fn key(&mut self, token: Token<'_>) -> Result<Symbol, Message> {
        let Token::String(name) = token else {
            return Err(self
                .lexer
                .unexpected(&token, "object key", "string literal"));
        };
        let name = self.cx.symbol(without_null(name)?);
        match self.next("object separator", "':'")? {
            Token::Colon => Ok(name),
            other => Err(self.lexer.unexpected(&other, "object separator", "':'")),
        }
    }

    fn scalar(&mut self, token: Token<'_>) -> Result<Value<'f>, Message> {
        Ok(match token {
            Token::Null => Value::null(),
            Token::Bool(value) => Value::bool(value),
            Token::Int(value) => Value::int(value),
            Token::Unsigned(value) => {
                return Err(
                    format!("unsigned json number {value} outside of Nix integer range")
                        .into_bytes(),
                );
            }
            Token::Float(value) if value.is_finite() => Value::float(value),
            Token::Float(_) => {
                let mut message =
                    b"[json.exception.out_of_range.406] number overflow parsing '".to_vec();
                message.extend_from_slice(self.lexer.number_text());
                message.push(b'\'');
                return Err(message);
            }
            Token::String(bytes) => self.cx.string(without_null(bytes)?),
            Token::End if self.lexer.is_empty() => {
                let mut message = self.lexer.place();
                message.extend_from_slice(
                    b"attempting to parse an empty input; check that your input string or stream contains the expected JSON",
                );
                return Err(message);
            }
            other => {
                let expected = "'[', '{', or a literal";
                return Err(self.lexer.unexpected(&other, "value", expected));
            }
        })
    }
}

/// The text of a string, if that can be one of Nix.
fn without_null(string: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, Message> {
    match string {
        // Only an escape can stand for a null.
        Cow::Owned(bytes) if bytes.contains(&0) => Err(contains_null(&bytes)),
        string => Ok(string),
    }
}

#[cold]
fn contains_null(bytes: &[u8]) -> Message {
    let mut message = b"input string '".to_vec();
    for byte in bytes {
        match byte {
            0 => message.extend_from_slice("␀".as_bytes()),
            _ => message.push(*byte),
        }
    }
    message
        .extend_from_slice(b"' cannot be represented as Nix string because it contains null bytes");
    message
}
