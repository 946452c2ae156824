//! Passes over a list that call a function with each element at once.

use crate::support::{Held, Predicate, callable, function, plain_symbol, typed};
use piton_plugin_api::{Attribute, Cx, Result, Symbol, Type, Value, abi, builtin};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

builtin! {
    /// Combines the elements from the left: `op (op (op nul x0) x1) x2`. Each intermediate result is evaluated before the next
    /// call, so that long lists need no deep stack. `nul` itself is evaluated only if `op` or the caller looks at it.
    name = "foldl'", since = "0.1.0", example = "builtins.foldl' (sum: x: sum + x) 0 [ 1 2 3 4 ]" => "10",
    async fn foldl<'f>(
        cx,
        op: function | attrs as "first argument passed to builtins.foldlStrict",
        nul: lazy,
        list: list as "third argument passed to builtins.foldlStrict",
    ) {
        callable(cx, op)?;
        let mut result = nul.clone();
        let mut items = cx.list_cursor(list)?;
        while let Some(item) = items.next() {
            result = cx.call(op, [&result, &item]).await?;
        }
        Ok(result)
    }
}

builtin! {
    /// Whether `pred` holds for all elements. The elements after the first for which it does not are left alone.
    name = "all", since = "0.1.0", example = "builtins.all (x: x > 0) [ 1 2 3 ]" => "true",
    async fn all<'f>(cx, pred: function | attrs, list: list) {
        Ok(Value::bool(!reaches(cx, pred, list, false).await?))
    }
}

builtin! {
    /// Whether `pred` holds for at least one element. The elements after the first such one are left alone.
    name = "any", since = "0.1.0", example = "builtins.any (x: x > 2) [ 1 2 3 ]" => "true",
    async fn any<'f>(cx, pred: function | attrs, list: list) {
        Ok(Value::bool(reaches(cx, pred, list, true).await?))
    }
}

/// Whether `pred` returns `answer` for some element.
async fn reaches<'f>(cx: Cx<'f>, pred: &Value<'f>, list: &Value<'f>, answer: bool) -> Result<bool> {
    callable(cx, pred)?;
    let mut items = cx.list_cursor(list)?;
    let step = match answer {
        true => "while evaluating the return value of the function passed to builtins.any",
        false => "while evaluating the return value of the function passed to builtins.all",
    };
    let mut pred = Predicate::new(cx, pred, step);
    while let Some(item) = items.next() {
        if pred.holds(&item).await? == answer {
            return Ok(true);
        }
    }
    Ok(false)
}

builtin! {
    /// The elements for which `f` returns `true`, in their order.
    name = "filter", since = "0.1.0", example = "builtins.filter (x: x > 2) [ 1 5 2 3 ]" => "[ 5 3 ]",
    async fn filter<'f>(cx, f: lazy, list: list) {
        let len = cx.list_len(list)?;
        if len == 0 {
            return Ok(list.clone());
        }
        let f = function(cx, f).await?;
        let mut pred = Predicate::new(
            cx,
            &f,
            "while evaluating the return value of the filtering function passed to builtins.filter",
        );
        let mut kept = SmallVec::<[_; 4]>::new();
        let mut items = cx.list_cursor(list)?;
        while let Some(item) = items.next() {
            if pred.holds(&item).await? {
                kept.push(item.clone());
            }
        }
        Ok(if kept.len() == len { list.clone() } else { cx.list(&kept) })
    }
}

builtin! {
    /// Splits a list in two: `right` has the elements for which `pred` returns `true`, `wrong` the others, both in their order.
    /// The elements are evaluated.
    name = "partition", since = "0.1.0",
    example = "builtins.partition (x: x > 2) [ 1 5 2 3 ]" => "{ right = [ 5 3 ]; wrong = [ 1 2 ]; }",
    async fn partition<'f>(cx, pred: function | attrs, list: list) {
        callable(cx, pred)?;
        let mut pred = Predicate::new(
            cx,
            pred,
            "while evaluating the return value of the partition function passed to builtins.partition",
        );
        let (mut right, mut wrong) = (Vec::new(), Vec::new());
        for index in 0..cx.list_len(list)? {
            let item = cx.evaluate(cx.list_get(list, index)).await?;
            if pred.holds(&item).await? {
                right.push(item);
            } else {
                wrong.push(item);
            }
        }
        Ok(cx.attrs(&[
            Attribute::new(cx.symbol("right"), cx.list(&right)),
            Attribute::new(cx.symbol("wrong"), cx.list(&wrong)),
        ]))
    }
}

/// What a group takes besides its items: its name and list, its place in the table, and room for the first few.
const GROUP_BYTES: usize = size_of::<(Symbol, Vec<Value<'_>>)>()
    + 2 * size_of::<(Symbol, usize)>()
    + 4 * size_of::<Value<'_>>();
/// What an item takes, with its root.
const ITEM_BYTES: usize = size_of::<Value<'_>>() + size_of::<abi::RootSlot>();

builtin! {
    /// Sorts the elements into lists by the string that `f` returns for them: a set from these strings to the elements, in their
    /// order.
    name = "groupBy", since = "0.1.0",
    example = "builtins.groupBy (builtins.substring 0 1) [ \"ant\" \"bee\" \"asp\" ]"
        => "{ a = [ \"ant\" \"asp\" ]; b = [ \"bee\" ]; }",
    async fn group_by<'f>(cx, f: function | attrs, list: list) {
        callable(cx, f)?;
        let mut places = FxHashMap::default();
        let mut groups: Vec<(Symbol, Vec<Value<'f>>)> = Vec::new();
        let mut held = Held::default();
        for index in 0..cx.list_len(list)? {
            let item = cx.list_get(list, index);
            let name = cx.call(f, [&item]).await?;
            let name = typed(cx, name, Type::String).and_then(|name| plain_symbol(cx, &name));
            let name = cx.told(
                name,
                "while evaluating the return value of the grouping function passed to builtins.groupBy",
            )?;
            let place = *places.entry(name).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, items)) => items.push(item),
                None => groups.push((name, vec![item])),
            }
            if let Some(bytes) = held.grown(groups.capacity() * GROUP_BYTES + (index + 1) * ITEM_BYTES) {
                cx.hold(bytes).await?;
            }
        }
        let groups: Vec<Attribute<'f>> = groups
            .into_iter()
            .map(|(name, items)| Attribute::new(name, cx.list(&items)))
            .collect();
        Ok(cx.attrs(&groups))
    }
}
