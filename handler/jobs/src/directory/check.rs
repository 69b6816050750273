//! What is refused when a pair is set up. Pure.

use engine::pair::{Pair, Reach};

use super::calendars::CalendarRow;
use super::pairs::NewPair;
use crate::{Error, Result};

/// An end of a pair to be, and the server on which it lives.
pub(super) struct End<'a> {
    pub calendar: &'a CalendarRow,
    /// Host and port.
    pub server: &'a str,
}

/// Whether the pair may be made.
///
/// # Errors
/// [`Error::Request`] in words that say what to do instead.
pub(super) fn check(new: &NewPair, from: &End<'_>, to: &End<'_>, existing: &[Pair]) -> Result<()> {
    if same_calendar(from, to) {
        return refuse("a calendar cannot be paired with itself; name two different calendars, as `calrelay calendars` lists them");
    }
    if !to.calendar.writable {
        return refuse(format!(
            "the calendar {} cannot be written to by this account, so it cannot be the target of a pair; choose another one for --to, or ask its owner for write access",
            new.to
        ));
    }
    if new.two_way && !from.calendar.writable {
        return refuse(format!(
            "the calendar {} cannot be written to by this account, and a two-way pair writes to both; leave --two-way out, or ask its owner for write access",
            new.from
        ));
    }
    if new.private_back && !new.two_way {
        return refuse(
            "--private-back is about what flows back, and nothing flows back in a one-way pair; add --two-way, or leave --private-back out",
        );
    }
    if is_nothing(new.window_past) && is_nothing(new.window_future) {
        return refuse("the window is empty, so no event would ever be copied; give --window-past or --window-future at least one day");
    }
    for pair in existing {
        let same = pair.from == new.from && pair.to == new.to;
        let reverse = pair.from == new.to && pair.to == new.from;
        let id = &pair.id;
        if same && new.two_way && !pair.two_way {
            return refuse(make_two_way(pair));
        }
        if same {
            return refuse(format!(
                "these two calendars are paired in this direction already, by the pair {id}; to give it other rules, remove it with `calrelay pair remove {id}` and add it anew: copies that are there are found again"
            ));
        }
        if reverse && pair.two_way {
            return refuse(format!("these two calendars are in step in both directions already, by the pair {id}"));
        }
        if reverse {
            return refuse(make_two_way(pair));
        }
    }
    Ok(())
}

fn make_two_way(pair: &Pair) -> String {
    let Pair { id, from, to, .. } = pair;
    format!(
        "the pair {id} goes from {from} to {to} already, and two pairs between the same calendars would work against each other; make it two-way instead: `calrelay pair remove {id}`, then `calrelay pair add --from {from} --to {to} --two-way` (copies that are there are found again)"
    )
}

/// The same id, or the same collection on the same server, reached through two accounts.
fn same_calendar(from: &End<'_>, to: &End<'_>) -> bool {
    from.calendar.id == to.calendar.id || (from.server == to.server && from.calendar.address == to.calendar.address)
}

fn is_nothing(reach: Reach) -> bool {
    matches!(reach, Reach::Days(0) | Reach::Months(0))
}

fn refuse<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::Request(why.into()))
}

#[cfg(test)]
mod tests {
    use engine::calendar::{AccountId, CalendarId, PairId};

    use super::*;

    struct Case {
        new: NewPair,
        from: CalendarRow,
        to: CalendarRow,
        servers: (&'static str, &'static str),
        existing: Vec<Pair>,
    }

    fn calendar(id: &str, account: &str) -> CalendarRow {
        CalendarRow {
            id: CalendarId::new(id),
            account: AccountId::new(account),
            address: format!("/{id}/"),
            name: id.into(),
            writable: true,
            zone: None,
            owned_at: None,
        }
    }

    fn case() -> Case {
        let new = NewPair {
            from: CalendarId::new("c1"),
            to: CalendarId::new("c2"),
            two_way: false,
            private: false,
            private_back: false,
            window_past: Reach::Months(3),
            window_future: Reach::Months(12),
            take_over: false,
        };
        Case { new, from: calendar("c1", "a1"), to: calendar("c2", "a2"), servers: ("one.example", "two.example"), existing: Vec::new() }
    }

    fn existing(from: &str, to: &str, two_way: bool) -> Pair {
        NewPair { from: CalendarId::new(from), to: CalendarId::new(to), two_way, ..case().new }.into_pair(PairId::new("p9"))
    }

    fn verdict(case: Case) -> Option<String> {
        let from = End { calendar: &case.from, server: case.servers.0 };
        let to = End { calendar: &case.to, server: case.servers.1 };
        match check(&case.new, &from, &to, &case.existing) {
            Ok(()) => None,
            Err(Error::Request(words)) => Some(words),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut Case), with: &str) {
        let mut case = case();
        change(&mut case);
        let words = verdict(case).expect("refused");
        assert!(words.contains(with), "{words}");
    }

    #[track_caller]
    fn taken(change: impl FnOnce(&mut Case)) {
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
        refused(|case| (case.from.writable, case.new.two_way) = (false, true), "leave --two-way out");
        refused(|case| case.to.writable = false, "cannot be the target");
    }

    #[test]
    fn a_calendar_is_not_paired_with_itself_even_through_two_accounts() {
        refused(|case| (case.new.to, case.to) = (case.new.from.clone(), case.from.clone()), "with itself");
        refused(|case| (case.to.address, case.servers) = (case.from.address.clone(), ("one.example", "one.example")), "with itself");
        // The same path on another server is another calendar.
        taken(|case| case.to.address = case.from.address.clone());
    }

    #[test]
    fn the_same_direction_is_paired_once() {
        refused(|case| case.existing = vec![existing("c1", "c2", false)], "pair remove p9");
        refused(|case| case.existing = vec![existing("c1", "c2", true)], "in this direction already");
        refused(|case| (case.existing, case.new.two_way) = (vec![existing("c1", "c2", false)], true), "make it two-way");
        taken(|case| case.existing = vec![existing("c1", "c3", false), existing("c3", "c2", true)]);
    }

    #[test]
    fn the_reverse_of_a_pair_is_made_two_way_instead() {
        refused(|case| case.existing = vec![existing("c2", "c1", false)], "pair add --from c2 --to c1 --two-way");
        refused(|case| case.existing = vec![existing("c2", "c1", true)], "in both directions already");
    }

    #[test]
    fn a_pair_that_could_do_nothing_is_refused() {
        refused(|case| (case.new.window_past, case.new.window_future) = (Reach::Days(0), Reach::Months(0)), "window is empty");
        refused(|case| case.new.private_back = true, "add --two-way");
    }
}
