//! What must not compile does not, and the compiler says why in words that help.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    clippy::items_after_statements,
    reason = "a test that cannot go on fails; tables stand beside what they test"
)]
#![cfg(feature = "derive")]

/// Every mistake in the folders of `tests/ui` is refused with the message beside it.
#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    for theme in [
        "keys",
        "indexes",
        "attributes",
        "shapes",
        "queries",
        "transactions",
        "pagefile",
    ] {
        cases.compile_fail(format!("tests/ui/{theme}/*.rs"));
    }
}
