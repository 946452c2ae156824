//! `genericClosure`: everything that can be reached from some first items, each once.

use crate::support::{Held, forced, function, required, typed};
use piton_plugin_api::{Cx, Result, Type, Value, abi, builtin};
use rustc_hash::FxHashSet;
use std::collections::VecDeque;

/// Where the set that `genericClosure` takes lacks something.
const ARGUMENT: &str = "in the attrset passed as argument to builtins.genericClosure";

builtin! {
    /// Starts from the sets in `startSet` and adds, for each set that is new, those that `operator` returns for it, until nothing
    /// new turns up; the result lists them in the order they were found. Two sets are the same if their
    /// attributes `key` are, which must be such values as `<` compares.
    name = "genericClosure", since = "0.1.0",
    example = "map (x: x.key) (builtins.genericClosure {
  startSet = [ { key = 1; } ];
  operator = x: if x.key < 20 then [ { key = x.key * 2; } { key = x.key * 3; } ] else [ ];
})" => "[ 1 2 3 4 6 9 8 12 18 27 16 24 36 54 32 48 ]",
    async fn generic_closure<'f>(cx, attrset: attrs) {
        let start = cx.told(required(cx, attrset, "startSet"), ARGUMENT)?.value;
        let start = cx.told(
            forced(cx, start, Type::List).await,
            "while evaluating the 'startSet' attribute passed as argument to builtins.genericClosure",
        )?;
        if cx.list_len(&start)? == 0 {
            return Ok(start);
        }
        let operator = cx.told(required(cx, attrset, "operator"), ARGUMENT)?.value;
        let operator = cx.told(
            function(cx, &operator).await,
            "while evaluating the 'operator' attribute passed as argument to builtins.genericClosure",
        )?;
        let mut waiting = VecDeque::from(cx.list_items(&start)?);
        let mut found = Vec::new();
        let mut keys = Keys::None;
        let mut held = Held::default();
        while let Some(item) = waiting.pop_front() {
            let item = forced(cx, item, Type::Attrs).await?;
            let key = key_of(cx, &item).await?;
            if !keys.insert(cx, key, &found).await? {
                continue;
            }
            let more = cx.told(
                typed(cx, cx.call(&operator, [&item]).await?, Type::List),
                "while evaluating the return value of the `operator` passed to builtins.genericClosure",
            )?;
            let count = cx.list_len(&more)?;
            let values = grown(found.len() + 1, found.capacity())
                + grown(waiting.len() + count, waiting.capacity());
            // Each of the new ones takes a root besides.
            let needed = values * size_of::<Value<'_>>()
                + count * size_of::<abi::RootSlot>()
                + keys.bytes();
            if let Some(bytes) = held.grown(needed) {
                cx.hold(bytes).await?;
            }
            found.push(item);
            waiting.reserve(count);
            for index in 0..count {
                waiting.push_back(cx.evaluate(cx.list_get(&more, index)).await?);
            }
        }
        Ok(cx.list(&found))
    }
}

/// For how many values there is room in memory while a vector comes to hold `len`: when it grows, the old ones stay until they are
/// copied.
fn grown(len: usize, capacity: usize) -> usize {
    if len <= capacity {
        capacity
    } else {
        capacity + len.max(2 * capacity)
    }
}

/// The bytes of a hash table of entries of `size` bytes, with room for one more.
fn table_bytes(len: usize, capacity: usize, size: usize) -> usize {
    let bytes = |capacity: usize| (capacity * 8 / 7).next_power_of_two() * (size + 1);
    if len < capacity {
        bytes(capacity)
    } else {
        bytes(capacity) + bytes(capacity + 1)
    }
}

async fn key_of<'f>(cx: Cx<'f>, item: &Value<'f>) -> Result<Value<'f>> {
    cx.evaluate(required(cx, item, "key")?.value).await
}

/// The keys that were met. While all are of one simple type, nothing suspends; otherwise the host compares them.
enum Keys<'f> {
    None,
    Ints(FxHashSet<i64>),
    /// Strings or paths, as the type says, and how many bytes they have.
    Texts(Type, FxHashSet<Box<[u8]>>, usize),
    Others(SortedSet<Value<'f>>),
}

