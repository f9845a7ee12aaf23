//! The embedded page file.
