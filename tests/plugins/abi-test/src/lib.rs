//! A plugin for the tests of the boundary: builtins that misbehave, builtins that run one body under both drivers, and
//! the small ones that benchmarks call.

// With that feature most builtins are left out.
#![cfg_attr(feature = "too-big", allow(dead_code))]

mod at_once;
mod faults;
mod folds;
mod measures;
mod state;
mod suspensions;
#[cfg(feature = "too-big")]
mod too_big;

use piton_plugin_api::plugin;

#[cfg(not(feature = "too-big"))]
plugin! {
    name: abi_test,
    version: env!("CARGO_PKG_VERSION"),
    builtins: [
        faults::panic_leaf, faults::panic_async, faults::panic_in_drop, faults::panic_payload, faults::panic_number, faults::fail_leaf,
        faults::fail_after, faults::needs_clock, faults::has_clock, faults::unknown_request, faults::no_request,
        suspensions::call_nested, suspensions::loop_requests, suspensions::hold_many, suspensions::hold_bytes, suspensions::leak_roots,
        suspensions::drop_watch, suspensions::drop_count, suspensions::try_call,
        folds::slot_fold, folds::ref_fold, folds::slot_sort, folds::ref_sort,
        measures::leaf_add, measures::async_add, measures::ref_add, measures::ask_many, measures::plain_sum, measures::force_sum,
        measures::answer, measures::lazy_map,
        state::count_calls,
        at_once::chain, at_once::named, at_once::unlisted, at_once::members, at_once::zipped,
        at_once::left_over, at_once::alike,
    ],
    state: state::make,
}

#[cfg(feature = "too-big")]
plugin! {
    name: abi_test,
    version: env!("CARGO_PKG_VERSION"),
    builtins: [measures::leaf_add, too_big::big_frame],
    state: state::make,
}
