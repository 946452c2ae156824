//! Derivations and texts of the store. The host computes the paths; whether anything is written is the store's affair.

use crate::hash::nix32_sha256;
use crate::support::plain;
use piton_plugin_api::abi::request::{ADD_TEXT_TO_STORE, DERIVATION, OUTPUT_OF};
use piton_plugin_api::builtin;

builtin! {
    /// The derivation that a set describes: a recipe that says how something is built. The set needs `name`, `system` (what it can be built
    /// on) and `builder` (a program); `args` are the program's arguments, `outputs` the names of what it builds, and all other attributes become
    /// its environment. The result is the set, extended by `outPath` and `drvPath`, by one attribute for each output, and by
    /// `all`, a list of the outputs. Nothing is built, or even computed, before one of the paths is needed.
    name = "derivation", since = "0.1.0",
    example = "(derivation { name = \"example\"; system = \"any\"; builder = \"/bin/sh\"; }).outPath"
        => "\"/nix/store/hp8ywcg4cbywihyymgdi8i8a8zisgdbp-example\"",
    flags = [BARE],
    async fn derivation<'f>(cx) {
        cx.eval_text(SOURCE).await
    }
}

/// The outputs refer to each other, which Nix itself says best.
const SOURCE: &str = r#"
drvAttrs@{ outputs ? [ "out" ], ... }:
let
  strict = derivationStrict drvAttrs;
  entry = outputName: {
    name = outputName;
    value = shared // {
      inherit outputName;
      inherit (strict) drvPath;
      outPath = builtins.getAttr outputName strict;
      type = "derivation";
    };
  };
  entries = map entry outputs;
  shared = drvAttrs // builtins.listToAttrs entries // {
    inherit drvAttrs;
    all = map (output: output.value) entries;
  };
in
(builtins.head entries).value
"#;

builtin! {
    /// The paths of the derivation that `attrs` describes: a set of `drvPath` and one attribute for each output. Evaluates all
    /// of `attrs`; [`derivation`](#derivation) does so only when a path is needed.
    name = "derivationStrict", since = "0.1.0",
    example = "builtins.attrNames (derivationStrict {
  name = \"example\"; system = \"any\"; builder = \"/bin/sh\"; outputs = [ \"out\" \"doc\" ];
})" => "[ \"doc\" \"drvPath\" \"out\" ]",
    flags = [BARE],
    async fn derivation_strict<'f>(cx, attrs: attrs as "argument passed to builtins.derivationStrict") {
        cx.ask(DERIVATION, 0, [attrs]).await
    }
}

builtin! {
    /// A text that stands for the path of an output within the derivation that builds it: a builder finds the path in its place.
    name = "placeholder", since = "0.1.0", example = "placeholder \"out\""
        => "\"/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9\"",
    flags = [BARE],
    leaf fn placeholder<'f>(cx, output: string) {
        let output = plain(cx, output)?;
        Ok(cx.string(format!("/{}", nix32_sha256(&[b"nix-output:", output].concat()))))
    }
}

builtin! {
    /// The path of an output of a derivation where it is known before anything is built, else a text that stands for it. The
    /// derivation `reference` is a string that refers to its file alone (`builtins.unsafeDiscardOutputDependency drv.drvPath`), or to an output
    /// of another derivation that builds this one: `builtins.outputOf (builtins.outputOf drv "out") "out"`.
    name = "outputOf", since = "0.1.0",
    example = "let drv = derivation { name = \"example\"; system = \"any\"; builder = \"/bin/sh\"; };
in builtins.outputOf (builtins.unsafeDiscardOutputDependency drv.drvPath) \"out\""
        => "\"/nix/store/hp8ywcg4cbywihyymgdi8i8a8zisgdbp-example\"",
    async fn output_of<'f>(cx, reference: lazy, output: lazy) {
        cx.ask(OUTPUT_OF, 0, [reference, output]).await
    }
}

builtin! {
    /// Adds a file with these contents to the store and evaluates to its path. The contents may refer to other files of the
    /// store, but to nothing that still has to be built.
    name = "toFile", since = "0.1.0", example = "builtins.toFile \"greeting\" \"hello\""
        => "\"/nix/store/5akl8zsmda0yrr63v4khwgskih2g2hsh-greeting\"",
    needs = [STORE_WRITE],
    async fn to_file<'f>(cx, name: string, contents: string) {
        cx.ask(ADD_TEXT_TO_STORE, 0, [name, contents]).await
    }
}