impl<'f> Keys<'f> {
    /// The memory that they take, with another one.
    fn bytes(&self) -> usize {
        match self {
            Keys::None => 0,
            Keys::Ints(ints) => table_bytes(ints.len(), ints.capacity(), size_of::<i64>()),
            Keys::Texts(_, texts, total) => {
                // An allocation takes up to 16 bytes more than was asked for.
                total
                    + 16 * texts.len()
                    + table_bytes(texts.len(), texts.capacity(), size_of::<Box<[u8]>>())
            }
            // A chunk that has been full keeps room for twice as many.
            Keys::Others(sorted) => 2 * sorted.chunks.len() * CHUNK * size_of::<Value<'_>>(),
        }
    }

    /// Adds the key of a new item; `false` if it was met before. `found` are the items with the keys so far.
    async fn insert(&mut self, cx: Cx<'f>, key: Value<'f>, found: &[Value<'f>]) -> Result<bool> {
        if let Keys::None = self {
            *self = match key.kind() {
                Type::Int => Keys::Ints(FxHashSet::default()),
                kind @ (Type::String | Type::Path) => Keys::Texts(kind, FxHashSet::default(), 0),
                _ => Keys::Others(SortedSet::new()),
            };
        }
        match (&mut *self, key.as_int()) {
            (Keys::Ints(ints), Some(int)) => return Ok(ints.insert(int)),
            (Keys::Texts(kind, texts, total), _) if *kind == key.kind() => {
                let bytes = cx.bytes(&key)?;
                let new = !texts.contains(bytes) && texts.insert(bytes.into());
                *total += if new { bytes.len() } else { 0 };
                return Ok(new);
            }
            _ => {}
        }
        let less = async |a: &Value<'f>, b: &Value<'f>| cx.less(a, b).await;
        if !matches!(self, Keys::Others(_)) {
            let mut sorted = SortedSet::new();
            for item in found {
                sorted.insert(key_of(cx, item).await?, &less).await?;
            }
            *self = Keys::Others(sorted);
        }
        match self {
            Keys::Others(sorted) => sorted.insert(key, &less).await,
            _ => Ok(true),
        }
    }
}

/// How many values a chunk of a [`SortedSet`] takes before it is split.
const CHUNK: usize = 256;

/// Values in an order that only an asynchronous function knows: sorted chunks, none empty, one after the other.
struct SortedSet<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> SortedSet<T> {
    fn new() -> Self {
        SortedSet { chunks: Vec::new() }
    }

    /// Adds a value unless one is there of which it is neither less nor greater. The new value is the left operand of each
    /// comparison but the last.
    async fn insert<E>(
        &mut self,
        value: T,
        less: &impl AsyncFn(&T, &T) -> std::result::Result<bool, E>,
    ) -> std::result::Result<bool, E> {
        // The chunk is the last that does not begin with something greater; the place is behind all that is not greater.
        let (mut low, mut high) = (0, self.chunks.len());
        while low < high {
            let middle = low.midpoint(high);
            if less(&value, &self.chunks[middle][0]).await? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let Some(chunk) = low.checked_sub(1) else {
            match self.chunks.first_mut() {
                Some(first) => first.insert(0, value),
                None => self.chunks.push(vec![value]),
            }
            self.split(0);
            return Ok(true);
        };
        let values = &mut self.chunks[chunk];
        let (mut low, mut high) = (1, values.len());
        while low < high {
            let middle = low.midpoint(high);
            if less(&value, &values[middle]).await? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let new = less(&values[low - 1], &value).await?;
        if new {
            values.insert(low, value);
            self.split(chunk);
        }
        Ok(new)
    }

    fn split(&mut self, chunk: usize) {
        if self.chunks[chunk].len() > CHUNK {
            let upper = self.chunks[chunk].split_off(CHUNK / 2);
            self.chunks.insert(chunk + 1, upper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SortedSet;
    use crate::testing::run;

    #[test]
    fn a_sorted_set_holds_each_value_once() {
        let mut set = SortedSet::new();
        let mut model = std::collections::BTreeSet::new();
        let less = async |a: &u32, b: &u32| Ok::<_, ()>(a < b);
        for n in 0..20_000_u32 {
            let value = n.wrapping_mul(2_654_435_761) >> 18;
            assert_eq!(run(set.insert(value, &less)), Ok(model.insert(value)));
        }
        assert!(set.chunks.len() > 10);
        assert!(set.chunks.concat().into_iter().eq(model));
    }

    #[test]
    fn an_error_leaves_the_set_as_it_was() {
        let mut set = SortedSet::new();
        let fails = async |_: &u32, _: &u32| Err("no");
        assert_eq!(run(set.insert(1, &fails)), Ok(true));
        assert_eq!(run(set.insert(2, &fails)), Err("no"));
        assert_eq!(set.chunks, [[1]]);
    }
}
