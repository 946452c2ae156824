//! Bodies that are compiled when they first run. Of the large sets that package collections are made of, an evaluation needs a few
//! members; of the others only the names that they refer to are looked up, so that an undefined variable is an error of the file, and
//! what a thunk of them captures is known.

use super::free::Search;
use super::scope::Place;
use super::{Compiler, Environment, Globals, Workspace};
use crate::bytecode::{CaptureSource, CodeKind, CodePlace, Deferred, Image};
use crate::error::Result;
use crate::source::Pos;
use crate::symbol::{Interner, Symbol};
use crate::syntax::ast::{Ast, ExprId};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// What is smaller is compiled at once: that takes little longer than to look at it.
const LEAST: usize = 16;
/// What is larger is compiled at once: of what is not, the compiler's limits are far away, so that it compiles.
const MOST: usize = 8192;

/// A body that is not compiled yet.
pub struct Body {
    id: ExprId,
    kind: CodeKind,
    pos: Pos,
    /// The variables that it captures, with the numbers of the captures.
    variables: Box<[(Symbol, u16)]>,
    /// The captures that are `with` scopes, outermost first.
    withs: Box<[(u16, Pos)]>,
    captures: u16,
}

/// What is left out of the image that is being compiled.
#[derive(Default)]
pub(super) struct LeftOut {
    pub(super) bodies: Vec<Body>,
    /// How much has been looked at in vain. What nests deeply would be looked at again and again.
    vain: usize,
}

impl Compiler<'_> {
    /// Leaves the body of thunks of `id` out of the image, if that is worth it.
    pub(super) fn leave_out(
        &mut self,
        id: ExprId,
        kind: CodeKind,
        pos: Pos,
    ) -> Result<Option<CodePlace>> {
        if !self.defer || self.left_out.vain > self.ast.exprs.len() {
            return Ok(None);
        }
        // Operators that the program defines itself are referred to without being named.
        let operators = self.names.of_operators();
        if operators
            .iter()
            .any(|name| self.work.scopes.find(*name).is_some())
        {
            return Ok(None);
        }
        let search = Search::new(self.ast, &mut self.work.scopes, self.environment);
        let (free, size) = search.run(id, MOST);
        let Some(free) = free.filter(|_| size >= LEAST) else {
            self.left_out.vain += size;
            return Ok(None);
        };
        let withs = match free.withs {
            true => self.work.scopes.withs.clone(),
            false => Vec::new(),
        };
        let number = self.left_out.bodies.len() as u32;
        self.begin(kind, pos);
        let mut variables = Vec::with_capacity(free.variables.len());
        for (name, level, register) in free.variables {
            variables.push((name, self.capture(level, register)?));
        }
        let withs: Result<_> = withs
            .into_iter()
            .map(|(level, register, pos)| Ok((self.capture(level, register)?, pos)))
            .collect();
        let withs = withs?;
        let place = self.finish_without(number);
        let body = Body {
            id,
            kind,
            pos,
            variables: variables.into(),
            withs,
            captures: self.finished_captures().len() as u16,
        };
        self.left_out.bodies.push(body);
        Ok(Some(place))
    }

    /// Captures a register of the body at `level` through the bodies in between; answers the number of the capture of this one.
    pub(super) fn capture(&mut self, level: usize, register: u16) -> Result<u16> {
        let mut source = CaptureSource::Register(register);
        let mut index = 0;
        for function in &mut self.work.functions[level + 1..self.depth] {
            index = function.capture(source)?;
            source = CaptureSource::Capture(index);
        }
        Ok(index)
    }
}

/// The bodies that were left out of an image, and what compiling them takes.
pub struct LateBodies {
    pub(super) ast: Ast,
    pub(super) bodies: Vec<Body>,
    pub(super) globals: Rc<Globals>,
    pub(super) base: Arc<[u8]>,
    pub(super) keep_thunks: bool,
    pub(super) work: Rc<RefCell<Workspace>>,
}

impl Deferred for LateBodies {
    fn compile(&self, number: u32, interner: &mut Interner) -> Image {
        let body = &self.bodies[number as usize];
        let environment = Environment {
            globals: &self.globals,
            internal: false,
            absence: &|_| None,
            base: self.base.clone(),
            keep_thunks: self.keep_thunks,
            // A body with a path from home on is not left out.
            home: Err(String::new()),
            scope: None,
        };
        let work = &mut *self.work.borrow_mut();
        let image = Compiler::new(&self.ast, interner, &environment, work).late(body);
        image.expect("what is put off is small, and its names are known")
    }
}

