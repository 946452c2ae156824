//! `piton drv`: what derivations say, and why two of them are not the same.

mod diff;
mod json;
mod load;
mod show;

pub use diff::run as diff;
pub use show::run as show;
