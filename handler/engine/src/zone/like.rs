//! Which zone of the database follows the same rules as one that only a VTIMEZONE describes.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How far ahead rules are compared: two years see every yearly change twice.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 730);
/// How far apart the samples are; offset changes between two samples are found by the candidates'
/// own changes.
const STEP: SignedDuration = SignedDuration::from_hours(12);

/// Tried first, so that the best known of many equal zones is the answer.
const COMMON: [&str; 44] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "Europe/Lisbon",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Europe/Chisinau",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Phoenix",
    "America/Halifax",
    "America/St_Johns",
    "America/Mexico_City",
    "America/Bogota",
    "America/Caracas",
    "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires",
    "America/Santiago",
    "America/Nuuk",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Asia/Jerusalem",
    "Asia/Beirut",
    "Asia/Tehran",
    "Asia/Dubai",
    "Asia/Kabul",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Dhaka",
    "Asia/Yangon",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Adelaide",
    "Australia/Darwin",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Honolulu",
];

/// The name of a zone that has the offsets `observed` gives, for the two years from `near` on.
///
/// A zone that never changes its clock is named by its offset where that is whole hours
/// (`Etc/GMT-3`): it says nothing about a place, and a zone with the same offset today may change
/// its rules. `observed` is asked a bounded number of times (some 1,500, and a few per candidate).
pub fn zone_like(observed: impl Fn(Timestamp) -> Offset, near: Timestamp) -> Option<String> {
    let (samples, until) = samples(&observed, near)?;
    let first = samples.first()?.1;
    if samples.iter().all(|(_, offset)| *offset == first)
        && let Some(name) = without_changes(first)
    {
        return Some(name);
    }
    let same = |name: &str| {
        let zone = TimeZone::get(name).ok().filter(|zone| !zone.is_unknown())?;
        (same_samples(&zone, &samples) && same_changes(&zone, &observed, near, until))
            .then(|| zone.iana_name().map(str::to_owned))?
    };
    COMMON.iter().find_map(|name| same(name)).or_else(|| {
        let database = jiff::tz::db();
        database.available().filter(|name| name.as_str().contains('/')).find_map(|name| {
            let name = name.as_str();
            (!super::names::is_no_place(name)).then(|| same(name))?
        })
    })
}

/// Whether a zone has the offsets `observed` gives, for the two years from `near` on.
pub fn follows(zone: &TimeZone, observed: impl Fn(Timestamp) -> Offset, near: Timestamp) -> bool {
    samples(&observed, near).is_some_and(|(samples, until)| {
        same_samples(zone, &samples) && same_changes(zone, &observed, near, until)
    })
}

/// Offsets at regular instants, and the end of them.
fn samples(
    observed: impl Fn(Timestamp) -> Offset,
    near: Timestamp,
) -> Option<(Vec<(Timestamp, Offset)>, Timestamp)> {
    let until = near.checked_add(AHEAD).ok()?;
    let mut samples = Vec::new();
    let mut at = near;
    while at < until {
        samples.push((at, observed(at)));
        at = at.checked_add(STEP).ok()?;
    }
    Some((samples, until))
}

fn without_changes(offset: Offset) -> Option<String> {
    let seconds = offset.seconds();
    match (seconds / 3600, seconds % 3600) {
        (0, 0) => Some("Etc/UTC".to_owned()),
        (hours @ -12..=14, 0) => Some(format!("Etc/GMT{:+}", -hours)),
        _ => None,
    }
}

/// Compares every fortnight first: most candidates end there.
fn same_samples(zone: &TimeZone, samples: &[(Timestamp, Offset)]) -> bool {
    let same = |(at, offset): &(Timestamp, Offset)| zone.to_offset(*at) == *offset;
    samples.iter().step_by(28).all(same) && samples.iter().all(same)
}

/// The candidate changes exactly when the observed one does.
fn same_changes(
    zone: &TimeZone,
    observed: impl Fn(Timestamp) -> Offset,
    near: Timestamp,
    until: Timestamp,
) -> bool {
    zone.following(near).take(16).take_while(|change| change.timestamp() < until).all(|change| {
        let at = change.timestamp();
        let before = at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(at);
        observed(at) == zone.to_offset(at) && observed(before) == zone.to_offset(before)
    })
}
