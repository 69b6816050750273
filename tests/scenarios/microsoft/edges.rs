//! What people do at Microsoft that a pair has to notice: guests of one occurrence, a series that
//! ends to repeat, a calendar under another id.

use anyhow::ensure;
use serde_json::json;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind as Asked;

use super::story::{Story, team};
use super::{End, Kind, Office, outlook, weekly};
use crate::support::cli::{ONE_WAY, TWO_WAY};

#[tokio::test]
async fn guests_of_one_occurrence_keep_a_series_from_being_written() -> anyhow::Result<()> {
    let story = Story::begin(|_| ()).await?;
    story.office.sync().await?;
    let carl = json!([{"type": "required",
        "emailAddress": {"name": "Carl", "address": "carl@example.org"}}]);
    let day = story.there().occurrence(&story.id("Team"), "2027-01-13");
    story.there().patch(&day, json!({ "attendees": carl }));
    let before = story.there().agenda(start(), end());
    story.here().put("team.ics", &team("150000", ""));
    story.office.graph.reset_counts();
    let (_, run) = story.office.cli.sync_with(&[]).await?;
    let reasons = run["actions"].as_array().into_iter().flatten();
    let reasons: Vec<_> = reasons.map(|action| action["reason"].clone()).collect();
    ensure!(reasons == [json!("has_guests")], "{run}");
    story.here().delete("team.ics");
    story.office.cli.sync_with(&[]).await?;
    story.office.cli.sync_with(&["--full"]).await?;
    ensure!(story.office.graph.counts().writes() == 0, "{}", story.office.graph.counts());
    ensure!(story.there().agenda(start(), end()) == before);
    story.office.is_clean();
    Ok(())
}

fn start() -> jiff::Timestamp {
    "2026-11-01T00:00:00Z".parse().expect("a time")
}

fn end() -> jiff::Timestamp {
    "2027-06-01T00:00:00Z".parse().expect("a time")
}

