//! The command line: flags, exit status, standard input, formats, reports.

use piton_tests::run::{Run, eval, eval_fails, files, piton_run, text};
use piton_tests::{c_plugin, piton, test_plugin};

/// What `piton instantiate` prints.
#[track_caller]
fn instantiate(args: &[&str]) -> String {
    piton_run(["instantiate"]).args(args).finish().success()
}

#[test]
fn where_an_expression_comes_from() {
    let (_folder, path) = files(&[
        ("default.nix", "\"default\""),
        ("sub/default.nix", "\"sub\""),
        ("x.nix", "\"x\""),
    ]);
    let run = |args: &[&str]| piton_run(args).dir(&path).finish().success();
    assert_eq!(run(&["eval"]), "\"default\"");
    assert_eq!(run(&["eval", "x.nix"]), "\"x\"");
    assert_eq!(run(&["eval", "./sub"]), "\"sub\"");
    assert_eq!(run(&["eval", "sub"]), "\"sub\"");
    assert_eq!(run(&["eval", "--expr", "1 + 1"]), "2");
    assert_eq!(run(&["eval", "-E", "import ./x.nix"]), "\"x\"");
    assert_eq!(run(&["eval", "-I", "y=.", "<y/x.nix>"]), "\"x\"");
    assert_eq!(run(&["instantiate", "--eval"]), "\"default\"");
    assert_eq!(
        run(&["instantiate", "--eval", "x.nix", "./sub"]),
        "\"x\"\n\"sub\""
    );
    assert_eq!(run(&["instantiate", "--eval", "-E", "1", "2"]), "1\n2");
    assert_eq!(
        run(&["instantiate", "--eval", "--expr", "./x.nix"]),
        text(&path.join("x.nix"))
    );
    let stdin =
        |args: &[&str], source: &str| piton_run(args).dir(&path).stdin(source).finish().success();
    assert_eq!(stdin(&["eval", "-"], "1 + 2"), "3");
    assert_eq!(
        stdin(&["instantiate", "--eval", "-"], "import ./x.nix"),
        "\"x\""
    );
    assert_eq!(stdin(&["parse", "-"], "1+ 2"), "(1 + 2)");
}

