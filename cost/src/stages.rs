//! Finer partitions: models cut into stages.
