//! Arithmetic and `+`.

use super::coerce::{Coercion, Join, PART, cannot_coerce};
use super::drive::{Flow, or_fail};
use super::frame::Frame;
use super::machine::{Vm, WellKnown};
use super::messages::{describe, kind_of};
use crate::bytecode::OperandUse;
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Value, ValueType};
use crate::source::Pos;
use crate::text::copy_text;

/// How Nix tells of an operator that it has a builtin for: the call, and each operand.
struct Told {
    call: OperandUse,
    operands: [&'static str; 2],
}

const SUBTRACTION: Told = Told {
    call: OperandUse::Sub,
    operands: [
        "while evaluating the first argument of the subtraction",
        "while evaluating the second argument of the subtraction",
    ],
};
const MULTIPLICATION: Told = Told {
    call: OperandUse::Mul,
    operands: [
        "while evaluating the first argument of the multiplication",
        "while evaluating the second argument of the multiplication",
    ],
};
const DIVISION: Told = Told {
    call: OperandUse::Div,
    operands: [
        "while evaluating the first operand of the division",
        "while evaluating the second operand of the division",
    ],
};

impl Told {
    #[cold]
    fn error(&self, text: impl Into<String>) -> Error {
        let mut error = Error::new(ErrorKind::Eval, text);
        error.step = Some(self.call.step());
        error
    }

    #[cold]
    fn overflow(&self, doing: &str) -> Error {
        self.error(format!("integer overflow in {doing}"))
    }
}

impl WellKnown {
    /// The string that an interpolation makes of `value`, if nothing has to be evaluated for it: a string, or a set whose
    /// `outPath` is one.
    #[inline(always)]
    fn string_at_hand(&self, value: Value) -> Option<Value> {
        if value.is_string() {
            return Some(value);
        }
        self.out_path_at_hand(value)
    }

    /// The same of what is no string.
    fn out_path_at_hand(&self, value: Value) -> Option<Value> {
        let attrs = value.as_attrs()?;
        let path = attrs.get(self.out_path)?.resolved();
        (path.is_string() && attrs.get(self.to_string).is_none()).then_some(path)
    }
}

impl Vm {
    #[cold]
    fn not_a_number(&mut self, value: Value, index: usize, as_float: bool, told: &Told) -> Error {
        let expected = if as_float { "a float" } else { "an integer" };
        let found = describe(self, value);
        let mut error = told.error(format!("expected {expected} but found {found}"));
        error.kind = ErrorKind::Type;
        error.trace(Pos::NONE, told.operands[index]);
        error
    }

    /// Both operands of an arithmetic operator as floats, at least one of them being one.
    fn floats(&mut self, left: Value, right: Value, told: &Told) -> Result<(f64, f64)> {
        let Some(x) = left.as_number() else {
            return Err(self.not_a_number(left, 0, right.as_float().is_some(), told));
        };
        let Some(y) = right.as_number() else {
            return Err(self.not_a_number(right, 1, left.as_float().is_some(), told));
        };
        Ok((x, y))
    }

    pub(super) fn negate(&mut self, value: Value) -> Result<Value> {
        match value.as_int() {
            Some(number) => match number.checked_neg() {
                Some(result) => Ok(self.heap.int(result)),
                None => Err(SUBTRACTION.overflow(&format!("subtracting 0 - {number}"))),
            },
            None => {
                let zero = Value::inline_int(0).unwrap_or(Value::NULL);
                let (_, y) = self.floats(zero, value, &SUBTRACTION)?;
                Ok(self.heap.float(0.0 - y))
            }
        }
    }

    pub(super) fn subtract(&mut self, left: Value, right: Value) -> Result<Value> {
        if let (Some(x), Some(y)) = (left.as_int(), right.as_int()) {
            return match x.checked_sub(y) {
                Some(result) => Ok(self.heap.int(result)),
                None => Err(SUBTRACTION.overflow(&format!("subtracting {x} - {y}"))),
            };
        }
        let (x, y) = self.floats(left, right, &SUBTRACTION)?;
        Ok(self.heap.float(x - y))
    }

    pub(super) fn multiply(&mut self, left: Value, right: Value) -> Result<Value> {
        if let (Some(x), Some(y)) = (left.as_int(), right.as_int()) {
            return match x.checked_mul(y) {
                Some(result) => Ok(self.heap.int(result)),
                None => Err(MULTIPLICATION.overflow(&format!("multiplying {x} * {y}"))),
            };
        }
        let (x, y) = self.floats(left, right, &MULTIPLICATION)?;
        Ok(self.heap.float(x * y))
    }

    pub(super) fn divide(&mut self, left: Value, right: Value) -> Result<Value> {
        // The divisor is looked at first, as a float.
        match right.as_number() {
            None => return Err(self.not_a_number(right, 1, true, &DIVISION)),
            Some(0.0) => return Err(DIVISION.error("division by zero")),
            Some(_) => {}
        }
        if let (Some(x), Some(y)) = (left.as_int(), right.as_int()) {
            return match x.checked_div(y) {
                Some(result) => Ok(self.heap.int(result)),
                None => Err(DIVISION.overflow(&format!("dividing {x} / {y}"))),
            };
        }
        let (x, y) = self.floats(left, right, &DIVISION)?;
        Ok(self.heap.float(x / y))
    }

    #[cold]
    fn cannot_add(&self, value: Value, to: &str) -> Error {
        let kind = kind_of(self, value);
        Error::new(ErrorKind::Type, format!("cannot add {kind} to {to}")).at(self.part_position(1))
    }

