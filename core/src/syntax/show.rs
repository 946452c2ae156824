//! A tree as the text that `nix-instantiate --parse` prints. Not a formatter: it shows how the source was understood.

use super::ast::{
    Ast, AttrName, AttrsNode, BinaryOp, BindingKind, Expr, ExprId, Formals, Part, Run,
};
use super::build::is_call_in_nix;
use super::literal::resolve_path;
use crate::symbol::{Interner, Symbol};

/// Words that need quotes where a name stands.
const RESERVED: [&[u8]; 9] = [
    b"if", b"then", b"else", b"assert", b"with", b"let", b"in", b"rec", b"inherit",
];

/// The whole tree as text. Relative paths are taken from `base_dir`, those that begin with `~/` from `home_dir`.
pub fn show(ast: &Ast, interner: &Interner, base_dir: &[u8], home_dir: &[u8]) -> Vec<u8> {
    let mut printer = Printer {
        ast,
        interner,
        base_dir,
        home_dir,
        out: Vec::new(),
        todo: Vec::new(),
    };
    if let Some(root) = ast.root {
        printer.run(vec![Item::Expr(root)]);
    }
    printer.out
}

/// One expression as text, for the message of an assertion that failed.
pub fn show_expression(ast: &Ast, interner: &Interner, id: ExprId) -> Vec<u8> {
    let mut printer = Printer {
        ast,
        interner,
        base_dir: b"",
        home_dir: b"~",
        out: Vec::new(),
        todo: Vec::new(),
    };
    printer.run(vec![Item::Expr(id)]);
    printer.out
}

/// `symbol` as Nix prints names: quoted unless it could stand in a source as it is.
pub fn symbol_text(interner: &Interner, symbol: Symbol) -> String {
    let mut out = Vec::new();
    print_name(interner.name(symbol), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// `path` for messages.
pub(super) fn attr_path_text(ast: &Ast, interner: &Interner, path: &[AttrName]) -> String {
    let mut printer = Printer {
        ast,
        interner,
        base_dir: b"",
        home_dir: b"~",
        out: Vec::new(),
        todo: Vec::new(),
    };
    let mut items = Vec::new();
    printer.attr_path(path, &mut items);
    printer.run(items);
    String::from_utf8_lossy(&printer.out).into_owned()
}

/// Appends a name, quoted unless it could stand in a source as it is.
pub fn print_name(name: &[u8], out: &mut Vec<u8>) {
    let plain = match name {
        [first, rest @ ..] => {
            (first.is_ascii_alphabetic() || *first == b'_')
                && rest
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'\'' | b'-'))
                && !RESERVED.contains(&name)
        }
        [] => false,
    };
    if plain {
        out.extend_from_slice(name);
    } else {
        print_string(name, out);
    }
}

/// Appends a string literal.
pub fn print_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'$' if text.get(at + 1) == Some(&b'{') => out.extend_from_slice(b"\\$"),
            other => out.push(*other),
        }
    }
    out.push(b'"');
}

/// Appends a float with six significant digits and no trailing zeros, as C's `%g` does.
pub fn print_float(value: f64, out: &mut Vec<u8>) {
    let scientific = format!("{value:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        // Not a number, or infinite: Rust and C agree but for the case.
        out.extend_from_slice(scientific.to_lowercase().as_bytes());
        return;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let digits = usize::try_from(5 - exponent).unwrap_or(0);
        out.extend_from_slice(trim_fraction(&format!("{value:.digits$}")).as_bytes());
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let text = format!("{}e{sign}{:02}", trim_fraction(mantissa), exponent.abs());
        out.extend_from_slice(text.as_bytes());
    }
}

