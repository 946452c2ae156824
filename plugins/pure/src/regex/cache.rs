//! Compiled expressions, kept for each thread: programs use few expressions, many times.

use super::backtrack::{Exhausted, Program};
use super::syntax::{self, ByteSet, Node, Parsed, Refusal};
use super::translate;
use regex::bytes::{CaptureLocations, Regex};
use rustc_hash::FxHashMap;
use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

/// Expressions beyond this are compiled anew: somebody makes them up as he goes.
const MAX_CACHED: usize = 2048;

type Cache = FxHashMap<Box<[u8]>, Result<Rc<Expression>, Refusal>>;

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::new(FxHashMap::default());
}

/// The expression that `pattern` is.
pub fn get(pattern: &[u8]) -> Result<Rc<Expression>, Refusal> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(found) = cache.get(pattern) {
            return found.clone();
        }
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        let made = Expression::new(pattern).map(Rc::new);
        cache.insert(pattern.into(), made.clone());
        made
    })
}

/// An expression; each use of it is compiled when first needed.
pub struct Expression {
    parsed: Parsed,
    whole: OnceCell<Result<Engine, Refusal>>,
    search: OnceCell<Result<Engine, Refusal>>,
}

/// What runs an expression.
struct Engine {
    /// The `regex` crate: tells everything, or only whether and where there is a match.
    regex: Regex,
    /// Tells where a match ends and what its groups are, where libstdc++ and the crate differ in that.
    exact: Option<Program>,
}

impl Expression {
    fn new(pattern: &[u8]) -> Result<Self, Refusal> {
        Ok(Expression {
            parsed: syntax::parse(pattern)?,
            whole: OnceCell::new(),
            search: OnceCell::new(),
        })
    }

    /// How many groups it has.
    pub fn groups(&self) -> usize {
        self.parsed.groups
    }

    /// Matches all of `text`: calls `group` with the range of each group in turn, and answers whether it matches.
    pub fn match_whole(
        &self,
        text: &[u8],
        mut group: impl FnMut(Option<Range<usize>>),
    ) -> Result<bool, Refusal> {
        let engine = self.whole.get_or_init(|| self.engine(true));
        let engine = engine.as_ref().map_err(|refusal| *refusal)?;
        if self.groups() == 0 {
            return Ok(engine.regex.is_match(text));
        }
        if let Some(program) = &engine.exact {
            if !engine.regex.is_match(text) {
                return Ok(false);
            }
            let run = program.run(text, 0, true, false, &mut program.memory(text));
            if let Ok(Some(captures)) = run {
                captures.into_iter().skip(1).for_each(group);
                return Ok(true);
            }
        }
        let mut locations = engine.regex.capture_locations();
        if engine.regex.captures_read(&mut locations, text).is_none() {
            return Ok(false);
        }
        (1..=self.groups()).for_each(|index| group(range(&locations, index)));
        Ok(true)
    }

    /// Finds every match in `text`: calls `found` with the ranges of each and of its groups.
    pub fn find_all(
        &self,
        text: &[u8],
        mut found: impl FnMut(Range<usize>, &dyn Fn(usize) -> Option<Range<usize>>),
    ) -> Result<(), Refusal> {
        let engine = self.search.get_or_init(|| self.engine(false));
        let engine = engine.as_ref().map_err(|refusal| *refusal)?;
        // They take memory, and most expressions have no groups.
        let mut locations = (self.groups() > 0).then(|| engine.regex.capture_locations());
        let mut exact = engine
            .exact
            .as_ref()
            .map(|program| (program, program.memory(text)));
        let mut from = 0;
        // After an empty match libstdc++ tries the same place again for one that is not empty, then goes on behind it.
        let mut not_empty = false;
        while from <= text.len() {
            from = if let Some((program, memory)) = &mut exact {
                let start = match not_empty {
                    true => Some(from),
                    false => engine.regex.find_at(text, from).map(|whole| whole.start()),
                };
                let Some(start) = start else { break };
                match program.run(text, start, false, not_empty, memory) {
                    Ok(Some(captures)) => {
                        let whole = captures[0].clone().unwrap_or(start..start);
                        let end = whole.end;
                        found(whole, &|index| captures[index].clone());
                        not_empty = start == end;
                        if not_empty && end == text.len() {
                            break;
                        }
                        end
                    }
                    Ok(None) => {
                        not_empty = false;
                        start + 1
                    }
                    Err(Exhausted) => {
                        exact = None;
                        from + usize::from(not_empty)
                    }
                }
            } else {
                let whole = match &mut locations {
                    None => engine.regex.find_at(text, from),
                    Some(locations) => engine.regex.captures_read_at(locations, text, from),
                };
                let Some(whole) = whole else { break };
                found(whole.range(), &|index| {
                    locations
                        .as_ref()
                        .and_then(|locations| range(locations, index))
                });
                // Where the crate is in charge, a repetition takes all it can: after an empty match there is no other.
                whole.end() + usize::from(whole.is_empty())
            };
        }
        Ok(())
    }

    fn engine(&self, whole: bool) -> Result<Engine, Refusal> {
        let regex = translate::compile(&self.parsed, whole)?;
        let root = &self.parsed.root;
        let differs = root.any(&repeats_nothing) || !whole && root.any(&chooses);
        let exact = differs.then(|| Program::new(root, self.groups())).flatten();
        Ok(Engine { regex, exact })
    }
}

fn range(locations: &CaptureLocations, index: usize) -> Option<Range<usize>> {
    locations.get(index).map(|(start, end)| start..end)
}

/// Whether `node` repeats something with groups that may take no byte: what the last round leaves in the groups differs.
fn repeats_nothing(node: &Node) -> bool {
    match node {
        Node::Plus(node) | Node::Repeat { node, .. } => {
            node.is_nullable() && node.any(&|inner| matches!(inner, Node::Group(..)))
        }
        _ => false,
    }
}

/// Whether `node` is a choice of branches of which more than one could match at a place.
fn chooses(node: &Node) -> bool {
    let Node::Alternatives(branches) = node else {
        return false;
    };
    let mut seen = ByteSet::default();
    branches.iter().any(|branch| {
        let first = branch.first_bytes();
        let ambiguous = branch.is_nullable() || !seen.is_disjoint(first);
        seen = seen.union(first);
        ambiguous
    })
}
