//! Sources that a table waits for, refused.

use sapwood::Error;

use super::fixture::{Pod, open, refused, says};

/// A second source of one name for one table.
#[test]
fn initializer_pending() {
    let db = open();
    db.write(|tx| tx.add_initializer::<Pod>("api")).unwrap();
    let error = refused(&db, |tx| tx.add_initializer::<Pod>("api"));
    assert!(
        matches!(&error, Error::InitializerPending { table: "pods", name } if name == "api"),
        "{error:?}"
    );
    says(
        &error,
        "table `pods` waits for the initializer `api` already; give this one another name",
    );
}
