//! Questions about the type of a value. Each forces its argument, and nothing inside of it.

use piton_plugin_api::{ErrorKind, Type, Value, builtin};

builtin! {
    /// The name of the type of `e`: one of `"int"`, `"float"`, `"bool"`, `"string"`, `"path"`, `"null"`, `"list"`,
    /// `"set"` and `"lambda"`. Builtins and partial applications are `"lambda"` too.
    name = "typeOf", since = "0.1.0",
    example = "map builtins.typeOf [ 1 1.5 \"x\" { } (x: x) ]" => "[ \"int\" \"float\" \"string\" \"set\" \"lambda\" ]",
    leaf fn type_of<'f>(cx, e: any) {
        Ok(cx.string(match e.kind() {
            Type::Null => "null",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::String => "string",
            Type::Path => "path",
            Type::List => "list",
            Type::Attrs => "set",
            Type::Function => "lambda",
            Type::Thunk => return Err(cx.fail("the host passed an argument that is not evaluated")),
        }))
    }
}

builtin! {
    /// Whether `e` is a set.
    name = "isAttrs", since = "0.1.0", example = "builtins.isAttrs { }" => "true",
    leaf fn is_attrs<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::Attrs))
    }
}

builtin! {
    /// Whether `e` is `true` or `false`.
    name = "isBool", since = "0.1.0", example = "builtins.isBool (1 == 2)" => "true",
    leaf fn is_bool<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::Bool))
    }
}

builtin! {
    /// Whether `e` is a floating point number.
    name = "isFloat", since = "0.1.0", example = "map builtins.isFloat [ 1 1.0 ]" => "[ false true ]",
    leaf fn is_float<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::Float))
    }
}

builtin! {
    /// Whether `e` is a function. A set with `__functor` can be called, but is none.
    name = "isFunction", since = "0.1.0",
    example = "map builtins.isFunction [ (x: x) map { __functor = self: x: x; } ]" => "[ true true false ]",
    leaf fn is_function<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::Function))
    }
}

builtin! {
    /// Whether `e` is an integer.
    name = "isInt", since = "0.1.0", example = "map builtins.isInt [ 1 1.0 ]" => "[ true false ]",
    leaf fn is_int<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::Int))
    }
}

builtin! {
    /// Whether `e` is a list.
    name = "isList", since = "0.1.0", example = "builtins.isList [ ]" => "true",
    leaf fn is_list<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::List))
    }
}

builtin! {
    /// Whether `e` is `null`; older than the comparison `e == null`, which says the same.
    name = "isNull", since = "0.1.0", example = "isNull null" => "true",
    flags = [BARE],
    leaf fn is_null<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::Null))
    }
}

builtin! {
    /// Whether `e` is a path. A string that looks like one is none.
    name = "isPath", since = "0.1.0", example = "map builtins.isPath [ /etc \"/etc\" ]" => "[ true false ]",
    leaf fn is_path<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::Path))
    }
}

builtin! {
    /// Whether `e` is a string.
    name = "isString", since = "0.1.0", example = "builtins.isString \"x\"" => "true",
    leaf fn is_string<'f>(_cx, e: any) {
        Ok(Value::bool(e.kind() == Type::String))
    }
}

builtin! {
    /// The attributes that `f` takes apart when it is called, each with whether it has a default. The set is empty
    /// for a function whose argument is a plain name, and for a builtin.
    name = "functionArgs", since = "0.1.0",
    example = "builtins.functionArgs ({ host, port ? 80 }: host)" => "{ host = false; port = true; }",
    leaf fn function_args<'f>(cx, f: any) {
        if f.kind() != Type::Function {
            return Err(cx.error(ErrorKind::Type, "'functionArgs' requires a function"));
        }
        Ok(cx.function_args(f))
    }
}
