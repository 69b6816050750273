mod series;

use engine::event::{Busy, Draft, EventId, Moment, OriginalStart, Parts, Visibility, Zone};
use jiff::civil::{date, datetime};

use super::*;
use crate::read;

const CONTEXT: ObjectContext<'static> =
    ObjectContext { is_me: &|address| address == "me@example.org", zone: None, now: None };

/// A weekly meeting as a calendar program leaves it: two EXDATEs in one line, one changed
/// occurrence, alarms, properties of its own.
const SERIES: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nX-WR-CALNAME:Team\r\nBEGIN:VEVENT\r\nDTSTAMP:20260101T000000Z\r\nUID:u1\r\nSEQUENCE:5\r\n\
    DTSTART:20260303T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY\r\nEXDATE:20260310T090000Z,20260317T090000Z\r\nSUMMARY;LANGUAGE=en:Jour\r\n  fixe\r\n\
    LOCATION:Room 1\r\nX-APPLE-STRUCTURED-LOCATION;X-TITLE=\"Room 1\":geo:1,2\r\nDESCRIPTION:old\r\nX-ALT-DESC;FMTTYPE=text/html:<b>old</b>\r\nX-OWN:keep \r\n\
    BEGIN:VALARM\r\nUID:a1\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nACKNOWLEDGED:20260301T000000Z\r\nEND:VALARM\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:u1\r\nDTSTAMP:20260101T000000Z\r\nSEQUENCE:2\r\nRECURRENCE-ID:20260324T090000Z\r\nDTSTART:20260324T120000Z\r\nDTEND:20260324T130000Z\r\nSUMMARY:Late\r\n\
    X-OWN:override\r\nEND:VEVENT\r\nBEGIN:X-OWN\r\nEND:X-OWN\r\nEND:VCALENDAR\r\n";

fn now() -> jiff::Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn at(text: &str) -> OriginalStart {
    OriginalStart::At(text.parse().unwrap())
}

fn draft(object: &str) -> Draft {
    Draft::from(&read(EventId::new("e"), None, object.as_bytes(), CONTEXT).unwrap())
}

fn fields(fields: &[Field]) -> Parts {
    Parts { fields: fields.iter().copied().collect(), ..Parts::default() }
}

fn exceptions(keys: &[OriginalStart]) -> Parts {
    Parts { exceptions: keys.iter().copied().collect(), ..Parts::default() }
}

fn try_edit(
    object: &str,
    parts: &Parts,
    draft: &Draft,
    marker: Option<&str>,
) -> Result<(String, u32), EditError> {
    let edited = edit(object.as_bytes(), &Edit { parts, draft, marker, now: now() }, CONTEXT)?;
    Ok((String::from_utf8(edited.object).unwrap(), edited.sequence))
}

/// An edit of [`SERIES`], as the lines that went and those that came.
fn difference(parts: &Parts, change: impl FnOnce(&mut Draft)) -> (Vec<String>, Vec<String>) {
    let mut draft = draft(SERIES);
    change(&mut draft);
    let (edited, sequence) = try_edit(SERIES, parts, &draft, None).unwrap();
    assert_eq!(sequence, 6);
    let (before, after): (Vec<&str>, Vec<&str>) =
        (SERIES.split("\r\n").collect(), edited.split("\r\n").collect());
    let not_in = |lines: &[&str], others: &[&str]| -> Vec<String> {
        let mut others = others.to_vec();
        lines
            .iter()
            .filter(|line| match others.iter().position(|other| other == *line) {
                Some(at) => {
                    others.remove(at);
                    false
                }
                None => true,
            })
            .map(|line| (*line).to_owned())
            .collect()
    };
    (not_in(&before, &after), not_in(&after, &before))
}

const STAMPED: [&str; 2] = ["DTSTAMP:20260101T000000Z", "SEQUENCE:5"];
const RESTAMPED: [&str; 3] =
    ["DTSTAMP:20260301T120000Z", "SEQUENCE:6", "LAST-MODIFIED:20260301T120000Z"];

