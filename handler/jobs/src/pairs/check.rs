//! Checks of a new pair. Pure.

use engine::pair::{Pair, Reach};
use records::calendar::CalendarRecord;

use super::new_pair::NewPair;
use crate::places::CalendarPlaces;
use crate::{Error, NotPaired, Result};

/// Whether the pair may be added. Calendars are compared by their places, so it makes no difference
/// through which account a calendar is seen.
///
/// # Errors
/// [`Error::NotPaired`] with a text that says what to do instead.
pub(super) fn check(
    new: &NewPair,
    from: &CalendarRecord,
    to: &CalendarRecord,
    places: &CalendarPlaces,
    existing: &[Pair],
) -> Result<()> {
    if new.from == new.to {
        return refuse(
            NotPaired::SameCalendar,
            "a calendar cannot be paired with itself; name two different calendars, as `calrelay \
            calendars` lists them",
        );
    }
    if places.is_same(&new.from, &new.to) {
        return refuse(
            NotPaired::SameCalendar,
            format!(
                "the calendars {} and {} are one and the same calendar, reached in two ways, and a \
            calendar cannot be paired with itself; name two different calendars, as `calrelay \
            calendars` lists them",
                new.from, new.to
            ),
        );
    }
    if !to.writable {
        return refuse(
            NotPaired::NotWritable(new.to.clone()),
            format!(
                "the calendar {} cannot be written to by this account, so it cannot be the target of \
            a pair; choose another one for --to, or ask its owner for write access",
                new.to
            ),
        );
    }
    if new.two_way && !from.writable {
        return refuse(
            NotPaired::NotWritable(new.from.clone()),
            format!(
                "the calendar {} cannot be written to by this account, and a two-way pair writes to \
            both; leave --two-way out, or ask its owner for write access",
                new.from
            ),
        );
    }
    if new.private_back && !new.two_way {
        return refuse(
            NotPaired::Options,
            "--private-back is about what flows back, and nothing flows back in a one-way pair; \
            add --two-way, or leave --private-back out",
        );
    }
    if is_empty(new.window_past) && is_empty(new.window_future) {
        return refuse(
            NotPaired::Options,
            "the window is empty, so no event would ever be copied; give --window-past or \
            --window-future at least one day",
        );
    }
    for pair in existing {
        let same = places.is_same(&pair.from, &new.from) && places.is_same(&pair.to, &new.to);
        let reverse = places.is_same(&pair.from, &new.to) && places.is_same(&pair.to, &new.from);
        let (id, exists) = (&pair.id, || NotPaired::Exists(pair.id.clone()));
        if same && new.two_way && !pair.two_way {
            return refuse(exists(), make_two_way(pair) + &reached_in_two_ways(new, pair));
        }
        if same {
            return refuse(
                exists(),
                format!(
                    "these two calendars are paired in this direction already, by the pair {id}; to \
                give it other rules, remove it with `calrelay pair remove {id}` and add it anew: \
                existing copies are found again{}",
                    reached_in_two_ways(new, pair)
                ),
            );
        }
        if reverse && pair.two_way {
            return refuse(
                exists(),
                format!(
                    "these two calendars are in step in both directions already, by the pair {id}; to \
                give it other rules, remove it with `calrelay pair remove {id}` and add it anew: \
                existing copies are found again{}",
                    reached_in_two_ways(new, pair)
                ),
            );
        }
        if reverse {
            return refuse(exists(), make_two_way(pair) + &reached_in_two_ways(new, pair));
        }
    }
    Ok(())
}

fn make_two_way(pair: &Pair) -> String {
    let Pair { id, from, to, .. } = pair;
    format!(
        "the pair {id} goes from {from} to {to} already, and two pairs between the same calendars \
        would work against each other; make it two-way instead: `calrelay pair remove {id}`, then \
        `calrelay pair add --from {from} --to {to} --two-way` (existing copies are found again)"
    )
}

/// Says which calendars of an existing pair are those of the new pair, where the existing pair has
/// other ids for them.
fn reached_in_two_ways(new: &NewPair, pair: &Pair) -> String {
    let there = [&pair.from, &pair.to];
    if [&new.from, &new.to].into_iter().all(|id| there.contains(&id)) {
        return String::new();
    }
    format!(
        " (the calendars of the pair {} are {} and {}: the same as {} and {}, reached in another \
        way)",
        pair.id, pair.from, pair.to, new.from, new.to
    )
}

fn is_empty(reach: Reach) -> bool {
    matches!(reach, Reach::Days(0) | Reach::Months(0))
}

fn refuse<T>(why: NotPaired, words: impl Into<String>) -> Result<T> {
    Err(Error::NotPaired { why, words: words.into() })
}

#[cfg(test)]
mod tests {
    use engine::calendar::{AccountId, CalendarId, PairId};

    use super::*;
    use crate::places::CalendarPlace;

    struct CheckCase {
        new: NewPair,
        from: CalendarRecord,
        to: CalendarRecord,
        /// Calendars that are identical.
        same: Vec<[&'static str; 2]>,
        existing: Vec<Pair>,
    }

