//! Deletes what Calrelay has written to calendars, when its owner asks for that.
//!
//! # Properties
//! * Only copies are deleted: what the row of a pair calls its copy, or what bears this
//!   installation's mark as the copy of a mapping that no pair has any more. Origins that were made
//!   again, and what a person made out of a copy, are neither.
//! * What a person has edited is listed and kept, unless the owner asks for it too; what a person
//!   has invited others to is always kept.
//! * A copy is deleted in the version that was judged. Before that its mapping says that the copy
//!   is not wanted, so that no pass takes the missing copy for a deletion of its origin.
//! * A copy that the server does not delete is listed and kept, and all others are deleted. What
//!   ends a clean-up is said beside what was done before.

mod deletion;
mod orphaned_copies;
mod pair_copies;

pub use deletion::CleanUp;
pub use orphaned_copies::{OrphanedCopies, delete_orphaned_copies, find_orphaned_copies};
pub use pair_copies::clean_up_pair;
