//! Errors, and the scalars that a value may fail to be.

use super::cx::{Cx, host};
use crate::abi::{Bytes, RawValue, VmContext, error_kind, tag};
use crate::value::{Type, Value};

/// The builtin failed. The error itself is recorded in the host, by the function of [`Cx`] that made this.
#[derive(Debug)]
pub struct Error {
    pub(super) marker: RawValue,
}

/// What a builtin returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn release(self) -> RawValue {
        self.marker
    }
}

/// Kinds of errors a builtin can fail with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum ErrorKind {
    /// Anything without a kind of its own.
    Eval = error_kind::EVAL,
    /// A value of the wrong type.
    Type = error_kind::TYPE,
    /// `throw`: caught by `tryEval`.
    Throw = error_kind::THROW,
    /// `abort`.
    Abort = error_kind::ABORT,
    /// An attribute that is not there.
    MissingAttribute = error_kind::MISSING_ATTRIBUTE,
    /// Reading a file, the environment, a store.
    Io = error_kind::IO,
    /// Not permitted in this mode.
    Forbidden = error_kind::FORBIDDEN,
    /// A failed assertion: caught by `tryEval`.
    Assertion = error_kind::ASSERTION,
    /// A limit.
    Limit = error_kind::LIMIT,
}

/// Records an error of [`Cx::type_error`]. Out of line and of an ABI that cannot unwind: a body that fails in no other way
/// needs no landing pad, and its way without errors saves no register.
#[cold]
#[inline(never)]
extern "C" fn wrong_type(vm: *mut VmContext, expected: u32, found: &RawValue) -> RawValue {
    // SAFETY: the context and its table are valid while the call of the builtin runs.
    unsafe { ((*(*vm).host).type_error)(vm, expected, found) }
}

impl<'f> Cx<'f> {
    /// Records an error, to be returned at once.
    #[cold]
    pub fn error(self, kind: ErrorKind, message: impl AsRef<str>) -> Error {
        let bytes = Bytes::borrow(message.as_ref().as_bytes());
        Error {
            marker: host!(self.error(kind as u32, bytes)),
        }
    }

    /// Records an error without a kind of its own.
    #[cold]
    pub fn fail(self, message: impl AsRef<str>) -> Error {
        self.error(ErrorKind::Eval, message)
    }

    /// Records an error whose message may hold any bytes (`throw` of a string that is not UTF-8).
    #[cold]
    pub fn error_bytes(self, kind: ErrorKind, message: &[u8]) -> Error {
        Error {
            marker: host!(self.error(kind as u32, Bytes::borrow(message))),
        }
    }

    /// Records "expected a list but found an integer: 1".
    #[inline(always)]
    pub fn type_error(self, expected: &[Type], found: &Value<'f>) -> Error {
        let mask = expected
            .iter()
            .fold(0, |mask, kind| mask | 1 << type_tag(*kind));
        Error {
            marker: wrong_type(self.vm, mask, found.raw()),
        }
    }

    /// `result`; an error that the builtin itself has found becomes one with the step `step` of the trace, as in "while evaluating the
    /// value of ...".
    #[inline(always)]
    pub fn told<T>(self, result: Result<T>, step: &str) -> Result<T> {
        result.map_err(|error| self.with_step(error, step))
    }

    #[cold]
    fn with_step(self, error: Error, step: &str) -> Error {
        host!(self.error_step(Bytes::borrow(step.as_bytes())));
        error
    }

    #[inline]
    pub(super) fn expect(self, value: &Value<'f>, kind: Type) -> Result<()> {
        if value.kind() == kind {
            Ok(())
        } else {
            Err(self.type_error(&[kind], value))
        }
    }

    /// The integer that `value` is.
    #[inline]
    pub fn int(self, value: &Value<'f>) -> Result<i64> {
        value
            .as_int()
            .ok_or_else(|| self.type_error(&[Type::Int], value))
    }

    /// The bool that `value` is.
    #[inline]
    pub fn bool(self, value: &Value<'f>) -> Result<bool> {
        value
            .as_bool()
            .ok_or_else(|| self.type_error(&[Type::Bool], value))
    }

    /// The number that `value` is, as a float.
    pub fn number(self, value: &Value<'f>) -> Result<f64> {
        match value.kind() {
            Type::Int => Ok(value.as_int().unwrap_or_default() as f64),
            Type::Float => Ok(value.as_float().unwrap_or_default()),
            _ => Err(self.type_error(&[Type::Float], value)),
        }
    }
}

fn type_tag(kind: Type) -> u64 {
    match kind {
        Type::Null => tag::NULL,
        Type::Bool => tag::BOOL,
        Type::Int => tag::INT,
        Type::Float => tag::FLOAT,
        Type::String => tag::STRING,
        Type::Path => tag::PATH,
        Type::List => tag::LIST,
        Type::Attrs => tag::ATTRS,
        Type::Function => tag::FUNCTION,
        Type::Thunk => tag::THUNK,
    }
}
