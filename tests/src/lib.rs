//! Tests of several crates together, or with a real host: see the README of this folder.
