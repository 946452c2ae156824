//! Values as text: as `nix-instantiate --eval` prints them, as messages show them, and as XML. Nothing is evaluated here, and
//! nothing recurses: what is still to be printed stands on a stack.

use crate::heap::{Attrs, List, Value, ValueType};
use crate::syntax::{print_float, print_name, print_string};
use crate::vm::Vm;
use piton_plugin_api::Union;
use rustc_hash::FxHashSet;

/// How functions and thunks look, and how much is shown.
#[derive(Clone, Copy, Debug)]
pub struct PrintLimits {
    /// `<LAMBDA>` and `<CODE>`, as results of `nix-instantiate`; else `«lambda f @ file:1:2»` and `«thunk»`.
    pub plain: bool,
    /// Attributes in all.
    pub attributes: usize,
    /// List items in all.
    pub items: usize,
    /// Nesting.
    pub depth: usize,
    /// Bytes of one string.
    pub string: usize,
}

impl PrintLimits {
    /// The result of an evaluation.
    pub const RESULT: PrintLimits = PrintLimits {
        plain: true,
        ..PrintLimits::NONE
    };
    /// Everything, in the notation of messages (`builtins.trace`).
    pub const NONE: PrintLimits = PrintLimits {
        plain: false,
        attributes: usize::MAX,
        items: usize::MAX,
        depth: usize::MAX,
        string: usize::MAX,
    };
    /// A value within an error message.
    pub const MESSAGE: PrintLimits = PrintLimits {
        plain: false,
        attributes: 10,
        items: 10,
        depth: 10,
        string: 1024,
    };
}

enum Todo {
    Value(Value, usize),
    Text(&'static str),
    Name(crate::symbol::Symbol),
    /// What is left of a list from an index on, at a depth.
    Items(List, usize, usize),
    /// What is left of a set, in the order of its names, likewise.
    Attributes(Attrs, Vec<usize>, usize, usize),
}

fn elided(count: usize, singular: &str, plural: &str, out: &mut Vec<u8>) {
    let noun = if count == 1 { singular } else { plural };
    out.extend_from_slice(format!("«{count} {noun} elided» ").as_bytes());
}

/// `value` as text.
pub fn print_value(vm: &mut Vm, value: Value, limits: PrintLimits) -> Vec<u8> {
    let mut out = Vec::new();
    let mut seen = FxHashSet::default();
    // A member counts towards the limits once it is printed, with all that is in it.
    let (mut attributes, mut items) = (0, 0);
    let mut todo = vec![Todo::Value(value, 0)];
    while let Some(next) = todo.pop() {
        let (cell, value, depth) = match next {
            Todo::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                continue;
            }
            Todo::Name(name) => {
                print_name(vm.interner.name(name), &mut out);
                out.extend_from_slice(b" = ");
                continue;
            }
            Todo::Items(list, index, depth) => {
                items += usize::from(index > 0);
                match list.items().get(index) {
                    None => {}
                    Some(_) if items >= limits.items => {
                        elided(list.len() - index, "item", "items", &mut out);
                    }
                    Some(item) => {
                        todo.push(Todo::Items(list, index + 1, depth));
                        todo.push(Todo::Text(" "));
                        todo.push(Todo::Value(*item, depth));
                    }
                }
                continue;
            }
            Todo::Attributes(attrs, order, index, depth) => {
                attributes += usize::from(index > 0);
                match order.get(index).copied() {
                    None => {}
                    Some(_) if attributes >= limits.attributes => {
                        elided(order.len() - index, "attribute", "attributes", &mut out);
                    }
                    Some(slot) => {
                        todo.push(Todo::Attributes(attrs, order, index + 1, depth));
                        todo.push(Todo::Text("; "));
                        todo.push(Todo::Value(attrs.values()[slot], depth));
                        todo.push(Todo::Name(attrs.keys().entries()[slot].name));
                    }
                }
                continue;
            }
            Todo::Value(value, depth) => (value, value.resolved(), depth),
        };
        if let Some(list) = value.as_list() {
            if !list.is_empty() && !is_new(cell, list, &mut seen) {
                out.extend_from_slice("«repeated»".as_bytes());
                continue;
            }
            if depth >= limits.depth {
                out.extend_from_slice("[ ... ]".as_bytes());
                continue;
            }
            out.extend_from_slice(b"[ ");
            todo.push(Todo::Text("]"));
            todo.push(Todo::Items(list, 0, depth + 1));
        } else if let Some(attrs) = value.as_attrs() {
            let attrs = crate::value::flat(&mut vm.heap, attrs);
            if !attrs.is_empty() && !seen.insert(attrs.values().as_ptr() as usize) {
                out.extend_from_slice("«repeated»".as_bytes());
                continue;
            }
            if depth >= limits.depth {
                out.extend_from_slice("{ ... }".as_bytes());
                continue;
            }
            out.extend_from_slice(b"{ ");
            todo.push(Todo::Text("}"));
            let mut order: Vec<usize> =
                crate::value::name_order(&mut vm.heap, &vm.interner, attrs).collect();
            if limits.attributes != usize::MAX {
                // What tells most of a value is not left out: the kind of thing that it is.
                order.sort_by_key(|&slot| {
                    let name = vm.interner.name(attrs.keys().entries()[slot].name);
                    !matches!(name, b"type" | b"_type")
                });
            }
            todo.push(Todo::Attributes(attrs, order, 0, depth + 1));
        } else {
            scalar(vm, value, limits, &mut out);
        }
    }
    out
}

