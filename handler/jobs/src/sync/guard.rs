//! The guard over all that a pass would delete, for any cause: unusually many deletions wait for
//! the owner.
//!
//! # Properties
//! * All deletions of a pass are weighed together, before the first is made, against the copies
//!   that do not lie before the window.
//! * A held deletion stays held until the owner releases it, the event exists again, or a second
//!   look releases it.
//! * A confirmation covers the deletions that were shown, and none that came later.
//! * A second look comes ten minutes later and releases only deletions that the first look has
//!   held, fifty at the most in all, and never more than the daily cap.
//! * While the clock differs from those of the servers by more than fifteen minutes, no deletion is
//!   released, and no copy is deleted because its event has left the window.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::guard::{self, Evidence};
use engine::marker::MappingId;
use engine::plan::Delete;
use engine::reason::Reason;
use jiff::Timestamp;
use records::pair_state::{HeldDeletions, HeldRow, StateRecord};
use records::problem::HeldKind;

use super::context::Context;
use super::pass_result::PassResult;
use super::series_groups::SeriesGroups;

/// The largest difference between this clock and those of the servers.
const LARGEST_CLOCK_ERROR: Duration = Duration::from_secs(15 * 60);

/// What the weighing of deletions depends on.
pub(super) struct DeletionGuard {
    /// The mappings that an earlier pass held.
    members: HeldDeletions,
    /// The owner releases them.
    confirmed: bool,
    /// A second look may release them.
    second_look: bool,
    /// How many an earlier release held, where it has not stored which.
    unnamed: Option<u64>,
    /// Copies that do not lie before the window.
    live: u64,
    copies: u64,
    /// Deletions that were made today.
    today: u64,
}

#[derive(Debug, Default)]
pub(super) struct Weighed {
    pub released: BTreeSet<MappingId>,
    pub held: BTreeSet<MappingId>,
}

impl DeletionGuard {
    /// Weighs deletions, those of one series as one. With `asks` the owner is asked for any number.
    pub fn weigh(
        &self,
        now: Timestamp,
        evidence: Evidence,
        all: &BTreeSet<MappingId>,
        series: &SeriesGroups,
        asks: bool,
    ) -> Weighed {
        let count = series.count(all);
        let unnamed = self.unnamed.is_some_and(|held| count <= held);
        let is_member = |id: &&MappingId| unnamed || self.members.held_since(**id).is_some();
        let unusual = |ids: &BTreeSet<MappingId>| {
            let count = series.count(ids);
            // The live copies of these series count as one each, too.
            let live = self.live.saturating_sub(ids.len() as u64 - count);
            guard::is_unusual(evidence, count, live, self.today)
        };
        if !asks && !unusual(all) && !all.iter().any(|id| is_member(&id)) {
            return Weighed { released: all.clone(), held: BTreeSet::new() };
        }
        let is_old = |id: &MappingId| {
            let is_old = |since: Timestamp| {
                now.as_second() - since.as_second() >= guard::SECOND_LOOK_SECONDS
            };
            unnamed || self.members.held_since(*id).is_some_and(is_old)
        };
        let mut released: BTreeSet<MappingId> = if self.confirmed {
            all.iter().filter(is_member).copied().collect()
        } else if self.second_look && !asks && count <= guard::SECOND_LOOK_CAP {
            all.iter().filter(|id| is_old(id)).copied().collect()
        } else {
            BTreeSet::new()
        };
        if !self.confirmed && self.today.saturating_add(released.len() as u64) > guard::DAILY_CAP {
            released.clear();
        }
        let mut held: BTreeSet<MappingId> = all.difference(&released).copied().collect();
        // Deletions that came after a question that is answered are weighed alone.
        if !asks && !released.is_empty() && !held.iter().any(|id| is_member(&id)) && !unusual(&held)
        {
            released.append(&mut held);
        }
        Weighed { released, held }
    }

    /// What an earlier pass held.
    pub fn members(&self) -> &HeldDeletions {
        &self.members
    }

    /// How many copies the pair has.
    pub fn copies(&self) -> u64 {
        self.copies
    }
}

