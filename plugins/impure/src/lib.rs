//! The builtins of Nix that look at the world or speak to it: files, the environment, the clock, the terminal; and those that
//! fetch.
//!
//! But for the fetchers none of them touches anything itself. They ask the host, which checks each request against what the
//! evaluation may do. Fetchers (`fetch`) download, unpack and run `git` by themselves, into a cache, which is what the
//! capability `net` is for; they ask the host which mode it is, and hand in what they got.

mod environment;
mod fetch;
mod fetch_refused;
mod fetch_tree;
mod fetch_url;
mod files;
mod find_file;
mod flake_parts;
mod flakes;
mod hash_file;
mod hash_text;
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
        fetch_refused::fetch_closure,
        fetch_refused::fetch_mercurial,
        fetch_tree::fetch_git,
        fetch_tree::fetch_input,
        fetch_tree::fetch_tree,
        fetch_tree::git_revision_count,
        fetch_url::fetch_archive,
        fetch_url::fetch_tarball,
        fetch_url::fetchurl,
        files::path_exists,
        files::read_dir,
        files::read_file,
        files::read_file_type,
        find_file::find_file,
        flake_parts::flake_canonical,
        flake_parts::flake_date,
        flake_parts::flake_fail,
        flake_parts::flake_is_locked,
        flake_parts::flake_parse,
        flake_parts::flake_reference,
        flake_parts::flake_show,
        flake_parts::flake_warn,
        flakes::flake_ref_to_string,
        flakes::get_flake,
        flakes::parse_flake_ref,
        flakes::typed_flake,
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
