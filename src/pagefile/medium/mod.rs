//! What a page file lies on: storages, the lock of a file, the mapping, and how a file comes to be.

pub(super) mod create;
pub(super) mod file_storage;
pub(super) mod lock;
pub(super) mod mapping;
pub(super) mod mem_storage;
pub(super) mod storage;