impl Context<'_> {
    pub(super) async fn deletion_guard(&self, state: &StateRecord) -> DeletionGuard {
        let held = state.held.as_ref().filter(|row| row.held.kind == HeldKind::Deletions);
        let members = if state.held.is_some() {
            self.locked.held_deletions().await
        } else {
            HeldDeletions::default()
        };
        DeletionGuard {
            unnamed: held.filter(|_| members.oldest().is_none()).map(|row| row.held.deletions),
            members,
            confirmed: self.options.confirm_deletions,
            second_look: held
                .is_some_and(|row: &HeldRow| !row.by_owner && self.is_second_look(row))
                && self.is_clock_right(),
            live: self.locked.current_copies().await,
            copies: self.locked.copies().await,
            today: state.deletions_on(self.today()),
        }
    }

    fn is_second_look(&self, row: &HeldRow) -> bool {
        self.now.as_second() - row.since.as_second() >= guard::SECOND_LOOK_SECONDS
    }

    /// Whether the clock of this machine agrees with those of the servers, as far as these are
    /// known.
    pub(super) fn is_clock_right(&self) -> bool {
        let now = self.scope.clock.now();
        self.scope
            .connect
            .server_time()
            .is_none_or(|server| now.duration_since(server).unsigned_abs() <= LARGEST_CLOCK_ERROR)
    }

    /// Where the clock is wrong, takes out the deletions of copies whose event has left the window:
    /// these events are decided about again when the clock is right.
    pub(super) fn spare_by_clock(
        &self,
        deletes: Vec<Delete>,
        result: &mut PassResult,
    ) -> Vec<Delete> {
        if self.is_clock_right() {
            return deletes;
        }
        let (spared, rest): (Vec<Delete>, Vec<Delete>) =
            deletes.into_iter().partition(|delete| delete.reason == Reason::OutsideWindow);
        if !spared.is_empty() {
            tracing::warn!(pair = %self.pair.id, "the clock of this machine is not that of the \
            calendar servers; nothing is deleted because of it");
            result.is_incomplete = true;
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use engine::marker::MappingId;

    use super::*;

    fn id(n: u64) -> MappingId {
        let name = data_encoding::BASE32_NOPAD.encode(
            &(u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)).to_be_bytes(),
        );
        MappingId::try_from(name.to_ascii_lowercase()).unwrap()
    }

    fn ids(range: std::ops::Range<u64>) -> BTreeSet<MappingId> {
        range.map(id).collect()
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn guard(members: std::ops::Range<u64>, live: u64) -> DeletionGuard {
        let members = HeldDeletions::of(members.map(id), &HeldDeletions::default(), at(0));
        DeletionGuard {
            members,
            confirmed: false,
            second_look: true,
            unnamed: None,
            live,
            copies: live,
            today: 0,
        }
    }

    fn released(guard: &DeletionGuard, minute: i64, all: std::ops::Range<u64>) -> (usize, usize) {
        let Weighed { released, held } = guard.weigh(
            at(minute),
            Evidence::Named,
            &ids(all.clone()),
            &SeriesGroups::default(),
            false,
        );
        assert_eq!(released.union(&held).count(), all.count());
        (released.len(), held.len())
    }

    #[test]
    fn what_is_held_stays_held_whatever_is_made_meanwhile() {
        assert_eq!(
            released(&guard(0..12, 50), 5, 0..12),
            (0, 12),
            "twelve of fifty are usual, and were of forty"
        );
        assert_eq!(released(&guard(0..0, 50), 5, 0..12), (12, 0));
    }

    #[test]
    fn a_second_look_releases_what_both_have_seen() {
        assert_eq!(released(&guard(0..30, 40), 9, 0..30), (0, 30), "too soon");
        assert_eq!(released(&guard(0..30, 40), 10, 0..30), (30, 0));
        assert_eq!(
            released(&guard(0..30, 40), 10, 5..38),
            (25 + 8, 0),
            "what came later is usual by itself"
        );
        assert_eq!(released(&guard(0..30, 60), 10, 0..50), (30, 20), "and is not");
        assert_eq!(released(&guard(0..51, 60), 10, 0..51), (0, 51), "too many");
        let by_owner = DeletionGuard { second_look: false, ..guard(0..30, 40) };
        assert_eq!(released(&by_owner, 60, 0..30), (0, 30));
        assert_eq!(
            released(&DeletionGuard { today: 470, ..guard(0..30, 40) }, 10, 0..30),
            (30, 0),
            "five hundred, and no more"
        );
        let late = DeletionGuard { today: 480, ..guard(0..30, 40) };
        assert_eq!(released(&late, 10, 0..30), (0, 30), "the day is full");
    }

    #[test]
    fn ten_minutes_are_counted_from_the_first_look() {
        let members = HeldDeletions::of((0..30).map(id), &HeldDeletions::default(), at(100));
        let guard = DeletionGuard { members, ..guard(0..0, 40) };
        assert_eq!(released(&guard, 109, 0..30), (0, 30));
        assert_eq!(released(&guard, 110, 0..30), (30, 0));
    }

    #[test]
    fn a_confirmation_covers_what_was_shown() {
        let confirmed = |members, live| DeletionGuard { confirmed: true, ..guard(members, live) };
        assert_eq!(released(&confirmed(0..26, 100), 1, 0..100), (26, 74));
        assert_eq!(
            released(&confirmed(0..600, 700), 1, 0..600),
            (600, 0),
            "a word of the owner knows no cap"
        );
        assert_eq!(released(&confirmed(0..0, 40), 1, 0..30), (0, 30), "nothing was shown");
        assert_eq!(released(&confirmed(0..16, 60), 1, 0..18), (18, 0));
    }
}
