//! The strings of a row.
//!
//! Shared and immutable, as those of Go are: a copy of a row has them in common with the row before. So an update costs every store what its own work is, and not
//! the allocator's, which would be a quarter of it. With `--features owned-strings` each row owns its strings, and to copy it is to copy them.

use std::sync::Arc;

/// A string of a row.
#[cfg(not(feature = "owned-strings"))]
pub(crate) type Text = Arc<str>;
#[cfg(feature = "owned-strings")]
pub(crate) type Text = String;

/// Names with values.
#[cfg(not(feature = "owned-strings"))]
pub(crate) type Labels = Arc<[(Text, Text)]>;
#[cfg(feature = "owned-strings")]
pub(crate) type Labels = Vec<(Text, Text)>;

/// A row's string as the key of a map whose nodes clone their keys.
pub(crate) fn shared(text: &Text) -> Arc<str> {
    #[cfg(not(feature = "owned-strings"))]
    return Arc::clone(text);
    #[cfg(feature = "owned-strings")]
    Arc::from(&**text)
}
