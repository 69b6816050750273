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

fn object(events: &[&str]) -> String {
    let event = |lines: &&str| {
        format!("BEGIN:VEVENT\r\nUID:u1\r\n{}\r\nEND:VEVENT\r\n", lines.replace('\n', "\r\n"))
    };
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n",
        events.iter().map(event).collect::<String>()
    )
}

const DAILY: &str =
    "DTSTART:20260303T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nSUMMARY:Daily";

/// An edit makes the master the newer part: what was changed and excluded must not be excluded by
/// it.
#[test]
fn an_occurrence_that_is_excluded_and_changed_stays_what_it_was() {
    let excluded = format!("{DAILY}\nEXDATE:20260304T090000Z,20260305T090000Z");
    let moved = "RECURRENCE-ID:20260304T090000Z\nDTSTART:20260304T120000Z\nDTEND:20260304T130000Z\nSUMMARY:Moved";
    for (master, stays) in [("SEQUENCE:1", true), ("SEQUENCE:3", false)] {
        let both = object(&[&format!("{excluded}\n{master}"), &format!("{moved}\nSEQUENCE:2")]);
        let mut wanted = draft(&both);
        let is_changed = |draft: &Draft| {
            matches!(
                draft.series.as_ref().unwrap().exceptions[&at("2026-03-04T09:00:00Z")],
                engine::event::Exception::Changed(_)
            )
        };
        assert_eq!(is_changed(&wanted), stays);
        assert_eq!(
            try_edit(&both, &Parts::default(), &wanted, None).unwrap().0,
            both,
            "nothing to do"
        );
        wanted.content.title = "Another".into();
        let (edited, _) = try_edit(&both, &fields(&[Field::Title]), &wanted, None).unwrap();
        assert_eq!(draft(&edited), wanted, "{master}");
        assert_eq!(
            (edited.contains("EXDATE:20260305T090000Z\r\n"), edited.contains("SUMMARY:Moved")),
            (stays, stays),
            "{edited}"
        );
    }
}

#[test]
fn dates_with_their_own_length_are_left_alone_and_can_be_changed_and_cancelled() {
    let periods = object(&[&format!(
        "{DAILY}\nRDATE;VALUE=PERIOD:20260312T090000Z/PT3H,20260313T090000Z/PT2H"
    )]);
    let all = Parts { fields: Field::ALL.into(), ..Parts::default() };
    let itself = draft(&periods);
    assert_eq!(try_edit(&periods, &all, &itself, None).unwrap().0, periods);
    let key = at("2026-03-12T09:00:00Z");
    let mut wanted = itself.clone();
    let Some(engine::event::Exception::Changed(content)) =
        wanted.series.as_mut().unwrap().exceptions.get_mut(&key)
    else {
        panic!()
    };
    content.title = "Longer".into();
    let (edited, _) = try_edit(&periods, &exceptions(&[key]), &wanted, None).unwrap();
    assert_eq!(draft(&edited), wanted);
    assert!(
        edited.contains("RECURRENCE-ID:20260312T090000Z")
            && edited.contains("/PT3H,20260313T090000Z/PT2H"),
        "{edited}"
    );
    wanted.series.as_mut().unwrap().exceptions.insert(key, engine::event::Exception::Cancelled);
    let (edited, _) = try_edit(&periods, &exceptions(&[key]), &wanted, None).unwrap();
    assert_eq!(draft(&edited), wanted);
    wanted.series.as_mut().unwrap().exceptions.remove(&key);
    assert!(matches!(
        try_edit(&periods, &exceptions(&[key]), &wanted, None),
        Err(EditError::Unreadable(_))
    ));
}

#[test]
fn a_series_that_was_expanded_is_edited_but_not_moved() {
    let later = "RECURRENCE-ID;RANGE=THISANDFUTURE:20260305T090000Z\nDTSTART:20260305T120000Z\nDURATION:PT1H\nSUMMARY:Later";
    let series = object(&[DAILY, later]);
    let itself = draft(&series);
    let all = Parts { fields: Field::ALL.into(), ..Parts::default() };
    assert_eq!(try_edit(&series, &all, &itself, None).unwrap().0, series);
    let key = at("2026-03-06T09:00:00Z");
    for change in [
        engine::event::Exception::Cancelled,
        itself.series.as_ref().unwrap().exceptions[&key].clone(),
    ] {
        let mut wanted = itself.clone();
        wanted.content.title = "Another".into();
        wanted.series.as_mut().unwrap().exceptions.insert(key, change);
        let parts = Parts { fields: [Field::Title].into(), exceptions: [key].into() };
        assert_eq!(draft(&try_edit(&series, &parts, &wanted, None).unwrap().0), wanted);
    }
    let mut wanted = itself;
    wanted.series.as_mut().unwrap().rules = vec!["FREQ=WEEKLY".into()];
    assert!(matches!(
        try_edit(&series, &fields(&[Field::Time]), &wanted, None),
        Err(EditError::Unreadable(_))
    ));
}

