//! Series that are edited.

use super::*;

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
