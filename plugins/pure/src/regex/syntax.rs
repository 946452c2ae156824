//! POSIX extended regular expressions, parsed as libstdc++ reads them (which is what Nix users write for).
//!
//! Where POSIX leaves something undefined, this follows libstdc++: only special characters can be escaped, a brace that
//! opens no valid interval is an error, quantifiers stack, and a backslash in brackets stands for itself.

use super::brackets;

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte.
    pub const ALL: ByteSet = ByteSet([u64::MAX; 4]);

    /// Only `byte`.
    pub fn of(byte: u8) -> Self {
        let mut set = ByteSet::default();
        set.insert(byte);
        set
    }

    /// Adds `byte`.
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Whether `byte` is in it.
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    /// Everything else.
    pub fn complement(self) -> Self {
        ByteSet(self.0.map(|word| !word))
    }

    /// What is in either.
    pub fn union(self, other: Self) -> Self {
        ByteSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// Whether nothing is in both.
    pub fn is_disjoint(self, other: Self) -> bool {
        (0..4).all(|i| self.0[i] & other.0[i] == 0)
    }

    /// Its runs of neighbouring bytes, first and last of each.
    pub fn ranges(&self) -> Vec<(u8, u8)> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in (0..=u8::MAX).filter(|byte| self.contains(*byte)) {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == byte => *last = byte,
                _ => ranges.push((byte, byte)),
            }
        }
        ranges
    }
}

/// An expression.
#[derive(Debug)]
pub enum Node {
    /// One byte of a set.
    Set(ByteSet),
    /// `^`: the start of the text.
    Start,
    /// `$`: the end of the text.
    End,
    /// `( )`, numbered from 1.
    Group(Box<Node>, usize),
    /// One after the other.
    Concat(Vec<Node>),
    /// `|`
    Alternatives(Vec<Node>),
    /// `+`: libstdc++ goes back to what it repeats, where for `{1,}` it makes a second one; see [`super::backtrack`].
    Plus(Box<Node>),
    /// `*`, `?`, `{min,max}`; without `max` for ever.
    Repeat {
        /// What is repeated.
        node: Box<Node>,
        /// At least this often.
        min: u32,
        /// At most this often.
        max: Option<u32>,
    },
}

/// A parsed expression.
#[derive(Debug)]
pub struct Parsed {
    /// The expression.
    pub root: Node,
    /// How many groups it has.
    pub groups: usize,
}

/// Why an expression cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It is malformed.
    Invalid,
    /// It needs more states than libstdc++ allows.
    TooLarge,
}

/// libstdc++'s limit on automaton states; also keeps ours small.
const MAX_STATES: u64 = 100_000;
/// Limit on nesting: groups and stacked quantifiers together. Keeps the recursion over expressions off the stack's end.
const MAX_DEPTH: usize = 250;
/// The characters that mean something, and so may be escaped.
const SPECIAL: &[u8] = b".[\\()*+?{|^$";

/// Parses `pattern`.
pub fn parse(pattern: &[u8]) -> Result<Parsed, Refusal> {
    let mut parser = Parser {
        input: pattern,
        groups: 0,
        depth: 0,
        unused: 0,
    };
    let (root, states) = parser.alternatives()?;
    if !parser.input.is_empty() {
        return Err(Refusal::Invalid);
    }
    checked(states + parser.unused + 3)?;
    Ok(Parsed {
        root,
        groups: parser.groups,
    })
}

fn checked(states: u64) -> Result<u64, Refusal> {
    (states <= MAX_STATES)
        .then_some(states)
        .ok_or(Refusal::TooLarge)
}

struct Parser<'a> {
    input: &'a [u8],
    groups: usize,
    depth: usize,
    /// States that libstdc++ makes, copies and does not use: what an interval repeats.
    unused: u64,
}

/// An expression with the number of states that libstdc++ would make for it.
type Counted = Result<(Node, u64), Refusal>;

