//! Registries of watched key ranges.
