//! `sort`: a stable merge sort that makes use of the order that is already there.

use crate::support::{evaluated, function};
use piton_plugin_api::{Value, builtin};

builtin! {
    /// The elements, ordered by `comparator`, which says of two elements whether the first comes before the second.
    /// Elements of which neither comes before the other stay in their order. A list that is sorted already takes one call
    /// for each element. A comparator that contradicts itself gives some order of all elements.
    name = "sort", since = "0.1.0",
    example = "builtins.sort (a: b: a.n < b.n) [ { n = 2; } { n = 1; s = \"x\"; } { n = 1; s = \"y\"; } ]"
        => "[ { n = 1; s = \"x\"; } { n = 1; s = \"y\"; } { n = 2; } ]",
    async fn sort<'f>(cx, comparator: lazy, list: list) {
        let len = cx.list_len(&list)?;
        if len == 0 {
            return Ok(list);
        }
        let comparator = function(cx, comparator).await?;
        let mut items = Vec::with_capacity(len);
        for index in 0..len {
            items.push(evaluated(cx, cx.list_get(&list, index)).await?);
        }
        let order = sorted(len, async |a: usize, b: usize| {
            let less = cx.call(&comparator, [&items[a], &items[b]]).await?;
            cx.bool(&less)
        })
        .await?;
        let ordered: Vec<Value<'f>> = order.into_iter().map(|index| items[index].clone()).collect();
        Ok(cx.list(&ordered))
    }
}

/// The numbers below `len` in a stable order by `less`. Whatever `less` answers, each number stands there once.
async fn sorted<E>(
    len: usize,
    mut less: impl AsyncFnMut(usize, usize) -> Result<bool, E>,
) -> Result<Vec<usize>, E> {
    let mut order: Vec<usize> = (0..len).collect();
    let mut ends = runs(&mut order, &mut less).await?;
    let mut merged = Vec::with_capacity(if ends.len() > 1 { len } else { 0 });
    while ends.len() > 1 {
        merged.clear();
        let mut merged_ends = Vec::with_capacity(ends.len().div_ceil(2));
        for pair in ends.chunks(2) {
            let start = merged.len();
            let (middle, end) = (pair[0], pair[pair.len() - 1]);
            let (mut left, mut right) = (start, middle);
            while left < middle && right < end {
                if less(order[right], order[left]).await? {
                    merged.push(order[right]);
                    right += 1;
                } else {
                    merged.push(order[left]);
                    left += 1;
                }
            }
            merged.extend_from_slice(&order[left..middle]);
            merged.extend_from_slice(&order[right..end]);
            merged_ends.push(end);
        }
        std::mem::swap(&mut order, &mut merged);
        ends = merged_ends;
    }
    Ok(order)
}

/// Divides `order` into runs that ascend, turning around those that descend, and answers where each ends.
async fn runs<E>(
    order: &mut [usize],
    less: &mut impl AsyncFnMut(usize, usize) -> Result<bool, E>,
) -> Result<Vec<usize>, E> {
    let mut ends = Vec::new();
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        if end < order.len() {
            let descends = less(order[end], order[start]).await?;
            end += 1;
            while end < order.len() && less(order[end], order[end - 1]).await? == descends {
                end += 1;
            }
            if descends {
                order[start..end].reverse();
            }
        }
        ends.push(end);
        start = end;
    }
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::sorted;
    use crate::testing::run;

    fn sort(keys: &[u32]) -> (Vec<usize>, usize) {
        let mut calls = 0;
        let order = run(sorted(keys.len(), async |a: usize, b: usize| {
            calls += 1;
            Ok::<_, ()>(keys[a] < keys[b])
        }));
        (order.unwrap_or_default(), calls)
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
            let order = run(sorted(50, async |_, _| Ok::<_, ()>(answer)));
            let mut order = order.unwrap_or_default();
            order.sort_unstable();
            assert_eq!(order, (0..50).collect::<Vec<_>>());
        }
        let mut state = 1_u32;
        let order = run(sorted(50, async |_, _| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            Ok::<_, ()>(state >> 16 & 1 == 1)
        }));
        let mut order = order.unwrap_or_default();
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_error_ends_it() {
        let mut calls = 0;
        let order = run(sorted(50, async |_, _| {
            calls += 1;
            if calls == 20 { Err("no") } else { Ok(false) }
        }));
        assert_eq!(order, Err("no"));
        assert_eq!(calls, 20);
    }
}
