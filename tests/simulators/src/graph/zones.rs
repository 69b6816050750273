//! Time zones by the names that Exchange knows.

use std::collections::BTreeMap;
use std::sync::{LazyLock, RwLock};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::manners::{Manners, ZoneNames};
use super::schema::Schema;

/// A time on the clocks of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wall {
    pub at: DateTime,
    /// As it was written.
    pub zone: String,
}

impl Wall {
    /// The instant; what the clocks skip is taken as later, what they repeat as the first time.
    pub fn instant(&self) -> Timestamp {
        known(&self.zone).to_timestamp(self.at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The same instant on other clocks.
    pub fn within(&self, zone: &str) -> Self {
        if same(&self.zone, zone) {
            return Self { at: self.at, zone: zone.to_owned() };
        }
        Self { at: known(zone).to_datetime(self.instant()), zone: zone.to_owned() }
    }
}

struct Names {
    /// By lower-cased Windows name: the IANA zone that it means.
    windows: BTreeMap<String, String>,
    newer: BTreeMap<String, String>,
    documented: Vec<String>,
}

fn names() -> &'static Names {
    static NAMES: LazyLock<Names> = LazyLock::new(|| {
        let said = Schema::get().zones();
        let rows = |name: &str| {
            let rows = said[name].as_object().into_iter().flat_map(Map::iter);
            rows.filter_map(|(name, places)| {
                let place = places.as_str()?.split(' ').next()?;
                Some((name.to_lowercase(), place.to_owned()))
            })
            .collect()
        };
        let documented = said["additional"].as_array().into_iter().flatten();
        Names {
            windows: rows("windows"),
            newer: rows("newerWindowsNames"),
            documented: documented
                .filter_map(Value::as_str)
                .flat_map(|line| line.split(' '))
                .map(str::to_owned)
                .collect(),
        }
    });
    &NAMES
}

/// The name of the IANA's for a name in either spelling.
fn iana(name: &str) -> Option<&str> {
    let lower = name.to_lowercase();
    if lower == "utc" {
        return Some("UTC");
    }
    let names = names();
    let found = names.windows.get(&lower).or_else(|| names.newer.get(&lower));
    found.map(String::as_str).or_else(|| TimeZone::get(name).is_ok().then_some(name))
}

/// The zone of a name that was accepted before.
pub(super) fn known(name: &str) -> TimeZone {
    // A view of thousands of events asks for each of them several times.
    static KNOWN: RwLock<BTreeMap<String, TimeZone>> = RwLock::new(BTreeMap::new());
    if name == "UTC" {
        return TimeZone::UTC;
    }
    if let Some(zone) = KNOWN.read().ok().and_then(|known| known.get(name).cloned()) {
        return zone;
    }
    let zone = iana(name).and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    if let Ok(mut known) = KNOWN.write() {
        known.insert(name.to_owned(), zone.clone());
    }
    zone
}

/// Whether two names are spellings of one zone.
pub(super) fn same(one: &str, other: &str) -> bool {
    one == other || known(one) == known(other)
}

/// Whether this mailbox takes a name.
pub(super) fn is_taken(name: &str, manners: &Manners) -> bool {
    if name == "UTC" {
        return true;
    }
    if manners.refused_zones.contains(name) {
        return false;
    }
    let (lower, names) = (name.to_lowercase(), names());
    let windows = names.windows.contains_key(&lower)
        || (manners.newer_zone_names && names.newer.contains_key(&lower));
    match manners.zone_names {
        ZoneNames::Documented => windows || names.documented.iter().any(|known| known == name),
        ZoneNames::All => windows || TimeZone::get(name).is_ok(),
        ZoneNames::Windows => windows,
        ZoneNames::UtcOnly => false,
    }
}

/// `2026-03-10T08:00:00.0000000`, as times are read.
pub(super) fn written(at: DateTime) -> String {
    let nanos = at.subsec_nanosecond() / 100;
    format!("{}.{nanos:07}", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// A wall time as it may be sent: without an offset, to seven decimals.
pub(super) fn read(text: &str) -> Option<DateTime> {
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let form = text.len() >= 16
        && text.as_bytes()[10] == b'T'
        && decimals <= 7
        && text[10..].bytes().all(|b| b.is_ascii_digit() || b":.T".contains(&b));
    form.then(|| text.parse().ok()).flatten()
}

/// An instant with its trailing zeros dropped, as `originalStart` is.
pub(super) fn short(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S%.fZ").to_string()
}

/// A bound of a range: with an offset, or taken as UTC.
pub(super) fn bound(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}
