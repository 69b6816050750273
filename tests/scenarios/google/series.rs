//! Series with moved and cancelled occurrences, read and written as one event.

use std::collections::BTreeMap;

use engine::event::Exception;

use super::*;

type Exceptions = BTreeMap<OriginalStart, Exception>;

/// Tuesdays at ten, the second one cancelled, the third one moved to the afternoon, over a change
/// of clocks.
fn team() -> Draft {
    let moved = content("Team, later", hour((2026, 3, 24), 15));
    let exceptions = [
        (at("2026-03-17T08:00:00Z"), Exception::Cancelled),
        (at("2026-03-24T08:00:00Z"), Exception::Changed(Box::new(moved))),
        (at("2026-03-31T07:00:00Z"), Exception::Cancelled),
    ];
    let series = Series {
        rules: vec!["FREQ=WEEKLY".into()],
        extra: vec![at("2026-03-12T08:00:00Z")],
        exceptions: exceptions.into(),
    };
    Draft { content: content("Team", hour((2026, 3, 10), 10)), series: Some(series) }
}

fn exceptions(draft: &Draft) -> &Exceptions {
    &draft.series.as_ref().unwrap().exceptions
}

/// The days on which a person sees something, with its title, until June.
fn seen(draft: &Draft) -> Vec<String> {
    let range = "2026-03-01T00:00:00Z".parse().unwrap().."2026-04-20T00:00:00Z".parse().unwrap();
    let series = draft.series.as_ref().unwrap();
    let occurrences = engine::recurrence::occurrences(&draft.content, series, range, None).unwrap();
    let title = |original| match series.exceptions.get(original) {
        Some(Exception::Changed(content)) => content.title.clone(),
        _ => draft.content.title.clone(),
    };
    occurrences
        .iter()
        .map(|o| format!("{} {}", engine::zone::start(&o.span, None), title(&o.original)))
        .collect()
}

#[tokio::test]
async fn a_series_is_written_with_all_its_exceptions_and_reads_as_it_was() {
    let env = ClientEnv::new().await;
    let written = env.create("x", &team()).await.unwrap();
    assert_eq!(
        (
            env.asked(Kind::Insert),
            env.asked(Kind::Instances),
            env.asked(Kind::Patch),
            env.server.counts().total()
        ),
        (1, 1, 1, 3)
    );
    let event = env.event(&written.id).await;
    assert_eq!(Draft::from(&*event), team());
    assert_eq!(event.etag, written.etag, "the version of a write is known");
    let changes = env.listed().await;
    assert_eq!(listed_titles(&changes), names(&[(written.id.as_str(), "Team")]));
    assert!(
        changes
            .listed
            .iter()
            .all(|line| matches!(line, Listed::Present { etag, .. } if *etag == written.etag))
    );
    env.clean();
}

#[tokio::test]
async fn a_series_of_days_is_written_and_reads_as_it_was() {
    let env = ClientEnv::new().await;
    let days = |title, first: i8, last: i8| {
        content(title, Span::AllDay { start: date(2026, 3, first), end: date(2026, 3, last) })
    };
    let exceptions = [
        (OriginalStart::Day(date(2026, 3, 12)), Exception::Cancelled),
        (
            OriginalStart::Day(date(2026, 3, 14)),
            Exception::Changed(Box::new(days("Two days", 14, 16))),
        ),
    ];
    let series = Series {
        rules: vec!["FREQ=DAILY;INTERVAL=2;COUNT=5".into()],
        extra: Vec::new(),
        exceptions: exceptions.into(),
    };
    let draft = Draft { content: days("Watch", 10, 11), series: Some(series) };
    let written = env.create("x", &draft).await.unwrap();
    assert_eq!(Draft::from(&*env.event(&written.id).await), draft);
    env.clean();
}

