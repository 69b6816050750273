//! The error of this crate.

/// A `function.json` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name}/function.json: {why}")]
pub struct Error {
    pub name: &'static str,
    pub why: String,
}
