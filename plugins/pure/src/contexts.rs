//! String contexts: which store paths a string refers to.

use crate::names::written;
use crate::support::{ContextElement, coerced, forced, plain};
use piton_plugin_api::abi::coerce::COPY_TO_STORE;
use piton_plugin_api::abi::request::OUTPUT_OF;
use piton_plugin_api::{
    Attribute, Cx, Error, ErrorKind, Result, StringContext, Type, Value, builtin,
};
use std::collections::BTreeMap;

builtin! {
    /// Whether the string refers to a store path.
    name = "hasContext", since = "0.1.0", example = "builtins.hasContext \"plain\"" => "false",
    leaf fn has_context<'f>(cx, s: string as "argument passed to builtins.hasContext") {
        Ok(Value::bool(!cx.context(s).is_empty()))
    }
}

builtin! {
    /// What the string refers to: a set from store paths to how they are referred to, with `path = true` for the path itself,
    /// `allOutputs = true` for a derivation with all that it needs and builds, and `outputs` for single outputs of one.
    name = "getContext", since = "0.1.0",
    example = "builtins.getContext (builtins.appendContext \"text\" {
  \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a.drv\" = { outputs = [ \"out\" ]; };
})" => "{ \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a.drv\" = { outputs = [ \"out\" ]; }; }",
    async fn get_context<'f>(cx, s: string as "argument passed to builtins.getContext") {
        let elements = cx.context_elements(cx.context(s));
        let mut known: Vec<Vec<u8>> = Vec::new();
        for element in &elements {
            if let ContextElement::Output { path, output, inner: Some(inner) } = ContextElement::parse(element) {
                // Nix names the derivation that the output comes from, so that one has to be known.
                let mut derivation = path.to_vec();
                for name in inner.rsplit(|byte| *byte == b'!') {
                    let context = cx.context_of(&[&derivation]);
                    let string = cx.string_with(&derivation, context);
                    let found = cx.ask(OUTPUT_OF, 0, [&string, &cx.string(name)]).await?;
                    let found = cx.bytes(&found)?;
                    if !is_store_path(found) {
                        let before = [b"cannot operate on output '", name, b"' of the unbuilt derivation '"].concat();
                        return Err(refused(cx, &before, &derivation, b"'"));
                    }
                    derivation = found.to_vec();
                }
                known.push([b"!", output, b"!", &derivation].concat());
            } else {
                known.push(element.to_vec());
            }
        }
        let known: Vec<&[u8]> = known.iter().map(Vec::as_slice).collect();
        let paths: Vec<Attribute<'f>> = referred(&known)
            .into_iter()
            .map(|(path, reference)| Attribute::new(cx.symbol(path), described(cx, &reference)))
            .collect();
        Ok(cx.attrs(&paths))
    }
}

/// How a context refers to one store path.
#[derive(Default, PartialEq, Debug)]
struct Reference<'a> {
    path: bool,
    all_outputs: bool,
    outputs: Vec<&'a [u8]>,
}

/// The elements of a context by their paths.
fn referred<'a>(elements: &[&'a [u8]]) -> BTreeMap<&'a [u8], Reference<'a>> {
    let mut paths: BTreeMap<&[u8], Reference<'_>> = BTreeMap::new();
    for element in elements {
        match ContextElement::parse(element) {
            ContextElement::Path(path) => paths.entry(path).or_default().path = true,
            ContextElement::Deep(path) => paths.entry(path).or_default().all_outputs = true,
            ContextElement::Output { path, output, .. } => {
                paths.entry(path).or_default().outputs.push(output);
            }
        }
    }
    paths
}

fn described<'f>(cx: Cx<'f>, reference: &Reference<'_>) -> Value<'f> {
    let mut attributes = Vec::new();
    if reference.path {
        attributes.push(Attribute::new(cx.symbol("path"), Value::bool(true)));
    }
    if reference.all_outputs {
        attributes.push(Attribute::new(cx.symbol("allOutputs"), Value::bool(true)));
    }
    if !reference.outputs.is_empty() {
        let outputs: Vec<Value<'f>> = reference
            .outputs
            .iter()
            .map(|name| cx.string(name))
            .collect();
        attributes.push(Attribute::new(cx.symbol("outputs"), cx.list(&outputs)));
    }
    cx.attrs(&attributes)
}

