//! All language cases, one process each. `PITON_ACCEPT=1 cargo test -p piton-tests --test language` makes what Piton says now
//! the expectation: read the difference before you commit it, and take `.exp` from Nix, not from Piton.

use piton_tests::cases::{WISHLIST, discover, in_parallel, no_complaints};

#[test]
fn every_case_is_as_expected() {
    let accept = std::env::var_os("PITON_ACCEPT").is_some_and(|value| value == "1");
    let (cases, _) = discover();
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|case| case.theme() != WISHLIST)
        .collect();
    assert!(cases.len() > 150, "only {} cases were found", cases.len());
    let complaints = in_parallel(&cases, |case| {
        let finished = case.run(&[])?;
        let outcome = case.check(&finished);
        if accept && outcome.is_err() {
            case.accept(&finished);
            return Ok(());
        }
        outcome
    });
    no_complaints(&complaints);
}

#[test]
fn every_wish_is_still_one() {
    let (cases, _) = discover();
    let wishes: Vec<_> = cases
        .into_iter()
        .filter(|case| case.theme() == WISHLIST)
        .collect();
    let complaints = in_parallel(&wishes, |wish| match wish.check(&wish.run(&[])?) {
        Ok(()) => Err(format!(
            "{}: it passes, so it is no wish any more; move it to its theme",
            wish.name
        )),
        Err(complaint) if complaint.starts_with(&format!("{}: exit status", wish.name)) => Ok(()),
        Err(complaint) => Err(complaint),
    });
    no_complaints(&complaints);
}

#[test]
fn every_file_belongs_to_a_case() {
    let (_, complaints) = discover();
    no_complaints(&complaints);
}
