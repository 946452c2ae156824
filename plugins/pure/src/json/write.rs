//! `builtins.toJSON`. What is being printed stands on an explicit stack, so that depth costs memory alone.

use super::nesting::Nesting;
use super::{escape, number};
use piton_plugin_api::abi::coerce;
use piton_plugin_api::{
    Attribute, Cx, ErrorKind, Result, StringContext, Type, Union, Value, builtin,
};
use std::io::Write;

builtin! {
    /// `e` as JSON text. Attributes are sorted by their names. A path is copied to the store and becomes its store path; a set with
    /// `__toString` becomes the string that it makes, one with `outPath` (a derivation) what that is. Contexts of strings are
    /// kept. Functions, and strings that are not UTF-8, have no JSON.
    name = "toJSON", since = "0.1.0",
    example = "builtins.toJSON { version = [ 1 2.5 null ]; name = \"x\"; }"
        => "\"{\\\"name\\\":\\\"x\\\",\\\"version\\\":[1,2.5,null]}\"",
    async fn to_json<'f>(cx, e: lazy) {
        let (text, context) = print(cx, e.clone()).await?;
        Ok(cx.string_with(text, context))
    }
}

/// A container that is being printed.
enum Open<'f> {
    List {
        list: Value<'f>,
        next: usize,
        len: usize,
    },
    Set(std::vec::IntoIter<Attribute<'f>>),
}

async fn print<'f>(cx: Cx<'f>, root: Value<'f>) -> Result<(Vec<u8>, StringContext)> {
    let mut printer = Printer {
        cx,
        out: Vec::new(),
        contexts: Union::default(),
        complaint: None,
    };
    let to_string = cx.symbol("__toString");
    let out_path = cx.symbol("outPath");
    let mut open: Vec<Open<'f>> = Vec::new();
    let mut nesting = Nesting::new();
    let mut current = root;
    loop {
        if let Some(level) = nesting.deeper() {
            cx.check_nesting(level).await?;
        }
        let value = cx.evaluate(current).await?;
        match value.kind() {
            Type::Path => {
                let copied = cx.coerce_to_string(&value, coerce::COPY_TO_STORE).await?;
                printer.string(&copied)?;
            }
            Type::List => {
                let len = cx.list_len(&value)?;
                printer.out.push(b'[');
                nesting.enter();
                open.push(Open::List {
                    list: value,
                    next: 0,
                    len,
                });
            }
            Type::Attrs if cx.attrs_get(&value, to_string).is_some() => {
                let text = cx.coerce_to_string(&value, 0).await?;
                printer.string(&text)?;
            }
            Type::Attrs => {
                if let Some(path) = cx.attrs_get(&value, out_path) {
                    nesting.replace();
                    current = path;
                    continue;
                }
                printer.out.push(b'{');
                nesting.enter();
                open.push(Open::Set(cx.attrs_items(&value)?.into_iter()));
            }
            _ => printer.scalar(&value)?,
        }
        // On to the next value, out of the containers that are complete.
        nesting.settle();
        current = loop {
            match open.last_mut() {
                None => return printer.finish(),
                Some(Open::List { list, next, len }) if *next < *len => {
                    if *next > 0 {
                        printer.out.push(b',');
                    }
                    *next += 1;
                    break cx.list_get(list, *next - 1);
                }
                Some(Open::List { .. }) => printer.out.push(b']'),
                Some(Open::Set(attributes)) => match attributes.next() {
                    Some(attribute) => {
                        if printer.out.last() != Some(&b'{') {
                            printer.out.push(b',');
                        }
                        printer.text(cx.name(attribute.name));
                        printer.out.push(b':');
                        break attribute.value;
                    }
                    None => printer.out.push(b'}'),
                },
            }
            open.pop();
            nesting.leave();
        };
    }
}

struct Printer<'f> {
    cx: Cx<'f>,
    out: Vec<u8>,
    contexts: Union<StringContext>,
    /// Why the first string that is not UTF-8 cannot be printed. Reported last: errors of evaluation come first, as in Nix.
    complaint: Option<String>,
}

impl<'f> Printer<'f> {
    fn text(&mut self, bytes: &[u8]) {
        if self.complaint.is_none() {
            self.complaint = escape::push_string(&mut self.out, bytes).err();
        }
    }

    fn string(&mut self, value: &Value<'f>) -> Result<()> {
        self.cx.add_context(&mut self.contexts, value);
        self.text(self.cx.bytes(value)?);
        Ok(())
    }

    fn scalar(&mut self, value: &Value<'f>) -> Result<()> {
        match value.kind() {
            Type::Null => self.out.extend_from_slice(b"null"),
            Type::Bool => {
                let text: &[u8] = if self.cx.bool(value)? {
                    b"true"
                } else {
                    b"false"
                };
                self.out.extend_from_slice(text);
            }
            Type::Int => {
                // Writing to a vector cannot fail.
                let _ = write!(self.out, "{}", self.cx.int(value)?);
            }
            Type::Float => number::push_float(&mut self.out, self.cx.number(value)?),
            Type::String => self.string(value)?,
            _ => {
                let what = function_name(self.cx, value)?;
                let message = [b"cannot convert ", what.as_slice(), b" to JSON"].concat();
                return Err(self.cx.error_bytes(ErrorKind::Type, &message));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(Vec<u8>, StringContext)> {
        match self.complaint {
            None => Ok((self.out, self.cx.context_union_of(self.contexts))),
            Some(complaint) => Err(self
                .cx
                .fail(format!("JSON serialization error: {complaint}"))),
        }
    }
}

/// What a message calls a function.
fn function_name<'f>(cx: Cx<'f>, function: &Value<'f>) -> Result<Vec<u8>> {
    let rendered = cx.render(function, false);
    let text = cx.bytes(&rendered)?;
    for (start, kind) in [
        ("«primop ", "the built-in function '"),
        (
            "«partially applied primop ",
            "the partially applied built-in function '",
        ),
    ] {
        if let Some(name) = text
            .strip_prefix(start.as_bytes())
            .and_then(|name| name.strip_suffix("»".as_bytes()))
        {
            return Ok([kind.as_bytes(), name, b"'"].concat());
        }
    }
    Ok(b"a function".to_vec())
}
