//! Capabilities by name, and what an evaluation grants.

use piton_plugin_api::abi::capability as bit;

const NAMES: [(u64, &str); 7] = [
    (bit::READ, "read"),
    (bit::ENV, "env"),
    (bit::CLOCK, "clock"),
    (bit::SYSTEM, "system"),
    (bit::STORE_WRITE, "store-write"),
    (bit::NET, "net"),
    (bit::EXEC, "exec"),
];

/// Every bit that has a name.
pub(super) const ALL: u64 = {
    let (mut all, mut index) = (0, 0);
    while index < NAMES.len() {
        all |= NAMES[index].0;
        index += 1;
    }
    all
};

/// A set of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// None.
    pub const NONE: Capabilities = Capabilities(0);
    /// What an evaluation grants by default, as `nix-instantiate` does: all but running programs.
    pub const DEFAULT: Capabilities = Capabilities(!bit::EXEC);
    /// What pure evaluation grants: reading what pure evaluation may read, and adding it to the store.
    pub const PURE: Capabilities = Capabilities(bit::READ | bit::STORE_WRITE);

    /// Whether all of `needed` are in here.
    pub fn contains(self, needed: u64) -> bool {
        self.0 & needed == needed
    }
}

/// The names of the capabilities in a mask, for people.
pub fn capability_names(mask: u64) -> Vec<&'static str> {
    NAMES
        .iter()
        .filter(|(bit, _)| mask & bit != 0)
        .map(|(_, name)| *name)
        .collect()
}
