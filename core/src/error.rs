//! Errors of parsing and evaluation: one word wide, so that a `Result` stays small on every path that succeeds.

use crate::source::Pos;

/// What kind of failure it is; `tryEval` catches [`ErrorKind::Throw`] and [`ErrorKind::Assertion`] alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The text is not Nix.
    Parse,
    /// A variable that no scope binds.
    UndefinedVariable,
    /// A value of the wrong type.
    Type,
    /// An attribute that is not there.
    MissingAttribute,
    /// `throw`.
    Throw,
    /// `assert` that does not hold.
    Assertion,
    /// `abort`.
    Abort,
    /// A value that needs itself.
    InfiniteRecursion,
    /// Call depth, memory, nesting: a limit that the message names.
    Limit,
    /// Reading a file, the environment, a store.
    Io,
    /// Something that this evaluation mode or a capability does not permit.
    Forbidden,
    /// A plugin that cannot load, or one that broke its contract or panicked.
    Plugin,
    /// The command line, an option.
    Usage,
    /// All else: wrong arguments to builtins, arithmetic overflow, division by zero.
    Eval,
}

impl ErrorKind {
    /// Whether `builtins.tryEval` turns it into `success = false`.
    pub fn is_catchable(self) -> bool {
        matches!(self, ErrorKind::Throw | ErrorKind::Assertion)
    }
}

/// Which reports show a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rank {
    /// All, where the program says it itself: `builtins.addErrorContext`.
    Context,
    /// All, as far as there is room.
    Step,
    /// Those with `--show-trace`: calls of lambdas.
    Call,
}

/// A step on the way to the failure: "while evaluating ...", and where.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Where.
    pub pos: Pos,
    /// What was being done.
    pub text: String,
    /// When it is shown.
    pub rank: Rank,
}

/// The parts of an [`Error`].
#[derive(Clone, Debug)]
pub struct ErrorData {
    /// Its kind.
    pub kind: ErrorKind,
    /// The message, without "error: ".
    pub message: String,
    /// Where it happened.
    pub pos: Pos,
    /// The traces tell the place already: an error of a builtin happened where that was called.
    pub place_told: bool,
    /// What the expression did that failed: its place is that of this step, and the error itself has none.
    pub step: Option<&'static str>,
    /// The builtin that the error passes next has added a line of its own, and is no step.
    pub builtin_told: bool,
    /// The function that the error comes from has not been entered: its argument is none that it takes.
    pub not_entered: bool,
    /// The error comes from a call that no expression makes, as those of `map` are: where the function stands.
    pub applied: Option<Pos>,
    /// The word of the value that is of a wrong type: if it is an argument of the builtin that the error passes next, that one is told.
    pub found: u64,
    /// From the innermost step outwards.
    pub traces: Vec<Trace>,
    /// Names that were probably meant ("Did you mean ...?").
    pub suggestions: Vec<String>,
    /// What the user can do about it.
    pub hint: Option<String>,
}

/// A failure of parsing or evaluation.
#[derive(Clone, Debug)]
pub struct Error(Box<ErrorData>);

/// What fails with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a place; who knows the place adds it with [`Error::at`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(ErrorData {
            kind,
            message: message.into(),
            pos: Pos::NONE,
            place_told: false,
            step: None,
            builtin_told: false,
            not_entered: false,
            applied: None,
            found: 0,
            traces: Vec::new(),
            suggestions: Vec::new(),
            hint: None,
        }))
    }

    /// The same error at `pos`, unless it has a place already.
    #[must_use]
    pub fn at(mut self, pos: Pos) -> Self {
        if let Some(step) = self.0.step.take() {
            self.0.place_told = true;
            self.trace(pos, step);
        }
        if !self.0.pos.is_some() && !self.0.place_told {
            self.0.pos = pos;
        }
        self
    }

    /// The same error with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a step outwards.
    pub fn trace(&mut self, pos: Pos, text: impl Into<String>) {
        self.0.traces.push(Trace {
            pos,
            text: text.into(),
            rank: Rank::Step,
        });
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl std::ops::Deref for Error {
    type Target = ErrorData;
    fn deref(&self) -> &ErrorData {
        &self.0
    }
}

impl std::ops::DerefMut for Error {
    fn deref_mut(&mut self) -> &mut ErrorData {
        &mut self.0
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}
