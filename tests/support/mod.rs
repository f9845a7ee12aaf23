//! What the model tests of the database have in common: a table with every kind of index, questions to it, and a model to answer them.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod ask;
pub(crate) mod change;
pub(crate) mod end;
pub(crate) mod item;
pub(crate) mod model;
pub(crate) mod random;
