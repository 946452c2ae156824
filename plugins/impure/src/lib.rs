//! The builtins of Nix that look at the world or speak to it: files, the environment, the clock, the terminal.
//!
//! None of them touches anything itself. They ask the host, which checks each request against what the evaluation may do; so
//! this library behaves the same under `--pure` and `--hermetic`, but for what it is told.

mod environment;
mod files;
mod find_file;
mod hash_file;
mod messages;
mod store;
mod support;

piton_plugin_api::plugin! {
    name: impure,
    version: env!("CARGO_PKG_VERSION"),
    builtins: [
        environment::current_system,
        environment::current_time,
        environment::get_env,
        environment::nix_path,
        files::path_exists,
        files::read_dir,
        files::read_file,
        files::read_file_type,
        find_file::find_file,
        hash_file::hash_file,
        messages::break_,
        messages::trace,
        messages::trace_verbose,
        messages::warn,
        store::filter_source,
        store::path_,
        store::store_path,
    ],
    build_id: env!("PITON_BUILD_ID"),
}
