//! The deterministic builtins of Nix: what computes and asks nothing of the world. One file for each theme.

mod arithmetic;
mod closure;
mod constants;
mod contexts;
mod control;
mod derivations;
mod folds;
mod hash;
mod json;
mod lists;
mod names;
mod paths;
mod regex;
mod replace;
mod set_building;
mod sets;
mod sort;
mod strings;
mod support;
#[cfg(test)]
mod testing;
mod toml;
mod types;
mod versions;
mod xml;

piton_plugin_api::plugin! {
    name: pure,
    version: env!("CARGO_PKG_VERSION"),
    builtins: [
        arithmetic::add,
        arithmetic::bit_and,
        arithmetic::bit_or,
        arithmetic::bit_xor,
        arithmetic::ceil,
        arithmetic::div,
        arithmetic::floor,
        arithmetic::less_than,
        arithmetic::mul,
        arithmetic::sub,
        closure::generic_closure,
        constants::false_,
        constants::lang_version,
        constants::nix_version,
        constants::null,
        constants::store_dir,
        constants::true_,
        contexts::add_drv_output_dependencies,
        contexts::append_context,
        contexts::get_context,
        contexts::has_context,
        contexts::unsafe_discard_output_dependency,
        contexts::unsafe_discard_string_context,
        control::abort,
        control::add_error_context,
        control::deep_seq,
        control::seq,
        control::throw,
        control::try_eval,
        derivations::derivation,
        derivations::derivation_strict,
        derivations::output_of,
        derivations::placeholder,
        derivations::to_file,
        folds::all,
        folds::any,
        folds::filter,
        folds::foldl,
        folds::group_by,
        folds::partition,
        hash::convert_hash,
        hash::hash_string,
        json::from_json,
        json::to_json,
        lists::concat_lists,
        lists::concat_map,
        lists::elem,
        lists::elem_at,
        lists::gen_list,
        lists::head,
        lists::length,
        lists::map,
        lists::tail,
        paths::base_name_of,
        paths::dir_of,
        paths::import,
        paths::scoped_import,
        paths::to_path,
        regex::match_,
        regex::split,
        set_building::list_to_attrs,
        set_building::map_attrs,
        set_building::zip_attrs_with,
        sets::attr_names,
        sets::attr_values,
        sets::cat_attrs,
        sets::get_attr,
        sets::has_attr,
        sets::intersect_attrs,
        sets::remove_attrs,
        sets::unsafe_get_attr_pos,
        sort::sort,
        strings::concat_strings_sep,
        strings::replace_strings,
        strings::string_length,
        strings::substring,
        strings::to_string,
        toml::from_toml,
        types::function_args,
        types::is_attrs,
        types::is_bool,
        types::is_float,
        types::is_function,
        types::is_int,
        types::is_list,
        types::is_null,
        types::is_path,
        types::is_string,
        types::type_of,
        versions::compare_versions,
        versions::parse_drv_name,
        versions::split_version,
        xml::to_xml,
    ],
    build_id: env!("PITON_BUILD_ID"),
}