/// Holds a difference against what is expected beside the stamps of the master.
fn assert_difference(found: (Vec<String>, Vec<String>), gone: &[&str], come: &[&str]) {
    let sorted = |lines: Vec<String>| {
        let mut lines = lines;
        lines.sort();
        lines
    };
    let expected = |stamps: &[&str], lines: &[&str]| {
        sorted(stamps.iter().chain(lines).map(|line| (*line).to_owned()).collect())
    };
    assert_eq!(sorted(found.0), expected(&STAMPED, gone));
    assert_eq!(sorted(found.1), expected(&RESTAMPED, come));
}

#[test]
fn a_field_changes_its_own_lines() {
    let title =
        difference(&fields(&[Field::Title]), |draft| draft.content.title = "New, title".into());
    assert_difference(title, &["SUMMARY;LANGUAGE=en:Jour", "  fixe"], &["SUMMARY:New\\, title"]);
    let location =
        difference(&fields(&[Field::Location]), |draft| draft.content.location = "Room 2".into());
    assert_difference(
        location,
        &["LOCATION:Room 1", "X-APPLE-STRUCTURED-LOCATION;X-TITLE=\"Room 1\":geo:1,2"],
        &["LOCATION:Room 2"],
    );
    let description =
        difference(&fields(&[Field::Description]), |draft| draft.content.description.clear());
    assert_difference(
        description,
        &["DESCRIPTION:old", "X-ALT-DESC;FMTTYPE=text/html:<b>old</b>"],
        &[],
    );
    let busy = difference(&fields(&[Field::Busy]), |draft| draft.content.busy = Busy::Tentative);
    assert_difference(busy, &[], &["TRANSP:OPAQUE", "STATUS:TENTATIVE"]);
    let outside = difference(&fields(&[Field::Busy]), |draft| {
        draft.content.busy = Busy::Free;
        draft.content.title = "not looked at".into();
        draft.series = None;
    });
    assert_difference(outside, &[], &["TRANSP:TRANSPARENT"]);
}

#[test]
fn a_changed_occurrence_keeps_the_class_it_had() {
    let (gone, come) = difference(&fields(&[Field::Visibility]), |draft| {
        draft.content.visibility = Visibility::Private
    });
    assert_eq!(
        gone,
        ["DTSTAMP:20260101T000000Z", "SEQUENCE:5", "DTSTAMP:20260101T000000Z", "SEQUENCE:2"]
    );
    assert!(
        come.contains(&"CLASS:PRIVATE".to_owned()) && come.contains(&"CLASS:PUBLIC".to_owned()),
        "{come:?}"
    );
}

#[test]
fn occurrences_come_and_go() {
    let (back, off, late) =
        (at("2026-03-17T09:00:00Z"), at("2026-03-31T09:00:00Z"), at("2026-03-24T09:00:00Z"));
    let restored = difference(&exceptions(&[back]), |draft| {
        drop(draft.series.as_mut().unwrap().exceptions.remove(&back))
    });
    assert_difference(
        restored,
        &["EXDATE:20260310T090000Z,20260317T090000Z"],
        &["EXDATE:20260310T090000Z"],
    );
    let cancelled = difference(&exceptions(&[off]), |draft| {
        draft.series.as_mut().unwrap().exceptions.insert(off, Exception::Cancelled);
    });
    assert_difference(cancelled, &[], &["EXDATE:20260331T090000Z"]);
    let (gone, come) = difference(&exceptions(&[late]), |draft| {
        draft.series.as_mut().unwrap().exceptions.insert(late, Exception::Cancelled);
    });
    assert!(
        gone.contains(&"X-OWN:override".to_owned()) && !gone.contains(&"X-OWN:keep ".to_owned()),
        "{gone:?}"
    );
    assert!(come.contains(&"EXDATE:20260324T090000Z".to_owned()), "{come:?}");
    let (_, come) = difference(&exceptions(&[late]), |draft| {
        let Some(Exception::Changed(content)) =
            draft.series.as_mut().unwrap().exceptions.get_mut(&late)
        else {
            panic!()
        };
        content.title = "Later".into();
    });
    assert!(
        come.contains(&"SEQUENCE:3".to_owned()) && come.contains(&"SUMMARY:Later".to_owned()),
        "{come:?}"
    );
}

