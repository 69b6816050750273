//! Passes over two calendars in memory, each story small.

mod asked_again;
mod at_rest;
mod awaited;
mod behind;
mod beside_copies;
mod calendar;
mod claims;
mod create;
mod cut_off;
mod deletion;
mod duplicates;
mod echo;
mod edit;
mod events;
mod first_release;
mod found_again;
mod freed;
mod held;
mod held_again;
mod identity;
mod kept_apart;
mod lease;
mod long;
mod looks;
mod memory;
mod moment;
mod narrow;
mod own_uids;
mod passed_over;
mod private;
mod read_once;
mod recognised;
mod searched;
mod silently;
mod sought;
mod take_over;
mod turns;
mod unseen;
mod verdict;
mod versions;
mod weighed;
mod whole;
mod world;

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
