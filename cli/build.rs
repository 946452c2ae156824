//! Computes the build id that the shipped plugins must have, and the id of what turns a source into code, which tells whether code in
//! the cache is of this program.

include!("../plugin-api/build_id.rs");

fn main() {
    emit_build_id();
    let mut hash = build_hash();
    hash.add_sources(
        &workspace(),
        &[
            "core/src/syntax",
            "core/src/compile",
            "core/src/bytecode",
            "core/src/code_cache.rs",
            "core/src/eval.rs",
            "core/src/source.rs",
        ],
    );
    println!("cargo:rustc-env=PITON_CODE_ID={:032x}", hash.0);
    println!("cargo:rustc-env=PITON_TARGET={}", variable("TARGET"));
}