impl Compiler<'_> {
    /// The image of a body that was left out. All that it captures are registers of one body around it.
    fn late(mut self, body: &Body) -> Result<Image> {
        self.begin(CodeKind::Root, Pos::NONE);
        for (name, capture) in &body.variables {
            self.work.scopes.bind(*name, 0, Place::Register(*capture));
        }
        let withs = body.withs.iter().map(|(capture, pos)| (0, *capture, *pos));
        self.work.scopes.withs.extend(withs);
        self.begin(body.kind, body.pos);
        for capture in 0..body.captures {
            self.function().capture(CaptureSource::Register(capture))?;
        }
        self.whole = Some(body.id);
        self.tail(body.id)?;
        let root = self.finish();
        self.image(root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Origin, SourceMap};
    use crate::syntax::{ParseMemory, ParseOptions};

    /// The variables and the number of `with` scopes that each body takes which is left out of `text`.
    fn left_out(text: &str) -> Result<Vec<(Vec<String>, usize)>> {
        let mut sources = SourceMap::default();
        let file = sources
            .add(Origin::String, text.to_owned().into())
            .expect("small");
        let mut interner = Interner::new();
        let options = ParseOptions::default();
        let mut memory = ParseMemory::default();
        let ast = crate::syntax::parse(file, &mut interner, &options, &mut memory)?;
        let global = interner.intern(b"builtins");
        let globals = Rc::new(Globals {
            numbers: [(global, (0, false))].into_iter().collect(),
            builtins: vec![None],
        });
        let environment = Environment {
            globals: &globals,
            internal: false,
            absence: &|_| None,
            base: b"/".as_slice().into(),
            keep_thunks: false,
            home: Ok(b"/home".as_slice().into()),
            scope: None,
        };
        let mut work = Workspace::default();
        let mut compiler = Compiler::new(&ast, &mut interner, &environment, &mut work);
        compiler.defer = true;
        compiler.compile()?;
        let bodies = compiler.left_out.bodies;
        let names = |body: &Body| {
            let mut names: Vec<String> = body
                .variables
                .iter()
                .map(|(name, _)| interner.display(*name).to_string())
                .collect();
            names.sort();
            names
        };
        Ok(bodies
            .iter()
            .map(|body| (names(body), body.withs.len()))
            .collect())
    }

    /// What the only body takes that is left out of `p: q: <member>`, if it is.
    fn of_member(member: &str) -> Option<(Vec<String>, usize)> {
        let bodies = left_out(&format!("p: q: {member}")).expect("it compiles");
        assert!(bodies.len() <= 1, "one body at most: {member}");
        bodies.into_iter().next()
    }

    /// A list that is large enough to be left out, with `item`.
    fn large(item: &str) -> String {
        format!("[ (x: x) (x: x) (x: x) (x: x) (x: x) (x: x) (x: x) (x: x) ({item}) ]")
    }

    #[test]
    fn what_is_bound_within_is_not_captured() {
        for (item, names) in [
            ("1", &[][..]),
            ("p + p + q", &["p", "q"]),
            ("builtins", &[]),
            ("p: q: p q", &[]),
            ("{ p, q ? p }: q", &[]),
            ("{ r ? p, ... }: r", &["p"]),
            ("let p = q; in p", &["q"]),
            ("rec { p = q; q = 1; }", &[]),
            ("rec { inherit q; p = q; }", &["q"]),
            ("let inherit (p) q; in q", &["p"]),
            ("rec { inherit (q) p; q = 1; }", &[]),
            ("{ p = 1; r = p; }", &["p"]),
            ("{ inherit p; ${q} = 1; }", &["p", "q"]),
            ("\"${p}\" + ./a/${q}", &["p", "q"]),
            ("(p: p).${q} or p ? ${p}", &["p", "q"]),
            ("if p then -q else !q", &["p", "q"]),
            ("assert p; with q; r", &["p", "q"]),
            ("let r = 1; in with q; r", &["q"]),
        ] {
            let taken = of_member(&format!("{{ a = {}; }}", large(item)));
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(taken, Some((names, 0)), "{item}");
        }
    }

    #[test]
    fn names_without_a_place_take_all_scopes_around() {
        let around = |item| of_member(&format!("with p; with q; {{ a = {}; }}", large(item)));
        assert_eq!(around("r"), Some((vec![], 2)));
        assert_eq!(around("p"), Some((vec!["p".to_owned()], 0)));
        assert_eq!(around("with p; r"), Some((vec!["p".to_owned()], 2)));
    }

    #[test]
    fn what_may_fail_or_depends_on_more_is_compiled_at_once() {
        for item in ["~/a", "~/a${p}", "<a>"] {
            let member = format!("__findFile: __nixPath: {{ a = {}; }}", large(item));
            assert_eq!(of_member(&member), None, "{item}");
        }
        for name in ["__sub", "__mul", "__div", "__lessThan"] {
            let member = format!("{name}: {{ a = {}; }}", large("p - q"));
            assert_eq!(of_member(&member), None, "{name}");
        }
        let overridden = format!("rec {{ __overrides = {{ }}; b = p; a = {}; }}", large("b"));
        assert_eq!(of_member(&overridden), None);
        assert_eq!(of_member("{ a = p q; }"), None, "it is small");
        let items = "p ".repeat(MOST);
        assert_eq!(of_member(&format!("{{ a = [ {items} ]; }}")), None);
    }

    #[test]
    fn an_undefined_variable_is_an_error_at_once() {
        let text = format!("{{ a = {}; }}", large("nowhere"));
        let error = left_out(&text).expect_err("it names what is not there");
        assert_eq!(error.message, "undefined variable 'nowhere'");
    }

    #[test]
    fn what_nests_deeply_is_not_looked_at_again_and_again() {
        // Each level is too large to be left out but for the last ones.
        let depth = 3 * MOST;
        let text = format!("{}1{}", "{ a = [ ".repeat(depth), " ]; }".repeat(depth));
        assert_eq!(left_out(&text).expect("it compiles").len(), 0);
    }
}
