//! What several builtins share: arguments that are forced late, names without context, required attributes.

use crate::names::written;
use piton_plugin_api::{
    Answer, Attribute, Coerced, Cx, Error, ErrorKind, Forced, Result, Symbol, Type, Value,
};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Forces `value`, which must turn out to be of the type `kind`.
#[inline(always)]
pub fn forced<'f>(
    cx: Cx<'f>,
    value: Value<'f>,
    kind: Type,
) -> Checked<'f, impl Fn(Cx<'f>, &Value<'f>) -> Result<()>> {
    Checked {
        cx,
        value: cx.evaluate(value),
        check: move |cx: Cx<'f>, value: &Value<'f>| of_type(cx, value, kind),
    }
}

/// `value`, if it is of the type `kind`.
#[inline]
pub fn typed<'f>(cx: Cx<'f>, value: Value<'f>, kind: Type) -> Result<Value<'f>> {
    of_type(cx, &value, kind)?;
    Ok(value)
}

#[inline(always)]
fn of_type<'f>(cx: Cx<'f>, value: &Value<'f>, kind: Type) -> Result<()> {
    if value.kind() == kind {
        Ok(())
    } else {
        Err(cx.type_error(&[kind], value))
    }
}

/// Forces `value`, which must be something that can be called: a function, or a set with `__functor`.
#[inline(always)]
pub fn function<'f>(
    cx: Cx<'f>,
    value: &Value<'f>,
) -> Checked<'f, impl Fn(Cx<'f>, &Value<'f>) -> Result<()>> {
    Checked {
        cx,
        value: cx.force(value),
        check: callable,
    }
}

/// A value that is forced, and then has to pass a check. An `async fn` would be a state machine of its own within that of the builtin.
pub struct Checked<'f, C> {
    cx: Cx<'f>,
    value: Forced<'f>,
    check: C,
}

impl<'f, C: Fn(Cx<'f>, &Value<'f>) -> Result<()> + Unpin> Future for Checked<'f, C> {
    type Output = Result<Value<'f>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match Pin::new(&mut self.value).poll(context) {
            Poll::Ready(Ok(value)) => Poll::Ready((self.check)(self.cx, &value).map(|()| value)),
            unfinished => unfinished,
        }
    }
}

/// Fails unless `value` can be called.
#[inline]
pub fn callable<'f>(cx: Cx<'f>, value: &Value<'f>) -> Result<()> {
    let fits = match value.kind() {
        Type::Function => true,
        Type::Attrs => cx.attribute(value, cx.symbol("__functor")).is_some(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(cx.type_error(&[Type::Function], value))
    }
}

/// A predicate that is asked about one value after the other.
pub struct Predicate<'v, 'f> {
    cx: Cx<'f>,
    f: &'v Value<'f>,
    /// What is told where it answers no bool.
    step: &'static str,
    /// It may be a builtin that answers at once, as `isString` is.
    at_once: bool,
}

impl<'v, 'f> Predicate<'v, 'f> {
    /// The predicate that `f`, which can be called, is. `step` is told where it answers no bool.
    #[inline]
    pub fn new(cx: Cx<'f>, f: &'v Value<'f>, step: &'static str) -> Self {
        Predicate {
            cx,
            f,
            step,
            at_once: true,
        }
    }

    /// Whether it holds for `value`.
    #[inline(always)]
    pub fn holds<'p>(&'p mut self, value: &Value<'f>) -> Holds<'p, 'v, 'f> {
        if self.at_once {
            match self.cx.call_at_once(self.f, [value]) {
                Some(answer) => return Holds::Told(answer.and_then(|told| self.bool(&told))),
                None => self.at_once = false,
            }
        }
        Holds::Asked(self, self.cx.call(self.f, [value]))
    }

    #[inline(always)]
    fn bool(&self, answer: &Value<'f>) -> Result<bool> {
        self.cx.told(self.cx.bool(answer), self.step)
    }
}

/// What a predicate says.
pub enum Holds<'p, 'v, 'f> {
    /// It has said so at once.
    Told(Result<bool>),
    /// It is being called.
    Asked(&'p Predicate<'v, 'f>, Answer<'f>),
}

impl Future for Holds<'_, '_, '_> {
    type Output = Result<bool>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Holds::Told(told) => Poll::Ready(std::mem::replace(told, Ok(false))),
            Holds::Asked(predicate, answer) => match Pin::new(answer).poll(context) {
                Poll::Ready(told) => Poll::Ready(told.and_then(|told| predicate.bool(&told))),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

/// What a builtin has told that its tables take.
#[derive(Default)]
pub struct Held {
    told: usize,
}

impl Held {
    /// So much more is taken before it is told again.
    const STEP: usize = 1 << 16;

    /// What is to be told by [`Cx::hold`] now that tables take `bytes`, if that is enough. What has been freed is the allocator's for a while:
    /// so it never becomes less.
    #[inline]
    pub fn grown(&mut self, bytes: usize) -> Option<usize> {
        let bytes = bytes / Self::STEP * Self::STEP;
        let grown = bytes > self.told;
        self.told = self.told.max(bytes);
        grown.then_some(bytes)
    }
}

/// Coerces with the options of `abi::coerce`; a string, also one behind a finished thunk, costs no suspension.
#[inline]
pub fn coerced<'f>(cx: Cx<'f>, value: &Value<'f>, options: u64) -> Coerced<'f> {
    if value.is_thunk() {
        cx.coerce_to_string(&cx.peek(value), options)
    } else {
        cx.coerce_to_string(value, options)
    }
}

/// The bytes of a string that becomes a name, so that its context would be lost: it must have none.
#[inline]
pub fn plain<'v, 'f>(cx: Cx<'f>, string: &'v Value<'f>) -> Result<&'v [u8]> {
    without_context(cx, string)?;
    cx.bytes(string)
}

/// Fails where a string that becomes a name has a context.
#[inline]
pub fn without_context<'f>(cx: Cx<'f>, string: &Value<'f>) -> Result<()> {
    if cx.context(string).is_empty() {
        Ok(())
    } else {
        Err(refers_to_store(cx, string))
    }
}

/// The symbol of a string without context.
#[inline]
pub fn plain_symbol<'f>(cx: Cx<'f>, string: &Value<'f>) -> Result<Symbol> {
    match cx.string_symbol(string) {
        Some(symbol) => Ok(symbol),
        // It has a context, or is no string: that is told.
        None => Ok(cx.symbol(plain(cx, string)?)),
    }
}

