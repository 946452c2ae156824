//! `sort`: a stable merge sort that makes use of the order that is already there.

use crate::support::function;
use piton_plugin_api::{Value, builtin};

builtin! {
    /// The elements, ordered by `comparator`, which says of two elements whether the first comes before the second.
    /// Elements of which neither comes before the other stay in their order. A list that is sorted already takes one call
    /// for each element. A comparator that contradicts itself gives some order of all elements.
    name = "sort", since = "0.1.0",
    example = "builtins.sort (a: b: a.n < b.n) [ { n = 2; } { n = 1; s = \"x\"; } { n = 1; s = \"y\"; } ]"
        => "[ { n = 1; s = \"x\"; } { n = 1; s = \"y\"; } { n = 2; } ]",
    async fn sort<'f>(cx, comparator: lazy, list: list) {
        let len = cx.list_len(list)?;
        if len == 0 {
            return Ok(list.clone());
        }
        let comparator = function(cx, comparator).await?;
        let mut items = Vec::with_capacity(len);
        for index in 0..len {
            items.push(cx.evaluate(cx.list_get(list, index)).await?);
        }
        let mut sorting = Sorting::new(len);
        while let Some((a, b)) = sorting.question() {
            let less = cx.call(&comparator, [&items[a], &items[b]]).await?;
            sorting.answer(cx.bool(&less)?);
        }
        let ordered: Vec<Value<'f>> = sorting.order.into_iter().map(|index| items[index].clone()).collect();
        Ok(cx.list(&ordered))
    }
}

/// A stable merge sort of the numbers below a length that asks, one question at a time, which of two comes first. It ends,
/// each number standing there once, whatever the answers are.
struct Sorting {
    /// The numbers, in runs that are in order.
    order: Vec<usize>,
    /// Where the runs end that are known.
    ends: Vec<usize>,
    phase: Phase,
    /// What is merged so far of `order`, and where its runs end.
    merged: Vec<usize>,
    merged_ends: Vec<usize>,
    /// Where the next elements of the two runs being merged stand, and where these runs end.
    left: usize,
    middle: usize,
    right: usize,
    end: usize,
}

/// What the next question is about.
enum Phase {
    /// The first two of a run that begins at this place.
    Begin(usize),
    /// Whether the run that begins at `start` goes on at `at`, ascending or descending.
    Extend {
        start: usize,
        at: usize,
        descends: bool,
    },
    /// The next elements of two runs.
    Merge,
    Done,
}

impl Sorting {
    fn new(len: usize) -> Self {
        let mut sorting = Sorting {
            order: (0..len).collect(),
            ends: Vec::new(),
            phase: Phase::Begin(0),
            merged: Vec::new(),
            merged_ends: Vec::new(),
            left: 0,
            middle: 0,
            right: 0,
            end: 0,
        };
        sorting.begin(0);
        sorting
    }

    /// The two to be compared next: is the first less than the second? `None` when `order` is in order.
    #[inline]
    fn question(&self) -> Option<(usize, usize)> {
        let (first, second) = match self.phase {
            Phase::Begin(start) => (start + 1, start),
            Phase::Extend { at, .. } => (at, at - 1),
            Phase::Merge => (self.right, self.left),
            Phase::Done => return None,
        };
        Some((self.order[first], self.order[second]))
    }

    /// The answer to the question.
    #[inline]
    fn answer(&mut self, less: bool) {
        match self.phase {
            Phase::Merge => {
                if less {
                    self.merged.push(self.order[self.right]);
                    self.right += 1;
                } else {
                    self.merged.push(self.order[self.left]);
                    self.left += 1;
                }
                if self.left == self.middle || self.right == self.end {
                    self.finish_pair();
                }
            }
            Phase::Begin(start) => self.extend(start, start + 2, less),
            Phase::Extend {
                start,
                at,
                descends,
            } => {
                if less == descends {
                    self.extend(start, at + 1, descends);
                } else {
                    self.end_run(start, at, descends);
                }
            }
            Phase::Done => {}
        }
    }

