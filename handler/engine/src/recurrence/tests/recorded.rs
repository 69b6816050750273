//! Against what python-dateutil and recurring-ical-events make of the same series
//! (tests/recordings/recurrence).

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    group: String,
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

/// `20260310`, `20260310T090000` or `20260310T090000Z`.
fn original(text: &str) -> OriginalStart {
    match text.strip_suffix('Z') {
        Some(_) => OriginalStart::At(text.parse().unwrap()),
        None if text.contains('T') => OriginalStart::Floating(text.parse().unwrap()),
        None => OriginalStart::Day(text.parse().unwrap()),
    }
}

fn written(original: OriginalStart) -> String {
    match original {
        OriginalStart::Day(day) => day.strftime("%Y%m%d").to_string(),
        OriginalStart::At(instant) => instant.strftime("%Y%m%dT%H%M%SZ").to_string(),
        OriginalStart::Floating(local) => local.strftime("%Y%m%dT%H%M%S").to_string(),
    }
}

fn expand(case: &Case) -> Result<Vec<String>, Unsupported> {
    let span = match case.zone.as_str() {
        "day" => {
            Span::AllDay { start: day(&case.start), end: day(&case.start).tomorrow().unwrap() }
        }
        "" => timed(local(&case.start), 15, &Zone::Floating),
        "UTC" => timed(local(&case.start), 15, &Zone::Utc),
        name => timed(local(&case.start), 15, &zone::resolve(name).unwrap()),
    };
    let series = Series {
        rules: case.rules.clone(),
        extra: case.extra.iter().map(|text| original(text)).collect(),
        exceptions: case
            .cancelled
            .iter()
            .map(|text| (original(text), Exception::Cancelled))
            .collect(),
    };
    let range = at(&format!("{}Z", case.from))..at(&format!("{}Z", case.to));
    let found = occurrences(&content(span), &series, range.clone(), None)?;
    // What began before the range and reaches into it is not recorded.
    Ok(found
        .iter()
        .filter(|o| zone::start(&o.span, None) >= range.start)
        .map(|o| written(o.original))
        .collect())
}

#[test]
fn all_recorded_cases() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../../tests/recordings/recurrence/cases.json"))
            .unwrap();
    assert!(cases.len() >= 300);
    let mut wrong = Vec::new();
    for case in &cases {
        let found = expand(case);
        if found.as_ref() != Ok(&case.starts) {
            wrong.push(format!(
                "{} {} {} {:?}\n  found    {found:?}\n  expected {:?}",
                case.group, case.start, case.zone, case.rules, case.starts
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
