use std::collections::BTreeMap;

use serde_json::Value;

use super::super::wire::schema;
use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window() -> Range<Timestamp> {
    at("2026-08-01T00:00:00Z")..at("2027-11-01T00:00:00Z")
}

fn name(zone: &str, refused: &[&str]) -> Option<&'static str> {
    let refused = refused.iter().map(|name| (*name).to_owned()).collect();
    ZoneNames { refused: &refused }.name(&Zone::Iana(zone.into()), &window())
}

fn pairs(value: &Value) -> BTreeMap<&str, &str> {
    let object = value.as_object().unwrap();
    object.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
}

#[test]
fn the_tables_are_those_of_the_schema() {
    let schema = schema::schema();
    let zones = &schema["timeZones"];
    assert_eq!(WINDOWS.into_iter().collect::<BTreeMap<_, _>>(), pairs(&zones["windows"]));
    assert_eq!(ALIASES.into_iter().collect::<BTreeMap<_, _>>(), pairs(&zones["aliases"]));
    assert_eq!(NEWER.into_iter().collect::<BTreeMap<_, _>>(), pairs(&zones["newerWindowsNames"]));
    assert_eq!(ADDITIONAL, zones["additional"][0].as_str().unwrap());
    for (left_out, other) in pairs(&zones["additionalTwoSpellings"]) {
        assert!(!ADDITIONAL.split(' ').any(|name| name == left_out || name == other));
    }
    let listed = |zone: &str| WINDOWS.iter().any(|(_, zones)| zones.split(' ').any(|z| z == zone));
    for (other, zone) in ALIASES.iter().chain(&HYPHENATED) {
        assert!(listed(zone) && !listed(other), "{other}");
    }
}

#[test]
fn every_windows_name_is_read_as_the_zone_whose_rules_it_names() {
    for (name, zones) in WINDOWS.iter().chain(&NEWER) {
        let Some(Zone::Iana(read)) = engine::zone::resolve(name) else {
            assert_eq!(*name, "UTC");
            continue;
        };
        let means = zones.split(' ').next().unwrap();
        let canonical = |zone: &str| {
            ALIASES
                .iter()
                .find(|(other, _)| *other == zone)
                .map_or_else(|| zone.to_owned(), |(_, zone)| (*zone).to_owned())
        };
        assert_eq!(canonical(&read), means, "{name}");
    }
}

#[test]
fn the_name_that_microsoft_documents_comes_first_and_then_the_windows_name() {
    let cases: [(&str, &[&str], Option<&str>); 20] = [
        ("Europe/Berlin", &[], Some("Europe/Berlin")),
        ("Europe/Berlin", &["Europe/Berlin"], Some("W. Europe Standard Time")),
        ("Europe/Berlin", &["Europe/Berlin", "W. Europe Standard Time"], None),
        ("Europe/Berlin", &["W. Europe Standard Time"], Some("Europe/Berlin")),
        ("Europe/Tallinn", &[], Some("FLE Standard Time")),
        ("Europe/Kyiv", &[], Some("FLE Standard Time")),
        ("Europe/Kiev", &[], Some("FLE Standard Time")),
        ("US/Pacific", &[], Some("Pacific Standard Time")),
        ("Asia/Kolkata", &[], Some("Asia/Kolkata")),
        ("Asia/Calcutta", &[], Some("India Standard Time")),
        ("Asia/Yangon", &[], Some("Myanmar Standard Time")),
        ("America/Blanc-Sablon", &[], Some("SA Western Standard Time")),
        ("Asia/Ust-Nera", &[], Some("Vladivostok Standard Time")),
        ("America/Nuuk", &[], Some("Greenland Standard Time")),
        // No row: the last step, and no error.
        ("Antarctica/Troll", &[], None),
        ("America/Vancouver", &[], Some("British Columbia Standard Time")),
        ("Canada/Mountain", &[], Some("Alberta Standard Time")),
        ("America/Winnipeg", &[], Some("Manitoba Standard Time")),
        ("America/Winnipeg", &["Manitoba Standard Time"], Some("Central Standard Time")),
        ("No/Where", &[], None),
    ];
    for (zone, refused, expected) in cases {
        assert_eq!(name(zone, refused), expected, "{zone} {refused:?}");
    }
    let none = BTreeSet::new();
    for zone in [Zone::Utc, Zone::Floating] {
        assert_eq!(ZoneNames { refused: &none }.name(&zone, &window()), Some("UTC"));
    }
}

/// Vancouver has no change of clocks from November 2026 on, Los Angeles has.
#[test]
fn a_windows_name_with_other_rules_is_not_used() {
    let vancouver = TimeZone::get("America/Vancouver").unwrap();
    let keeps_summer = vancouver.to_offset(at("2026-12-15T00:00:00Z")).seconds() == -7 * 3600;
    let expected = if keeps_summer { None } else { Some("Pacific Standard Time") };
    assert_eq!(name("America/Vancouver", &["British Columbia Standard Time"]), expected);
    let refused = ["British Columbia Standard Time".to_owned()].into();
    let before = at("2026-01-01T00:00:00Z")..at("2026-10-01T00:00:00Z");
    assert_eq!(
        ZoneNames { refused: &refused }.name(&Zone::Iana("America/Vancouver".into()), &before),
        Some("Pacific Standard Time"),
        "where the range ends before the rules differ"
    );
}

#[test]
fn rules_are_compared_over_the_range_only() {
    let year = |year: i16| {
        let [from, to] = [year, year + 1].map(|y| at(&format!("{y}-01-01T00:00:00Z")));
        from..to
    };
    // Until 2011 Moscow changed its clocks, until 2014 it was an hour ahead of Minsk's rules.
    assert!(same_rules("Europe/Moscow", "Europe/Minsk", &year(2026)));
    assert!(!same_rules("Europe/Moscow", "Europe/Minsk", &year(2012)));
    assert!(!same_rules("Europe/Berlin", "Europe/London", &year(2026)));
    assert!(same_rules("Europe/Berlin", "Europe/Paris", &year(2026)));
    // The same at both ends, and different in between.
    assert!(!same_rules("Africa/Lagos", "Europe/Berlin", &year(2026)));
    assert!(!same_rules("Europe/Berlin", "Africa/Lagos", &year(2026)));
    assert!(!same_rules("No/Where", "Europe/Berlin", &year(2026)));
    assert!(same_rules("No/Where", "No/Where", &year(2026)), "one name is one zone");
}

#[test]
fn every_zone_of_the_tables_gets_a_name_with_its_own_rules() {
    let none = BTreeSet::new();
    for zone in WINDOWS.iter().flat_map(|(_, zones)| zones.split(' ')) {
        let Some(Zone::Iana(known)) = engine::zone::resolve(zone) else { continue };
        let Some(name) = (ZoneNames { refused: &none }).name(&Zone::Iana(zone.into()), &window())
        else {
            continue;
        };
        let Some(means) = engine::zone::resolve(name) else { panic!("{name}") };
        if let Zone::Iana(means) = means {
            assert!(same_rules(&known, &means, &window()), "{zone} {name}");
        }
    }
}
