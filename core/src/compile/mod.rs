//! Syntax tree to bytecode. Scopes are resolved here, so undefined variables are found before anything runs, and what
//! must not be delayed is evaluated in place: a thunk is made only where laziness can be observed.

mod at_hand;
mod bindings;
mod deferred;
mod expression;
mod free;
mod function;
mod lambda;
mod operator;
mod scope;
mod selection;
mod text;
mod variable;

use crate::bytecode::{CaptureSource, CodeKind, CodePlace, Encoder, Image};
use crate::error::Result;
use crate::source::Pos;
use crate::symbol::{Interner, Symbol};
use crate::syntax::ast::{Ast, ExprId};
use deferred::{LateBodies, LeftOut};
use function::{Function, too_large};
use rustc_hash::FxHashMap;
use scope::Scopes;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// What the compiler needs to know of the surroundings.
pub struct Environment<'a> {
    /// The global variables.
    pub globals: &'a Rc<Globals>,
    /// Whether it is a text of a builtin, which sees all of them.
    pub internal: bool,
    /// Why there is no global variable of that name, where that can be told.
    pub absence: &'a dyn Fn(&[u8]) -> Option<String>,
    /// Folder that relative paths start from.
    pub base: Arc<[u8]>,
    /// Make a thunk wherever Nix makes one, also where the value could be had for nothing: for results that are printed
    /// unevaluated, where thunks can be seen.
    pub keep_thunks: bool,
    /// What `~/` stands for, or why it stands for nothing.
    pub home: std::result::Result<Arc<[u8]>, String>,
    /// Names that the root's first capture, a set, brings into scope (`scopedImport`).
    pub scope: Option<Vec<Symbol>>,
}

impl Environment<'_> {
    /// The number of the global variable of that name, if there is one.
    fn global(&self, name: Symbol) -> Option<u32> {
        match self.globals.numbers.get(&name) {
            Some((number, hidden)) if self.internal || !hidden => Some(*number),
            _ => None,
        }
    }
}

/// The global variables: `builtins`, `true`, `map` ...
#[derive(Default)]
pub struct Globals {
    /// The number of each, and whether only texts of builtins see it.
    pub numbers: FxHashMap<Symbol, (u32, bool)>,
    /// What builtin each is, by its number.
    pub builtins: Vec<Option<KnownBuiltin>>,
}

impl Globals {
    /// The builtin that variable `number` is.
    pub fn builtin(&self, number: u32) -> Option<KnownBuiltin> {
        self.builtins[number as usize]
    }
}

/// What the compiler knows of a builtin.
#[derive(Clone, Copy, Debug)]
pub struct KnownBuiltin {
    /// Its number.
    pub number: u32,
    /// How many arguments it takes.
    pub arity: usize,
    /// The first argument that it forces before it runs.
    pub first_strict: Option<usize>,
}

/// Memory that compiling needs, for one text after the other.
#[derive(Default)]
pub struct Workspace {
    encoder: Encoder,
    scopes: Scopes,
    /// The bodies that are being compiled, outermost first, then bodies that are finished, whose memory is used again: the first of
    /// these is the one finished last.
    functions: Vec<Function>,
}

/// Compiles a source text.
pub fn compile(
    ast: &Ast,
    interner: &mut Interner,
    environment: &Environment<'_>,
    work: &mut Workspace,
) -> Result<Image> {
    Compiler::new(ast, interner, environment, work).compile()
}

/// Compiles a source text but for the bodies of thunks that are large enough: those are compiled when they run. It is no text of a
/// builtin; `work` is used again then.
pub fn compile_some(
    mut ast: Ast,
    interner: &mut Interner,
    environment: &Environment<'_>,
    work: &Rc<RefCell<Workspace>>,
) -> Result<Image> {
    let mut memory = work.borrow_mut();
    let mut compiler = Compiler::new(&ast, interner, environment, &mut memory);
    compiler.defer = true;
    let mut image = compiler.compile()?;
    let bodies = compiler.left_out.bodies;
    drop(memory);
    if !bodies.is_empty() {
        ast.give_back_room();
        image.defer(Rc::new(LateBodies {
            bodies,
            ast,
            globals: environment.globals.clone(),
            base: environment.base.clone(),
            keep_thunks: environment.keep_thunks,
            work: work.clone(),
        }));
    }
    Ok(image)
}

