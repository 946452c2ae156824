//! All language cases once more, with a collection at every safepoint, where a value that is not rooted shows, and with bodies compiled
//! late that are otherwise so in large files alone.

use piton_tests::cases::{WISHLIST, discover, in_parallel, no_complaints};

#[test]
fn collecting_at_every_safepoint_changes_nothing() {
    let (cases, _) = discover();
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|case| case.theme() != WISHLIST)
        .collect();
    let complaints = in_parallel(&cases, |case| {
        case.check(&case.run(&["--gc-stress", "--no-cache"])?)
    });
    no_complaints(&complaints);
}
