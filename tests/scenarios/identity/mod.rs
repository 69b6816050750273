//! Identity: an account, a calendar, an event and a copy are recognised wherever they are seen.
//! Each scenario ends with three passes that write nothing.

mod addresses;
mod base_paths;
mod cleanup;
mod duplicates;
mod emptied_calendar;
mod exchanged_names;
mod google;
mod installations;
mod left_copies;
mod marks;
mod moved_events;
mod names;
mod own_uids;
mod races;
mod radicale_xandikos;
mod recreated_calendar;
mod recreated_events;
mod restored_events;
mod same_calendar;
mod stale_replicas;
mod takeover;
mod unlisted_copies;
mod unreadable_events;
