//! Tests that take more than one crate, or a real host: see the README beside this folder's manifest.
