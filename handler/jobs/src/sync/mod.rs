//! Syncs pairs: finds out what changed in both calendars, plans, writes, and stores what was done.
//!
//! # Properties
//! * No event is lost, duplicated or brought back by a crash at any point: what is about to be
//!   written is stored before (intents), the mapping row follows the write, and the cursors are
//!   saved last. The next pass sees again what was not finished.
//! * The names of copies follow from their origins, and a copy is created only where nothing is
//!   under its name: where the response to a create was lost, the next pass finds that copy.
//! * A deletion needs positive evidence: the provider named the event as removed, or it is missing
//!   in a complete listing; and then a read of its id finds nothing. An unusual share of deletions
//!   waits for the owner ([`engine::guard`]).
//! * A failed, partial or suddenly empty listing deletes nothing.
//! * What one event causes (an unreadable object, a refusal) does not stop the others.
//! * A background pass gives way after about a minute: it saves no cursor, as if it had been
//!   interrupted, and the next pass lists again and writes what remains.
//! * Two passes never write to one calendar at once. Where storage is out of reach for so long that
//!   a lease may be lost, its holder stops before its next write, and stores nothing over what the
//!   next holder has stored.
//!
//! # Design
//! `round` repeats the attempts at several pairs. An `attempt` checks a pair without leases
//! (`precheck`), and runs a `pass` under the `leases` where there is something to do; `context`
//! holds what the steps of a pass share. Its steps: `listing` lists each calendar, and `join` joins
//! what changed with the mappings; `identity` finds out what the events are that no mapping knows;
//! `verify` reads what is suspected to be gone, and `guard` weighs the deletions; `execute` goes
//! through all candidates in batches, which `prepare` reads, `decide` gives to the planner and
//! `apply` writes, several at once; `delete` makes the deletions, when their number is known;
//! `finish` saves the cursors and the state of the pair. Each pair has its own cursors, although
//! two pairs may share a calendar: a pair that is held, paused or broken then cannot make another
//! pair lose or repeat anything.
//!
//! # Cost in storage requests
//! A call reads the owner's accounts, pairs and secrets once, and then for each pair its state:
//! three requests, and no more where there is nothing to do. A pass adds the leases (acquired
//! together and released together: two), the state once more, one or two rows for each event that
//! changed, a commit for each batch of intents, and one for each fifty results; the last of these
//! has the cursors too. No two owners share a partition.

mod accounts;
mod apply;
mod attempt;
mod behind;
mod candidate;
mod change;
mod changes;
mod conflicts;
mod context;
mod create;
mod decide;
mod delete;
mod echo;
mod emptied;
mod ends;
mod execute;
mod expand;
mod failure;
mod fetch;
mod fidelity;
mod finish;
mod guard;
mod held;
mod hold_audit;
mod identity;
mod join;
mod leases;
mod listing;
mod mapping_counts;
mod marked_events;
mod missing;
mod moved;
mod narrow;
mod options;
mod pass;
mod pass_result;
mod precheck;
mod prepare;
mod problems;
mod quickness;
mod record;
mod refused;
mod replaced;
mod resumption;
mod roles;
mod round;
mod same_calendar;
mod series_groups;
mod step;
mod suspect;
#[cfg(test)]
mod tests;
mod verify;
mod window;
mod written;

pub(crate) use accounts::{end, ends};
pub(crate) use ends::End;
pub(crate) use failure::needs_reconnect;

pub use options::SyncOptions;
pub(crate) use problems::retry_is_due;
pub(crate) use roles::side_of;
pub use round::sync;
pub(crate) use round::{Synced, sync_within};
