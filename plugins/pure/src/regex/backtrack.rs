//! libstdc++'s choices, exactly, in linear time: its backtracking search over an automaton, with a memory of what has been tried.
//!
//! - At a `|` both branches are tried, and the one whose match ends later wins; the first if both end at one place.
//! - At a repetition one more round is tried first, and only if that leads nowhere the way out. So `a*(ab)?` finds "aa" in "aab".
//! - A round that takes no byte may be made twice at one place, not more: `(a*)*` on "a" leaves "" in its group.
//!
//! Where a state leads from a place does not depend on how it was reached, except through the last rule: so the counters of
//! rounds at the present place are part of what the memory is keyed by.

use super::syntax::{ByteSet, Node};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Repetitions that can go round without taking a byte need two bits each in [`Place::rounds`].
const MAX_COUNTED: u32 = 31;
/// The bit of [`Place::rounds`] that forbids to accept: nothing has been taken yet, and an empty match is not wanted.
const NOT_EMPTY: u64 = 1 << 63;
/// Steps of one search over one text: so many for each state and byte, and so many in any case. Beyond, the rounds that take
/// nothing have multiplied, and whoever asked is told that there is no answer.
const STEPS_EACH: usize = 16;
const STEPS_FREE: usize = 1 << 20;
/// What took fewer steps than this is cheaper to find out again than to remember.
const STEPS_WORTH_REMEMBERING: usize = 8;
/// No more places are remembered, and no deeper is searched, so that a long text cannot fill the memory.
const MAX_REMEMBERED: usize = 1 << 22;

type StateId = u32;

enum State {
    Set(ByteSet, StateId),
    Start(StateId),
    End(StateId),
    Open(usize, StateId),
    Close(usize, StateId),
    /// Both branches.
    Fork(StateId, StateId),
    /// One more round, and the way out. A round that may be empty has a counter: its shift in [`Place::rounds`].
    Repeat(StateId, StateId, Option<u32>),
    Accept,
}

/// An expression ready to be run.
pub struct Program {
    states: Vec<State>,
    start: StateId,
    groups: usize,
}

/// A point of choice of the search.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    state: StateId,
    rounds: u64,
    position: usize,
}

impl std::hash::Hash for Place {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.position as u64 ^ u64::from(self.state) << 40 ^ self.rounds << 17);
    }
}

/// Places are small numbers that nobody chooses with an evil mind: one multiplication spreads them well enough.
#[derive(Default)]
struct PlaceHasher(u64);

impl Hasher for PlaceHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        let product = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a search over one text has learnt: where the match ends that a place leads to, if it leads to one.
pub struct Memory {
    known: HashMap<Place, Option<usize>, BuildHasherDefault<PlaceHasher>>,
    stack: Vec<Pending>,
    /// How many places may be known before those behind are forgotten.
    forget_at: usize,
    steps_left: usize,
}

/// The search has run out of steps.
#[derive(Debug)]
pub struct Exhausted;

struct Pending {
    place: Place,
    /// What the first choice led to, once it is known.
    first: Option<Option<usize>>,
    /// How many steps were left when it was reached.
    steps_left: usize,
}

/// Ranges of the whole match and of the groups.
pub type Captures = Vec<Option<Range<usize>>>;

impl Program {
    /// Builds the automaton; `None` where too many repetitions could go round without taking a byte.
    pub fn new(root: &Node, groups: usize) -> Option<Program> {
        let mut builder = Builder {
            states: vec![State::Accept],
            counted: 0,
        };
        let start = builder.node(root, 0);
        (builder.counted <= MAX_COUNTED).then_some(Program {
            states: builder.states,
            start,
            groups,
        })
    }

    /// The match that begins at `from`. `whole`: it must reach the end of the text; `not_empty`: it must take a byte.
    pub fn run(
        &self,
        text: &[u8],
        from: usize,
        whole: bool,
        not_empty: bool,
        memory: &mut Memory,
    ) -> Result<Option<Captures>, Exhausted> {
        if memory.known.len() > memory.forget_at {
            memory.known.retain(|place, _| place.position >= from);
            // Not again before as much has come as stays: what lies ahead may be much.
            memory.forget_at = memory.forget_at.max(2 * memory.known.len());
        }
        let search = Search {
            program: self,
            text,
            whole,
        };
        let start = Place {
            state: self.start,
            rounds: if not_empty { NOT_EMPTY } else { 0 },
            position: from,
        };
        let Some(end) = search.solve(start, memory)? else {
            return Ok(None);
        };
        let mut captures = vec![None; self.groups + 1];
        search.retrace(start, memory, &mut captures)?;
        captures[0] = Some(from..end);
        Ok(Some(captures))
    }

