//! What the tests share: building what is tested, running it with a time limit, and an evaluator within the process.
//!
//! Nothing is skipped: where a tool is missing (`cargo`, `cc`, Debian's `nix-instantiate`), the test fails and says so.

pub mod built;
pub mod cases;
pub mod fetching;
pub mod inside;
pub mod random;
pub mod repository;
pub mod run;
pub mod server;
pub mod stores;

pub use built::{c_plugin, piton, rust_plugin, shipped_plugin, source_dir, test_plugin};
pub use inside::{Inside, inside};
pub use run::{Finished, Run, eval, eval_fails, piton_run};

/// The lines of `text` that state an error, without the word: the message at the end of a report, and its first line alone.
pub fn main_message(text: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("error: "))
        .next_back()
        .map(str::to_owned)
}
