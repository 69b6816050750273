//! What is remembered of a pair: the rows of [`Table::Pairs`](store::Table::Pairs), partition =
//! pair id.
//!
//! | row | holds | why so |
//! |---|---|---|
//! | `s` | [`PairRow`]: cursors, how many copies are kept, how the last pass ended, what is held | replaced, by its version, with every commit |
//! | `s:looked` | when it was last seen that nothing is to be done | written without a lease, so it is no part of `s` |
//! | `s:members:` + number | [`Members`]: what a hold has shown to the owner, and since when | a confirmation covers these, and no others |
//! | `s:problem:` + name of an event | [`ProblemRow`]: an event that could not be copied | for `status` |
//! | `d:` + day + time + number | [`ProofRow`](proofs::ProofRow): what deletions rested on | for `explain`, thirty days long; by day, so that old ones are found |
//! | `m:` + mapping id | [`Mapping`](engine::mapping::Mapping) | the id follows from the origin: an origin's mapping is one read |
//! | `x:` + name of an event | the mapping of a copy (or of an origin whose mapping's id is not made of its name) | the other way in |
//!
//! # Properties
//! * Whoever writes holds the pair's lease, and replaces the version of `s` that it has read or
//!   written last, in the same commit as everything else. Whoever lost the lease, and the pair to
//!   somebody who has written since, writes nothing any more: no mapping, no intent, no cursor.
//! * An event is named by its id in its calendar. Rows of the first release, where that was an
//!   address, are moved once ([`migrate`]).
//! * The count of copies is in `s`, and so is never apart from the mappings that it counts.
//! * A pair that was removed is not brought back by whoever was at work on it, nor by a look (which
//!   replaces `s:looked`, and never makes it).
//!
//! # Design
//! What stands together is read with one request: the rows that begin with `s`. A pair has a
//! partition of its own, so that the events of one pair wear out nobody else's; what must change
//! together is in one partition, and a commit there is all or nothing.

mod batch;
mod held_deletions;
mod keys;
mod locked_state;
mod pair_store;
mod progress;
pub mod proofs;
mod record;
mod unlisted;

pub use batch::Batch;
pub use held_deletions::HeldDeletions;
pub use locked_state::{
    LockedState, StateSnapshot, change_state, problems, read_state, read_state_snapshot,
    record_check,
};
pub use pair_store::{Lookup, PairStore, claimed_by};
pub use progress::{EventPosition, PassProgress, ReadDepth};
pub use record::{CursorRow, FailureStreak, HeldRow, ProblemRow, StateRecord};
pub use unlisted::Unlisted;