/// Whether a list has not come before. In Nix it is told by the cell that it is in: that is the thunk through which it was reached. Where it
/// was reached without one, that may have been any of the cells that hold it: variables are looked through once they are evaluated.
fn is_new(cell: Value, list: List, seen: &mut FxHashSet<usize>) -> bool {
    let is_new = seen.insert(list.items().as_ptr() as usize);
    match cell.as_thunk() {
        Some(thunk) => seen.insert(thunk.address()),
        None => is_new,
    }
}

fn scalar(vm: &Vm, value: Value, limits: PrintLimits, out: &mut Vec<u8>) {
    match value.value_type() {
        ValueType::Null => out.extend_from_slice(b"null"),
        ValueType::Bool => out.extend_from_slice(if value == Value::TRUE {
            b"true"
        } else {
            b"false"
        }),
        ValueType::Int => {
            out.extend_from_slice(value.as_int().unwrap_or_default().to_string().as_bytes())
        }
        ValueType::Float => print_float(value.as_float().unwrap_or_default(), out),
        ValueType::String => {
            let text = value.as_string().unwrap_or_default();
            if text.len() > limits.string {
                print_string(&text[..limits.string], out);
                let elided = text.len() - limits.string;
                out.extend_from_slice(format!(" «{elided} bytes elided»").as_bytes());
            } else {
                print_string(text, out);
            }
        }
        ValueType::Path => out.extend_from_slice(value.as_path().unwrap_or_default()),
        ValueType::Thunk => {
            let running = value.as_thunk().is_some_and(|thunk| thunk.is_running());
            out.extend_from_slice(match (limits.plain, running) {
                (true, _) => b"<CODE>",
                (false, true) => "«potential infinite recursion»".as_bytes(),
                (false, false) => "«thunk»".as_bytes(),
            });
        }
        ValueType::Function => function(vm, value, limits.plain, out),
        ValueType::List | ValueType::Attrs => {}
    }
}

fn function(vm: &Vm, value: Value, plain: bool, out: &mut Vec<u8>) {
    let (inner, applied) = match value.as_partial() {
        Some(partial) => (partial.function(), true),
        None => (value, false),
    };
    let text = match inner.as_builtin() {
        Some(builtin) => {
            let name = vm.host.name(builtin);
            match (plain, applied) {
                (true, false) => "<PRIMOP>".to_owned(),
                (true, true) => "<PRIMOP-APP>".to_owned(),
                (false, false) => format!("«primop {name}»"),
                (false, true) => format!("«partially applied primop {name}»"),
            }
        }
        None if plain => "<LAMBDA>".to_owned(),
        None => {
            let (name, pos) = vm.lambda_origin(value);
            let name = name.map_or_else(String::new, |name| {
                format!(" {}", vm.interner.display(name))
            });
            let place = vm.sources.locate(pos).map_or_else(String::new, |location| {
                format!(
                    " @ {}:{}:{}",
                    location.file.origin.display(),
                    location.line,
                    location.column
                )
            });
            format!("«lambda{name}{place}»")
        }
    };
    out.extend_from_slice(text.as_bytes());
}

/// A float with six decimals, as `toString` writes it.
pub fn fixed_float(value: f64) -> String {
    if value.is_nan() {
        return if value.is_sign_negative() {
            "-nan".to_owned()
        } else {
            "nan".to_owned()
        };
    }
    format!("{value:.6}")
}

