//! The persistent radix tree.