builtin! {
    /// The string `s` with references added, which `context` describes in the way of `getContext`.
    name = "appendContext", since = "0.1.0",
    example = "builtins.hasContext (builtins.appendContext \"text\" {
  \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a\" = { path = true; };
})" => "true",
    async fn append_context<'f>(cx, s: string, context: attrs) {
        let mut elements: Vec<Vec<u8>> = Vec::new();
        let [path_of, all_outputs_of, outputs_of] = ["path", "allOutputs", "outputs"].map(|name| cx.symbol(name));
        for Attribute { name, value, .. } in cx.attrs_items(context)? {
            let path = cx.name(name);
            if !is_store_path(path) {
                return Err(refused(cx, b"context key '", &written(path), b"' is not a store path"));
            }
            let reference = forced(cx, value, Type::Attrs).await?;
            if let Some(wanted) = cx.attrs_get(&reference, path_of)
                && cx.bool(&cx.evaluate(wanted).await?)?
            {
                elements.push(path.to_vec());
            }
            if let Some(wanted) = cx.attrs_get(&reference, all_outputs_of)
                && cx.bool(&cx.evaluate(wanted).await?)?
            {
                if !is_derivation(path) {
                    let before = b"tried to add all-outputs context of ";
                    return Err(refused(cx, before, &written(path), b", which is not a derivation, to a string"));
                }
                elements.push([b"=", path].concat());
            }
            if let Some(outputs) = cx.attrs_get(&reference, outputs_of) {
                let outputs = forced(cx, outputs, Type::List).await?;
                let count = cx.list_len(&outputs)?;
                if count > 0 && !is_derivation(path) {
                    let before = b"tried to add derivation output context of ";
                    return Err(refused(cx, before, &written(path), b", which is not a derivation, to a string"));
                }
                for index in 0..count {
                    let output = forced(cx, cx.list_get(&outputs, index), Type::String).await?;
                    elements.push([b"!", plain(cx, &output)?, b"!", path].concat());
                }
            }
        }
        let views: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
        let added = cx.context_of(&views);
        Ok(cx.string_with(cx.bytes(s)?, cx.context_union(cx.context(s), added)))
    }
}

#[cold]
fn refused(cx: Cx<'_>, before: &[u8], name: &[u8], after: &[u8]) -> Error {
    cx.error_bytes(ErrorKind::Eval, &[before, name, after].concat())
}

builtin! {
    /// The string without its context. Unsafe, since a derivation that uses it no longer depends on what the string refers to.
    name = "unsafeDiscardStringContext", since = "0.1.0",
    example = "builtins.hasContext (builtins.unsafeDiscardStringContext (builtins.appendContext \"text\" {
  \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a\" = { path = true; };
}))" => "false",
    async fn unsafe_discard_string_context<'f>(cx, s: any as "argument passed to builtins.unsafeDiscardStringContext") {
        let s = coerced(cx, s, COPY_TO_STORE).await?;
        with_context(cx, s, StringContext::EMPTY)
    }
}

/// `string` with another context.
fn with_context<'f>(cx: Cx<'f>, string: Value<'f>, context: StringContext) -> Result<Value<'f>> {
    if cx.context(&string) == context {
        return Ok(string);
    }
    Ok(cx.string_with(cx.bytes(&string)?, context))
}

builtin! {
    /// The string with each reference to a derivation and all that it builds turned into one to the derivation's file alone.
    /// Unsafe, since it forgets what is needed. `addDrvOutputDependencies` goes the other way.
    name = "unsafeDiscardOutputDependency", since = "0.1.0",
    example = "builtins.getContext (builtins.unsafeDiscardOutputDependency (builtins.appendContext \"text\" {
  \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a.drv\" = { allOutputs = true; };
}))" => "{ \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a.drv\" = { path = true; }; }",
    async fn unsafe_discard_output_dependency<'f>(
        cx,
        s: any as "argument passed to builtins.unsafeDiscardOutputDependency",
    ) {
        let s = coerced(cx, s, COPY_TO_STORE).await?;
        let elements: Vec<&[u8]> = cx
            .context_elements(cx.context(&s))
            .into_iter()
            .map(|element| element.strip_prefix(b"=").unwrap_or(element))
            .collect();
        let context = cx.context_of(&elements);
        with_context(cx, s, context)
    }
}

