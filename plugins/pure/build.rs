//! Computes the build id by which `piton` knows this set as its own.

include!("../../plugin-api/build_id.rs");

fn main() {
    emit_build_id();
}