#[cold]
fn refers_to_store<'f>(cx: Cx<'f>, string: &Value<'f>) -> Error {
    let elements = cx.context_elements(cx.context(string));
    let example = elements.iter().min_by_key(|element| rank(element));
    let mut message = b"the string '".to_vec();
    message.extend_from_slice(cx.bytes(string).unwrap_or_default());
    message.extend_from_slice(b"' is not allowed to refer to a store path (such as '");
    message.extend_from_slice(&displayed(example.copied().unwrap_or_default()));
    message.extend_from_slice(b"')");
    cx.error_bytes(ErrorKind::Eval, &message)
}

/// Plain paths are named in messages first, then whole derivations, then single outputs.
fn rank(element: &[u8]) -> u8 {
    match element.first() {
        Some(b'=') => 1,
        Some(b'!') => 2,
        _ => 0,
    }
}

/// An element of a context as messages show it: `path`, `path (deep)` or `path^output`.
fn displayed(element: &[u8]) -> Vec<u8> {
    match ContextElement::parse(element) {
        ContextElement::Path(path) => path.to_vec(),
        ContextElement::Deep(path) => [path, b" (deep)"].concat(),
        ContextElement::Output {
            path,
            output,
            inner: None,
        } => [path, b"^", output].concat(),
        ContextElement::Output {
            path,
            output,
            inner: Some(inner),
        } => {
            let way: Vec<&[u8]> = inner.rsplit(|byte| *byte == b'!').collect();
            [path, b"^", &way.join(&b'^'), b"^", output].concat()
        }
    }
}

/// An element of a string context, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContextElement<'a> {
    /// A store path as such.
    Path(&'a [u8]),
    /// A derivation with everything that it can build: `=path`.
    Deep(&'a [u8]),
    /// One output of a derivation: `!output!path`. An output of an output is `!output!...!output!path`.
    Output {
        /// The derivation that the way begins at.
        path: &'a [u8],
        /// The output's name.
        output: &'a [u8],
        /// Those of the outputs on the way there, which are derivations, the last one first; with `!` between them.
        inner: Option<&'a [u8]>,
    },
}

impl<'a> ContextElement<'a> {
    /// Reads Nix's notation.
    pub fn parse(element: &'a [u8]) -> Self {
        match element {
            [b'=', path @ ..] => ContextElement::Deep(path),
            [b'!', rest @ ..] => {
                let (rest, path) = cut(rest, rest.iter().rposition(|&byte| byte == b'!'));
                let (output, inner) = cut(rest, rest.iter().position(|&byte| byte == b'!'));
                ContextElement::Output {
                    path: path.unwrap_or_default(),
                    output,
                    inner,
                }
            }
            path => ContextElement::Path(path),
        }
    }
}

/// What is before and behind the byte at `at`.
fn cut(text: &[u8], at: Option<usize>) -> (&[u8], Option<&[u8]>) {
    match at {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// The attribute `name` of `set`, without which the builtin cannot go on.
pub fn required<'f>(cx: Cx<'f>, set: &Value<'f>, name: &str) -> Result<Attribute<'f>> {
    cx.attribute(set, cx.symbol(name))
        .ok_or_else(|| missing(cx, name.as_bytes()))
}

/// The error "attribute 'name' missing".
#[cold]
pub fn missing(cx: Cx<'_>, name: &[u8]) -> Error {
    let message = [b"attribute '", written(name).as_slice(), b"' missing"].concat();
    cx.error_bytes(ErrorKind::MissingAttribute, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_elements_are_taken_apart() {
        let output = ContextElement::Output {
            path: b"/p.drv",
            output: b"out",
            inner: None,
        };
        let nested = ContextElement::Output {
            path: b"/p.drv",
            output: b"x",
            inner: Some(b"dev!out"),
        };
        assert_eq!(ContextElement::parse(b"!x!dev!out!/p.drv"), nested);
        assert_eq!(ContextElement::parse(b"!out!/p.drv"), output);
        assert_eq!(
            ContextElement::parse(b"=/p.drv"),
            ContextElement::Deep(b"/p.drv")
        );
        assert_eq!(ContextElement::parse(b"/p"), ContextElement::Path(b"/p"));
    }

    #[test]
    fn context_elements_in_messages() {
        assert_eq!(displayed(b"!dev!/p.drv"), b"/p.drv^dev");
        assert_eq!(displayed(b"!x!dev!out!/p.drv"), b"/p.drv^out^dev^x");
        assert_eq!(displayed(b"=/p.drv"), b"/p.drv (deep)");
        assert_eq!(displayed(b"/p"), b"/p");
    }
}