    fn calendar(id: &str, account: &str) -> CalendarRecord {
        CalendarRecord {
            id: CalendarId::new(id),
            account: AccountId::new(account),
            address: format!("/{id}/"),
            name: id.into(),
            writable: true,
            zone: None,
            owned_at: None,
            first_address: None,
        }
    }

    fn case() -> CheckCase {
        let new = NewPair {
            from: CalendarId::new("c1"),
            to: CalendarId::new("c2"),
            two_way: false,
            private: false,
            private_back: false,
            window_past: Reach::Months(3),
            window_future: Reach::Months(12),
            take_over: false,
            draft: false,
        };
        CheckCase {
            new,
            from: calendar("c1", "a1"),
            to: calendar("c2", "a2"),
            same: Vec::new(),
            existing: Vec::new(),
        }
    }

    fn existing(from: &str, to: &str, two_way: bool) -> Pair {
        NewPair { from: CalendarId::new(from), to: CalendarId::new(to), two_way, ..case().new }
            .into_pair(PairId::new("p9"))
    }

    fn verdict(case: CheckCase) -> Option<String> {
        let mut places: CalendarPlaces = ["c1", "c2", "c3", "c4"]
            .map(|id| (CalendarId::new(id), CalendarPlace::new(id)))
            .into_iter()
            .collect();
        for [one, other] in case.same {
            places.merge(&CalendarId::new(one), &CalendarId::new(other));
        }
        match check(&case.new, &case.from, &case.to, &places, &case.existing) {
            Ok(()) => None,
            Err(Error::NotPaired { words, .. }) => Some(words),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut CheckCase), with: &str) {
        let mut case = case();
        change(&mut case);
        let words = verdict(case).expect("refused");
        assert!(words.contains(with), "{words}");
    }

    #[track_caller]
    fn taken(change: impl FnOnce(&mut CheckCase)) {
        let mut case = case();
        change(&mut case);
        assert_eq!(verdict(case), None);
    }

    #[test]
    fn two_calendars_may_be_paired() {
        taken(|_| ());
        taken(|case| case.new.two_way = true);
        taken(|case| (case.new.two_way, case.new.private_back) = (true, true));
        taken(|case| case.new.window_past = Reach::Days(0));
    }

    #[test]
    fn a_source_need_not_be_writable_in_a_one_way_pair() {
        taken(|case| case.from.writable = false);
        refused(
            |case| (case.from.writable, case.new.two_way) = (false, true),
            "leave --two-way out",
        );
        refused(|case| case.to.writable = false, "cannot be the target");
    }

    #[test]
    fn a_calendar_is_not_paired_with_itself_even_through_two_accounts() {
        refused(
            |case| (case.new.to, case.to) = (case.new.from.clone(), case.from.clone()),
            "with itself",
        );
        refused(|case| case.same = vec![["c1", "c2"]], "c1 and c2 are one and the same calendar");
        // An identical path on another server is another calendar.
        taken(|case| case.to.address = case.from.address.clone());
    }

    #[test]
    fn a_pair_is_known_again_through_other_accounts() {
        let through = |case: &mut CheckCase, from: &str, to: &str, two_way: bool| {
            case.same = vec![["c1", "c3"], ["c2", "c4"]];
            case.existing = vec![existing(from, to, two_way)];
        };
        let named = "the pair p9 are c3 and c4: the same as c1 and c2";
        refused(|case| through(case, "c3", "c4", false), named);
        refused(|case| through(case, "c3", "c4", false), "pair remove p9");
        refused(|case| through(case, "c1", "c4", false), "are c1 and c4: the same");
        refused(|case| through(case, "c4", "c3", false), "pair add --from c4 --to c3 --two-way");
        refused(|case| through(case, "c4", "c3", true), "pair remove p9");
        refused(
            |case| (through(case, "c3", "c4", false), case.new.two_way = true).0,
            "make it two-way",
        );
        taken(|case| (through(case, "c3", "c4", false), case.same.clear()).0);
    }

    #[test]
    fn the_same_direction_is_paired_once() {
        refused(|case| case.existing = vec![existing("c1", "c2", false)], "pair remove p9");
        refused(
            |case| case.existing = vec![existing("c1", "c2", true)],
            "in this direction already",
        );
        refused(
            |case| (case.existing, case.new.two_way) = (vec![existing("c1", "c2", false)], true),
            "make it two-way",
        );
        taken(|case| case.existing = vec![existing("c1", "c3", false), existing("c3", "c2", true)]);
    }

    #[test]
    fn the_reverse_of_a_pair_is_made_two_way_instead() {
        refused(
            |case| case.existing = vec![existing("c2", "c1", false)],
            "pair add --from c2 --to c1 --two-way",
        );
        refused(
            |case| case.existing = vec![existing("c2", "c1", true)],
            "in both directions already",
        );
    }

    #[test]
    fn a_pair_that_could_do_nothing_is_refused() {
        refused(
            |case| {
                (case.new.window_past, case.new.window_future) = (Reach::Days(0), Reach::Months(0))
            },
            "window is empty",
        );
        refused(|case| case.new.private_back = true, "add --two-way");
    }
}