#[tokio::test]
async fn what_happens_to_one_occurrence_is_news_of_its_series() {
    let env = ClientEnv::new().await;
    env.calendar.put("team", weekly());
    let mut cursor = env.listed().await.cursor;
    let mut versions = vec![env.event(&id("team")).await.etag];
    for reversed in [false, true] {
        env.server
            .manners(|manners| (manners.reversed, manners.bare_tombstones) = (reversed, reversed));
        let day = if reversed { "20260324" } else { "20260317" };
        let occurrence = format!("team_{day}T080000Z");
        env.calendar.patch(&occurrence, json!({ "summary": "Moved" }));
        for cancel in [false, true] {
            if cancel {
                env.calendar.remove(&occurrence);
            }
            env.server.reset_counts();
            let changes = env.since(&cursor).await;
            assert_eq!(
                listed_titles(&changes),
                names(&[("team", "Team"), (&occurrence, "-")]),
                "the master was not listed"
            );
            assert!(env.server.counts().total() <= 3, "{}", env.server.counts());
            let event = env.event(&id("team")).await;
            let start = at(&format!("{}-{}-{}T08:00:00Z", &day[..4], &day[4..6], &day[6..]));
            let found = event.series.as_ref().unwrap().exceptions.get(&start).unwrap();
            assert_eq!(*found == Exception::Cancelled, cancel);
            assert!(!versions.contains(&event.etag));
            versions.push(event.etag.clone());
            cursor = changes.cursor;
        }
    }
    env.calendar.remove("team");
    assert_eq!(listed_titles(&env.since(&cursor).await), names(&[("team", "-")]));
    env.clean();
}

#[tokio::test]
async fn a_series_that_is_deleted_with_its_exceptions_is_only_deleted() {
    let env = ClientEnv::new().await;
    env.server.manners(|manners| manners.buries_exceptions = true);
    env.calendar.put("team", weekly());
    env.calendar.patch("team_20260317T080000Z", json!({ "summary": "Moved" }));
    let cursor = env.listed().await.cursor;
    env.calendar.remove("team");
    env.server.reset_counts();
    assert_eq!(listed_titles(&env.since(&cursor).await)["team"], "-");
    assert_eq!(env.server.counts().total(), 1, "and is not read again");
    assert!(!env.client.exists(env.calendar.id(), &id("team")).await.unwrap());
    assert!(!env.client.exists(env.calendar.id(), &id("team_20260317T080000Z")).await.unwrap());
    env.clean();
}

#[tokio::test]
async fn a_series_that_is_cut_becomes_two() {
    let env = ClientEnv::new().await;
    env.calendar.put("team", weekly());
    env.calendar.patch("team_20260317T080000Z", json!({ "summary": "Moved" }));
    let cursor = env.listed().await.cursor;
    let rest =
        env.calendar.split("team", "team_20260324T080000Z", json!({ "summary": "New team" }));
    let changes = env.since(&cursor).await;
    let listed_titles = listed_titles(&changes);
    assert_eq!(
        (listed_titles["team"].as_str(), listed_titles[&rest].as_str()),
        ("Team", "New team")
    );
    let old = Draft::from(&*env.event(&id("team")).await);
    assert_eq!(seen(&old), ["2026-03-10T08:00:00Z Team", "2026-03-17T08:00:00Z Moved"]);
    env.clean();
}

/// Writes a series to match a draft, in every possible way, and compares the result.
async fn brought_to(wanted: &Draft) {
    for discards in [false, true] {
        brought(wanted, discards).await;
    }
}

async fn brought(wanted: &Draft, discards: bool) {
    let env = ClientEnv::new().await;
    env.server.manners(|manners| manners.discards_exceptions = discards);
    // Whole.
    let written = env.create("x", &team()).await.unwrap();
    let written = env.rewrite(&written, wanted).await.unwrap();
    let event = env.event(&written.id).await;
    assert_eq!(seen(&Draft::from(&*event)), seen(wanted), "rewritten");
    assert_eq!(Draft::from(&*event), *wanted, "rewritten");
    // In part, as a planner names the parts.
    let written = env.create("y", &team()).await.unwrap();
    let prints = engine::fingerprint::Fingerprinter::new(&[7; 32], "pair");
    let differ = prints.copy(wanted).differences(&prints.copy(&team()));
    let written = env.edit(&written.id, written.etag.as_deref(), differ, wanted).await.unwrap();
    let event = env.event(&written.id).await;
    assert_eq!(Draft::from(&*event), *wanted, "edited");
    assert_eq!(event.etag, written.etag);
    env.clean();
}

fn with(change: impl FnOnce(&mut Content, &mut Series)) -> Draft {
    let mut draft = team();
    if let Some(series) = &mut draft.series {
        change(&mut draft.content, series);
    }
    draft
}