impl Parser<'_> {
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.input.first() == Some(&byte);
        if found {
            self.input = &self.input[1..];
        }
        found
    }

    fn next(&mut self) -> Result<u8, Refusal> {
        let (first, rest) = self.input.split_first().ok_or(Refusal::Invalid)?;
        self.input = rest;
        Ok(*first)
    }

    fn alternatives(&mut self) -> Counted {
        let (first, mut states) = self.concatenation()?;
        let mut branches = vec![first];
        while self.eat(b'|') {
            let (branch, more) = self.concatenation()?;
            branches.push(branch);
            states = checked(states + more + 2)?;
        }
        let node = match branches.len() {
            1 => branches.remove(0),
            _ => Node::Alternatives(branches),
        };
        Ok((node, states))
    }

    fn concatenation(&mut self) -> Counted {
        let mut nodes = Vec::new();
        let mut states = 1;
        while let Some(&byte) = self.input.first() {
            let (node, more) = match byte {
                b'|' | b')' => break,
                b'^' => {
                    self.input = &self.input[1..];
                    (Node::Start, 1)
                }
                b'$' => {
                    self.input = &self.input[1..];
                    (Node::End, 1)
                }
                _ => self.quantified()?,
            };
            nodes.push(node);
            states = checked(states + more)?;
        }
        Ok((Node::Concat(nodes), states))
    }

    fn quantified(&mut self) -> Counted {
        let outer = self.depth;
        let (mut node, mut states) = self.atom()?;
        while let Some(&quantifier @ (b'*' | b'+' | b'?' | b'{')) = self.input.first() {
            self.input = &self.input[1..];
            self.deepen()?;
            node = match quantifier {
                b'*' => repeat(node, 0, None),
                b'+' => Node::Plus(Box::new(node)),
                b'?' => repeat(node, 0, Some(1)),
                _ => {
                    let (min, max) = self.interval()?;
                    self.unused += states;
                    let always = u64::from(min) * states;
                    let perhaps = max.map_or(1, |max| u64::from(max - min)) * (states + 1);
                    states = always + perhaps + if max.is_some() { 2 } else { 1 };
                    repeat(node, min, max)
                }
            };
            states += match quantifier {
                b'*' | b'+' => 1,
                b'?' => 2,
                _ => 0,
            };
            checked(states + self.unused)?;
        }
        self.depth = outer;
        Ok((node, states))
    }

    fn deepen(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refusal::TooLarge);
        }
        Ok(())
    }

    fn atom(&mut self) -> Counted {
        let set = match self.next()? {
            b'.' => ByteSet::ALL,
            b'[' => brackets::parse(&mut self.input)?,
            b'(' => {
                self.deepen()?;
                self.groups += 1;
                let number = self.groups;
                let (node, states) = self.alternatives()?;
                if !self.eat(b')') {
                    return Err(Refusal::Invalid);
                }
                self.depth -= 1;
                return Ok((Node::Group(Box::new(node), number), checked(states + 2)?));
            }
            b'\\' => {
                let escaped = self.next()?;
                if !SPECIAL.contains(&escaped) {
                    return Err(Refusal::Invalid);
                }
                ByteSet::of(escaped)
            }
            b'*' | b'+' | b'?' | b'{' => return Err(Refusal::Invalid),
            byte => ByteSet::of(byte),
        };
        Ok((Node::Set(set), 1))
    }

    /// What follows `{`.
    fn interval(&mut self) -> Result<(u32, Option<u32>), Refusal> {
        let min = self.number()?.ok_or(Refusal::Invalid)?;
        let max = match self.eat(b',') {
            true => self.number()?,
            false => Some(min),
        };
        if !self.eat(b'}') || max.is_some_and(|max| max < min) {
            return Err(Refusal::Invalid);
        }
        if min.max(max.unwrap_or(0)) as u64 > MAX_STATES {
            return Err(Refusal::TooLarge);
        }
        Ok((min, max))
    }

    fn number(&mut self) -> Result<Option<u32>, Refusal> {
        let digits = self
            .input
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (number, rest) = self.input.split_at(digits);
        self.input = rest;
        if digits == 0 {
            return Ok(None);
        }
        let number = number.iter().try_fold(0_i32, |value, digit| {
            value.checked_mul(10)?.checked_add(i32::from(digit - b'0'))
        });
        let number = number.ok_or(Refusal::Invalid)?;
        Ok(Some(number.unsigned_abs()))
    }
}

fn repeat(node: Node, min: u32, max: Option<u32>) -> Node {
    Node::Repeat {
        node: Box::new(node),
        min,
        max,
    }
}

impl Node {
    /// Whether it can match without taking a byte.
    pub fn is_nullable(&self) -> bool {
        match self {
            Node::Set(_) => false,
            Node::Start | Node::End => true,
            Node::Group(node, _) => node.is_nullable(),
            Node::Concat(nodes) => nodes.iter().all(Node::is_nullable),
            Node::Alternatives(nodes) => nodes.iter().any(Node::is_nullable),
            Node::Plus(node) => node.is_nullable(),
            Node::Repeat { node, min, .. } => *min == 0 || node.is_nullable(),
        }
    }

    /// The bytes that a match can begin with.
    pub fn first_bytes(&self) -> ByteSet {
        match self {
            Node::Set(set) => *set,
            Node::Start | Node::End => ByteSet::default(),
            Node::Group(node, _) | Node::Plus(node) | Node::Repeat { node, .. } => {
                node.first_bytes()
            }
            Node::Concat(nodes) => {
                let mut first = ByteSet::default();
                for node in nodes {
                    first = first.union(node.first_bytes());
                    if !node.is_nullable() {
                        break;
                    }
                }
                first
            }
            Node::Alternatives(nodes) => nodes.iter().fold(ByteSet::default(), |first, node| {
                first.union(node.first_bytes())
            }),
        }
    }

    /// Whether `test` holds for this node or one inside of it.
    pub fn any(&self, test: &dyn Fn(&Node) -> bool) -> bool {
        test(self)
            || match self {
                Node::Set(_) | Node::Start | Node::End => false,
                Node::Group(node, _) | Node::Plus(node) | Node::Repeat { node, .. } => {
                    node.any(test)
                }
                Node::Concat(nodes) | Node::Alternatives(nodes) => {
                    nodes.iter().any(|node| node.any(test))
                }
            }
    }
}
