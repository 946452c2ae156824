//! Stores that outlast an evaluation: a directory that Nix can take over, and the store of a Nix daemon.

mod daemon;
mod directory;
mod guarded;
mod place;
mod registration;
mod roots;
mod wire;

pub use place::Place;
pub use roots::Roots;