#[tokio::test]
async fn a_series_that_repeats_no_more_leaves_one_copy() -> anyhow::Result<()> {
    for endless in [false, true] {
        let office = Office::new().await?;
        office.graph.manners(|manners| manners.endless_round = endless);
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(Kind::CalDav, "ben").await?;
        let here = anna.microsoft();
        let swim = here.add(outlook("2026-12-07", "Swim", weekly("2026-12-07", "monday", 8)));
        here.add(outlook("2026-12-04", "Walk", json!({})));
        let pair = office.cli.pair_add(&from, &to, ONE_WAY).await?;
        office.sync().await?;
        here.patch(&swim, json!({ "recurrence": null }));
        for _ in 0..2 {
            office.cli.sync_with(&[]).await?;
            office.cli.sync_with(&["--pair", &pair, "--confirm-deletions"]).await?;
        }
        assert_eq!(anna.shown(), ben.shown(), "{endless}");
        office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_series_that_becomes_one_of_days_is_not_doubled() -> anyhow::Result<()> {
    for endless in [false, true] {
        let office = Office::new().await?;
        office.graph.manners(|manners| manners.endless_round = endless);
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(Kind::CalDav, "ben").await?;
        let here = anna.microsoft();
        let swim = here.add(outlook("2026-12-07", "Swim", weekly("2026-12-07", "monday", 8)));
        here.add(outlook("2026-12-04", "Walk", json!({})));
        let pair = office.cli.pair_add(&from, &to, ONE_WAY).await?;
        office.sync().await?;
        let day = |day| json!({"dateTime": format!("2026-12-{day}T00:00:00"), "timeZone": "UTC"});
        let change = json!({"isAllDay": true, "start": day("07"), "end": day("08")});
        here.patch(&swim, change);
        for _ in 0..2 {
            office.cli.sync_with(&[]).await?;
            office.cli.sync_with(&["--pair", &pair, "--confirm-deletions"]).await?;
        }
        assert_eq!(anna.shown(), ben.shown(), "{endless}");
        office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_calendar_under_another_id_is_the_same_calendar() -> anyhow::Result<()> {
    let story = Story::begin(|_| ()).await?;
    story.office.sync().await?;
    story.there().changes_id();
    story.is_edited();
    story.settle().await?;
    story.is_in_step("under another id").await
}

#[tokio::test]
async fn a_create_that_is_refused_for_ever_stops_no_other() -> anyhow::Result<()> {
    for status in [400, 403, 404, 409, 500] {
        let story = Story::begin(|_| ()).await?;
        story.office.sync().await?;
        let on = On::kind(Asked::Insert);
        story.office.graph.faults().always(on, Fault::Status(status));
        story.here().put("new.ics", &super::object("new", NEW));
        story.there().patch(&story.id("Walk"), json!({"subject": "Run"}));
        let (_, run) = story.office.cli.sync_with(&[]).await?;
        ensure!(run["error"].is_null() && run["changed"] == 1, "{status}: {run}");
        story.office.graph.faults().clear();
        story.settle().await?;
        story.is_in_step(&format!("{status}")).await?;
    }
    Ok(())
}

const NEW: &str = "DTSTART:20261215T090000Z\nDTEND:20261215T100000Z\nSUMMARY:New";

#[tokio::test]
async fn a_pair_that_is_made_again_takes_single_copies_over() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::CalDav, "anna").await?;
        let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
        let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
        let rule = "DTSTART:20261202T100000Z\nDURATION:PT1H\nSUMMARY:Club\n\
            RRULE:FREQ=MONTHLY;BYDAY=1WE,3WE;COUNT=10";
        here.put("club.ics", &super::object("club", rule));
        let lunch = "DTSTART:20261203T100000Z\nDURATION:PT1H\nSUMMARY:Lunch";
        here.put("lunch.ics", &super::object("lunch", lunch));
        for _ in 0..2 {
            let pair = office.cli.pair_add(&from, &to, terms).await?;
            office.cli.sync_with(&[]).await?;
            assert_eq!(anna.shown(), ben.shown());
            assert_eq!((here.names().len(), ben.microsoft().len()), (2, 11));
            office.rest().await?;
            office.cli.json(&["pair", "remove", &pair]).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_occurrence_that_was_moved_keeps_its_title_when_the_series_gets_another()
-> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::CalDav, "anna").await?;
        let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
        let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
        let moved = super::story::team_moved("120000", "20261209", "");
        let moved = moved.replace("SUMMARY:Team late", "SUMMARY:Team");
        here.put("team.ics", &moved);
        office.cli.pair_add(&from, &to, terms).await?;
        office.sync().await?;
        assert_eq!(anna.shown(), ben.shown());
        here.put("team.ics", &moved.replacen("SUMMARY:Team", "SUMMARY:Group", 1));
        assert_eq!(office.sync().await?, [0, 1, 0, 0]);
        assert_eq!(anna.shown(), ben.shown());
        office.rest().await?;
        assert_eq!(anna.shown(), ben.shown());
    }
    Ok(())
}

/// The last write of the copy was a deletion of an occurrence, whose answer says no version.
#[tokio::test]
async fn a_series_that_is_cut_at_microsoft_is_cut_where_it_comes_from() -> anyhow::Result<()> {
    let office = Office::new().await?;
    let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
    let (ben, to) = office.end(Kind::CalDav, "ben").await?;
    let End::CalDav(there) = &ben else { panic!("a CalDAV calendar") };
    let here = anna.microsoft();
    there.put("team.ics", &team("120000", ""));
    office.cli.pair_add(&from, &to, TWO_WAY).await?;
    office.sync().await?;
    let id = here.find("Team").expect("the copy")["id"].as_str().unwrap_or_default().to_owned();
    here.remove(&here.occurrence(&id, "2026-12-09"));
    office.sync().await?;
    let rule = |count: u32| weekly("2026-12-02", "wednesday", count)["recurrence"].clone();
    let at = |day: &str, hour: u32| {
        json!({"dateTime": format!("{day}T{hour:02}:00:00"),
            "timeZone": "W. Europe Standard Time"})
    };
    let moved =
        json!({"start": at("2026-12-02", 8), "end": at("2026-12-02", 9), "recurrence": rule(10)});
    here.patch(&id, moved);
    office.sync().await?;
    assert_eq!((anna.shown().len(), ben.shown().len()), (9, 9), "the deletion moves along");
    let sixth = here.occurrence(&id, "2027-01-06");
    here.patch(&sixth, json!({"start": at("2027-01-06", 20), "end": at("2027-01-06", 21)}));
    here.patch(&id, json!({"recurrence": rule(9)}));
    // Microsoft has restored the occurrences.
    let before = anna.shown();
    office.sync().await?;
    assert_eq!((&before, before.len()), (&ben.shown(), 9));
    office.rest().await?;
    assert_eq!((&before, &before), (&ben.shown(), &anna.shown()));
    Ok(())
}