#[tokio::test]
async fn an_occurrence_is_cancelled_taken_back_or_changed_again() {
    let (first, second, third) =
        (at("2026-03-17T08:00:00Z"), at("2026-03-24T08:00:00Z"), at("2026-03-31T07:00:00Z"));
    let moved = || Exception::Changed(Box::new(content("Elsewhere", hour((2026, 3, 18), 9))));
    brought_to(&with(|_, series| {
        drop(series.exceptions.insert(at("2026-04-07T07:00:00Z"), Exception::Cancelled))
    }))
    .await;
    brought_to(&with(|_, series| drop(series.exceptions.insert(second, Exception::Cancelled))))
        .await;
    brought_to(&with(|_, series| drop(series.exceptions.remove(&first)))).await;
    brought_to(&with(|_, series| drop(series.exceptions.remove(&second)))).await;
    brought_to(&with(|_, series| drop(series.exceptions.insert(third, moved())))).await;
    brought_to(&with(|_, series| drop(series.exceptions.insert(second, moved())))).await;
    brought_to(&with(|_, series| series.exceptions.clear())).await;
}

#[tokio::test]
async fn the_master_changes_and_its_exceptions_stay() {
    brought_to(&with(|content, _| content.title = "New title".into())).await;
    brought_to(&with(|content, _| content.visibility = Visibility::Private)).await;
}

#[tokio::test]
async fn a_series_moves_and_its_exceptions_with_it() {
    // An hour later: every occurrence has another original start.
    let later = |start: &OriginalStart| match start {
        OriginalStart::At(instant) => {
            OriginalStart::At(*instant + jiff::SignedDuration::from_hours(1))
        }
        other => *other,
    };
    brought_to(&with(|content, series| {
        content.span = hour((2026, 3, 10), 11);
        series.extra = series.extra.iter().map(later).collect();
        series.exceptions = series
            .exceptions
            .iter()
            .map(|(start, exception)| (later(start), exception.clone()))
            .collect();
    }))
    .await;
    brought_to(&with(|_, series| series.rules = vec!["FREQ=WEEKLY;COUNT=5".into()])).await;
    brought_to(&with(|_, series| {
        series.rules = vec!["FREQ=WEEKLY;INTERVAL=2".into()];
        series.exceptions.retain(|start, _| *start == at("2026-03-24T08:00:00Z"));
    }))
    .await;
}

#[tokio::test]
async fn a_series_becomes_a_single_event_and_a_series_again() {
    let env = ClientEnv::new().await;
    let written = env.create("x", &team()).await.unwrap();
    let written = env.rewrite(&written, &lunch()).await.unwrap();
    assert_eq!(Draft::from(&*env.event(&written.id).await), lunch());
    let written = env.rewrite(&written, &team()).await.unwrap();
    assert_eq!(Draft::from(&*env.event(&written.id).await), team());
    let single = Draft { series: None, ..team() };
    let all = [at("2026-03-17T08:00:00Z"), at("2026-03-24T08:00:00Z"), at("2026-03-31T07:00:00Z")];
    let written = env
        .edit(&written.id, written.etag.as_deref(), parts(&[Field::Time], &all), &single)
        .await
        .unwrap();
    assert_eq!(Draft::from(&*env.event(&written.id).await), single);
    env.clean();
}

#[tokio::test]
async fn an_occurrence_that_a_person_cancelled_comes_back() {
    let env = ClientEnv::new().await;
    let etag = env.calendar.put("team", weekly());
    let _ = etag;
    env.calendar.remove("team_20260317T080000Z");
    let before = env.event(&id("team")).await;
    let start = at("2026-03-17T08:00:00Z");
    assert_eq!(before.series.as_ref().unwrap().exceptions.get(&start), Some(&Exception::Cancelled));
    let mut draft = Draft::from(&*before);
    draft.series.as_mut().unwrap().exceptions.clear();
    env.edit(&id("team"), before.etag.as_deref(), parts(&[], &[start]), &draft).await.unwrap();
    assert_eq!(Draft::from(&*env.event(&id("team")).await), draft);
    env.clean();
}

