//! `builtins.toXML`. The host renders; what is left to do here is to evaluate as much as Nix does, in its order.

use crate::json::Nesting;
use piton_plugin_api::{Attribute, Cx, Result, Symbol, Type, Value, builtin};
use rustc_hash::FxHashSet;

builtin! {
    /// `e` as an XML document, contexts of strings kept. Functions appear with the names of their arguments only, and a
    /// derivation that occurs again is not repeated.
    name = "toXML", since = "0.1.0", example = "builtins.toXML { a = 1; }"
        => "\"<?xml version='1.0' encoding='utf-8'?>\\n<expr>\\n  <attrs>\\n    <attr name=\\\"a\\\">\\n      <int value=\\\"1\\\" />\\n    </attr>\\n  </attrs>\\n</expr>\\n\"",
    async fn to_xml<'f>(cx, e: any) {
        evaluate(cx, e).await?;
        Ok(cx.render(e, true))
    }
}

/// A container whose elements are being evaluated.
enum Open<'f> {
    List {
        list: Value<'f>,
        next: usize,
        len: usize,
    },
    Set(std::vec::IntoIter<Attribute<'f>>),
}

/// Evaluates everything but the attributes of derivations that were there before, which Nix leaves alone.
async fn evaluate<'f>(cx: Cx<'f>, root: &Value<'f>) -> Result<()> {
    let names = Names {
        kind: cx.symbol("type"),
        drv_path: cx.symbol("drvPath"),
        out_path: cx.symbol("outPath"),
    };
    let mut seen: FxHashSet<Vec<u8>> = FxHashSet::default();
    let mut open: Vec<Open<'f>> = Vec::new();
    let mut nesting = Nesting::new();
    let mut current = root.clone();
    loop {
        if let Some(level) = nesting.deeper() {
            cx.check_nesting(level).await?;
        }
        let value = cx.evaluate(current).await?;
        match value.kind() {
            Type::List => {
                nesting.enter();
                let len = cx.list_len(&value)?;
                open.push(Open::List {
                    list: value,
                    next: 0,
                    len,
                });
            }
            Type::Attrs if names.is_repeated(cx, &value, &mut seen).await? => {}
            Type::Attrs => {
                nesting.enter();
                open.push(Open::Set(cx.attrs_items(&value)?.into_iter()));
            }
            _ => {}
        }
        nesting.settle();
        current = loop {
            match open.last_mut() {
                None => return Ok(()),
                Some(Open::List { list, next, len }) if *next < *len => {
                    *next += 1;
                    break cx.list_get(list, *next - 1);
                }
                Some(Open::List { .. }) => {}
                Some(Open::Set(attributes)) => {
                    if let Some(attribute) = attributes.next() {
                        break attribute.value;
                    }
                }
            }
            open.pop();
            nesting.leave();
        };
    }
}

/// The attributes that make a set a derivation.
struct Names {
    kind: Symbol,
    drv_path: Symbol,
    out_path: Symbol,
}

impl Names {
    /// Whether `set` is a derivation whose attributes are not shown: because they were, or because it has no path.
    async fn is_repeated<'f>(
        &self,
        cx: Cx<'f>,
        set: &Value<'f>,
        seen: &mut FxHashSet<Vec<u8>>,
    ) -> Result<bool> {
        match string_attribute(cx, set, self.kind).await? {
            Some(kind) if cx.bytes(&kind)? == b"derivation" => {}
            _ => return Ok(false),
        }
        let drv_path = string_attribute(cx, set, self.drv_path).await?;
        string_attribute(cx, set, self.out_path).await?;
        Ok(match drv_path {
            Some(path) => {
                let path = cx.bytes(&path)?;
                path.is_empty() || !seen.insert(path.to_vec())
            }
            None => true,
        })
    }
}

/// The attribute `name`, evaluated, if it is a string.
async fn string_attribute<'f>(
    cx: Cx<'f>,
    set: &Value<'f>,
    name: Symbol,
) -> Result<Option<Value<'f>>> {
    let Some(value) = cx.attrs_get(set, name) else {
        return Ok(None);
    };
    let value = cx.force(&value).await?;
    Ok((value.kind() == Type::String).then_some(value))
}