/// Columns are counted from the beginning of a report on, so that a case in a file would depend on where that lies.
#[test]
fn tabs_in_reports_are_blanks() {
    let told = piton_run(["instantiate", "--eval", "-E"])
        .args(["let\n\ttabbed = 1;\nin\ttabbed.x"])
        .finish()
        .failure();
    let expected = [
        "error:",
        "       … while selecting an attribute",
        "         at «string»:3:4:",
        "            2|      tabbed = 1;",
        "            3| in    tabbed.x",
        "             |    ^",
        "",
        "       error: expected a set but found an integer: 1",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn under_the_name_of_nix_instantiate() {
    let (_folder, path) = files(&[("x.nix", "{ a = 1; b = [ 2 ]; }")]);
    let link = path.join("nix-instantiate");
    std::os::unix::fs::symlink(piton(), &link).expect("a link can be made");
    let run = |args: &[&str]| Run::new(&link).args(args).dir(&path).finish();
    assert_eq!(run(&["--eval", "x.nix", "-A", "a"]).success(), "1");
    assert_eq!(
        run(&["--eval", "--strict", "--json", "x.nix"]).success(),
        "{\"a\":1,\"b\":[2]}"
    );
    assert_eq!(run(&["--parse", "-E", "x: x"]).success(), "(x: x)");
    assert!(
        run(&["--version"])
            .success()
            .starts_with("nix-instantiate (")
    );
}

#[test]
fn selecting_a_part() {
    let (_folder, path) = files(&[
        (
            "x.nix",
            "{ a.b = [ 10 { c = \"deep\"; } ]; \"d.e\" = 1; f = { x ? 5 }: { y = x; }; }",
        ),
        ("function.nix", "{ n ? 1 }: { v = n; }"),
    ]);
    let run = |args: &[&str]| piton_run(["eval"]).args(args).dir(&path).finish();
    assert_eq!(run(&["x.nix", "-A", "a.b.0"]).success(), "10");
    assert_eq!(run(&["x.nix", "-A", "a.b.1.c"]).success(), "\"deep\"");
    assert_eq!(run(&["x.nix", "-A", "\"d.e\""]).success(), "1");
    assert_eq!(run(&["x.nix", "-A", "f.y"]).success(), "5");
    assert_eq!(run(&["x.nix", "-A", "a.b.0", "-A", "d"]).status, 1);
    assert_eq!(
        run(&["x.nix", "-A", "a.b.0", "-A", "a.b.1.c"]).success(),
        "10\n\"deep\""
    );
    assert_eq!(run(&["function.nix", "-A", "v"]).success(), "1");
    for (part, message) in [
        ("a.c", "attribute 'c' in selection path 'a.c' not found"),
        (
            "a.b.7",
            "list index 7 in selection path 'a.b.7' is out of range",
        ),
        ("a.b.c", "should be a set"),
    ] {
        let err = run(&["x.nix", "-A", part]).failure();
        assert!(err.contains(message), "{part}: {err}");
    }
}

#[test]
fn arguments_of_functions() {
    let (_folder, path) = files(&[
        (
            "f.nix",
            "{ a, b ? 2, ... }@all: [ a b (builtins.attrNames all) ]",
        ),
        ("text.txt", "from a file\n"),
    ]);
    let run = |args: &[&str]| {
        piton_run(["eval", "--strict", "f.nix"])
            .args(args)
            .dir(&path)
            .finish()
    };
    assert_eq!(run(&["--arg", "a", "1 + 1"]).success(), "[ 2 2 [ \"a\" ] ]");
    assert_eq!(
        run(&["--argstr", "a", "1 + 1"]).success(),
        "[ \"1 + 1\" 2 [ \"a\" ] ]"
    );
    assert_eq!(
        run(&["--argstr", "a", "x", "--arg", "b", "[ ]", "--arg", "c", "3"]).success(),
        "[ \"x\" [ ] [ \"a\" \"b\" \"c\" ] ]"
    );
    assert_eq!(run(&["--arg", "a", "-1"]).success(), "[ -1 2 [ \"a\" ] ]");
    assert_eq!(
        run(&["--arg-from-file", "a", "text.txt"]).success(),
        "[ \"from a file\\n\" 2 [ \"a\" ] ]"
    );
    assert_eq!(
        run(&["--arg", "a", "{ x = import ./g.nix; }.y or 4"]).success(),
        "[ 4 2 [ \"a\" ] ]"
    );
    let err = run(&["--arg", "b", "1"]).failure();
    assert!(
        err.contains("function 'anonymous lambda' called without required argument 'a'"),
        "{err}"
    );
    assert_eq!(run(&[]).success(), "<LAMBDA>");
    // What is not asked for is not evaluated, and does not matter to other functions.
    assert_eq!(eval(&["--arg", "z", "throw \"no\""], "{ y ? 1 }: y"), "1");
    assert_eq!(eval(&["--arg", "z", "1"], "x: x"), "<LAMBDA>");
}

#[test]
fn formats() {
    let value = "{ a = [ 1 1.5 null true \"x\\ny\" ]; f = 3; }";
    assert_eq!(
        eval(&[], value),
        "{ a = [ 1 1.5 null true \"x\\ny\" ]; f = 3; }"
    );
    assert_eq!(
        eval(&["--json"], value),
        "{\"a\":[1,1.5,null,true,\"x\\ny\"],\"f\":3}"
    );
    assert!(
        eval(&["--xml"], value)
            .starts_with("<?xml version='1.0' encoding='utf-8'?>\n<expr>\n  <attrs>\n")
    );
    let raw = piton_run(["eval", "--raw", "--expr", "\"a\\nb\""]).finish();
    assert_eq!((raw.status, &*raw.stdout), (0, &b"a\nb"[..]));
    assert!(eval_fails(&["--raw"], "1").contains("cannot coerce an integer to a string"));
    assert!(eval_fails(&["--json"], "x: x").contains("cannot convert a function to JSON"));
    let lazily = |expr: &str| piton_run(["eval", "--expr", expr]).finish().success();
    assert_eq!(
        lazily("{ a = 1 + 1; b = [ (1 + 1) ]; c = 1; d = x: x; }"),
        "{ a = <CODE>; b = <CODE>; c = 1; d = <CODE>; }"
    );
    assert_eq!(lazily("[ (1 + 1) 2 { } ]"), "[ <CODE> 2 <CODE> ]");
    assert_eq!(lazily("{ a = throw \"not reached\"; }"), "{ a = <CODE>; }");
    assert_eq!(
        instantiate(&["--eval", "-E", "{ a = 1 + 1; }"]),
        "{ a = <CODE>; }"
    );
    assert_eq!(
        instantiate(&["--eval", "--strict", "-E", "{ a = 1 + 1; }"]),
        "{ a = 2; }"
    );
}

#[test]
fn xml_as_nix_writes_it() {
    let expr = "{ s = \"<&>\\\"'\\n\"; l = [ 1 (-2) 1.5 ]; n = null; b = false; p = /a/b; f = { x, y ? 1, ... }@z: x; g = x: x; }";
    let expected = "<?xml version='1.0' encoding='utf-8'?>
<expr>
  <attrs>
    <attr name=\"b\">
      <bool value=\"false\" />
    </attr>
    <attr name=\"f\">
      <function>
        <attrspat ellipsis=\"1\" name=\"z\">
          <attr name=\"x\" />
          <attr name=\"y\" />
        </attrspat>
      </function>
    </attr>
    <attr name=\"g\">
      <function>
        <varpat name=\"x\" />
      </function>
    </attr>
    <attr name=\"l\">
      <list>
        <int value=\"1\" />
        <int value=\"-2\" />
        <float value=\"1.5\" />
      </list>
    </attr>
    <attr name=\"n\">
      <null />
    </attr>
    <attr name=\"p\">
      <path value=\"/a/b\" />
    </attr>
    <attr name=\"s\">
      <string value=\"&lt;&amp;&gt;&quot;'&#xA;\" />
    </attr>
  </attrs>
</expr>";
    assert_eq!(
        instantiate(&["--eval", "--strict", "--xml", "--no-location", "-E", expr]),
        expected
    );
    let located = instantiate(&["--eval", "--strict", "--xml", "-E", "{ a = 1; }"]);
    assert!(
        located.contains("<attr column=\"3\" line=\"1\" name=\"a\">"),
        "{located}"
    );
}

#[test]
fn search_paths() {
    let (_folder, path) = files(&[
        ("one/a.nix", "1"),
        ("two/a.nix", "2"),
        ("two/b.nix", "22"),
        ("lib/default.nix", "\"lib\""),
    ]);
    let run = |args: &[&str], nix_path: &str, expr: &str| {
        piton_run(["eval"])
            .args(args)
            .args(["--expr", expr])
            .env("NIX_PATH", nix_path)
            .dir(&path)
            .finish()
    };
    assert_eq!(
        run(&["-I", "one", "-I", "two"], "", "import <a.nix>").success(),
        "1"
    );
    assert_eq!(
        run(&["-I", "two", "-I", "one"], "", "import <a.nix>").success(),
        "2"
    );
    assert_eq!(
        run(&["-I", "one", "-I", "two"], "", "import <b.nix>").success(),
        "22"
    );
    assert_eq!(run(&["-I", "l=lib"], "", "import <l>").success(), "\"lib\"");
    assert_eq!(
        run(&["-I", "x=one"], "x=two", "import <x/a.nix>").success(),
        "1"
    );
    assert_eq!(run(&[], "x=one:x=two", "import <x/b.nix>").success(), "22");
    let err = run(&["-I", "x=one"], "", "<x/zz.nix>").failure();
    assert!(
        err.contains("file 'x/zz.nix' was not found in the Nix search path"),
        "{err}"
    );
    let missing = run(
        &["-I", "x=/nonexistent/folder"],
        "",
        "builtins.deepSeq [ (builtins.tryEval <x>) (builtins.tryEval <x/y>) ] 1",
    );
    assert_eq!(
        missing.err(),
        "warning: Nix search path entry '/nonexistent/folder' does not exist, ignoring\n"
    );
    let pure = run(&["--pure"], "", "<x>").failure();
    assert!(
        pure.contains("cannot look up '<x>' in pure evaluation mode (use '--impure' to override)"),
        "{pure}"
    );
    let paths = run(
        &["--strict", "-I", "x=one"],
        "y=two",
        "map (e: e.prefix) builtins.nixPath",
    )
    .success();
    assert!(paths.starts_with("[ \"x\" \"y\""), "{paths}");
    let found = piton_run(["instantiate", "--find-file", "-I", "one", "a.nix"])
        .dir(&path)
        .finish()
        .success();
    assert_eq!(found, text(&path.join("one/a.nix")));
}

#[test]
fn a_report_shows_the_place() {
    let (_folder, path) = files(&[("f.nix", "let\n  name = 1;\nin\nnamee\n")]);
    let finished = piton_run(["eval", "f.nix"]).dir(&path).finish();
    assert_eq!(finished.out(), "");
    let expected = format!(
        "error: undefined variable 'namee'
       at {}:4:1:
            3| in
            4| namee
             | ^
            5|
",
        path.join("f.nix").display()
    );
    assert_eq!(finished.failure(), expected);
    let err = eval_fails(&[], "{ foo = 1; }.fooo");
    assert!(err.contains("Did you mean foo?"), "{err}");
    let err = piton_run(["eval", "-"]).stdin("1 + ").finish().failure();
    assert!(
        err.contains("«stdin»:1:5") && err.contains("syntax error, unexpected end of file"),
        "{err}"
    );
    let err = eval_fails(&[], "1 +\n  throw \"here\"");
    assert!(err.contains("«string»:2:3"), "{err}");
    assert!(
        !err.contains('\u{1b}'),
        "colours where there is no terminal: {err}"
    );
}

#[test]
fn the_trace_in_full() {
    // Calls of lambdas are told in full traces alone, other steps as far as there is room.
    let expr = "let f = x: 1 + g x; g = x: 1 + h x; h = x: 1 + (rec { a = 1 + b; b = 1 + c; c = 1 + d; \
                d = 1 + throw \"bottom\"; }).a; in f 1";
    let short = eval_fails(&[], expr);
    let full = eval_fails(&["--show-trace"], expr);
    assert!(short.contains("use '--show-trace'"), "{short}");
    assert!(!short.contains("while calling 'f'"), "{short}");
    assert!(
        !full.contains("use '--show-trace'") && full.len() > short.len(),
        "{full}"
    );
    for name in ["'f'", "'g'", "'h'"] {
        assert!(
            full.contains(&format!("while calling {name}")),
            "{name} is missing: {full}"
        );
    }
}

#[test]
fn messages_go_to_the_error_output() {
    let run = |args: &[&str], expr: &str| {
        piton_run(["eval"])
            .args(args)
            .args(["--expr", expr])
            .finish()
    };
    let finished = run(&[], "builtins.trace \"said\" 1");
    assert_eq!(
        (finished.out(), finished.err()),
        ("1".to_owned(), "trace: said\n".to_owned())
    );
    let finished = run(&[], "builtins.trace { a = 1; b = [ (1 + 1) ]; } 1");
    assert_eq!(finished.err(), "trace: { a = 1; b = «thunk»; }\n");
    let finished = run(&[], "builtins.warn \"careful\" 1");
    assert_eq!(
        (finished.out(), finished.err()),
        ("1".to_owned(), "evaluation warning: careful\n".to_owned())
    );
    assert_eq!(run(&[], "builtins.traceVerbose \"said\" 1").err(), "");
    assert_eq!(
        run(&["--trace-verbose"], "builtins.traceVerbose \"said\" 1").err(),
        "trace: said\n"
    );
    let or = "let or = 1; in [ (x: x)\n or ] == map or [ ]";
    assert!(
        run(&[], or).err().starts_with(
            "warning: at «string»:1:18: This expression uses `or` as an identifier in a way that will change in a future \
             Nix release.\nWrap this entire expression in parentheses to preserve its current meaning:\n    ((x: x)\n or)\n\
             Give feedback at https://github.com/NixOS/nix/pull/11121\n"
        ),
        "{}",
        run(&[], or).err()
    );
    let order = run(
        &["--strict"],
        "[ (builtins.trace \"one\" 1) (builtins.trace \"two\" 2) ]",
    );
    assert_eq!(order.err(), "trace: one\ntrace: two\n");
    assert_eq!(
        run(
            &["--strict"],
            "let x = builtins.trace \"once\" 1; in [ x x ]"
        )
        .err(),
        "trace: once\n"
    );
}

#[test]
fn what_the_command_line_does_not_understand() {
    for args in [
        &["eval", "--no-such-flag"][..],
        &["evaluate"],
        &[],
        &["eval", "--arg", "a"],
        &["eval", "--json", "--raw", "--expr", "1"],
        &["eval", "--max-memory", "much", "--expr", "1"],
        &["eval", "--max-call-depth", "-1", "--expr", "1"],
        &["instantiate", "--nonsense"],
        &["plugin"],
    ] {
        let finished = piton_run(args).finish();
        assert_ne!(finished.status, 0, "{args:?}");
        assert_eq!(finished.out(), "", "{args:?}");
        assert!(!finished.err().is_empty(), "{args:?}");
    }
    for file in ["/nothing/here.nix", "./nothing.nix", "<nothing>"] {
        let err = piton_run(["eval", file]).finish().failure();
        assert!(err.contains("nothing"), "{file}: {err}");
    }
    let version = piton_run(["--version"]).finish().success();
    assert!(version.starts_with("piton "), "{version}");
    let help = piton_run(["eval", "--help"]).finish().success();
    assert!(
        help.contains("--plugin") && help.contains("--pure"),
        "{help}"
    );
}

#[test]
fn parsing() {
    let parse = |expr: &str| {
        piton_run(["instantiate", "--parse", "-E", expr])
            .finish()
            .success()
    };
    assert_eq!(parse("1 + 2 * 3"), "(1 + (__mul 2 3))");
    assert_eq!(
        parse("a: { b, c ? 1, ... }@d: e: b"),
        "(a: ({ b, c ? 1, ... } @ d: (e: b)))"
    );
    for (expr, expected) in [
        ("if true then 1 else 2", "(if true then 1 else 2)"),
        ("{ a, b }@c: a.b or 1", "({ a, b } @ c: (a).b or (1))"),
        ("x: x.a ? b", "(x: (((x).a) ? b))"),
        ("\"a${toString 1}b\"", "(\"a\" + (toString 1) + \"b\")"),
        (
            "!true && (a: a) 1 -> false",
            "(((! true) && ((a: a) 1)) -> false)",
        ),
        (
            "rec { a = 1; inherit (a) b; \"c d\" = 2; ${\"e\"} = 3; }",
            "rec { inherit (a) b; a = 1; \"c d\" = 2; e = 3; }",
        ),
        ("with { }; assert true; 1", "(with { }; assert true; 1)"),
        ("<nixpkgs/lib>", "(__findFile __nixPath \"nixpkgs/lib\")"),
        ("a: b: a // b ++ a", "(a: (b: (a // (b ++ a))))"),
        (
            "a: a.${\"x\" + \"y\"}.z",
            "(a: (a).\"${(\"x\" + \"y\")}\".z)",
        ),
    ] {
        assert_eq!(parse(expr), expected);
    }
}

#[test]
fn parsing_checks_variables() {
    let err = piton_run(["instantiate", "--parse", "-E", "x + 1"])
        .finish()
        .failure();
    assert!(err.contains("undefined variable 'x'"), "{err}");
    let parsed = piton_run(["parse", "--expr", "let a.b = 1; a.c = 2; in a"])
        .finish()
        .success();
    assert_eq!(parsed, "(let a = { b = 1; c = 2; }; in a)");
    let disassembled = piton_run(["disasm", "--expr", "x: x + 1"])
        .finish()
        .success();
    assert!(!disassembled.is_empty());
}

#[test]
fn experimental_features() {
    let feature = "pipe-operators";
    assert_eq!(
        eval(
            &["--extra-experimental-features", feature],
            "1 |> (x: x + 1)"
        ),
        "2"
    );
    assert_eq!(
        eval(&["--experimental-features", feature], "(x: x + 1) <| 1"),
        "2"
    );
    assert_eq!(
        eval(
            &["--option", "extra-experimental-features", feature],
            "1 |> (x: x + 1)"
        ),
        "2"
    );
    let err = eval_fails(&[], "1 |> (x: x + 1)");
    assert!(
        err.contains("experimental Nix feature 'pipe-operators' is disabled"),
        "{err}"
    );
}

#[test]
fn plugins_on_the_command_line() {
    let plugin = test_plugin();
    assert_eq!(eval(&["--plugin", text(&plugin)], "builtins.answer"), "42");
    let valid = c_plugin("tests/plugins/c/valid.c", &[]);
    assert_eq!(
        eval(
            &["--plugin", text(&plugin), "--plugin", text(&valid)],
            "builtins.probe builtins.answer"
        ),
        "42"
    );
    let list = piton_run(["plugin", "list", "--plugin", text(&plugin)])
        .finish()
        .success();
    for name in ["pure", "impure", "abi_test"] {
        assert!(list.contains(name), "{name} is missing: {list}");
    }
    let shown = piton_run(["plugin", "inspect"])
        .arg(&plugin)
        .finish()
        .success();
    for part in ["abi_test", "0.1.0", "callNested", "hasClock", "clock"] {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    let json = piton_run(["plugin", "inspect", "--json"])
        .arg(&plugin)
        .finish()
        .success();
    assert!(json.contains("\"callNested\""), "{json}");
    // Inspecting runs nothing of it: a plugin for another ABI can be looked at.
    let foreign = c_plugin("tests/plugins/c/wrong_major.c", &["HONEST"]);
    let shown = piton_run(["plugin", "inspect"])
        .arg(&foreign)
        .finish()
        .success();
    assert!(
        shown.contains("wrong_major") && shown.contains("2.0"),
        "{shown}"
    );
    let err = piton_run(["plugin", "inspect", "/nothing.so"])
        .finish()
        .failure();
    assert!(err.contains("/nothing.so"), "{err}");
}

#[test]
fn output_that_nobody_reads() {
    // A pipe that is closed early is an error, not a crash.
    let script = format!(
        "{} eval --strict --expr 'builtins.genList (i: i) 200000' | head -c 10",
        piton().display()
    );
    let finished = Run::new("sh").args(["-c", &script]).finish();
    assert_eq!(finished.status, 0);
    assert!(!finished.err().contains("panicked"), "{}", finished.err());
}
