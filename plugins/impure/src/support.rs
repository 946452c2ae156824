//! What several builtins share.

use piton_plugin_api::{Cx, Error, ErrorKind, Result, Type, Value};

/// Forces `value`, which must turn out to be of the type `kind`.
pub async fn forced<'f>(cx: Cx<'f>, value: &Value<'f>, kind: Type) -> Result<Value<'f>> {
    let value = cx.force(value).await?;
    if value.kind() == kind {
        Ok(value)
    } else {
        Err(cx.type_error(&[kind], &value))
    }
}

/// The bytes of a string that must have no context: a name, not a thing of the store.
pub fn plain<'v, 'f>(cx: Cx<'f>, string: &'v Value<'f>) -> Result<&'v [u8]> {
    let bytes = cx.bytes(string)?;
    match cx.context_elements(cx.context(string)).first() {
        None => Ok(bytes),
        Some(element) => Err(refers_to_store(cx, bytes, element)),
    }
}

#[cold]
fn refers_to_store(cx: Cx<'_>, string: &[u8], element: &[u8]) -> Error {
    let mut message = b"the string '".to_vec();
    message.extend_from_slice(string);
    message.extend_from_slice(b"' is not allowed to refer to a store path (such as '");
    message.extend_from_slice(&displayed(element));
    message.extend_from_slice(b"')");
    cx.error_bytes(ErrorKind::Eval, &message)
}

/// An element of a context as messages show it: `path`, `path (deep)` or `path^output`.
fn displayed(element: &[u8]) -> Vec<u8> {
    match element {
        [b'=', path @ ..] => [path, b" (deep)"].concat(),
        [b'!', rest @ ..] => {
            // An output of an output has the names on the way there behind its own.
            let parts: Vec<&[u8]> = rest.rsplit(|byte| *byte == b'!').collect();
            parts.join(&b'^')
        }
        path => path.to_vec(),
    }
}

/// An error whose text was put together from bytes.
#[cold]
pub fn failure(cx: Cx<'_>, kind: ErrorKind, parts: &[&[u8]]) -> Error {
    cx.error_bytes(kind, &parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_elements_in_messages() {
        assert_eq!(displayed(b"!dev!/p.drv"), b"/p.drv^dev");
        assert_eq!(displayed(b"!x!out!/p.drv"), b"/p.drv^out^x");
        assert_eq!(displayed(b"=/p.drv"), b"/p.drv (deep)");
        assert_eq!(displayed(b"/p"), b"/p");
    }
}