/// Names that operators look up when a program defines them itself.
struct Names {
    sub: Symbol,
    mul: Symbol,
    div: Symbol,
    less_than: Symbol,
    find_file: Symbol,
    nix_path: Symbol,
    overrides: Symbol,
    builtins: Symbol,
}

impl Names {
    fn new(interner: &mut Interner) -> Self {
        Names {
            sub: interner.intern(b"__sub"),
            mul: interner.intern(b"__mul"),
            div: interner.intern(b"__div"),
            less_than: interner.intern(b"__lessThan"),
            find_file: interner.intern(b"__findFile"),
            nix_path: interner.intern(b"__nixPath"),
            overrides: interner.intern(b"__overrides"),
            builtins: interner.intern(b"builtins"),
        }
    }

    /// Those that a program refers to by operators and by `<...>`.
    fn of_operators(&self) -> [Symbol; 6] {
        [
            self.sub,
            self.mul,
            self.div,
            self.less_than,
            self.find_file,
            self.nix_path,
        ]
    }
}

struct Compiler<'a> {
    ast: &'a Ast,
    interner: &'a mut Interner,
    environment: &'a Environment<'a>,
    /// How many bodies are being compiled, one within the other.
    depth: usize,
    work: &'a mut Workspace,
    /// Registers of the `inherit (from)` expressions of the sets around: function level and first register.
    from: Vec<(usize, u16)>,
    /// The expression that is the whole body of the thunks begun last.
    whole: Option<ExprId>,
    names: Names,
    /// Whether bodies are left out of the image.
    defer: bool,
    left_out: LeftOut,
}

impl<'a> Compiler<'a> {
    /// A compiler that begins an image.
    fn new(
        ast: &'a Ast,
        interner: &'a mut Interner,
        environment: &'a Environment<'a>,
        work: &'a mut Workspace,
    ) -> Self {
        let names = Names::new(interner);
        work.encoder.begin(ast.start);
        work.scopes.clear();
        Compiler {
            ast,
            interner,
            environment,
            depth: 0,
            work,
            from: Vec::new(),
            whole: None,
            names,
            defer: false,
            left_out: LeftOut::default(),
        }
    }

    /// The image of the whole text.
    fn compile(&mut self) -> Result<Image> {
        let root = self.ast.root.expect("a parsed tree has a root");
        self.begin(CodeKind::Root, self.ast.pos(root));
        if let Some(scope) = &self.environment.scope {
            self.bind_scope(scope)?;
        }
        self.tail(root)?;
        let root = self.finish();
        self.image(root)
    }

    /// The image, in which `root` is the code of the whole.
    fn image(&mut self, root: CodePlace) -> Result<Image> {
        let image = self.work.encoder.finish(root);
        image.ok_or_else(|| too_large("4 GiB of code"))
    }
    /// Begins a body within the one being compiled.
    fn begin(&mut self, kind: CodeKind, pos: Pos) {
        if self.depth == self.work.functions.len() {
            self.work.functions.push(Function::default());
        }
        self.depth += 1;
        self.function().reset(kind, pos);
    }

    /// Writes the body being compiled into the image.
    fn finish(&mut self) -> CodePlace {
        self.depth -= 1;
        let finished = &mut self.work.functions[self.depth];
        self.work.encoder.code(finished.code())
    }

    /// Writes the head of the body begun last into the image, as that of body `number` of those left out.
    fn finish_without(&mut self, number: u32) -> CodePlace {
        self.depth -= 1;
        let finished = &mut self.work.functions[self.depth];
        self.work.encoder.deferred(finished.code(), number)
    }

    /// The captures of the body that was finished last.
    fn finished_captures(&mut self) -> &[CaptureSource] {
        &self.work.functions[self.depth].code().captures
    }

    fn function(&mut self) -> &mut Function {
        &mut self.work.functions[self.depth - 1]
    }

    fn level(&self) -> usize {
        self.depth - 1
    }

    /// The root's scope set arrives as capture 0 and is kept in a register.
    fn bind_scope(&mut self, names: &[Symbol]) -> Result<()> {
        let set = self.function().allocate(1)?;
        self.function().reserve_capture();
        self.function()
            .emit_abc(crate::bytecode::Op::Capture, set, 0, 0, Pos::NONE);
        for name in names {
            self.work
                .scopes
                .bind(*name, 0, scope::Place::Attribute { set, name: *name });
        }
        Ok(())
    }
}