/// A series of a person, the second occurrence cancelled and the third one changed there, each an
/// item of its own.
fn with_items(env: &ClientEnv) {
    env.server.manners(|manners| manners.discards_exceptions = true);
    env.calendar.put("team", weekly());
    env.calendar.remove("team_20260317T080000Z");
    env.calendar.patch("team_20260324T080000Z", json!({ "summary": "Moved" }));
}

#[tokio::test]
async fn an_occurrence_is_cancelled_and_what_was_changed_before_stays() {
    let env = ClientEnv::new().await;
    with_items(&env);
    let before = env.event(&id("team")).await;
    let master = env.calendar.etag("team");
    let mut draft = Draft::from(&*before);
    let day = at("2026-04-07T07:00:00Z");
    draft.series.as_mut().unwrap().exceptions.insert(day, Exception::Cancelled);
    env.server.reset_counts();
    let written =
        env.edit(&id("team"), before.etag.as_deref(), parts(&[], &[day]), &draft).await.unwrap();
    assert_eq!(
        (env.asked(Kind::Patch), env.asked(Kind::Instances), env.asked(Kind::Delete)),
        (0, 1, 1)
    );
    assert_eq!(env.calendar.etag("team"), master, "the series is left alone");
    let event = env.event(&id("team")).await;
    assert_eq!(Draft::from(&*event), draft);
    assert_eq!(event.etag, written.etag);
    env.clean();
}

#[tokio::test]
async fn many_are_cancelled_at_once_and_what_was_changed_before_stays() {
    let env = ClientEnv::new().await;
    with_items(&env);
    let before = env.event(&id("team")).await;
    let mut draft = Draft::from(&*before);
    let days: Vec<OriginalStart> = (0..21)
        .map(|week| {
            OriginalStart::At(
                "2026-04-07T07:00:00Z".parse::<jiff::Timestamp>().unwrap()
                    + jiff::SignedDuration::from_hours(168 * week),
            )
        })
        .collect();
    let all = days.iter().map(|day| (*day, Exception::Cancelled));
    draft.series.as_mut().unwrap().exceptions.extend(all);
    env.server.reset_counts();
    let written =
        env.edit(&id("team"), before.etag.as_deref(), parts(&[], &days), &draft).await.unwrap();
    assert_eq!(
        (env.asked(Kind::Patch), env.asked(Kind::Delete)),
        (2, 0),
        "the master, and the changed one that went with that"
    );
    let event = env.event(&id("team")).await;
    assert_eq!(Draft::from(&*event), draft);
    assert_eq!(event.etag, written.etag);
    env.clean();
}

#[tokio::test]
async fn an_occurrence_comes_back_and_what_else_was_changed_stays() {
    let env = ClientEnv::new().await;
    let mut series = weekly();
    series["recurrence"] =
        json!(["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Tallinn:20260407T100000"]);
    with_items(&env);
    env.calendar.put("team", series);
    env.calendar.remove("team_20260317T080000Z");
    env.calendar.patch("team_20260324T080000Z", json!({ "summary": "Moved" }));
    let before = env.event(&id("team")).await;
    let mut draft = Draft::from(&*before);
    let day = at("2026-04-07T07:00:00Z");
    assert_eq!(draft.series.as_mut().unwrap().exceptions.remove(&day), Some(Exception::Cancelled));
    assert_eq!(exceptions(&draft).len(), 2);
    env.edit(&id("team"), before.etag.as_deref(), parts(&[], &[day]), &draft).await.unwrap();
    assert_eq!(Draft::from(&*env.event(&id("team")).await), draft);
    env.clean();
}

#[tokio::test]
async fn an_edit_of_one_occurrence_leaves_the_series_alone() {
    let env = ClientEnv::new().await;
    env.calendar.put("team", weekly());
    let before = env.event(&id("team")).await;
    let master = env.calendar.get("team").unwrap();
    let mut draft = Draft::from(&*before);
    let start = at("2026-03-24T08:00:00Z");
    let changed =
        Content { title: "Team, elsewhere".into(), ..content("", hour((2026, 3, 24), 10)) };
    draft.series.as_mut().unwrap().exceptions.insert(start, Exception::Changed(Box::new(changed)));
    env.server.reset_counts();
    env.edit(&id("team"), before.etag.as_deref(), parts(&[], &[start]), &draft).await.unwrap();
    assert_eq!((env.asked(Kind::Instances), env.asked(Kind::Patch)), (1, 1));
    assert_eq!(env.calendar.get("team").unwrap()["summary"], master["summary"]);
    assert_eq!(exceptions(&Draft::from(&*env.event(&id("team")).await)), exceptions(&draft));
    env.clean();
}

