//! Code as text.

use super::code::{CaptureSource, CodeKind, Constant};
use super::image::{CodePlace, Head, Image};
use super::instruction::{Instruction, Op, Operands};
use crate::symbol::{Interner, Symbol};
use std::fmt::Write;

/// A listing of the code of `image` and, below it, of all code it makes. Numbers name it: children get dotted ones.
pub fn disassemble(image: &Image, interner: &Interner) -> String {
    let mut out = String::new();
    let mut pending = vec![(String::from("0"), image.root().place)];
    while let Some((path, place)) = pending.pop() {
        let mut captures = Vec::new();
        let head = image.head(place, &mut captures);
        header(&mut out, &path, &head, &captures, interner);
        let mut body = image.body(place);
        body.formals();
        let children: Vec<CodePlace> = body.children().collect();
        let constants: Vec<Constant<'_>> = body.constants().collect();
        for _ in 0..body.shapes() {
            body.shape().for_each(drop);
        }
        let selects: Vec<Symbol> = body.selects().collect();
        for (at, instruction) in body.instructions().enumerate() {
            let line = line(at, instruction, &constants, &selects, interner);
            let _ = writeln!(out, "  {at:4}  {line}");
        }
        for (index, child) in children.into_iter().enumerate().rev() {
            pending.push((format!("{path}.{index}"), child));
        }
    }
    out
}

fn header(
    out: &mut String,
    path: &str,
    code: &Head,
    captures: &[CaptureSource],
    interner: &Interner,
) {
    let kind = match code.kind {
        CodeKind::Root => "root".to_owned(),
        CodeKind::Thunk => "thunk".to_owned(),
        CodeKind::Variable(name) => format!("variable {}", interner.display(name)),
        CodeKind::Binding(name) => format!("binding {}", interner.display(name)),
        CodeKind::Lambda => match code.name {
            Some(name) => format!("lambda {} / {}", interner.display(name), code.arity),
            None => format!("lambda / {}", code.arity),
        },
    };
    let _ = writeln!(
        out,
        "code {path}: {kind}, {} registers, captures {captures:?}",
        code.registers
    );
}

fn line(
    at: usize,
    instruction: Instruction,
    constants: &[Constant<'_>],
    selects: &[Symbol],
    interner: &Interner,
) -> String {
    let Instruction { op, x, a, b, c } = instruction;
    let wide = instruction.wide();
    let target = (at + 1).wrapping_add_signed(instruction.offset());
    let name = op.name();
    let site = |index: u16| {
        selects
            .get(usize::from(index))
            .map_or_else(String::new, |name| interner.display(*name))
    };
    let mut text = match op.operands() {
        Operands::None => name.to_owned(),
        Operands::A => format!("{name:<16} r{a}"),
        Operands::AB if op == Op::Capture => format!("{name:<16} r{a} <- capture {b}"),
        Operands::AB => format!("{name:<16} r{a} <- r{b}"),
        Operands::ABC if op == Op::Attrs => format!("{name:<16} r{a} <- shape {c} from r{b}"),
        Operands::ABC if op == Op::Formals => format!("{name:<16} r{a} -> formals {c} from r{b}"),
        Operands::ABC => format!("{name:<16} r{a} <- r{b}, r{c}"),
        Operands::AW => format!("{name:<16} r{a}, {wide}"),
        Operands::AInt => format!("{name:<16} r{a} <- r{b}, {}", c as i16),
        Operands::Target => format!("{name:<16} {}", target),
        Operands::ATarget => format!("{name:<16} r{a}, {}", target),
        Operands::ARange => format!("{name:<16} r{a} <- r{b} and {c}"),
        Operands::ASelect => format!("{name:<16} r{a} <- r{b} .{}", site(c)),
    };
    if x != 0 {
        let _ = write!(text, "  x{x}");
    }
    if matches!(op, Op::Const | Op::ConstIfUnset | Op::AssertFailed)
        && let Some(constant) = constants.get(wide as usize)
    {
        let _ = write!(text, "  ; {}", describe(constant));
    }
    text
}

fn describe(constant: &Constant<'_>) -> String {
    match constant {
        Constant::Int(value) => value.to_string(),
        Constant::Float(value) => value.to_string(),
        Constant::String(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Constant::Path(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Constant::Bool(value) => value.to_string(),
        Constant::List(members) => {
            let mut text = "[ ".to_owned();
            for member in Constant::members(members) {
                let _ = write!(text, "{} ", describe(&member));
            }
            text + "]"
        }
        Constant::Global(index) => format!("global {index}"),
    }
}