#[test]
fn a_newly_changed_occurrence_is_made_from_the_master() {
    let key = at("2026-03-31T09:00:00Z");
    let (gone, come) = difference(&exceptions(&[key]), |draft| {
        let mut content = draft.content.clone();
        content.title = "Moved".into();
        draft
            .series
            .as_mut()
            .unwrap()
            .exceptions
            .insert(key, Exception::Changed(Box::new(content)));
    });
    assert!(
        gone.len() == 2 && STAMPED.iter().all(|line| gone.contains(&(*line).to_owned())),
        "{gone:?}"
    );
    for line in [
        "RECURRENCE-ID:20260331T090000Z",
        "SUMMARY:Moved",
        "DTEND:20260303T100000Z",
        "X-OWN:keep ",
        "TRIGGER:-PT5M",
        "UID:a1-20260331T090000Z",
    ] {
        assert!(come.contains(&line.to_owned()), "{line} in {come:?}");
    }
    assert!(
        !come.iter().any(|line| ["RRULE", "EXDATE", "ACKNOWLEDGED", "DURATION"]
            .iter()
            .any(|name| line.starts_with(name))),
        "{come:?}"
    );
}

#[test]
fn an_occurrence_of_a_cancelled_series_can_take_place() {
    let object = SERIES.replace("X-OWN:keep ", "STATUS:CANCELLED");
    let (key, mut draft) = (at("2026-03-31T09:00:00Z"), draft(&object));
    let content = Exception::Changed(Box::new(draft.content.clone()));
    draft.series.as_mut().unwrap().exceptions.insert(key, content.clone());
    let (edited, _) = try_edit(&object, &exceptions(&[key]), &draft, None).unwrap();
    assert_eq!(self::draft(&edited).series.unwrap().exceptions[&key], content);
}

#[test]
fn a_moved_series_takes_its_occurrences_along() {
    let mut draft = draft(SERIES);
    let tallinn = |local| Moment { local, zone: Zone::Iana("Europe/Tallinn".into()) };
    draft.content.span = Span::Timed {
        start: tallinn(datetime(2026, 3, 4, 10, 0, 0, 0)),
        end: tallinn(datetime(2026, 3, 4, 11, 0, 0, 0)),
    };
    let series = draft.series.as_mut().unwrap();
    let late = series.exceptions.remove(&at("2026-03-24T09:00:00Z")).unwrap();
    series.exceptions =
        [(at("2026-03-11T08:00:00Z"), Exception::Cancelled), (at("2026-03-25T08:00:00Z"), late)]
            .into();
    let (edited, _) = try_edit(SERIES, &fields(&[Field::Time]), &draft, None).unwrap();
    assert_eq!(self::draft(&edited), draft);
    for line in [
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Tallinn\r\n",
        "DTSTART;TZID=Europe/Tallinn:20260304T100000\r\n",
        "DTEND;TZID=Europe/Tallinn:20260304T110000\r\n",
        "EXDATE;TZID=Europe/Tallinn:20260311T100000\r\n",
        "RECURRENCE-ID;TZID=Europe/Tallinn:20260325T100000\r\nDTSTART:20260324T120000Z\r\n",
        "X-OWN:override\r\n",
    ] {
        assert_eq!(edited.matches(line).count(), 1, "{line} in {edited}");
    }
    assert_eq!((edited.matches("EXDATE").count(), edited.matches("DURATION").count()), (1, 0));
    draft.series = None;
    draft.content.span = Span::AllDay { start: date(2026, 3, 4), end: date(2026, 3, 5) };
    let (edited, _) = try_edit(SERIES, &fields(&[Field::Time]), &draft, None).unwrap();
    assert_eq!(self::draft(&edited), draft);
    assert_eq!(edited.matches("BEGIN:VEVENT").count(), 1);
}

#[test]
fn a_day_that_stands_for_an_occurrence_is_written_out_when_the_time_changes() {
    let object =
        SERIES.replace("EXDATE:20260310T090000Z,20260317T090000Z", "EXDATE;VALUE=DATE:20260310");
    let mut draft = draft(&object);
    let utc = |hour| Moment { local: datetime(2026, 3, 3, hour, 0, 0, 0), zone: Zone::Utc };
    draft.content.span = Span::Timed { start: utc(15), end: utc(16) };
    let (edited, _) = try_edit(&object, &fields(&[Field::Time]), &draft, None).unwrap();
    assert_eq!(self::draft(&edited), draft);
    assert!(edited.contains("EXDATE:20260310T090000Z\r\n"), "{edited}");
}

