//! Lines that messages show are read again from the file when it has been compiled: as long as it is still that file.

use piton_tests::inside::{Inside, inside};

const TEXT: &str = "# first\r\n# second\r{ fails = x:\n  x.missing;\n\n  here = 1; }";

/// A folder with that text, an evaluator that has imported it, and the expression that imports it once more.
fn imported() -> (tempfile::TempDir, Inside, String) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("a.nix");
    std::fs::write(&file, TEXT).expect("it can be written");
    let mut inside = inside();
    let import = format!("import {}", file.display());
    assert_eq!(
        inside.ok(&format!("builtins.attrNames ({import})")),
        "[ \"fails\" \"here\" ]"
    );
    (folder, inside, import)
}

fn file(folder: &tempfile::TempDir) -> String {
    folder.path().join("a.nix").display().to_string()
}

fn write(folder: &tempfile::TempDir, text: &str) {
    std::fs::write(file(folder), text).expect("it can be written");
}

/// The attribute `here` is the only one of its line.
fn position(import: &str) -> String {
    format!("builtins.unsafeGetAttrPos \"here\" ({import})")
}

#[test]
fn the_lines_of_a_file_are_shown() {
    let (folder, mut inside, import) = imported();
    let report = inside.report(&format!("({import}).fails {{ }}"));
    let place = format!(
        "at {}:4:3:\n            3| {{ fails = x:\n            4|   x.missing;\n             |   ^\n            5|\n",
        file(&folder)
    );
    assert!(report.contains(&place), "{report}");
    assert_eq!(
        inside.ok(&position(&import)),
        format!("{{ column = 3; file = \"{}\"; line = 6; }}", file(&folder))
    );
}

#[test]
fn the_lines_of_another_file_are_not() {
    let shorter = &TEXT[1..];
    let other = TEXT.replace("missing", "another");
    for text in [shorter, &other, ""] {
        let (folder, mut inside, import) = imported();
        write(&folder, text);
        let report = inside.report(&format!("({import}).fails {{ }}"));
        let place = format!("at {}, which has changed meanwhile\n", file(&folder));
        let (_, behind) = report.split_once(&place).expect(&report);
        assert!(!behind.contains("| "), "{report}");
        assert_eq!(inside.ok(&position(&import)), "null");
        // Who undoes the change sees the lines again.
        write(&folder, TEXT);
        let report = inside.report(&format!("({import}).fails {{ }}"));
        assert!(report.contains("            4|   x.missing;\n"), "{report}");
    }
}

#[test]
fn where_lines_begin_is_remembered() {
    let (folder, mut inside, import) = imported();
    let before = inside.ok(&position(&import));
    write(&folder, "");
    assert_eq!(inside.ok(&position(&import)), before);
    let report = inside.report(&format!("({import}).fails {{ }}"));
    assert!(
        report.contains(&format!("at {}:4:3:\n", file(&folder))),
        "{report}"
    );
    assert!(!report.contains("missing;"), "{report}");
}
