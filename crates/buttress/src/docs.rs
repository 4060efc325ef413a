//! Guides to Buttress.
