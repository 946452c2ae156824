//! `builtins.path`, `filterSource` and `storePath`: files on their way to the store.

use crate::support::{failure, forced};
use piton_plugin_api::abi::request::{ADD_PATH_TO_STORE, STORE_PATH};
use piton_plugin_api::{Attribute, Cx, ErrorKind, Result, Type, Value, builtin};

builtin! {
    /// Adds a file or folder to the store and evaluates to its path there. `args` is a set of
    ///
    /// - `path`: what is added;
    /// - `name`: the name in the store, in place of the path's own;
    /// - `filter`: a function of the path and the type of each file and folder within; what it answers `false` for is left out;
    /// - `recursive`: `false` for a single file that is hashed as it is, without regard to its being executable;
    /// - `sha256`: the hash that is expected.
    name = "path", since = "0.1.0", example = "builtins.path { path = builtins.toFile \"a\" \"x\"; name = \"b\"; }"
        => "\"/nix/store/zydyrz2ddv6vqfn3i24yd8dkmn740f6d-b\"",
    needs = [READ, STORE_WRITE],
    async fn path_<'f>(cx, args: attrs as "argument passed to 'builtins.path'") {
        let mut path = None;
        let mut filter = Value::null();
        let mut options = Vec::new();
        for attribute in cx.attrs_items(args)? {
            let value = &attribute.value;
            match cx.name(attribute.name) {
                b"path" => path = Some(cx.force(value).await?),
                b"filter" => filter = function(cx, value).await?,
                b"name" | b"sha256" => {
                    let value = forced(cx, value, Type::String).await?;
                    options.push(Attribute::new(attribute.name, value));
                }
                b"recursive" => {
                    let value = forced(cx, value, Type::Bool).await?;
                    options.push(Attribute::new(attribute.name, value));
                }
                name => {
                    let parts: [&[u8]; 3] = [b"unsupported argument '", name, b"' to 'builtins.path'"];
                    return Err(failure(cx, ErrorKind::Eval, &parts));
                }
            }
        }
        let Some(path) = path else {
            return Err(cx.fail("missing required 'path' attribute in the first argument to 'builtins.path'"));
        };
        let options = cx.attrs(&options);
        cx.ask(ADD_PATH_TO_STORE, 0, [&path, &options, &filter]).await
    }
}

builtin! {
    /// Adds the file or folder at `path` to the store, without those files and folders within it that `filter`, a function of
    /// path and type, answers `false` for. `builtins.path` does the same and can give it a name.
    name = "filterSource", since = "0.1.0", example = "builtins.isFunction (builtins.filterSource (path: type: true))" => "true",
    needs = [READ, STORE_WRITE],
    async fn filter_source<'f>(
        cx,
        filter: lazy,
        path: any as "second argument (the path to filter) passed to 'builtins.filterSource'",
    ) {
        // The path is looked at before the function.
        let path = cx.coerce_to_string(path, 0).await?;
        if !cx.bytes(&path)?.starts_with(b"/") {
            let parts: [&[u8]; 3] = [b"string '", cx.bytes(&path)?, b"' doesn't represent an absolute path"];
            return Err(failure(cx, ErrorKind::Eval, &parts));
        }
        let filter = function(cx, filter).await?;
        let options = cx.attrs(&[]);
        cx.ask(ADD_PATH_TO_STORE, 0, [&path, &options, &filter]).await
    }
}

builtin! {
    /// A path that is in the store already, as a string that refers to it: with a path of the store in its own text alone, a
    /// derivation would not depend on it.
    name = "storePath", since = "0.1.0",
    example = "builtins.hasContext (builtins.storePath \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a\")" => "true",
    needs = [READ, STORE_WRITE],
    async fn store_path<'f>(cx, path: lazy as "first argument passed to 'builtins.storePath'") {
        cx.ask(STORE_PATH, 0, [path]).await
    }
}

/// Forces what must turn out to be something that can be called.
async fn function<'f>(cx: Cx<'f>, value: &Value<'f>) -> Result<Value<'f>> {
    let value = cx.force(value).await?;
    let callable = match value.kind() {
        Type::Function => true,
        Type::Attrs => cx.attrs_get(&value, cx.symbol("__functor")).is_some(),
        _ => false,
    };
    if callable {
        Ok(value)
    } else {
        Err(cx.type_error(&[Type::Function], &value))
    }
}