fn trim_fraction(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// Something still to be printed.
#[derive(Clone, Copy)]
enum Item {
    Expr(ExprId),
    Word(&'static str),
    Name(Symbol),
    Literal(Run),
}

/// Prints with a stack of its own: trees can be deeper than the native stack.
struct Printer<'a> {
    ast: &'a Ast,
    interner: &'a Interner,
    base_dir: &'a [u8],
    home_dir: &'a [u8],
    out: Vec<u8>,
    todo: Vec<Item>,
}

impl Printer<'_> {
    fn run(&mut self, items: Vec<Item>) {
        self.todo.extend(items.into_iter().rev());
        let mut items = Vec::new();
        while let Some(item) = self.todo.pop() {
            match item {
                Item::Word(word) => self.out.extend_from_slice(word.as_bytes()),
                Item::Name(symbol) => print_name(self.interner.name(symbol), &mut self.out),
                Item::Literal(run) => print_string(self.ast.text(run), &mut self.out),
                Item::Expr(id) => {
                    self.expr(id, &mut items);
                    self.todo.extend(items.drain(..).rev());
                }
            }
        }
    }

    fn path_text(&mut self, kind: super::ast::PathKind, text: Run) {
        let path = resolve_path(kind, self.ast.text(text), self.base_dir, self.home_dir);
        self.out.extend_from_slice(&path);
    }

    fn expr(&mut self, id: ExprId, items: &mut Vec<Item>) {
        use Item::{Literal, Name, Word};
        let expr = self.ast.expr(id);
        if is_call_in_nix(&expr) {
            items.push(Word("("));
            self.call_in_nix(&expr, items);
            items.push(Word(")"));
            return;
        }
        match expr {
            Expr::Int(value) => self.out.extend_from_slice(value.to_string().as_bytes()),
            Expr::Float(value) => print_float(value, &mut self.out),
            Expr::Str(run) => items.push(Literal(run)),
            Expr::Path(kind, run) => self.path_text(kind, run),
            Expr::StrInterp(parts) => {
                items.push(Word("("));
                for (index, part) in self.ast.parts[parts.range()].iter().enumerate() {
                    self.part(index, *part, items);
                }
                items.push(Word(")"));
            }
            Expr::PathInterp(kind, parts) => {
                let parts = &self.ast.parts[parts.range()];
                self.out.push(b'(');
                if let Some(Part::Literal(run)) = parts.first() {
                    self.path_text(kind, *run);
                }
                for (index, part) in parts.iter().enumerate().skip(1) {
                    self.part(index, *part, items);
                }
                items.push(Word(")"));
            }
            Expr::Var(name) | Expr::InheritFrom { name, .. } => items.push(Name(name)),
            Expr::Select {
                base,
                path,
                default,
            } => {
                items.extend([Word("("), Item::Expr(base), Word(").")]);
                self.attr_path(&self.ast.names[path.range()], items);
                if let Some(default) = default {
                    items.extend([Word(" or ("), Item::Expr(default), Word(")")]);
                }
            }
            Expr::HasAttr { base, path } => {
                items.extend([Word("(("), Item::Expr(base), Word(") ? ")]);
                self.attr_path(&self.ast.names[path.range()], items);
                items.push(Word(")"));
            }
            Expr::Lambda {
                param,
                formals,
                body,
            } => {
                items.push(Word("("));
                if let Some(formals) = formals {
                    self.formals(formals, items);
                    if param.is_some() {
                        items.push(Word(" @ "));
                    }
                }
                items.extend(param.map(Name));
                items.extend([Word(": "), Item::Expr(body), Word(")")]);
            }
            Expr::Call { callee, args } => {
                items.push(Word("("));
                let function = self.ast.expr(callee);
                let args = &self.ast.ids[args.range()];
                match is_call_in_nix(&function) && !self.is_or(args[0]) {
                    true => self.call_in_nix(&function, items),
                    false => items.push(Item::Expr(callee)),
                }
                for arg in args {
                    items.extend([Word(" "), Item::Expr(*arg)]);
                }
                items.push(Word(")"));
            }
            Expr::List(elements) => {
                items.push(Word("[ "));
                for element in &self.ast.ids[elements.range()] {
                    items.extend([Word("("), Item::Expr(*element), Word(") ")]);
                }
                items.push(Word("]"));
            }
            Expr::Attrs(attrs) => {
                items.push(Word(if attrs.recursive { "rec { " } else { "{ " }));
                self.bindings(attrs, items);
                items.push(Word("}"));
            }
            Expr::Let { bindings, body } => {
                items.push(Word("(let "));
                self.bindings(bindings, items);
                items.extend([Word("in "), Item::Expr(body), Word(")")]);
            }
            Expr::With { scope, body } => {
                items.extend([
                    Word("(with "),
                    Item::Expr(scope),
                    Word("; "),
                    Item::Expr(body),
                    Word(")"),
                ]);
            }
            Expr::If {
                condition,
                then,
                otherwise,
            } => {
                items.extend([
                    Word("(if "),
                    Item::Expr(condition),
                    Word(" then "),
                    Item::Expr(then),
                ]);
                items.extend([Word(" else "), Item::Expr(otherwise), Word(")")]);
            }
            Expr::Assert { condition, body } => {
                items.extend([
                    Word("assert "),
                    Item::Expr(condition),
                    Word("; "),
                    Item::Expr(body),
                ]);
            }
            Expr::Not(inner) => items.extend([Word("(! "), Item::Expr(inner), Word(")")]),
            Expr::Binary(op, left, right) => match op {
                BinaryOp::LessEq => less_than("(! (__lessThan ", right, left, "))", items),
                BinaryOp::GreaterEq => less_than("(! (__lessThan ", left, right, "))", items),
                _ => {
                    items.extend([
                        Word("("),
                        Item::Expr(left),
                        Word(operator(op)),
                        Item::Expr(right),
                        Word(")"),
                    ]);
                }
            },
            Expr::CurPos => items.push(Word("__curPos")),
            Expr::Negate(_) | Expr::SearchPath(_) => {}
        }
    }

    /// What Nix has as a call, without its parentheses: arguments can follow.
    fn call_in_nix(&self, expr: &Expr, items: &mut Vec<Item>) {
        match *expr {
            Expr::Negate(inner) => items.extend([Item::Word("__sub 0 "), Item::Expr(inner)]),
            Expr::SearchPath(run) => {
                items.extend([Item::Word("__findFile __nixPath "), Item::Literal(run)])
            }
            Expr::Binary(BinaryOp::Greater, left, right) => {
                less_than("__lessThan ", right, left, "", items)
            }
            Expr::Binary(op, left, right) => {
                let function = match op {
                    BinaryOp::Sub => "__sub ",
                    BinaryOp::Mul => "__mul ",
                    BinaryOp::Div => "__div ",
                    _ => "__lessThan ",
                };
                less_than(function, left, right, "", items);
            }
            _ => {}
        }
    }

    /// Whether `id` is the variable of `callee or`, a call that joins no other. Nothing else makes a variable of that name.
    fn is_or(&self, id: ExprId) -> bool {
        matches!(self.ast.expr(id), Expr::Var(name) if self.interner.name(name) == b"or")
    }

    fn part(&self, index: usize, part: Part, items: &mut Vec<Item>) {
        if index > 0 {
            items.push(Item::Word(" + "));
        }
        items.push(match part {
            Part::Literal(run) => Item::Literal(run),
            Part::Expr(inner, _) => Item::Expr(inner),
        });
    }

    fn attr_path(&self, path: &[AttrName], items: &mut Vec<Item>) {
        for (index, name) in path.iter().enumerate() {
            if index > 0 {
                items.push(Item::Word("."));
            }
            match *name {
                AttrName::Static(name) => items.push(Item::Name(name)),
                AttrName::Dynamic(expr) => {
                    items.extend([Item::Word("\"${"), Item::Expr(expr), Item::Word("}\"")])
                }
            }
        }
    }

    fn formals(&self, formals: Formals, items: &mut Vec<Item>) {
        let mut sorted = self.ast.formals[formals.list.range()].to_vec();
        sorted.sort_by_key(|formal| self.interner.name(formal.name));
        items.push(Item::Word("{ "));
        for (index, formal) in sorted.iter().enumerate() {
            if index > 0 {
                items.push(Item::Word(", "));
            }
            items.push(Item::Name(formal.name));
            if let Some(default) = formal.default {
                items.extend([Item::Word(" ? "), Item::Expr(default)]);
            }
        }
        if formals.ellipsis {
            items.push(Item::Word(if sorted.is_empty() { "..." } else { ", ..." }));
        }
        items.push(Item::Word(" }"));
    }

    /// Inherited names first, then those of each source, then the rest; each group sorted by name.
    fn bindings(&self, attrs: AttrsNode, items: &mut Vec<Item>) {
        let mut sorted = self.ast.bindings[attrs.bindings.range()].to_vec();
        sorted.sort_by_key(|binding| self.interner.name(binding.name));
        let mut inherited = sorted
            .iter()
            .filter(|binding| binding.kind == BindingKind::Inherited)
            .peekable();
        if inherited.peek().is_some() {
            items.push(Item::Word("inherit"));
            for binding in inherited {
                items.extend([Item::Word(" "), Item::Name(binding.name)]);
            }
            items.push(Item::Word("; "));
        }
        let sources = &self.ast.ids[attrs.inherit_from.range()];
        let mut by_source: Vec<(u32, Symbol)> = Vec::new();
        for binding in &sorted {
            if let (BindingKind::InheritedFrom, Expr::InheritFrom { from, .. }) =
                (binding.kind, self.ast.expr(binding.value))
            {
                by_source.push((from, binding.name));
            }
        }
        by_source.sort_by_key(|(from, _)| *from);
        for group in by_source.chunk_by(|left, right| left.0 == right.0) {
            items.extend([
                Item::Word("inherit ("),
                Item::Expr(sources[group[0].0 as usize]),
                Item::Word(")"),
            ]);
            for (_, name) in group {
                items.extend([Item::Word(" "), Item::Name(*name)]);
            }
            items.push(Item::Word("; "));
        }
        for binding in sorted
            .iter()
            .filter(|binding| binding.kind == BindingKind::Plain)
        {
            items.extend([
                Item::Name(binding.name),
                Item::Word(" = "),
                Item::Expr(binding.value),
                Item::Word("; "),
            ]);
        }
        for binding in &self.ast.dynamic_bindings[attrs.dynamic.range()] {
            items.extend([
                Item::Word("\"${"),
                Item::Expr(binding.name),
                Item::Word("}\" = "),
            ]);
            items.extend([Item::Expr(binding.value), Item::Word("; ")]);
        }
    }
}

fn less_than(
    open: &'static str,
    left: ExprId,
    right: ExprId,
    close: &'static str,
    items: &mut Vec<Item>,
) {
    items.extend([
        Item::Word(open),
        Item::Expr(left),
        Item::Word(" "),
        Item::Expr(right),
        Item::Word(close),
    ]);
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => " + ",
        BinaryOp::Sub => " - ",
        BinaryOp::Mul => " * ",
        BinaryOp::Div => " / ",
        BinaryOp::Eq => " == ",
        BinaryOp::NotEq => " != ",
        BinaryOp::Less => " < ",
        BinaryOp::LessEq => " <= ",
        BinaryOp::Greater => " > ",
        BinaryOp::GreaterEq => " >= ",
        BinaryOp::And => " && ",
        BinaryOp::Or => " || ",
        BinaryOp::Implies => " -> ",
        BinaryOp::Update => " // ",
        BinaryOp::Concat => " ++ ",
    }
}
