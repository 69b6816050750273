//! How a command ends.

use records::problem::Problem;

/// How a command ended that gave its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// Everything was done.
    Done,
    /// Not everything was done; the answer says what is missing.
    Failed,
}

/// The result of a command.
pub type Result<T = CommandOutcome> = std::result::Result<T, Problem>;
