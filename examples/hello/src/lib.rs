//! The smallest plugin: `cargo build`, and give Piton `--plugin target/debug/libhello.so`.

use piton_plugin_api::{builtin, plugin};

builtin! {
    /// Greets somebody.
    name = "greet", since = "0.1.0", example = "builtins.greet \"Ada\"" => "\"Hello, Ada!\"",
    leaf fn greet<'f>(cx, name: string) {
        let text = [b"Hello, ", cx.bytes(name)?, b"!"].concat();
        Ok(cx.string_with(text, cx.context(name)))
    }
}

plugin! { name: hello, version: "0.1.0", builtins: [greet] }
