//! Compiled expressions, kept for each thread: programs use few expressions, many times.

use super::backtrack::{Memory, Program};
use super::syntax::{self, ByteSet, Node, Parsed, Refusal};
use super::translate;
use regex::bytes::{CaptureLocations, Regex};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// Expressions beyond this are compiled anew: somebody makes them up as he goes.
const MAX_CACHED: usize = 2048;

type Cache = HashMap<Box<[u8]>, Result<Rc<Expression>, Refusal>>;

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::new(HashMap::new());
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
enum Engine {
    /// The `regex` crate, where it answers as libstdc++ does.
    Crate(Regex),
    /// The crate to find where a match starts, and the exact search to find where it ends and what its groups are.
    Exact(Regex, Program),
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
        let regex = match engine.as_ref().map_err(|refusal| *refusal)? {
            Engine::Exact(regex, program) => {
                if !regex.is_match(text) {
                    return Ok(false);
                }
                if let Some(captures) = program.run(text, 0, true, false, &mut Memory::new()) {
                    captures.into_iter().skip(1).for_each(group);
                    return Ok(true);
                }
                regex
            }
            Engine::Crate(regex) => regex,
        };
        if self.groups() == 0 {
            return Ok(regex.is_match(text));
        }
        let mut locations = regex.capture_locations();
        if regex.captures_read(&mut locations, text).is_none() {
            return Ok(false);
        }
        (1..=self.groups()).for_each(|index| group(range(&locations, index)));
        Ok(true)
    }

    /// Finds every match in `text`: calls `found` with the range of each and of its groups.
    pub fn find_all(
        &self,
        text: &[u8],
        mut found: impl FnMut(Range<usize>, &dyn Fn(usize) -> Option<Range<usize>>),
    ) -> Result<(), Refusal> {
        let engine = self.search.get_or_init(|| self.engine(false));
        match engine.as_ref().map_err(|refusal| *refusal)? {
            Engine::Crate(regex) => {
                let mut locations = regex.capture_locations();
                let mut from = 0;
                while from <= text.len() {
                    let whole = if self.groups() == 0 {
                        regex.find_at(text, from)
                    } else {
                        regex.captures_read_at(&mut locations, text, from)
                    };
                    let Some(whole) = whole else { break };
                    found(whole.range(), &|index| range(&locations, index));
                    // After an empty match libstdc++ tries the same place for one that is not empty; there is none, as every
                    // repetition has taken what it could.
                    from = whole.end() + usize::from(whole.is_empty());
                }
            }
            Engine::Exact(regex, program) => {
                let mut memory = Memory::new();
                let mut from = 0;
                let mut not_empty_at = None;
                while from <= text.len() {
                    if let Some(place) = not_empty_at.take() {
                        if let Some(captures) = program.run(text, place, false, true, &mut memory) {
                            let whole = captures[0].clone().unwrap_or(place..place);
                            found(whole.clone(), &|index| captures[index].clone());
                            from = whole.end;
                            continue;
                        }
                        from = place + 1;
                        continue;
                    }
                    let Some(start) = regex.find_at(text, from).map(|whole| whole.start()) else {
                        break;
                    };
                    let Some(captures) = program.run(text, start, false, false, &mut memory) else {
                        from = start + 1;
                        continue;
                    };
                    let whole = captures[0].clone().unwrap_or(start..start);
                    found(whole.clone(), &|index| captures[index].clone());
                    from = whole.end;
                    not_empty_at = (whole.is_empty() && whole.end < text.len()).then_some(from);
                    if whole.is_empty() && not_empty_at.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn engine(&self, whole: bool) -> Result<Engine, Refusal> {
        let regex = translate::compile(&self.parsed, whole)?;
        let root = &self.parsed.root;
        let differs = root.any(&repeats_nothing) || !whole && root.any(&chooses);
        if differs && let Some(program) = Program::new(root, self.groups()) {
            return Ok(Engine::Exact(regex, program));
        }
        Ok(Engine::Crate(regex))
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