#[tokio::test]
async fn a_series_with_a_guest_at_one_occurrence_is_left_alone() {
    let env = ClientEnv::new().await;
    env.calendar.put("team", weekly());
    env.calendar
        .patch("team_20260317T080000Z", json!({ "attendees": [{ "email": "ben@example.org" }] }));
    let event = env.event(&id("team")).await;
    assert!(event.has_guests());
    let edit =
        env.edit(&id("team"), event.etag.as_deref(), parts(&[Field::Title], &[]), &lunch()).await;
    assert!(matches!(edit, Err(Error::HasGuests)));
    assert!(matches!(env.delete(&id("team"), event.etag.as_deref()).await, Err(Error::HasGuests)));
    env.clean();
}

#[tokio::test]
async fn a_copy_is_not_deleted_with_an_occurrence_that_somebody_has_just_edited() {
    let env = ClientEnv::new().await;
    let series = team();
    let team = env.create("team", &series).await.unwrap();
    env.calendar
        .patch(&format!("{}_20260407T070000Z", team.id), json!({ "summary": "Team, with cake" }));
    let refused = env.delete(&team.id, team.etag.as_deref()).await;
    assert!(matches!(refused, Err(Error::ChangedMeanwhile)), "{refused:?}");
    let event = env.event(&team.id).await;
    env.delete(&team.id, event.etag.as_deref()).await.unwrap();
    assert!(!env.client.exists(env.calendar.id(), &team.id).await.unwrap());
    env.clean();
}

#[tokio::test]
async fn many_series_cost_one_request_more() {
    let env = ClientEnv::new().await;
    for n in 0..30 {
        env.calendar.put(&format!("team{n:02}"), weekly());
        env.calendar.patch(&format!("team{n:02}_20260317T080000Z"), json!({ "summary": "Moved" }));
    }
    env.server.reset_counts();
    let changes = env.listed().await;
    assert_eq!(changes.listed.len(), 30);
    let is_whole = |line: &Listed| matches!(line, Listed::Present { event: Some(event), .. } if event.series.as_ref().is_some_and(|series| series.exceptions.len() == 1));
    assert!(changes.listed.iter().all(is_whole));
    assert_eq!(
        (env.asked(Kind::List), env.asked(Kind::Batch), env.server.counts().total()),
        (1, 1, 2)
    );
    env.clean();
}

#[tokio::test]
async fn who_was_invited_to_one_occurrence_sees_an_event() {
    let env = ClientEnv::new().await;
    let occurrence = "theirs_20260317T080000Z";
    let mut one = single("Theirs");
    one["iCalUID"] = json!("theirs@google.com");
    one["recurringEventId"] = json!("theirs");
    one["originalStartTime"] =
        json!({ "dateTime": "2026-03-17T08:00:00Z", "timeZone": "Europe/Tallinn" });
    let empty = env.listed().await.cursor;
    env.calendar.put(occurrence, one);
    let changes = env.listed().await;
    assert_eq!(listed_titles(&changes), names(&[(occurrence, "Theirs")]));
    assert_eq!(listed_titles(&env.since(&empty).await), listed_titles(&changes));
    let event = env.event(&id(occurrence)).await;
    assert_eq!((&*event.content.title, &event.series), ("Theirs", &None));
    assert!(env.client.exists(env.calendar.id(), &id(occurrence)).await.unwrap());
    // Then they are invited to all of it, and the one is a part of that.
    let mut all = weekly();
    all["iCalUID"] = json!("theirs@google.com");
    env.calendar.put("theirs", all);
    let changes = env.since(&changes.cursor).await;
    assert_eq!(listed_titles(&changes)["theirs"], "Team");
    assert!(!env.client.exists(env.calendar.id(), &id(occurrence)).await.unwrap());
    assert!(matches!(env.read(&id(occurrence)).await, Found::NotFound));
    assert!(env.event(&id("theirs")).await.series.is_some());
    env.clean();
}
