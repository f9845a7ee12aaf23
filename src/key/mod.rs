//! Values to order-preserving, prefix-free bytes.

mod range;

pub use range::KeyBuf;
pub(crate) use range::KeyRange;
