//! Under which name a zone is written.
//!
//! Which names a mailbox accepts cannot be asked, so there is a ladder: the IANA name where
//! Microsoft documents it as accepted, the Windows name, and then none: a single event is written
//! in UTC, and a series that has no name for its zone is not representable. A name that an account
//! has refused is not used for it again, and the next step is.
//!
//! A Windows name means the rules of one zone, which need not be those of every zone that is
//! said to have this name: it is used only where the two have the same offsets for as long as the
//! event is looked at.

use std::collections::BTreeSet;
use std::ops::Range;

use engine::event::Zone;
use jiff::Timestamp;
use jiff::tz::TimeZone;

mod accepted_names;
mod windows_names;

use accepted_names::{ADDITIONAL, ALIASES, NEWER};
use windows_names::WINDOWS;

/// UTC as Microsoft writes it.
pub(super) const UTC: &str = "UTC";

/// Names that CLDR's list has without its hyphens.
const HYPHENATED: [(&str, &str); 2] =
    [("America/Blanc-Sablon", "America/BlancSablon"), ("Asia/Ust-Nera", "Asia/UstNera")];

/// The ladder of one account.
#[derive(Clone, Debug)]
pub(super) struct ZoneNames<'a> {
    /// The names that the account is known to refuse.
    pub refused: &'a BTreeSet<String>,
}

impl ZoneNames<'_> {
    /// The name under which the zone is written, where its rules count over this range. `None`
    /// where there is none: then only UTC can be written.
    pub(super) fn name(&self, zone: &Zone, range: &Range<Timestamp>) -> Option<&'static str> {
        let name = match zone {
            Zone::Utc | Zone::Floating => return Some(UTC),
            Zone::Iana(name) => name,
        };
        let accepted = ADDITIONAL.split(' ').find(|accepted| accepted == name);
        let windows = windows_names(name).filter(|(_, means)| same_rules(name, means, range));
        accepted
            .into_iter()
            .chain(windows.map(|(name, _)| name))
            .find(|name| !self.refused.contains(*name))
    }
}

/// The Windows names for a zone, the newer ones first, each with the zone whose rules it names.
fn windows_names(zone: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let other = ALIASES.iter().chain(&HYPHENATED).find(|(other, _)| *other == zone);
    let zone = other.map_or(zone, |(_, listed)| listed);
    let newer = NEWER.iter().filter(move |(_, means)| *means == zone).copied();
    let listed = WINDOWS.iter().find_map(|(name, zones)| {
        let mut zones = zones.split(' ');
        let means = zones.next()?;
        (means == zone || zones.any(|listed| listed == zone)).then_some((*name, means))
    });
    newer.collect::<Vec<_>>().into_iter().chain(listed)
}

/// Whether two zones have the same offsets at every instant of a range.
pub(super) fn same_rules(a: &str, b: &str, range: &Range<Timestamp>) -> bool {
    if a == b {
        return true;
    }
    let (Ok(a), Ok(b)) = (TimeZone::get(a), TimeZone::get(b)) else { return false };
    let same = |at: Timestamp| a.to_offset(at) == b.to_offset(at);
    // An offset holds from one change to the next, so the changes of both are all that counts.
    let same_at_changes_of = |zone: &TimeZone| {
        let changes = zone.following(range.start).map(|change| change.timestamp());
        changes.take_while(|at| *at < range.end).all(same)
    };
    same(range.start) && same_at_changes_of(&a) && same_at_changes_of(&b)
}

#[cfg(test)]
mod tests;