builtin! {
    /// The string with its one reference, to the file of a derivation, extended to all that the derivation needs and builds.
    name = "addDrvOutputDependencies", since = "0.1.0",
    example = "builtins.getContext (builtins.addDrvOutputDependencies (builtins.appendContext \"text\" {
  \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a.drv\" = { path = true; };
}))" => "{ \"/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a.drv\" = { allOutputs = true; }; }",
    async fn add_drv_output_dependencies<'f>(cx, s: any as "argument passed to builtins.addDrvOutputDependencies") {
        let s = coerced(cx, s, COPY_TO_STORE).await?;
        let elements = cx.context_elements(cx.context(&s));
        let &[element] = elements.as_slice() else {
            let after = format!("' must have exactly one element, but has {}", elements.len());
            return Err(refused(cx, b"context of string '", cx.bytes(&s)?, after.as_bytes()));
        };
        match ContextElement::parse(element) {
            ContextElement::Deep(_) => Ok(s),
            ContextElement::Path(path) if is_derivation(path) => {
                let context = cx.context_of(&[&[b"=", path].concat()]);
                with_context(cx, s, context)
            }
            ContextElement::Path(path) => Err(refused(cx, b"path '", path, b"' is not a derivation")),
            ContextElement::Output { output, .. } => {
                let before =
                    b"`addDrvOutputDependencies` can only act on derivations, not on a derivation output such as '";
                Err(refused(cx, before, output, b"'"))
            }
        }
    }
}

/// Whether a path is that of a derivation's file.
fn is_derivation(path: &[u8]) -> bool {
    path.ends_with(b".drv")
}

/// The longest name that a store path can have, behind its hash.
const MAX_NAME: usize = 211;

/// Whether this is the path of something in the store: not the store itself, and nothing below such a path.
fn is_store_path(path: &[u8]) -> bool {
    let Some(base) = path.strip_prefix(b"/nix/store/") else {
        return false;
    };
    let Some((hash, rest)) = base.split_at_checked(32) else {
        return false;
    };
    let Some(name) = rest.strip_prefix(b"-") else {
        return false;
    };
    hash.iter()
        .all(|byte| b"0123456789abcdfghijklmnpqrsvwxyz".contains(byte))
        && is_store_name(name)
}

/// Whether a store path may have this name.
fn is_store_name(name: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._?=".contains(byte);
    let dots = |prefix: &[u8]| name == prefix || name.starts_with(&[prefix, b"-"].concat());
    (1..=MAX_NAME).contains(&name.len()) && name.iter().all(allowed) && !dots(b".") && !dots(b"..")
}

#[cfg(test)]
mod tests {
    use super::{Reference, is_store_path, referred};

    #[test]
    fn store_paths() {
        let at = |name: &str| format!("/nix/store/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l{name}");
        for name in ["-a", "-a.drv", "-a+b-c_d?e=f.0", "-.a"] {
            assert!(is_store_path(at(name).as_bytes()), "{name}");
        }
        for name in [
            "", "-", "a", "-a/b", "-a b", "-é", "-.", "-..", "-.-a", "-..-a",
        ] {
            assert!(!is_store_path(at(name).as_bytes()), "{name}");
        }
        assert!(is_store_path(
            at(&format!("-{}", "a".repeat(211))).as_bytes()
        ));
        assert!(!is_store_path(
            at(&format!("-{}", "a".repeat(212))).as_bytes()
        ));
        assert!(!is_store_path(
            b"/nix/store/erhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a"
        ));
        assert!(!is_store_path(b"/nix/store"));
        assert!(!is_store_path(b"/other/arhvjaf6zmlyn8vh8fgn55rpwnxq0n7l-a"));
    }

    #[test]
    fn elements_are_gathered_by_path() {
        let elements: [&[u8]; 5] = [b"!dev!/d.drv", b"!out!/d.drv", b"/d.drv", b"/p", b"=/d.drv"];
        let paths = referred(&elements);
        assert_eq!(paths.len(), 2);
        let derivation = Reference {
            path: true,
            all_outputs: true,
            outputs: vec![b"dev", b"out"],
        };
        assert_eq!(paths[b"/d.drv".as_slice()], derivation);
        assert_eq!(
            paths[b"/p".as_slice()],
            Reference {
                path: true,
                ..Reference::default()
            }
        );
    }
}