    /// A memory for searches over `text`.
    pub fn memory(&self, text: &[u8]) -> Memory {
        let work = self.states.len().saturating_mul(text.len() + 1);
        Memory {
            known: HashMap::default(),
            stack: Vec::new(),
            forget_at: MAX_REMEMBERED / 4,
            steps_left: work.saturating_mul(STEPS_EACH).saturating_add(STEPS_FREE),
        }
    }
}

struct Search<'a> {
    program: &'a Program,
    text: &'a [u8],
    whole: bool,
}

/// Where a path without choices ends.
enum Walked {
    /// At a choice.
    Choice(Place),
    /// In a match that ends here, or nowhere.
    Done(Option<usize>),
}

impl Search<'_> {
    fn state(&self, place: Place) -> &State {
        &self.program.states[place.state as usize]
    }

    /// Follows the path from `place` to its next choice; `note` sees where groups open and close.
    fn walk(&self, mut place: Place, mut note: impl FnMut(usize, bool, usize)) -> Walked {
        loop {
            place.state = match self.state(place) {
                State::Set(set, next) => {
                    match self.text.get(place.position) {
                        Some(byte) if set.contains(*byte) => {}
                        _ => return Walked::Done(None),
                    }
                    place.position += 1;
                    place.rounds = 0;
                    *next
                }
                State::Start(next) if place.position == 0 => *next,
                State::End(next) if place.position == self.text.len() => *next,
                State::Start(_) | State::End(_) => return Walked::Done(None),
                State::Open(group, next) => {
                    note(*group, true, place.position);
                    *next
                }
                State::Close(group, next) => {
                    note(*group, false, place.position);
                    *next
                }
                State::Fork(..) | State::Repeat(..) => return Walked::Choice(place),
                State::Accept => {
                    let accepted = place.rounds & NOT_EMPTY == 0
                        && (!self.whole || place.position == self.text.len());
                    return Walked::Done(accepted.then_some(place.position));
                }
            };
        }
    }

    /// The first choice at a place, if it may be taken, and the second.
    fn choices(&self, place: Place) -> (Option<Place>, Place) {
        let at = |state| Place { state, ..place };
        match *self.state(place) {
            State::Fork(first, second) => (Some(at(first)), at(second)),
            State::Repeat(body, out, None) => (Some(at(body)), at(out)),
            State::Repeat(body, out, Some(shift)) => {
                let again = (place.rounds >> shift & 3 < 2).then(|| Place {
                    rounds: place.rounds + (1 << shift),
                    ..at(body)
                });
                (again, at(out))
            }
            _ => (None, place),
        }
    }

    /// Where the match from `start` ends. The stack is explicit: texts are long.
    fn solve(&self, start: Place, memory: &mut Memory) -> Result<Option<usize>, Exhausted> {
        let Memory {
            known,
            stack,
            steps_left,
            ..
        } = memory;
        let place = match self.walk(start, |_, _, _| {}) {
            Walked::Done(end) => return Ok(end),
            Walked::Choice(place) => place,
        };
        let pending = |place, steps_left| Pending {
            place,
            first: None,
            steps_left,
        };
        stack.push(pending(place, *steps_left));
        let mut answer = None;
        // Whether `answer` is for the topmost entry, or that entry has just been pushed.
        let mut answered = false;
        while let Some(top) = stack.last_mut() {
            let place = top.place;
            if !answered && let Some(end) = known.get(&place) {
                answer = *end;
                answered = true;
                stack.pop();
                continue;
            }
            let (first, second) = self.choices(place);
            // In a match of the whole text no end is longer than another.
            let compares = !self.whole && matches!(self.state(place), State::Fork(..));
            let next = match (answered, top.first) {
                (false, _) => first,
                (true, None) => {
                    top.first = Some(answer);
                    (compares || answer.is_none()).then_some(second)
                }
                (true, Some(one)) => {
                    // An absent end is less than any.
                    answer = if answer > one { answer } else { one };
                    None
                }
            };
            match next.map(|next| self.walk(next, |_, _, _| {})) {
                Some(Walked::Choice(place)) => {
                    answered = false;
                    if *steps_left == 0 || stack.len() + known.len() > MAX_REMEMBERED {
                        stack.clear();
                        return Err(Exhausted);
                    }
                    *steps_left -= 1;
                    stack.push(pending(place, *steps_left));
                }
                Some(Walked::Done(end)) => {
                    answer = end;
                    answered = true;
                }
                None if !answered => {
                    // One more round was not allowed.
                    answer = None;
                    answered = true;
                }
                None => {
                    if top.steps_left - *steps_left >= STEPS_WORTH_REMEMBERING {
                        known.insert(place, answer);
                    }
                    stack.pop();
                }
            }
        }
        Ok(answer)
    }

    /// Goes the way that [`Search::solve`] has found, noting the groups.
    fn retrace(
        &self,
        start: Place,
        memory: &mut Memory,
        captures: &mut Captures,
    ) -> Result<(), Exhausted> {
        let mut opened = vec![0; captures.len()];
        let mut place = start;
        loop {
            let walked = self.walk(place, |group, opens, position| match opens {
                true => opened[group] = position,
                false => captures[group] = Some(opened[group]..position),
            });
            let Walked::Choice(choice) = walked else {
                return Ok(());
            };
            let (first, second) = self.choices(choice);
            let end = match first {
                Some(first) => self.solve(first, memory)?,
                None => None,
            };
            place = match (self.state(choice), first, end) {
                (State::Fork(..), Some(first), Some(end)) if !self.whole => {
                    if Some(end) >= self.solve(second, memory)? {
                        first
                    } else {
                        second
                    }
                }
                (_, Some(first), Some(_)) => first,
                _ => second,
            };
        }
    }
}

