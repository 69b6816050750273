//! Deletes what Calrelay has written to calendars, when the owner asks for it.
//!
//! # Properties
//! * Only copies are deleted: an event that the row of a pair names as its copy, or that has the
//!   mark of this installation as the copy of a mapping that no pair has any more. Origins that
//!   were created again, and events that a person made from a copy, are not deleted.
//! * A copy that a person has edited is listed and kept, unless the owner asks for its deletion. A
//!   copy to which a person has invited others is always kept.
//! * A copy is deleted in the version that was checked. Before that, its mapping records that the
//!   copy is not wanted, so that no pass takes the missing copy for a deletion of its origin.
//! * A copy that the server does not delete is listed and kept, and all others are deleted. A
//!   failure that stops a clean-up is reported together with what was done before.

mod deletion;
mod orphaned_copies;
mod pair_copies;

pub use deletion::CleanUp;
pub use orphaned_copies::{OrphanedCopies, delete_orphaned_copies, find_orphaned_copies};
pub use pair_copies::clean_up_pair;
