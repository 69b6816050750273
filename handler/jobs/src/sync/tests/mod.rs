//! Passes over two calendars in memory.

mod attempts;
mod conflicts;
mod create;
mod day;
mod deletions;
mod drafts;
mod duplicates;
mod echo;
mod edits;
mod env;
mod expanded;
mod explained;
mod first_release;
mod held_deletions;
mod held_evidence;
mod held_later;
mod identity;
mod interrupted;
mod lease;
mod long_passes;
mod marked_events;
mod memory_account;
mod memory_calendar;
mod memory_occurrences;
mod missing_events;
mod narrow;
mod occurrences;
mod other_events_beside;
mod own_uids;
mod owners;
mod passed_over;
mod precheck;
mod private;
mod quickness;
mod read_once;
mod recognised_by_appearance;
mod rediscovery;
mod refused_deletions;
mod refused_reads;
mod renamed_events;
mod retries;
mod reused_names;
mod sample_events;
mod server_versions;
mod similar_events;
mod stale_reads;
mod take_over;
mod unlisted_removals;
mod unlisted_similar;
mod unlisted_unknown;
mod unseen;
mod whole_listings;

use engine::reason::Reason;

use crate::report::Run;

/// The titles of one calendar.
fn all<const N: usize>(titles: [&str; N]) -> Vec<String> {
    titles.map(str::to_owned).to_vec()
}

/// Why something was done, as far as it is said.
fn reasons(run: &Run) -> Vec<Reason> {
    run.actions.iter().filter_map(|action| action.reason).collect()
}