#[test]
fn other_people_are_left_alone() {
    let mut draft = draft(SERIES);
    draft.content.title = "New".into();
    let title = fields(&[Field::Title]);
    let with = |line: &str, at: &str| SERIES.replace(at, &format!("{line}\r\n{at}"));
    for (line, at) in [
        ("ATTENDEE:mailto:you@example.org", "X-OWN:keep"),
        ("ATTENDEE:mailto:you@example.org", "X-OWN:override"),
        ("ORGANIZER:mailto:you@example.org", "X-OWN:keep"),
        ("ATTENDEE;CUTYPE=ROOM:mailto:room@example.org", "X-OWN:keep"),
        ("ATTENDEE:urn:uuid:1", "X-OWN:keep"),
    ] {
        assert_eq!(
            try_edit(&with(line, at), &title, &draft, None),
            Err(EditError::HasGuests),
            "{line}"
        );
        assert_eq!(
            try_edit(&with(line, at), &title, &draft, Some("h1.x")),
            Err(EditError::HasGuests),
            "{line}, on a copy"
        );
    }
    let mine = with(
        "ORGANIZER:mailto:ME@example.org\r\nATTENDEE;EMAIL=me@example.org:/1/principal/",
        "X-OWN:keep",
    );
    assert!(try_edit(&mine, &title, &draft, None).is_ok());
}

#[test]
fn the_mark_is_put_on_every_component() {
    let draft = draft(SERIES);
    let (marked, sequence) = try_edit(SERIES, &Parts::default(), &draft, Some("h1.x")).unwrap();
    assert_eq!((marked.matches("X-CALRELAY-ORIGIN:h1.x\r\n").count(), sequence), (2, 6));
    assert_eq!(try_edit(&marked, &Parts::default(), &draft, Some("h1.x")), Ok((marked, 6)));
}

#[test]
fn a_cancelled_invitation_to_one_occurrence_stays() {
    let orphan = SERIES
        .replace("UID:u1\r\nSEQUENCE:5", "UID:u1\r\nRECURRENCE-ID:20260303T090000Z\r\nSEQUENCE:5");
    let orphan = orphan.replace("SUMMARY:Late", "STATUS:CANCELLED");
    let draft = draft(&orphan);
    assert_eq!(draft.series, None);
    for parts in [fields(&Field::ALL), exceptions(&[at("2026-03-24T09:00:00Z")])] {
        assert_eq!(try_edit(&orphan, &parts, &draft, None), Ok((orphan.clone(), 5)));
    }
}

#[test]
fn what_cannot_be_said_is_refused() {
    let orphan = SERIES
        .replace("UID:u1\r\nSEQUENCE:5", "UID:u1\r\nRECURRENCE-ID:20260303T090000Z\r\nSEQUENCE:5");
    let mut draft = draft(&orphan);
    assert_eq!(draft.series.as_ref().map(|series| series.rules.len()), Some(0));
    let late = at("2026-03-24T09:00:00Z");
    draft.series.as_mut().unwrap().exceptions.insert(late, Exception::Cancelled);
    let (edited, _) = try_edit(&orphan, &exceptions(&[late]), &draft, None).unwrap();
    assert_eq!(edited.matches("BEGIN:VEVENT").count(), 1);
    draft.series.as_mut().unwrap().rules.push("FREQ=DAILY".into());
    assert!(matches!(
        try_edit(&orphan, &fields(&[Field::Time]), &draft, None),
        Err(EditError::Unreadable(_))
    ));
    let new = at("2026-04-24T09:00:00Z");
    draft.series.as_mut().unwrap().exceptions.insert(new, Exception::Cancelled);
    assert_eq!(try_edit(&orphan, &exceptions(&[new]), &draft, None), Ok((orphan.clone(), 5)));
    draft
        .series
        .as_mut()
        .unwrap()
        .exceptions
        .insert(new, Exception::Changed(Box::new(draft.content.clone())));
    assert!(matches!(
        try_edit(&orphan, &exceptions(&[new]), &draft, None),
        Err(EditError::Unreadable(_))
    ));
    assert!(matches!(
        try_edit("BEGIN:VCALENDAR", &Parts::default(), &draft, None),
        Err(EditError::Unreadable(_))
    ));
}
