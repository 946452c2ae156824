//! Trees and derivations by chance, the same ones for the same seed.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// A source of numbers: SplitMix64.
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A name that a store path may have.
    fn name(&mut self) -> String {
        const FIRST: &[u8] = b"abcXYZ019_+?=";
        const REST: &[u8] = b"abcdefXYZ0189-_+?=.";
        let mut name = String::from(char::from(self.pick(FIRST)));
        for _ in 0..self.below(20) {
            name.push(char::from(self.pick(REST)));
        }
        name
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 14] = [
            "a", "word ", "\"", "\\", "\n", "\t", "\r", "$", "é", "'", "{}", "/", "\u{1}", "漢",
        ];
        (0..self.below(12)).map(|_| self.pick(&PIECES)).collect()
    }
}

/// Writes a random file, link or folder.
pub fn write_tree(random: &mut Random, path: &Path, depth: usize) {
    match random.below(10) {
        0 if depth > 0 => {
            let target = format!("../{}", random.name());
            symlink(target, path).expect("a link can be made");
        }
        1..=4 if depth < 4 => write_folder(random, path, depth),
        _ if depth == 0 => write_folder(random, path, depth),
        _ => {
            let length = random.pick(&[0, 1, 7, 8, 9, 63, 64, 65, 1000, 5000]);
            let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
            fs::write(path, bytes).expect("a file can be written");
            let mode = random.pick(&[0o644, 0o755, 0o600, 0o744, 0o654]);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
        }
    }
}

fn write_folder(random: &mut Random, path: &Path, depth: usize) {
    fs::create_dir(path).expect("a folder can be made");
    for _ in 0..random.below(6) {
        let mut name = random.name();
        if random.chance(20) {
            name.push_str(random.pick(&[" ", "é", "\n", "~", "'"]));
        }
        let entry = path.join(name);
        if fs::symlink_metadata(&entry).is_err() {
            write_tree(random, &entry, depth + 1);
        }
    }
}

/// A text as Nix has it between quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' => out.push_str("\\$"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// An expression for a list of `count` derivations, each of which may need those before it and the trees that `trees` lists.
pub fn derivations(random: &mut Random, count: usize, trees: &[String]) -> String {
    let mut text = String::from("let\n");
    let mut known: Vec<Vec<&str>> = Vec::new();
    for index in 0..count {
        let (attributes, outputs) = derivation(random, &known, trees);
        let _ = writeln!(text, "  d{index} = derivation {{{attributes} }};");
        known.push(outputs);
    }
    text.push_str("in [");
    for index in 0..count {
        let _ = write!(text, " d{index}");
    }
    text.push_str(" ]\n");
    text
}

fn derivation(
    random: &mut Random,
    known: &[Vec<&'static str>],
    trees: &[String],
) -> (String, Vec<&'static str>) {
    let mut text = format!(" name = {};", quoted(&random.name()));
    let structured = random.chance(20);
    if structured {
        text.push_str(" __structuredAttrs = true;");
    }
    if random.chance(10) {
        text.push_str(" __ignoreNulls = true;");
    }
    let system = random.pick(&["x86_64-linux", "any", "a system"]);
    let _ = write!(text, " system = \"{system}\";");
    let builder = if random.chance(20) && !structured {
        value(random, known, trees, 9)
    } else {
        "\"/bin/sh\"".to_owned()
    };
    // An empty builder is an error.
    let _ = write!(text, " builder = \"/${{\"\"}}\" + {builder};");
    if random.chance(60) {
        text.push_str(" args = [");
        for _ in 0..random.below(4) {
            let _ = write!(text, " ({})", value(random, known, trees, 0));
        }
        text.push_str(" ];");
    }
    let mut outputs = vec!["out"];
    if random.chance(20) {
        let (algorithm, length) =
            random.pick(&[("sha256", 64), ("sha1", 40), ("md5", 32), ("sha512", 128)]);
        let hash: String = (0..length)
            .map(|_| char::from(random.pick(b"0123456789abcdef")))
            .collect();
        let mode = random.pick(&["flat", "recursive"]);
        let _ = write!(
            text,
            " outputHashAlgo = \"{algorithm}\"; outputHash = \"{hash}\"; outputHashMode = \"{mode}\";"
        );
    } else if random.chance(50) {
        let mut chosen = Vec::new();
        for output in ["dev", "out", "lib", "a", "zz", "doc_1"] {
            if random.chance(40) {
                let at = random.below(chosen.len() + 1);
                chosen.insert(at, output);
            }
        }
        if !chosen.is_empty() {
            let _ = write!(text, " outputs = [");
            for output in &chosen {
                let _ = write!(text, " \"{output}\"");
            }
            text.push_str(" ];");
            outputs = chosen;
        }
    }
    for index in 0..random.below(7) {
        let name = format!(
            "{}{index}",
            random.pick(&["v", "V", "_x", "with space ", "é", "a.b"])
        );
        let _ = write!(
            text,
            " {} = {};",
            quoted(&name),
            value(random, known, trees, 0)
        );
    }
    (text, outputs)
}

/// A value that an attribute may have; from `least` on it is a string.
fn value(
    random: &mut Random,
    known: &[Vec<&'static str>],
    trees: &[String],
    least: usize,
) -> String {
    let output = |random: &mut Random| {
        let index = random.below(known.len());
        let output = random.pick(&known[index]);
        format!("d{index}.{output}")
    };
    match least.max(random.below(16)) {
        0 => random.below(1_000_000).to_string(),
        1 => (random.pick(&["true", "false", "null", "(-3)", "0.5", "2.25"])).to_owned(),
        2 => {
            let items: Vec<String> = (0..random.below(4))
                .map(|_| format!("({})", value(random, known, trees, 3)))
                .collect();
            format!("[ {} ]", items.join(" "))
        }
        3 if !known.is_empty() => format!("({})", output(random)),
        4 | 5 if !trees.is_empty() => {
            let tree = &trees[random.below(trees.len())];
            match random.below(4) {
                0 => format!("\"${{{tree}}}/below\""),
                1 => format!(
                    "(builtins.filterSource (path: type: type != \"symlink\" && builtins.stringLength (baseNameOf path) > {}) {tree})",
                    random.below(8)
                ),
                2 => format!(
                    "(builtins.path {{ path = {tree}; name = {}; }})",
                    quoted(&random.name())
                ),
                _ => tree.clone(),
            }
        }
        6 => {
            let text = random.text();
            let more = if known.is_empty() || random.chance(70) {
                String::new()
            } else {
                // A file may refer to a derivation's file, though to nothing that has to be built.
                let index = random.below(known.len());
                format!(" + builtins.unsafeDiscardOutputDependency d{index}.drvPath")
            };
            format!(
                "(builtins.toFile {} ({}{more}))",
                quoted(&random.name()),
                quoted(&text)
            )
        }
        7 | 10 if !known.is_empty() => {
            let (a, b) = (output(random), output(random));
            format!("\"${{{a}}}/bin:${{{b}}}\"")
        }
        8 if !known.is_empty() && random.chance(30) => {
            format!("d{}.drvPath", random.below(known.len()))
        }
        9 => format!("(placeholder \"{}\")", random.pick(&["out", "dev"])),
        11 if !known.is_empty() => format!("(builtins.toJSON {{ x = {}; }})", output(random)),
        12 if !known.is_empty() => {
            let index = random.below(known.len());
            format!("(builtins.unsafeDiscardStringContext d{index}.drvPath)")
        }
        _ => quoted(&random.text()),
    }
}