/// Builds an automaton from its end to its start.
struct Builder {
    states: Vec<State>,
    counted: u32,
}

impl Builder {
    fn push(&mut self, state: State) -> StateId {
        self.states.push(state);
        self.states.len() as StateId - 1
    }

    /// The state that matches `node` and goes on with `next`.
    fn node(&mut self, node: &Node, next: StateId) -> StateId {
        match node {
            Node::Set(set) => self.push(State::Set(*set, next)),
            Node::Start => self.push(State::Start(next)),
            Node::End => self.push(State::End(next)),
            Node::Group(node, group) => {
                let close = self.push(State::Close(*group, next));
                let inner = self.node(node, close);
                self.push(State::Open(*group, inner))
            }
            Node::Concat(nodes) => nodes
                .iter()
                .rev()
                .fold(next, |next, node| self.node(node, next)),
            Node::Alternatives(nodes) => {
                let mut branches: Vec<StateId> =
                    nodes.iter().map(|node| self.node(node, next)).collect();
                let last = branches.pop().unwrap_or(next);
                // Nested to the right or to the left makes no difference: the longest wins, and the first of them.
                branches
                    .into_iter()
                    .rev()
                    .fold(last, |second, first| self.push(State::Fork(first, second)))
            }
            Node::Plus(node) => self.repeat(node, None, next).1,
            Node::Repeat { node, min, max } => {
                let entry = match max {
                    None => self.repeat(node, None, next).0,
                    // Whoever stops early leaves at once.
                    Some(max) => {
                        (*min..*max).fold(next, |entry, _| self.repeat(node, Some(entry), next).0)
                    }
                };
                (0..*min).fold(entry, |entry, _| self.node(node, entry))
            }
        }
    }

    /// A repetition of `body`, which goes on with `then` or comes back; answers the repetition and the body's start.
    fn repeat(&mut self, body: &Node, then: Option<StateId>, out: StateId) -> (StateId, StateId) {
        let counter = body.is_nullable().then(|| {
            self.counted += 1;
            // Too many to be counted are refused once the automaton is built.
            2 * (self.counted.min(MAX_COUNTED) - 1)
        });
        let repeat = self.push(State::Repeat(0, out, counter));
        let start = self.node(body, then.unwrap_or(repeat));
        self.states[repeat as usize] = State::Repeat(start, out, counter);
        (repeat, start)
    }
}
