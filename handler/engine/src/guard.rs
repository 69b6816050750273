//! The guard against mass deletion: a pair that would delete an unusual share of its copies stops
//! and asks.

/// What the deletions of a pass rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The provider named each of them as removed.
    Named,
    /// They were missing in a full listing.
    Missing,
}

/// The most deletions in a day that happen without a word of the owner.
pub const DAILY_CAP: u64 = 500;

/// After this many seconds a held pass may look again.
pub const SECOND_LOOK_SECONDS: i64 = 600;

/// So many deletions may be released by a second look that verified each of them.
pub const SECOND_LOOK_CAP: u64 = 50;

/// Whether `deletions` of `live` copies are unusual. `today` were made already since midnight UTC.
pub fn is_unusual(evidence: Evidence, deletions: u64, live: u64, today: u64) -> bool {
    if deletions == 0 {
        return false;
    }
    let above = |percent: u64| deletions.saturating_mul(100) > live.saturating_mul(percent);
    let unusual = match evidence {
        Evidence::Named => {
            (deletions > 10 && above(25)) || (deletions >= EMPTIED && deletions >= live)
        }
        Evidence::Missing => deletions > 5 || above(10) || deletions >= live,
    };
    unusual || today.saturating_add(deletions) > DAILY_CAP
}

/// Whether the number of events that are gone from one calendar looks as if the calendar was
/// emptied or created again. `before` are those that were there before the first of them went,
/// `live` all that should be there. `costs_origins`: their origins would be deleted for it, which
/// has a limit of its own.
pub fn is_emptied(
    evidence: Evidence,
    gone: u64,
    before: u64,
    live: u64,
    costs_origins: bool,
) -> bool {
    let all = gone >= before;
    match evidence {
        _ if gone == 0 => false,
        Evidence::Missing if all => true,
        Evidence::Named if all && gone >= EMPTIED => true,
        _ => !costs_origins && is_unusual(evidence, gone, live, 0),
    }
}

/// A person who deletes all copies one by one has fewer.
pub const EMPTIED: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use Evidence::{Missing, Named};

    #[test]
    fn named_deletions_are_unusual_above_ten_and_a_quarter() {
        assert!(!is_unusual(Named, 10, 11, 0));
        assert!(
            is_unusual(Named, 5, 5, 0) && !is_unusual(Named, 4, 4, 0),
            "all of them, and more than a person deletes one by one"
        );
        assert!(!is_unusual(Named, 11, 44, 0));
        assert!(is_unusual(Named, 11, 43, 0));
        assert!(is_unusual(Named, 24, 40, 0));
        assert!(!is_unusual(Named, 1, 1, 0), "the owner of one event may delete it");
    }

    #[test]
    fn missing_ones_are_unusual_much_earlier() {
        assert!(!is_unusual(Missing, 1, 12, 0));
        assert!(is_unusual(Missing, 2, 12, 0));
        assert!(is_unusual(Missing, 6, 1_000, 0));
        assert!(is_unusual(Missing, 1, 1, 0), "all of them");
    }

    #[test]
    fn each_bound_has_two_sides() {
        for (evidence, deletions, live, unusual) in [
            (Named, 10, 39, false),
            (Named, 11, 44, false),
            (Named, 11, 43, true),
            (Named, 4, 4, false),
            (Named, 5, 5, true),
            (Named, 5, 6, false),
            (Missing, 5, 1_000, false),
            (Missing, 6, 1_000, true),
            (Missing, 5, 50, false),
            (Missing, 5, 49, true),
        ] {
            assert_eq!(
                is_unusual(evidence, deletions, live, 0),
                unusual,
                "{evidence:?} {deletions} of {live}"
            );
        }
        assert!(
            !is_unusual(Named, 1, 10_000, DAILY_CAP - 1)
                && is_unusual(Named, 2, 10_000, DAILY_CAP - 1)
        );
    }

    #[test]
    fn a_calendar_was_emptied_where_all_copies_are_gone_or_too_many_for_a_person() {
        for costs_origins in [true, false] {
            assert!(
                is_emptied(Missing, 1, 1, 1, costs_origins)
                    && is_emptied(Named, 5, 5, 5, costs_origins)
            );
            assert!(
                !is_emptied(Missing, 0, 0, 0, costs_origins)
                    && !is_emptied(Named, 4, 4, 4, costs_origins)
            );
            assert!(!is_emptied(Named, 10, 20, 20, costs_origins));
            assert!(
                is_emptied(Missing, 3, 3, 9, costs_origins),
                "what was made since is no sign of life"
            );
        }
        assert!(is_emptied(Named, 20, 40, 40, false) && is_emptied(Missing, 6, 100, 100, false));
        assert!(
            !is_emptied(Named, 20, 40, 40, true) && !is_emptied(Missing, 6, 100, 100, true),
            "deletions have a guard of their own"
        );
    }

    #[test]
    fn a_day_has_a_cap() {
        assert!(is_unusual(Named, 1, 10_000, DAILY_CAP));
        assert!(!is_unusual(Named, 0, 0, DAILY_CAP));
    }
}