    /// Where part `index` of the `+` or interpolation that the code frame on top executes begins.
    pub(super) fn part_position(&self, index: usize) -> Pos {
        match self.frames.last() {
            Some(Frame::Code(frame)) => {
                let before = frame.pc().saturating_sub(1);
                frame.code().part_position(before as u32, index)
            }
            _ => Pos::NONE,
        }
    }

    /// `left + right`: numbers add; a path takes a string; anything else joins as strings.
    pub(super) fn add(&mut self, left: Value, right: Value) -> Flow {
        match left.value_type() {
            ValueType::Int => {
                let x = left.as_int().unwrap_or_default();
                if let Some(y) = right.as_int() {
                    return match x.checked_add(y) {
                        Some(result) => Flow::Value(self.heap.int(result)),
                        None => {
                            let text = format!("integer overflow in adding {x} + {y}");
                            Flow::Failed(
                                Error::new(ErrorKind::Eval, text).at(self.part_position(1)),
                            )
                        }
                    };
                }
                if let Some(y) = right.as_float() {
                    return Flow::Value(self.heap.float(x as f64 + y));
                }
                Flow::Failed(self.cannot_add(right, "an integer"))
            }
            ValueType::Float => match right.as_number() {
                Some(y) => Flow::Value(self.heap.float(left.as_float().unwrap_or_default() + y)),
                None => Flow::Failed(self.cannot_add(right, "a float")),
            },
            ValueType::Path => match or_fail!(self.append_to_path(left, right)) {
                Some(path) => Flow::Value(path),
                None => self.interpolate(&[left, right], true),
            },
            ValueType::String => self.interpolate(&[left, right], false),
            _ => self.add_to_set(left, right),
        }
    }

    /// What can be told of the left operand of a `+` is told before anything of the right one is evaluated.
    pub(super) fn check_addend(&mut self, value: Value) -> Result<()> {
        let adds = match value.value_type() {
            ValueType::Int | ValueType::Float | ValueType::String | ValueType::Path => true,
            ValueType::Attrs => value.as_attrs().is_some_and(|attrs| {
                attrs.get(self.names.out_path).is_some()
                    || attrs.get(self.names.to_string).is_some()
            }),
            _ => false,
        };
        if adds {
            return Ok(());
        }
        let mut error = cannot_coerce(self, value);
        error.trace(self.part_position(0), PART);
        error.found = 0;
        Err(error)
    }

    /// The same where `left` is a set, if it adds at all: behind that a path is not copied to the store.
    #[inline(never)]
    fn add_to_set(&mut self, left: Value, right: Value) -> Flow {
        let at_hand = self
            .names
            .out_path_at_hand(left)
            .and(self.names.string_at_hand(right));
        match at_hand {
            Some(_) => self.interpolate(&[left, right], false),
            None => self.push_join(&[left, right], false, false),
        }
    }

    /// `path + text`, where both are there and nothing is wrong with them.
    fn append_to_path(&mut self, path: Value, text: Value) -> Result<Option<Value>> {
        let (Some(start), Some((end, 0))) = (path.as_path(), text.as_string_with_context()) else {
            return Ok(None);
        };
        if !crate::path::stays_canonical(start, end) || end.contains(&0) {
            return Ok(None);
        }
        let len = start.len() + end.len();
        self.check_string(len)?;
        let whole = self.heap.path_of(len, |out| {
            let (front, back) = out.split_at_mut(start.len());
            copy_text(start, front);
            copy_text(end, back);
        });
        Ok(Some(whole))
    }

    /// `value + number`, or `number + value` where `swapped`.
    #[inline(never)]
    pub(super) fn add_int(&mut self, value: Value, number: i64, swapped: bool) -> Flow {
        let number = self.heap.int(number);
        if swapped {
            self.add(number, value)
        } else {
            self.add(value, number)
        }
    }

    /// The string of these parts, if none of them needs anything to be evaluated.
    #[inline]
    fn join_at_hand(&mut self, parts: &[Value]) -> Result<Option<Value>> {
        let (mut context, mut len) = (0, 0);
        for part in parts {
            let Some(string) = self.names.string_at_hand(*part) else {
                return Ok(None);
            };
            if let Some((bytes, own)) = string.as_string_with_context() {
                len += bytes.len();
                if own != 0 {
                    context = self.contexts.union(context, own);
                }
            }
        }
        self.check_string(len)?;
        let names = self.names;
        let strings = parts
            .iter()
            .map(|part| names.string_at_hand(*part).unwrap_or(*part));
        Ok(Some(self.heap.string_of(strings, len, context)))
    }

    /// The parts of a string or path with interpolations, all in weak head normal form.
    #[inline(never)]
    pub(super) fn interpolate(&mut self, parts: &[Value], path: bool) -> Flow {
        if !path && let Some(string) = or_fail!(self.join_at_hand(parts)) {
            return Flow::Value(string);
        }
        self.push_join(parts, path, !path)
    }

    /// The string that `value`, which is none, is as a part of a string or, if it does not `copy_to_store`, of a path.
    pub(super) fn coerce_part(&mut self, value: Value, copy_to_store: bool) -> Flow {
        match self.names.out_path_at_hand(value) {
            Some(string) => Flow::Value(string),
            None => self.push_join(&[value], false, copy_to_store),
        }
    }

    fn push_join(&mut self, parts: &[Value], path: bool, copy_to_store: bool) -> Flow {
        let coercion = Coercion {
            more: false,
            copy_to_store,
        };
        self.push_task(|| Join::new(parts.to_vec(), path, coercion))
    }
}
