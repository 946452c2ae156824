//! The state that each VM has of this plugin.

use piton_plugin_api::{Value, builtin};
use std::cell::Cell;

/// One for each VM.
pub struct State {
    calls: Cell<i64>,
}

/// Made once for each VM.
pub fn make() -> State {
    State {
        calls: Cell::new(0),
    }
}

builtin! {
    /// How often it was called in this VM, this call included. The argument is not looked at.
    name = "countCalls", since = "0.1.0", example = "builtins.countCalls null > 0" => "true",
    leaf fn count_calls<'f>(cx, _x: lazy) {
        // SAFETY: `make` is the plugin's `state` function, and returns this type.
        let state = unsafe { cx.state::<State>() };
        state.calls.set(state.calls.get() + 1);
        Ok(Value::int(state.calls.get()))
    }
}
