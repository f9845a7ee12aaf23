//! What the model tests of the database have in common: tables with every kind of index, questions to it, and a model to answer them.
#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod added;
pub(crate) mod ask;
pub(crate) mod change;
pub(crate) mod end;
pub(crate) mod following;
pub(crate) mod item;
pub(crate) mod lease;
pub(crate) mod lookup;
pub(crate) mod model;
pub(crate) mod modelled;
pub(crate) mod question;
pub(crate) mod random;
pub(crate) mod rules;
pub(crate) mod watched;
