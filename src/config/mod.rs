//! Owns the configuration: loading, layering, checking, explaining. Does not know who uses the values.