    /// Looks for the run that begins at `start`.
    fn begin(&mut self, start: usize) {
        if start + 1 < self.order.len() {
            self.phase = Phase::Begin(start);
            return;
        }
        if start < self.order.len() {
            self.ends.push(start + 1);
        }
        self.merge_pass();
    }

    fn extend(&mut self, start: usize, at: usize, descends: bool) {
        if at < self.order.len() {
            self.phase = Phase::Extend {
                start,
                at,
                descends,
            };
        } else {
            self.end_run(start, at, descends);
        }
    }

    fn end_run(&mut self, start: usize, end: usize, descends: bool) {
        if descends {
            self.order[start..end].reverse();
        }
        self.ends.push(end);
        self.begin(end);
    }

    /// Merges runs in pairs from the front, until one is left.
    fn merge_pass(&mut self) {
        if self.ends.len() <= 1 {
            self.phase = Phase::Done;
            return;
        }
        self.merged.clear();
        self.merged_ends.clear();
        self.phase = Phase::Merge;
        self.begin_pair();
    }

    fn begin_pair(&mut self) {
        let pair = 2 * self.merged_ends.len();
        self.left = self.merged.len();
        match self.ends[pair..] {
            [middle, end, ..] => (self.middle, self.right, self.end) = (middle, middle, end),
            // The last one has no partner.
            [end] => {
                self.merged.extend_from_slice(&self.order[self.left..end]);
                self.merged_ends.push(end);
                self.end_pass();
            }
            [] => self.end_pass(),
        }
    }

    fn finish_pair(&mut self) {
        self.merged
            .extend_from_slice(&self.order[self.left..self.middle]);
        self.merged
            .extend_from_slice(&self.order[self.right..self.end]);
        self.merged_ends.push(self.end);
        self.begin_pair();
    }

    fn end_pass(&mut self) {
        std::mem::swap(&mut self.order, &mut self.merged);
        std::mem::swap(&mut self.ends, &mut self.merged_ends);
        self.merge_pass();
    }
}

#[cfg(test)]
mod tests {
    use super::Sorting;

    /// The order by `less`, which is asked for two numbers at a time.
    fn sorted(len: usize, mut less: impl FnMut(usize, usize) -> bool) -> Vec<usize> {
        let mut sorting = Sorting::new(len);
        while let Some((a, b)) = sorting.question() {
            sorting.answer(less(a, b));
        }
        sorting.order
    }

    fn sort(keys: &[u32]) -> (Vec<usize>, usize) {
        let mut calls = 0;
        let order = sorted(keys.len(), |a, b| {
            calls += 1;
            keys[a] < keys[b]
        });
        (order, calls)
    }

    fn scrambled(len: u32) -> Vec<u32> {
        (0..len)
            .map(|n| n.wrapping_mul(2_654_435_761) >> 7 & 0x3f)
            .collect()
    }

    #[test]
    fn agrees_with_the_standard_library() {
        for len in 0..200 {
            let keys = scrambled(len);
            let mut expected: Vec<usize> = (0..keys.len()).collect();
            expected.sort_by_key(|&index| keys[index]);
            assert_eq!(sort(&keys).0, expected);
        }
    }

    #[test]
    fn order_that_is_there_is_used() {
        let ascending: Vec<u32> = (0..100).collect();
        let descending: Vec<u32> = (0..100).rev().collect();
        assert_eq!(sort(&ascending).1, 99);
        assert_eq!(sort(&descending).1, 99);
        assert!(sort(&scrambled(1024)).1 <= 11 * 1024);
    }

    #[test]
    fn a_contradictory_comparator_loses_nothing() {
        for answer in [true, false] {
            let mut order = sorted(50, |_, _| answer);
            order.sort_unstable();
            assert_eq!(order, (0..50).collect::<Vec<_>>());
        }
        let mut state = 1_u32;
        let mut order = sorted(50, |_, _| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            state >> 16 & 1 == 1
        });
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}
