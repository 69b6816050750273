//! The state and the mappings of a pair: the rows of [`Table::Pairs`](store::Table::Pairs),
//! partition = pair id.
//!
//! | row | content | reason |
//! |---|---|---|
//! | `s` | [`StateRecord`]: cursors, the number of copies, the result of the last pass, what is held | replaced, by its version, with every commit |
//! | `s:looked` | when a check last found nothing to do | written without a lease, so it is no part of `s` |
//! | `s:members:` + number | [`HeldDeletions`]: what a hold has shown to the owner, and since when | a confirmation covers these deletions, and no others |
//! | `s:problem:` + name of an event | [`ProblemRow`]: an event that could not be copied | for `status` |
//! | `d:` + day + time + number | [`ProofRow`](proofs::ProofRow): the evidence for deletions | for `explain`, kept for thirty days; by day, so that old rows are found |
//! | `c:` + number in a ring | [`conflicts`]: changes of both sides that met | for pages; `s` counts the rows of each day, so that none is searched to be deleted |
//! | `m:` + mapping id | [`Mapping`](engine::mapping::Mapping) | the id follows from the origin, so an origin's mapping is one read |
//! | `x:` + name of an event | the mapping of a copy (or of an origin whose mapping id is not derived from its name) | finds a mapping by its copy |
//!
//! # Properties
//! * A writer holds the pair's lease. Each commit replaces the version of `s` that the writer last
//!   read or wrote, in one transaction with everything else. A writer that lost the lease to
//!   another process which has written since writes nothing more: no mapping, no intent, no cursor.
//! * An event is named by its id in its calendar. Rows of the first release, where that id was an
//!   address, are migrated once (`jobs::first_release`).
//! * The number of copies is in `s`, and is therefore always consistent with the mappings.
//! * Neither a pass that was running nor a check brings back a pair that was removed: a check
//!   replaces `s:looked` and never creates it.
//!
//! # Design
//! Rows that are needed together are read with one request: the rows that begin with `s`. Each pair
//! has a partition of its own, so that the events of one pair take no throughput from another pair.
//! Rows that must change together are in one partition, where a commit is atomic.

mod batch;
pub mod conflicts;
mod expanded;
mod held_deletions;
mod keys;
mod locked_state;
mod pair_store;
mod progress;
pub mod proofs;
pub mod quickness;
mod record;
mod unlisted;

pub use batch::Batch;
pub use held_deletions::HeldDeletions;
pub use locked_state::{
    LockedState, StateSnapshot, change_state, problems, problems_page, read_state,
    read_state_snapshot, record_check,
};
pub use pair_store::{Lookup, PairStore, claimed_by};
pub use progress::{EventPosition, PassProgress, ReadDepth};
pub use record::{CursorRow, FailureStreak, HeldRow, ProblemRow, StateRecord};
pub use unlisted::Unlisted;
