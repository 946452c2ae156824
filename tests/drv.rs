//! `piton drv`: derivations as JSON, which Nix 2.34.8 has written for `data/derivations.nix`, and differences in words.

use piton_tests::{piton_run, source_dir};

const EXPECTED: &str = include_str!("data/derivations.json");
const FEATURES: &str = "ca-derivations impure-derivations dynamic-derivations";
const NAMES: [&str; 10] = [
    "floating",
    "impure",
    "deferred",
    "flat",
    "recursive",
    "text",
    "structured",
    "characters",
    "dynamic",
    "inputs",
];

fn show(args: &[&str]) -> piton_tests::Run {
    piton_run(["drv", "show", "--extra-experimental-features", FEATURES])
        .dir(source_dir("tests/data"))
        .args(args)
}

#[test]
fn json_is_that_of_nix() {
    let args = [&["--json", "-f", "derivations.nix"], &NAMES[..]].concat();
    assert_eq!(show(&args).finish().success(), EXPECTED.trim_end());
}

#[test]
fn json_of_all_that_is_needed() {
    let args = ["--json", "--recursive", "-f", "derivations.nix", "inputs"];
    let json = show(&args).finish().success();
    for name in [
        "-inputs.drv\":{",
        "-characters.drv\":{\"args\"",
        "-many.drv\":{\"args\"",
    ] {
        assert!(json.contains(name), "{json}");
    }
    let args = ["--json", "-f", "derivations.nix", "inputs"];
    let json = show(&args).finish().success();
    assert!(!json.contains("-many.drv\":{\"args\""), "{json}");
}

#[test]
fn a_derivation_for_people() {
    let text = show(&[
        "-E",
        "derivation { name = \"n\"; system = \"s\"; builder = \"b\"; args = [ \"a\\n\" ]; }",
    ]);
    let text = text.finish().success();
    let lines: Vec<&str> = text.lines().skip(1).take(4).collect();
    let expected = [
        "  name     n",
        "  system   s",
        "  builder  b",
        "  arg      \"a\\n\"",
    ];
    assert_eq!(lines, expected, "{text}");
    assert!(text.contains("\n  output   out /nix/store/"), "{text}");
}

#[test]
fn what_is_no_derivation() {
    for (args, message) in [
        (
            &["-E", "{ a = 1; }", "a"][..],
            "'a' does not evaluate to a derivation",
        ),
        (
            &["-E", "{ a = 1; }", "b"],
            "attribute 'b' in selection path 'b' not found",
        ),
        (
            &["/nix/store/00000000000000000000000000000000-none.drv"],
            "path '/nix/store/00000000000000000000000000000000-none.drv' does not exist",
        ),
        (&["-f", "/dev/null"], "unexpected end of file"),
    ] {
        let told = show(args).finish().failure();
        assert!(told.contains(message), "{args:?}: {told}");
    }
}

fn diff(expr: &str, a: &str, b: &str) -> piton_tests::Finished {
    piton_run(["drv", "diff", "-E", expr, a, b]).finish()
}

const PACKAGES: &str = r#"
let
  make = name: attrs: derivation ({ inherit name; system = "s"; builder = "b"; } // attrs);
  source = version: make "source" {
    url = "http://localhost/${version}";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" version;
  };
  library = version: make "library" { src = source version; };
  program = version: attrs: make "program" ({ library = library version; args = [ "-c" "${library version}" ]; } // attrs);
in
{
  a = program "1" { };
  b = program "2" { };
  c = program "1" { system = "t"; flags = "-v"; outputs = [ "out" "doc" ]; };
  d = program "1" { __structuredAttrs = true; flag = 1; };
  e = program "1" { __structuredAttrs = true; flag = 2; };
}
"#;

#[test]
fn the_reason_is_told_where_it_is() {
    let told = diff(PACKAGES, "a", "b");
    assert_eq!(told.status, 1);
    let told = told.out();
    let sections: Vec<&str> = told.split("\n\n").skip(1).collect();
    assert_eq!(
        sections.len(),
        1,
        "only the source differs in itself:\n{told}"
    );
    assert!(
        sections[0].starts_with("program > library > source\n"),
        "{told}"
    );
    let url = "  env.url: \"http://localhost/1\" -> \"http://localhost/2\"";
    assert!(sections[0].lines().any(|line| line == url), "{told}");
}

#[test]
fn each_part_is_compared() {
    let told = diff(PACKAGES, "a", "c").out();
    for line in [
        "  system: \"s\" -> \"t\"",
        "  env.flags: + \"-v\"",
        "  env.outputs: + \"out doc\"",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    assert!(told.contains("  outputs.doc: + \"/nix/store/"), "{told}");
    let told = diff(PACKAGES, "d", "e").out();
    assert!(
        told.lines()
            .any(|line| line == "  structuredAttrs.flag: \"1\" -> \"2\""),
        "{told}"
    );
}

#[test]
fn the_same_has_no_difference() {
    let told = diff(PACKAGES, "a", "a");
    assert_eq!((told.status, told.out()), (0, String::new()));
}
