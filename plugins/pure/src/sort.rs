//! `sort`: peeksort (Munro and Wild, 2018), a stable merge sort that makes use of the order that is already there. It asks the same
//! questions in the same order as Nix does: comparators that contradict themselves, as `a: b: a <= b` does of what is equal, show that.

use crate::support::function;
use piton_plugin_api::{Result, Value, builtin};

builtin! {
    /// The elements, ordered by `comparator`, which says of two elements whether the first comes before the second.
    /// Elements of which neither comes before the other stay in their order. A list that is sorted already takes one call
    /// for each element. A comparator that contradicts itself gives some order of all elements, the one that it gives in Nix.
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
        let ask = |a: usize, b: usize| cx.call(&comparator, [&items[a], &items[b]]);
        let order = sorted(len, ask, |less| {
            cx.told(
                cx.bool(&less),
                "while evaluating the return value of the sorting function passed to builtins.sort",
            )
        });
        let ordered: Vec<Value<'f>> = order.await?.into_iter().map(|index| items[index].clone()).collect();
        Ok(cx.list(&ordered))
    }
}

/// So many elements are sorted by insertion.
const FEW: usize = 16;

/// What is left to do.
enum Step {
    Sort(Part),
    /// Merges what is sorted from the first place to the second with what is sorted from there to the third.
    Merge(usize, usize, usize),
}

/// What is to be sorted: from `begin` to `end`, where what stands before `left` is sorted, and what stands from `right` on.
struct Part {
    begin: usize,
    left: usize,
    right: usize,
    end: usize,
}

/// To sort a part whose runs end and begin there.
fn part(begin: usize, (left, right): (usize, usize), end: usize) -> Step {
    Step::Sort(Part {
        begin,
        left,
        right,
        end,
    })
}

/// The numbers below `len` in order. `ask` asks of two of them whether the first comes before the second, and `told` reads what comes of that.
/// Each number stands there once, whatever the answers are.
async fn sorted<F: Future<Output = Result<T>>, T>(
    len: usize,
    mut ask: impl FnMut(usize, usize) -> F,
    told: impl Fn(T) -> Result<bool>,
) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = (0..len).collect();
    let mut room = Vec::new();
    let mut steps = vec![part(0, (0, len), len)];
    // The last one is the next one: each puts what comes behind it first.
    while let Some(step) = steps.pop() {
        let Part {
            begin,
            left,
            right,
            end,
        } = match step {
            Step::Merge(begin, middle, end) => {
                room.clear();
                room.extend_from_slice(&order[begin..end]);
                let (front, back) = room.split_at(middle - begin);
                let (mut left, mut right) = (0, 0);
                while left < front.len() && right < back.len() {
                    let place = begin + left + right;
                    if told(ask(back[right], front[left]).await?)? {
                        order[place] = back[right];
                        right += 1;
                    } else {
                        order[place] = front[left];
                        left += 1;
                    }
                }
                let rest = &mut order[begin + left + right..end];
                let (first, second) = rest.split_at_mut(front.len() - left);
                first.copy_from_slice(&front[left..]);
                second.copy_from_slice(&back[right..]);
                continue;
            }
            Step::Sort(part) => part,
        };
        if left == end || right == begin {
            continue;
        }
        if end - begin <= FEW {
            for current in begin + 1..end {
                let mut at = current;
                while at > begin && told(ask(order[at], order[at - 1]).await?)? {
                    order.swap(at, at - 1);
                    at -= 1;
                }
            }
            continue;
        }
        let middle = begin + (end - begin) / 2;
        if middle <= left {
            steps.push(Step::Merge(begin, left, end));
            steps.push(part(left, (left + 1, right), end));
            continue;
        }
        if middle >= right {
            steps.push(Step::Merge(begin, right, end));
            steps.push(part(begin, (left, right - 1), right));
            continue;
        }
        // The run around the middle, from `from` to `to`.
        let descends = told(ask(order[middle], order[middle - 1]).await?)?;
        let mut from = middle - 1;
        while from > left && told(ask(order[from], order[from - 1]).await?)? == descends {
            from -= 1;
        }
        let mut to = middle;
        while to < right && told(ask(order[to], order[to - 1]).await?)? == descends {
            to += 1;
        }
        if descends {
            order[from..to].reverse();
        }
        if from == begin && to == end {
            continue;
        }
        // It belongs to the side that it has more of.
        if middle - from < to - middle {
            steps.push(Step::Merge(begin, from, end));
            steps.push(part(from, (to, right), end));
            steps.push(part(begin, (left, from.saturating_sub(1)), from));
        } else {
            steps.push(Step::Merge(begin, to, end));
            steps.push(part(to, (to + 1, right), end));
            steps.push(part(begin, (left, from), to));
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    /// The order by `less`.
    fn sorted(len: usize, mut less: impl FnMut(usize, usize) -> bool) -> Vec<usize> {
        let ask = |a, b| std::future::ready(Ok(less(a, b)));
        run(super::sorted(len, ask, Ok)).expect("nothing fails")
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
        assert_eq!(sort(&ascending).1, 100);
        assert_eq!(sort(&descending).1, 100);
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