#[test]
fn days_that_are_written_as_times_become_days_when_they_are_moved() {
    let days = object(&[
        "DTSTART;TZID=Europe/Berlin:20260303T000000\nDTEND;TZID=Europe/Berlin:20260304T000000\nRRULE:FREQ=DAILY;COUNT=5\n\
                         EXDATE;TZID=Europe/Berlin:20260305T000000\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE\nSUMMARY:Away",
    ]);
    let mut wanted = draft(&days);
    let all = Parts { fields: Field::ALL.into(), ..Parts::default() };
    assert_eq!(try_edit(&days, &all, &wanted, None).unwrap().0, days);
    wanted.content.span = Span::AllDay { start: date(2026, 3, 3), end: date(2026, 3, 5) };
    let (edited, _) = try_edit(&days, &fields(&[Field::Time]), &wanted, None).unwrap();
    assert_eq!(draft(&edited), wanted);
    for line in [
        "DTSTART;VALUE=DATE:20260303",
        "DTEND;VALUE=DATE:20260305",
        "EXDATE;VALUE=DATE:20260305",
        "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
    ] {
        assert!(edited.contains(&format!("\r\n{line}\r\n")), "{line} in {edited}");
    }
    let moment = |hour| Moment { local: datetime(2026, 3, 3, hour, 0, 0, 0), zone: Zone::Utc };
    wanted.content.span = Span::Timed { start: moment(0), end: moment(1) };
    wanted.series = None;
    let single = object(&[
        "DTSTART:20260303T000000Z\nDTEND:20260304T000000Z\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE\nSUMMARY:Away",
    ]);
    let (edited, _) = try_edit(&single, &fields(&[Field::Time]), &wanted, None).unwrap();
    assert_eq!(draft(&edited), wanted);
    assert!(edited.contains("X-MICROSOFT-CDO-ALLDAYEVENT:FALSE"));
}

#[test]
fn spans_of_one_form_start_in_one_zone_or_are_days() {
    let days = Span::AllDay { start: date(2026, 3, 3), end: date(2026, 3, 4) };
    let in_zone = |name: &str| {
        let moment =
            Moment { local: datetime(2026, 3, 3, 9, 0, 0, 0), zone: Zone::Iana(name.into()) };
        Span::Timed { start: moment.clone(), end: moment }
    };
    assert!(same_form(&days, &Span::AllDay { start: date(2026, 5, 1), end: date(2026, 5, 3) }));
    assert!(same_form(&in_zone("Europe/Berlin"), &in_zone("Europe/Berlin")));
    assert!(!same_form(&in_zone("Europe/Berlin"), &in_zone("Asia/Tokyo")));
    assert!(
        !same_form(&days, &in_zone("Europe/Berlin"))
            && !same_form(&in_zone("Europe/Berlin"), &days)
    );
}

/// A series with its changed and excluded occurrence was dragged a day back, by a client that takes
/// both along, and is put back: what was excluded on the day of the changed one is not.
#[test]
fn what_is_put_back_on_a_day_that_was_excluded_takes_place() {
    let series = |first: &str, changed: &str, excluded: &str| {
        object(&[
            &format!(
                "DTSTART:202612{first}T080300Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=8\nEXDATE:202612{excluded}T080300Z\nSUMMARY:Daily"
            ),
            &format!(
                "RECURRENCE-ID:202612{changed}T080300Z\nDTSTART:202612{changed}T100300Z\nDURATION:PT1H\nSUMMARY:Daily"
            ),
        ])
    };
    let (wanted, dragged) = (draft(&series("07", "10", "11")), series("06", "09", "10"));
    let exceptions: Vec<OriginalStart> =
        ["10", "11"].map(|day| at(&format!("2026-12-{day}T08:03:00Z"))).into();
    let parts =
        Parts { fields: [Field::Time].into(), exceptions: exceptions.into_iter().collect() };
    let (edited, _) = try_edit(&dragged, &parts, &wanted, None).unwrap();
    assert!(
        !edited.contains("EXDATE:20261210") && edited.contains("EXDATE:20261211T080300Z"),
        "{edited}"
    );
    assert_eq!(draft(&edited), wanted);
}