/// How XML is written.
#[derive(Clone, Copy, Debug)]
pub struct XmlOptions {
    /// File, line and column of attributes and functions.
    pub locations: bool,
}

/// `value` as an XML document, without locations, and the union of the contexts of its strings.
pub fn xml_with_context(vm: &mut Vm, value: Value) -> (Vec<u8>, u32) {
    let mut writer = Xml {
        out: Vec::new(),
        todo: Vec::new(),
        contexts: Union::default(),
        drvs: FxHashSet::default(),
        options: XmlOptions { locations: false },
    };
    writer.document(vm, value);
    let context = vm.contexts.union_of(writer.contexts);
    (writer.out, context)
}

/// `value` as an XML document.
pub fn xml(vm: &mut Vm, value: Value, options: XmlOptions) -> Vec<u8> {
    let mut writer = Xml {
        out: Vec::new(),
        todo: Vec::new(),
        contexts: Union::default(),
        drvs: FxHashSet::default(),
        options,
    };
    writer.document(vm, value);
    writer.out
}

enum XmlTodo {
    Value(Value, usize),
    Close(&'static str, usize),
    Attr(crate::symbol::Symbol, crate::source::Pos, usize),
}

struct Xml {
    out: Vec<u8>,
    todo: Vec<XmlTodo>,
    contexts: Union<u32>,
    /// Derivations written so far, by drvPath.
    drvs: FxHashSet<Vec<u8>>,
    options: XmlOptions,
}

impl Xml {
    fn document(&mut self, vm: &mut Vm, value: Value) {
        self.out
            .extend_from_slice(b"<?xml version='1.0' encoding='utf-8'?>\n<expr>\n");
        self.todo.push(XmlTodo::Value(value, 1));
        while let Some(next) = self.todo.pop() {
            match next {
                XmlTodo::Close(name, depth) => self.line(depth, &format!("</{name}>")),
                XmlTodo::Attr(name, pos, depth) => {
                    self.indent(depth);
                    self.out.extend_from_slice(b"<attr");
                    let name = vm.interner.name(name);
                    self.located(vm, pos, Some(("name", name)));
                    self.out.extend_from_slice(b">\n");
                }
                XmlTodo::Value(value, depth) => self.value(vm, value.resolved(), depth),
            }
        }
        self.out.extend_from_slice(b"</expr>\n");
    }

    fn indent(&mut self, depth: usize) {
        self.out.resize(self.out.len() + 2 * depth, b' ');
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.indent(depth);
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'\n');
    }

