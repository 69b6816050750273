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
mod left_copies;
mod of_pair;

pub use deletion::CleanUp;
pub use left_copies::{LeftCopies, delete_left_copies, left_copies};
pub use of_pair::clean_up_pair;
