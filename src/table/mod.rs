//! Tables, indexes and queries.
