//! Tests that take more than one crate of the house, or a real host: see the README beside this folder's manifest.
