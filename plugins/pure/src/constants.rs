//! Values that are no functions.

use piton_plugin_api::{Value, builtin};

/// The release of Nix whose builtins these are.
const NIX_VERSION: &str = "2.34.8";
/// Counts the generations of the language itself.
const LANG_VERSION: i64 = 6;
const STORE_DIR: &str = "/nix/store";

builtin! {
    /// The truth value for what holds. It is a variable like any other, so a program may shadow it.
    name = "true", since = "0.1.0", example = "true && !false" => "true",
    flags = [BARE],
    leaf fn true_<'f>(_cx) {
        Ok(Value::bool(true))
    }
}

builtin! {
    /// The truth value for what does not hold. It is a variable like any other, so a program may shadow it.
    name = "false", since = "0.1.0", example = "1 == 2 || false" => "false",
    flags = [BARE],
    leaf fn false_<'f>(_cx) {
        Ok(Value::bool(false))
    }
}

builtin! {
    /// The value that stands for the lack of one. It is a variable like any other, so a program may shadow it.
    name = "null", since = "0.1.0", example = "[ null ]" => "[ null ]",
    flags = [BARE],
    leaf fn null<'f>(_cx) {
        Ok(Value::null())
    }
}

builtin! {
    /// The version of Nix that this evaluator agrees with. Programs compare it to learn what they may use.
    name = "nixVersion", since = "0.1.0",
    example = "builtins.compareVersions builtins.nixVersion \"2.3\" == 1" => "true",
    leaf fn nix_version<'f>(cx) {
        Ok(cx.string(NIX_VERSION))
    }
}

builtin! {
    /// The version of the language, a number that grows when its syntax does.
    name = "langVersion", since = "0.1.0", example = "builtins.langVersion" => "6",
    leaf fn lang_version<'f>(_cx) {
        Ok(Value::int(LANG_VERSION))
    }
}

builtin! {
    /// The directory in which all store paths lie.
    name = "storeDir", since = "0.1.0", example = "builtins.storeDir" => "\"/nix/store\"",
    leaf fn store_dir<'f>(cx) {
        Ok(cx.string(STORE_DIR))
    }
}
