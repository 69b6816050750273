//! Pairs: added, started, paused, removed, taken over, and their copies cleaned up.
//!
//! # Properties
//! * Adding and removing hold one lease of the owner, so that two processes cannot both pass one
//!   check.
//! * A removal deletes the records that depend on the pair first and the pair last: an interrupted
//!   removal can be repeated, because the pair is still listed.
//! * Copies stay as ordinary events, unless their owner asks for a clean-up.

mod add;
mod check;
mod clean_up;
mod held;
mod new_pair;
mod overlap;
mod pause;
mod remove;
mod start;
mod take_over;
#[cfg(test)]
mod tests;

pub use add::add_pair;
pub use clean_up::{
    CleanUp, OrphanedCopies, clean_up_pair, delete_orphaned_copies, find_orphaned_copies,
};
pub use held::held_kind;
pub use new_pair::NewPair;
pub use pause::{pause_pair, resume_pair};
pub(crate) use remove::remove_locked;
pub use remove::remove_pair;
pub use start::start_pair;
pub use take_over::take_over;
