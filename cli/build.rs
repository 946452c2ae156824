//! Computes the build id that the shipped plugins must have.

include!("../plugin-api/build_id.rs");

fn main() {
    emit_build_id();
    println!("cargo:rustc-env=PITON_TARGET={}", variable("TARGET"));
}
