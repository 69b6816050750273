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

mod awaited;
mod mappings;
mod members;
pub(crate) mod migrate;
pub(crate) mod proofs;
mod rows;
mod state;
mod turns;

use engine::calendar::CalendarId;
use engine::event::EventId;
use engine::marker::{MappingId, Marks};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

pub(crate) use mappings::claimed;
pub use mappings::{Batch, Lookup, PairStore};
pub(crate) use members::Members;
pub use rows::{CursorRow, Failing, HeldRow, ProblemRow, StateRecord};
pub(crate) use state::{LockedState, StateSnapshot, change_state, look, note_look};
pub use state::{problems, state};
pub use turns::{Closeness, EventPlace, Turns};

/// The version of these rows.
const VERSION: u32 = 1;
const STATE: &str = "s";
const LOOKED: &str = "s:looked";
const MEMBERS: &str = "s:members:";
const PROBLEM: &str = "s:problem:";
const PROOF: &str = "d:";
const MAPPING: &str = "m:";
const INDEX: &str = "x:";

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    row: T,
}

#[derive(Deserialize)]
struct OnlyVersion {
    v: u32,
}

fn mapping_key(id: MappingId) -> String {
    format!("{MAPPING}{}", String::from(id))
}

fn index_key(marks: &Marks, calendar: &CalendarId, id: &EventId) -> String {
    format!("{INDEX}{}", marks.row_name(calendar, id))
}

fn problem_key(marks: &Marks, calendar: &CalendarId, id: &EventId) -> String {
    format!("{PROBLEM}{}", marks.row_name(calendar, id))
}

fn encode<T: Serialize>(row: &T) -> Result<String> {
    serde_json::to_string(&Versioned { v: VERSION, row })
        .map_err(|_| Error::Damaged("a row cannot be written down".into()))
}

fn decode<T: DeserializeOwned>(key: &str, text: &str) -> Result<T> {
    let damaged = |_| Error::Damaged(format!("the row {key} is not what it should be"));
    // The version by itself first: a newer row may have another shape.
    let OnlyVersion { v } = serde_json::from_str(text).map_err(damaged)?;
    if v > VERSION {
        return Err(Error::Damaged(format!(
            "the row {key} was written by a newer calrelay; use the newer program"
        )));
    }
    serde_json::from_str::<Versioned<T>>(text).map(|row| row.row).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_newer_version_is_told_from_damage_whatever_its_shape() {
        let told = |text: &str| decode::<StateRecord>(STATE, text).unwrap_err().to_string();
        assert!(told(r#"{"v":2,"from":[1,2]}"#).contains("newer"));
        assert!(!told(r#"{"v":1,"from":[1,2]}"#).contains("newer"));
        assert_eq!(decode::<StateRecord>(STATE, r#"{"v":1,"more":true}"#).unwrap().copies, 0);
    }

    #[test]
    fn the_state_is_the_first_of_the_rows_that_are_read_with_it() {
        for key in [LOOKED, PROBLEM] {
            assert!(key.starts_with(STATE) && key > STATE);
        }
        assert!(LOOKED < PROBLEM && !MAPPING.starts_with(STATE) && !INDEX.starts_with(STATE));
    }
}