    fn attribute(&mut self, key: &str, value: &[u8]) {
        self.out.push(b' ');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"=\"");
        for byte in value {
            match byte {
                b'"' => self.out.extend_from_slice(b"&quot;"),
                b'<' => self.out.extend_from_slice(b"&lt;"),
                b'>' => self.out.extend_from_slice(b"&gt;"),
                b'&' => self.out.extend_from_slice(b"&amp;"),
                // A raw line end would be read back as a space.
                b'\n' => self.out.extend_from_slice(b"&#xA;"),
                byte => self.out.push(*byte),
            }
        }
        self.out.push(b'"');
    }

    /// Attributes in the order of their names: column, line, `extra`, path.
    fn located(&mut self, vm: &Vm, pos: crate::source::Pos, extra: Option<(&str, &[u8])>) {
        let location = if self.options.locations {
            vm.sources.locate(pos)
        } else {
            None
        };
        if let Some(location) = &location {
            self.attribute("column", location.column.to_string().as_bytes());
            self.attribute("line", location.line.to_string().as_bytes());
        }
        if let Some((key, value)) = extra {
            self.attribute(key, value);
        }
        if let Some(path) = location.and_then(|location| location.file.origin.path_text()) {
            self.attribute("path", path.as_bytes());
        }
    }

    fn empty(&mut self, depth: usize, name: &str, attributes: &[(&str, &[u8])]) {
        self.indent(depth);
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        for (key, value) in attributes {
            self.attribute(key, value);
        }
        self.out.extend_from_slice(b" />\n");
    }

    fn value(&mut self, vm: &mut Vm, value: Value, depth: usize) {
        match value.value_type() {
            ValueType::Null => self.empty(depth, "null", &[]),
            ValueType::Bool => {
                let text: &[u8] = if value == Value::TRUE {
                    b"true"
                } else {
                    b"false"
                };
                self.empty(depth, "bool", &[("value", text)]);
            }
            ValueType::Int => {
                let text = value.as_int().unwrap_or_default().to_string();
                self.empty(depth, "int", &[("value", text.as_bytes())]);
            }
            ValueType::Float => {
                let mut text = Vec::new();
                print_float(value.as_float().unwrap_or_default(), &mut text);
                self.empty(depth, "float", &[("value", &text)]);
            }
            ValueType::String => {
                vm.contexts.add(&mut self.contexts, value.context());
                self.empty(
                    depth,
                    "string",
                    &[("value", value.as_string().unwrap_or_default())],
                );
            }
            ValueType::Path => self.empty(
                depth,
                "path",
                &[("value", value.as_path().unwrap_or_default())],
            ),
            ValueType::Thunk => self.empty(depth, "unevaluated", &[]),
            ValueType::List => {
                self.line(depth, "<list>");
                self.todo.push(XmlTodo::Close("list", depth));
                let items = value.as_list().map(|list| list.items()).unwrap_or_default();
                self.todo.extend(
                    items
                        .iter()
                        .rev()
                        .map(|item| XmlTodo::Value(*item, depth + 1)),
                );
            }
            ValueType::Attrs => {
                if let Some(attrs) = value.as_attrs() {
                    let attrs = crate::value::flat(&mut vm.heap, attrs);
                    self.attrs(vm, attrs, depth);
                }
            }
            ValueType::Function => self.function(vm, value, depth),
        }
    }

    fn attrs(&mut self, vm: &mut Vm, attrs: Attrs, depth: usize) {
        let names = vm.names;
        let text = |name| {
            let value: Option<Value> = attrs.get(name).map(Value::resolved);
            value.and_then(|value| value.as_string().map(<[u8]>::to_vec))
        };
        if text(names.type_).as_deref() == Some(b"derivation") {
            let (drv, out) = (text(names.drv_path), text(names.out_path));
            self.indent(depth);
            self.out.extend_from_slice(b"<derivation");
            if let Some(drv) = &drv {
                self.attribute("drvPath", drv);
            }
            if let Some(out) = &out {
                self.attribute("outPath", out);
            }
            self.out.extend_from_slice(b">\n");
            self.todo.push(XmlTodo::Close("derivation", depth));
            match drv {
                Some(drv) if !drv.is_empty() && self.drvs.insert(drv.clone()) => {
                    self.members(vm, attrs, depth)
                }
                _ => self.empty(depth + 1, "repeated", &[]),
            }
            return;
        }
        self.line(depth, "<attrs>");
        self.todo.push(XmlTodo::Close("attrs", depth));
        self.members(vm, attrs, depth);
    }

    fn members(&mut self, vm: &mut Vm, attrs: Attrs, depth: usize) {
        let order: Vec<usize> =
            crate::value::name_order(&mut vm.heap, &vm.interner, attrs).collect();
        for index in order.into_iter().rev() {
            let entry = attrs.keys().entries()[index];
            self.todo.push(XmlTodo::Close("attr", depth + 1));
            self.todo
                .push(XmlTodo::Value(attrs.values()[index], depth + 2));
            self.todo
                .push(XmlTodo::Attr(entry.name, entry.pos, depth + 1));
        }
    }

    fn function(&mut self, vm: &mut Vm, value: Value, depth: usize) {
        let Some(parameter) = vm.parameter(value) else {
            return self.empty(depth, "unevaluated", &[]);
        };
        let (_, pos) = vm.lambda_origin(value);
        self.indent(depth);
        self.out.extend_from_slice(b"<function");
        self.located(vm, pos, None);
        self.out.extend_from_slice(b">\n");
        match &parameter.formals {
            Some(formals) => {
                self.indent(depth + 1);
                self.out.extend_from_slice(b"<attrspat");
                if formals.ellipsis {
                    self.attribute("ellipsis", b"1");
                }
                if let Some(name) = parameter.name {
                    self.attribute("name", vm.interner.name(name));
                }
                self.out.extend_from_slice(b">\n");
                let mut names: Vec<&[u8]> = formals
                    .formals
                    .iter()
                    .map(|formal| vm.interner.name(formal.name))
                    .collect();
                names.sort_unstable();
                for name in names {
                    self.empty(depth + 2, "attr", &[("name", name)]);
                }
                self.line(depth + 1, "</attrspat>");
            }
            None => {
                let name = parameter
                    .name
                    .map(|name| vm.interner.name(name))
                    .unwrap_or_default();
                self.empty(depth + 1, "varpat", &[("name", name)]);
            }
        }
        self.line(depth, "</function>");
    }
}
