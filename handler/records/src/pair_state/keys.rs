//! The keys of the rows of a pair.

use engine::calendar::CalendarId;
use engine::event::EventId;
use engine::marker::{MappingId, Marks};

pub(super) const STATE: &str = "s";
pub(super) const CHECKED: &str = "s:looked";
pub(super) const HELD_DELETIONS: &str = "s:members:";
pub(super) const PROBLEM: &str = "s:problem:";
pub(super) const PROOF: &str = "d:";
pub(super) const CONFLICT: &str = "c:";
pub(super) const MAPPING: &str = "m:";
pub(super) const INDEX: &str = "x:";
pub(super) const SERIES: &str = "r:";
pub(super) const EXPANDED: &str = "e:";

pub(super) fn mapping_key(id: MappingId) -> String {
    format!("{MAPPING}{}", String::from(id))
}

pub(super) fn index_key(marks: &Marks, calendar: &CalendarId, id: &EventId) -> String {
    format!("{INDEX}{}", marks.row_name(calendar, id))
}

/// The beginning of the keys of all mappings of one series.
pub(super) fn series_prefix(marks: &Marks, calendar: &CalendarId, series: &EventId) -> String {
    format!("{SERIES}{}:", marks.row_name(calendar, series))
}

pub(super) fn expanded_key(marks: &Marks, calendar: &CalendarId, id: &EventId) -> String {
    format!("{EXPANDED}{}", marks.row_name(calendar, id))
}

pub(super) fn problem_key(marks: &Marks, calendar: &CalendarId, id: &EventId) -> String {
    format!("{PROBLEM}{}", marks.row_name(calendar, id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decode;
    use crate::pair_state::StateRecord;

    #[test]
    fn a_row_of_a_newer_version_is_distinguished_from_damage() {
        let refusal = |text: &str| decode::<StateRecord>(STATE, text).unwrap_err().to_string();
        assert!(refusal(r#"{"v":2,"from":[1,2]}"#).contains("newer"));
        assert!(!refusal(r#"{"v":1,"from":[1,2]}"#).contains("newer"));
        assert_eq!(decode::<StateRecord>(STATE, r#"{"v":1,"more":true}"#).unwrap().copies, 0);
    }

    #[test]
    fn the_state_is_the_first_of_the_rows_that_are_read_with_it() {
        for key in [CHECKED, PROBLEM] {
            assert!(key.starts_with(STATE) && key > STATE);
        }
        assert!(CHECKED < PROBLEM && !MAPPING.starts_with(STATE) && !INDEX.starts_with(STATE));
    }
}
