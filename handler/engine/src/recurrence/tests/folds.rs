//! The night in which clocks go back: 02:00 to 03:00 comes twice in Berlin.

use super::*;

#[test]
fn an_occurrence_keeps_its_length_in_the_repeated_hour() {
    let table = [
        ("2026-10-24T01:30", 30, "2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z"),
        ("2026-10-24T01:30", 60, "2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-24T01:30", 120, "2026-10-24T23:30:00Z", "2026-10-25T01:30:00Z"),
        ("2026-10-24T02:30", 20, "2026-10-25T00:30:00Z", "2026-10-25T00:50:00Z"),
        ("2026-10-24T02:30", 30, "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"),
        ("2026-10-24T02:30", 90, "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"),
        ("2026-10-24T03:30", 30, "2026-10-25T02:30:00Z", "2026-10-25T03:00:00Z"),
    ];
    for (first, minutes, start, end) in table {
        let master = content(timed(local(first), minutes, &berlin()));
        let range = at("2026-10-24T22:00:00Z")..at("2026-10-26T00:00:00Z");
        let series = series(&["FREQ=DAILY;COUNT=2"]);
        let found = occurrences(&master, &series, range, None).unwrap();
        let span = &found.last().unwrap().span;
        let shown = (zone::start(span, None), zone::end(span, None));
        assert_eq!(shown, (at(start), at(end)), "{first} {minutes}");
        let plain = unchanged(&master, found.last().unwrap().original).unwrap();
        assert_eq!(plain.span, *span, "{first} {minutes}");
    }
}
