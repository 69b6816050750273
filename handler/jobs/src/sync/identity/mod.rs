//! Finds out what an event is that no mapping knows by its name: by its mark, its UID, and what the
//! other calendar has.
//!
//! # Properties
//! * A missing event of a mapping is found under its new name, by its mark or its UID, before
//!   anything is decided about that mapping: a new name is never a deletion and a creation.
//! * An event with the mark of a live mapping, in whichever pair, is no origin. A second event with
//!   that mark belongs to the person who made it: in the calendar of the copy of a two-way pair it
//!   becomes an origin; elsewhere it is left alone and reported.
//! * What is left of a mapping that has ended is an ordinary event, and no second copy of it is
//!   created: an origin takes its earlier copies over, and an event that was made out of a copy is
//!   not copied to where its first origin, or another copy of it, is.
//! * An event whose mark this installation's key does not verify is never copied, and nothing is
//!   created beside it.
//!
//! # Cost
//! A calendar is read for its marks when a pair lists it for the first time, and where an event is
//! missing from it: then all its unknown events are read. Otherwise only unknown events that
//! changed are read, and the rows of the mappings that their marks name.

mod beside;
mod class;
mod classify;
mod identities;
mod index;
mod left_out;
mod moved_series;
mod named;
mod note_unseen;
mod read;
mod rename;
mod resolve;
mod unlisted;
mod unseen;

pub(super) use beside::BesideFound;
pub(super) use class::{LiveMapping, UnknownClass};
pub(super) use identities::{EventIdentities, NewNames};
pub(super) use rename::rename;
