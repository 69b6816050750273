//! Occurrences, compared with those of two other programs for the same series
//! (tests/recordings/recurrence).

use serde::Deserialize;
use serde_json::json;

use super::*;

fn stamps(event: Value, before: &str) -> Vec<String> {
    starts(event.as_object().unwrap(), before.parse().unwrap()).iter().map(When::stamp).collect()
}

fn weekly(lines: &[&str]) -> Value {
    json!({"start": {"dateTime": "2026-03-24T10:00:00+02:00", "timeZone": "Europe/Tallinn"}, "recurrence": lines})
}

#[test]
fn occurrences_keep_to_the_wall_clock_and_their_ids_to_utc() {
    let seen = stamps(weekly(&["RRULE:FREQ=WEEKLY;COUNT=3"]), "2027-01-01T00:00:00Z");
    assert_eq!(seen, ["20260324T080000Z", "20260331T070000Z", "20260407T070000Z"]);
}

#[test]
fn an_end_and_gaps_are_read_in_every_form() {
    let end = |rule: &str| stamps(weekly(&[rule]), "2027-01-01T00:00:00Z").len();
    assert_eq!(end("RRULE:FREQ=WEEKLY;UNTIL=20260407T070000Z"), 3);
    assert_eq!(end("RRULE:FREQ=WEEKLY;UNTIL=20260407T065959Z"), 2);
    assert_eq!(end("RRULE:FREQ=WEEKLY;UNTIL=20260407"), 2, "a day is its first moment");
    for gap in [
        "EXDATE;TZID=Europe/Tallinn:20260331T100000",
        "EXDATE:20260331T070000Z",
        "EXDATE;VALUE=DATE:20260331",
    ] {
        let seen = stamps(weekly(&["RRULE:FREQ=WEEKLY;COUNT=3", gap]), "2027-01-01T00:00:00Z");
        assert_eq!(seen, ["20260324T080000Z", "20260407T070000Z"], "{gap}");
    }
    let all_day = json!({"start": {"date": "2026-03-01"}, "recurrence": ["RRULE:FREQ=DAILY;UNTIL=20260303", "RDATE;VALUE=DATE:20260310"]});
    assert_eq!(
        stamps(all_day, "2027-01-01T00:00:00Z"),
        ["20260301", "20260302", "20260303", "20260310"]
    );
}

#[test]
fn what_is_no_rule_is_refused() {
    for line in [
        "DTSTART:20260101T000000Z",
        "RRULE:FREQ=SOMETIMES",
        "RRULE",
        "EXDATE:20260331T070000Z",
        "RRULE:FREQ=DAILY;UNTIL=x",
    ] {
        assert!(check(weekly(&[line]).as_object().unwrap()).is_err(), "{line}");
    }
    assert!(check(weekly(&["RRULE:FREQ=DAILY"]).as_object().unwrap()).is_ok());
}

#[test]
fn an_id_leads_to_an_occurrence_or_nowhere() {
    let event = weekly(&["RRULE:FREQ=WEEKLY"]);
    let event = event.as_object().unwrap();
    assert!(occurrence(event, "20260331T070000Z").is_some());
    assert!(occurrence(event, "20260331T080000Z").is_none());
    assert!(occurrence(event, "20260331").is_none());
}

#[derive(Deserialize)]
struct Case {
    start: String,
    zone: String,
    rules: Vec<String>,
    from: String,
    to: String,
    #[serde(default)]
    cancelled: Vec<String>,
    #[serde(default)]
    extra: Vec<String>,
    starts: Vec<String>,
}

impl Case {
    fn event(&self) -> Value {
        let mut lines: Vec<String> =
            self.rules.iter().map(|rule| format!("RRULE:{rule}")).collect();
        lines.extend(self.cancelled.iter().map(|gap| format!("EXDATE:{gap}")));
        lines.extend(self.extra.iter().map(|more| format!("RDATE:{more}")));
        let start = match self.zone.as_str() {
            "day" => json!({"date": self.start.parse::<Date>().unwrap().to_string()}),
            zone => {
                json!({"dateTime": self.start.parse::<DateTime>().unwrap().to_string(), "timeZone": zone})
            }
        };
        json!({"start": start, "recurrence": lines})
    }
}

#[test]
fn all_recorded_series() {
    let mut cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../recordings/recurrence/cases.json")).unwrap();
    // Google has no floating times.
    cases.retain(|case| !case.zone.is_empty());
    assert!(cases.len() >= 400, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let from: Timestamp = format!("{}Z", case.from).parse().unwrap();
        let event = case.event();
        let found = starts(event.as_object().unwrap(), format!("{}Z", case.to).parse().unwrap());
        let found: Vec<String> =
            found.iter().filter(|start| start.instant("UTC") >= from).map(When::stamp).collect();
        if found != case.starts {
            wrong.push(format!(
                "{} {} {:?} -{:?} +{:?}\n  found    {found:?}\n  expected {:?}",
                case.start, case.zone, case.rules, case.cancelled, case.extra, case.starts
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
