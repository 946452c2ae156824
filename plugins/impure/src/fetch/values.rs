//! Attributes of inputs as values of the language, and the other way round.

use super::attrs::{Attr, Attrs};
use piton_plugin_api::{Attribute, Cx, Result, Type, Value};

/// The set of these attributes.
pub fn to_value<'f>(cx: Cx<'f>, attrs: &Attrs) -> Value<'f> {
    let members: Vec<Attribute<'f>> = attrs
        .0
        .iter()
        .map(|(name, attr)| {
            let value = match attr {
                Attr::Text(text) => cx.string(text),
                Attr::Int(number) => Value::int(i64::try_from(*number).unwrap_or(i64::MAX)),
                Attr::Bool(value) => Value::bool(*value),
            };
            Attribute::new(cx.symbol(name), value)
        })
        .collect();
    cx.attrs(&members)
}

/// The attributes of a set whose members are strings, integers and Booleans; contexts of strings do not count. `what` says in
/// messages what the attributes are of.
pub async fn from_value<'f>(cx: Cx<'f>, set: &Value<'f>, what: &str) -> Result<Attrs> {
    let mut attrs = Attrs::default();
    for attribute in cx.attrs_items(set)? {
        let value = cx.force(&attribute.value).await?;
        let name = String::from_utf8_lossy(cx.name(attribute.name)).into_owned();
        let attr = match value.kind() {
            Type::Int => match u64::try_from(value.as_int().unwrap_or_default()) {
                Ok(number) => Attr::Int(number),
                Err(_) => {
                    let number = value.as_int().unwrap_or_default();
                    return Err(
                        cx.fail(format!("negative value given for {what} {name}: {number}"))
                    );
                }
            },
            Type::Bool => Attr::Bool(value.as_bool().unwrap_or_default()),
            Type::String => Attr::Text(text(cx, &value)?),
            kind => {
                let kind = type_name(kind);
                return Err(cx.fail(format!(
                    "flake reference attribute sets may only contain integers, Booleans, and strings, but attribute '{name}' is {kind}"
                )));
            }
        };
        attrs.0.insert(name, attr);
    }
    Ok(attrs)
}

/// A string or path as text. References are text: what is no UTF-8 is none.
pub fn text<'f>(cx: Cx<'f>, value: &Value<'f>) -> Result<String> {
    let bytes = cx.bytes(value)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => {
            let shown = String::from_utf8_lossy(bytes);
            Err(cx.fail(format!("'{shown}' is not valid UTF-8")))
        }
    }
}

/// A type with its article.
pub fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Null => "null",
        Type::Bool => "a Boolean",
        Type::Int => "an integer",
        Type::Float => "a float",
        Type::String => "a string",
        Type::Path => "a path",
        Type::List => "a list",
        Type::Attrs => "a set",
        Type::Function => "a function",
        Type::Thunk => "a thunk",
    }
}
