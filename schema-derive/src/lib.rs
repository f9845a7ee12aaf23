//! The derive macros of `sapwood`.
