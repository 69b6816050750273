//! Series at Microsoft that are moved, and what a change of a series costs.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use serde_json::{Value, json};
use simulators::faults::{Fault, On};
use simulators::traffic::Kind as Asked;

use super::{End, Kind, Office, object, outlook, weekly};
use crate::support::cli::{self, ONE_WAY, TWO_WAY};

/// A series whose times begin at this hour of this day in Berlin.
fn begins(day: &str, hour: u8) -> Value {
    let time = |hour| json!({"dateTime": format!("{day}T{hour:02}:00:00"), "timeZone": "W. Europe Standard Time"});
    json!({"start": time(hour), "end": time(hour + 1)})
}

#[tokio::test]
async fn a_moved_series_costs_three_reads_and_no_new_copy() -> anyhow::Result<()> {
    let moves = [
        (ONE_WAY, false, ("2026-12-02", "wednesday", 15)),
        (TWO_WAY, true, ("2026-12-03", "thursday", 12)),
    ];
    for (terms, timed, (day, weekday, hour)) in moves {
        let office = Office::new().await?;
        office.graph.manners(|manners| manners.uids_of_starts = timed);
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(Kind::CalDav, "ben").await?;
        let here = anna.microsoft();
        let more = weekly("2026-12-02", "wednesday", 52);
        let team = here.add(outlook("2026-12-02", "Team", more));
        office.cli.pair_add(&from, &to, terms).await?;
        assert_eq!(office.sync().await?, [52, 0, 0, 0]);
        office.sync().await?;
        let mut change = begins(day, hour);
        change["recurrence"] = weekly(day, weekday, 52)["recurrence"].clone();
        assert!(here.patch(&team, change));
        office.graph.reset_counts();
        let (_, run) = office.cli.sync_with(&[]).await?;
        assert_eq!(cli::counts(&run), [0, 52, 0, 0], "{terms:?} {day}: {run}");
        let asked = office.graph.counts();
        assert!(asked.total() - asked.of(Asked::Token) <= 3, "{terms:?} {day}: {asked}");
        assert_eq!(anna.shown(), ben.shown());
        office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_shortened_series_is_read_once_for_all_that_is_gone() -> anyhow::Result<()> {
    let office = Office::new().await?;
    let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
    let (ben, to) = office.end(Kind::CalDav, "ben").await?;
    let here = anna.microsoft();
    let team = here.add(outlook("2026-12-02", "Team", weekly("2026-12-02", "wednesday", 40)));
    here.add(outlook("2026-12-04", "Walk", json!({})));
    office.cli.pair_add(&from, &to, ONE_WAY).await?;
    let preview = office.cli.dry_run().await?;
    let done = office.cli.sync_with(&[]).await?.1;
    assert_eq!((cli::counts(&done), acted(&done)), ([41, 0, 0, 0], acted(&preview)));
    let of_team = |action: &&Value| action["series"] == json!(team);
    assert_eq!(done["actions"].as_array().into_iter().flatten().filter(of_team).count(), 40);
    here.patch(&team, weekly("2026-12-02", "wednesday", 5));
    let preview = office.cli.dry_run().await?;
    office.graph.reset_counts();
    let done = office.cli.sync_with(&[]).await?.1;
    assert_eq!((cli::counts(&done), acted(&done)), ([0, 0, 35, 0], acted(&preview)));
    let asked = office.graph.counts();
    assert!(asked.total() <= 7, "{asked}");
    assert_eq!(anna.shown(), ben.shown());
    office.rest().await
}

/// What a report says of each event, in any order.
fn acted(run: &Value) -> Vec<[String; 3]> {
    let actions = run["actions"].as_array().into_iter().flatten();
    let mut all: Vec<_> = actions
        .map(|action| ["action", "calendar", "event"].map(|key| action[key].to_string()))
        .collect();
    all.sort_unstable();
    all
}

/// Anna's series of Wednesdays at this hour, three of them left out and five renamed.
fn departing(hour: u8) -> String {
    let days = ["0203", "0210", "0217"];
    let out = days.map(|day| format!("2027{day}T{hour:02}0000")).join(",");
    let mut text = format!(
        "DTSTART;TZID=Europe/Berlin:20261202T{hour:02}0000\nDURATION:PT1H\nSUMMARY:Team\n\
        RRULE:FREQ=WEEKLY;COUNT=26\nEXDATE;TZID=Europe/Berlin:{out}"
    );
    for day in ["20261209", "20261216", "20261223", "20261230", "20270106"] {
        text += &format!(
            "\nEND:VEVENT\nBEGIN:VEVENT\nUID:team\nDTSTAMP:20261101T000000Z\n\
            RECURRENCE-ID;TZID=Europe/Berlin:{day}T{hour:02}0000\n\
            DTSTART;TZID=Europe/Berlin:{day}T{hour:02}0000\nDURATION:PT1H\nSUMMARY:Team {day}"
        );
    }
    object("team", &text)
}

#[tokio::test]
async fn a_moved_copy_is_one_patch_one_read_and_its_exceptions() -> anyhow::Result<()> {
    let office = Office::new().await?;
    let (anna, from) = office.end(Kind::CalDav, "anna").await?;
    let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
    let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
    here.put("team.ics", &departing(12));
    office.cli.pair_add(&from, &to, ONE_WAY).await?;
    assert_eq!(office.sync().await?, [1, 0, 0, 0]);
    assert_eq!(anna.shown(), ben.shown());
    office.rest().await?;
    here.put("team.ics", &departing(15));
    office.graph.reset_counts();
    assert_eq!(office.sync().await?, [0, 1, 0, 0]);
    let asked = office.graph.counts();
    assert_eq!(anna.shown(), ben.shown());
    let writes = [Asked::Patch, Asked::Delete, Asked::Insert].map(|kind| asked.of(kind));
    assert_eq!(writes, [6, 3, 0], "{asked}");
    // Its version is read before, its occurrences after the change.
    assert_eq!([Asked::Get, Asked::Instances].map(|kind| asked.of(kind)), [1, 1], "{asked}");
    office.rest().await
}

#[tokio::test]
async fn single_copies_are_found_again_after_the_data_are_lost() -> anyhow::Result<()> {
    for (terms, is_turned) in [(ONE_WAY, false), (TWO_WAY, false), (TWO_WAY, true)] {
        let turned = |from: String, to: String| if is_turned { (to, from) } else { (from, to) };
        let mut office = Office::new().await?;
        let (anna, from) = office.end(Kind::CalDav, "anna").await?;
        let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
        let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
        let rule = "DTSTART:20261202T100000Z\nDURATION:PT1H\nSUMMARY:Club\n\
            RRULE:FREQ=MONTHLY;BYDAY=1WE,3WE;COUNT=10";
        here.put("club.ics", &object("club", rule));
        let lunch = "DTSTART:20261203T100000Z\nDURATION:PT1H\nSUMMARY:Lunch";
        here.put("lunch.ics", &object("lunch", lunch));
        let (from, to) = turned(from, to);
        office.cli.pair_add(&from, &to, terms).await?;
        office.cli.sync_with(&[]).await?;
        assert_eq!((here.names().len(), ben.microsoft().len()), (2, 11));
        let ids = || {
            let all = ben.microsoft().items().into_iter();
            all.map(|event| event["id"].to_string()).collect::<BTreeSet<_>>()
        };
        let before = ids();
        office.loses_its_data()?;
        let from = office.end(Kind::CalDav, "anna").await?.1;
        let to = office.end(Kind::Microsoft, "ben").await?.1;
        let (from, to) = turned(from, to);
        let again = [terms, &["--take-over"]].concat();
        office.cli.pair_add(&from, &to, &again).await?;
        for _ in 0..3 {
            let (_, run) = office.cli.sync_with(&["--full"]).await?;
            assert!(run["error"].is_null() && run["held"].is_null(), "{run}");
        }
        assert_eq!((here.names().len(), ben.microsoft().len()), (2, 11), "{terms:?}");
        assert_eq!((anna.shown(), ids()), (ben.shown(), before), "{terms:?}");
        office.rest().await?;
        // They still follow their series.
        here.put("club.ics", &object("club", &rule.replace("Club", "Choir")));
        office.sync().await?;
        assert_eq!(anna.shown(), ben.shown(), "{terms:?}");
        office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn many_series_that_are_moved_together_are_edited() -> anyhow::Result<()> {
    let office = Office::new().await?;
    office.graph.manners(|manners| manners.uids_of_starts = true);
    let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
    let (ben, to) = office.end(Kind::CalDav, "ben").await?;
    let here = anna.microsoft();
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday"];
    let of = |n: usize| (format!("2026-12-{:02}", 7 + n % 5), days[n % 5]);
    let series: Vec<String> = (0..15)
        .map(|n| {
            let (day, weekday) = of(n);
            here.add(outlook(&day, &format!("Team {n}"), weekly(&day, weekday, 4)))
        })
        .collect();
    let pair = office.cli.pair_add(&from, &to, ONE_WAY).await?;
    assert_eq!(office.sync().await?, [60, 0, 0, 0]);
    for (n, id) in series.iter().enumerate() {
        let (day, weekday) = of(n);
        let time = |hour| json!({"dateTime": format!("{day}T{hour}:00:00"), "timeZone": "Eastern Standard Time"});
        let mut change = weekly(&day, weekday, 4);
        change["recurrence"]["range"]["recurrenceTimeZone"] = json!("Eastern Standard Time");
        (change["start"], change["end"]) = (time(12), time(13));
        assert!(here.patch(id, change));
    }
    // A whole listing: what is missing is weighed more strictly.
    let run = office.cli.sync_with(&["--pair", &pair, "--full"]).await?.1;
    assert_eq!((cli::counts(&run), &run["state"]), ([0, 60, 0, 0], &json!("ok")), "{run}");
    assert_eq!(anna.shown(), ben.shown());
    office.rest().await
}

#[tokio::test]
async fn a_rule_by_which_microsoft_means_other_days_becomes_single_events() -> anyhow::Result<()> {
    for (other_rule, count) in [(false, 1), (true, 5)] {
        let office = Office::new().await?;
        office.graph.manners(|manners| manners.last_of_seven = !other_rule);
        let (anna, from) = office.end(Kind::CalDav, "anna").await?;
        let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
        let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
        let rent = |rule: &str| {
            let start = "DTSTART:20261231T100000Z\nDURATION:PT1H\nSUMMARY:Rent";
            object("rent", &format!("{start}\nRRULE:FREQ=MONTHLY;COUNT=5;{rule}"))
        };
        here.put("rent.ics", &rent("BYDAY=-1TH"));
        office.cli.pair_add(&from, &to, TWO_WAY).await?;
        assert_eq!(office.sync().await?, [1, 0, 0, 0]);
        office.rest().await?;
        here.put("rent.ics", &rent("BYMONTHDAY=-1"));
        for _ in 0..2 {
            let run = office.cli.sync_with(&[]).await?.1;
            assert!(run["error"].is_null() && run["held"].is_null(), "{run}");
        }
        assert_eq!((anna.shown(), ben.microsoft().len()), (ben.shown(), count));
        office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_event_that_ends_in_the_second_pass_of_an_hour_keeps_its_length() -> anyhow::Result<()> {
    let office = Office::new().await?;
    let (anna, from) = office.end(Kind::CalDav, "anna").await?;
    let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
    let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
    let night = "DTSTART;TZID=Europe/Berlin:20271031T023000\nDURATION:PT1H\nSUMMARY:Night";
    here.put("night.ics", &object("night", night));
    office.cli.pair_add(&from, &to, TWO_WAY).await?;
    assert_eq!(office.sync().await?, [1, 0, 0, 0]);
    let shown = ben.microsoft().find("Night").expect("the copy");
    let times = ["start", "end"].map(|bound| shown[bound]["dateTime"].to_string());
    assert!(times[0].contains("00:30:00") && times[1].contains("01:30:00"), "{times:?}");
    office.rest().await
}

#[tokio::test]
async fn a_moved_series_is_followed_whatever_is_lost_on_the_way() -> anyhow::Result<()> {
    let cases: [fn(&Office); 6] = [
        |_| (),
        |office| office.graph.manners(|manners| manners.endless_round = true),
        |office| office.graph.manners(|manners| manners.names_masters = true),
        |office| office.graph.manners(|manners| manners.deleted_answers_everywhere = false),
        |office| {
            office.graph.faults().times(1, On::kind(Asked::Instances), Fault::EmptyListing);
        },
        |office| office.dav.faults().times(3, On::kind(Asked::Put), Fault::DropAfter),
    ];
    let all = cases.into_iter().enumerate().map(|(n, prepare)| async move {
        let office = Office::new().await?;
        office.graph.manners(|manners| manners.uids_of_starts = true);
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(Kind::CalDav, "ben").await?;
        let here = anna.microsoft();
        let team = here.add(outlook("2026-12-02", "Team", weekly("2026-12-02", "wednesday", 8)));
        here.add(outlook("2026-12-04", "Walk", json!({})));
        here.remove(&here.occurrence(&team, "2026-12-16"));
        let pair = office.cli.pair_add(&from, &to, TWO_WAY).await?;
        assert_eq!(office.sync().await?, [8, 0, 0, 0]);
        let End::CalDav(there) = &ben else { panic!("a CalDAV calendar") };
        let names = || there.names().into_iter().collect::<BTreeSet<String>>();
        let before = names();
        let mut change = begins("2026-12-03", 9);
        change["recurrence"] = weekly("2026-12-03", "thursday", 8)["recurrence"].clone();
        assert!(here.patch(&team, change));
        prepare(&office);
        for _ in 0..3 {
            office.cli.run(&["sync", "--full"]).await?;
        }
        office.graph.faults().clear();
        let run = office.cli.sync_with(&["--pair", &pair]).await?.1;
        anyhow::ensure!(run["error"].is_null() && run["held"].is_null(), "{n}: {run}");
        anyhow::ensure!(anna.shown() == ben.shown(), "{n}: {:?} {:?}", anna.shown(), ben.shown());
        anyhow::ensure!(names().is_superset(&before), "{n}: the copies stay");
        office.rest().await
    });
    try_join_all(all).await.map(drop)
}

/// A read of a series that Microsoft refuses once, in a whole listing and in one by changes.
#[tokio::test]
async fn a_series_that_is_refused_once_is_not_copied_beside_its_occurrences() -> anyhow::Result<()>
{
    let cases = [404, 403, 400].into_iter().flat_map(|status| [(status, true), (status, false)]);
    let all = cases.map(|(status, full)| async move {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(Kind::CalDav, "ben").await?;
        let id =
            anna.microsoft().add(outlook("2026-11-03", "Team", weekly("2026-11-03", "tuesday", 8)));
        let pair = office.cli.pair_add(&from, &to, TWO_WAY).await?;
        office.rest().await?;
        let copies = ben.shown();
        anyhow::ensure!(copies.len() == 8 && copies == anna.shown(), "{copies:?}");
        let reads = On::kind(Asked::Get);
        office.graph.faults().times(2, reads, Fault::Status(status));
        anna.microsoft().patch(&id, json!({"location": {"displayName": "Room 6"}}));
        let arguments: &[&str] = if full { &["sync", "--full"] } else { &["sync"] };
        office.cli.run(arguments).await?;
        office.graph.faults().clear();
        office.rest().await?;
        let run = office.cli.sync_with(&["--pair", &pair]).await?.1;
        anyhow::ensure!(run["error"].is_null() && run["held"].is_null(), "{status}: {run}");
        anyhow::ensure!(
            ben.shown() == copies && anna.shown() == copies,
            "{status} {full}: {:?}",
            ben.shown()
        );
        Ok::<_, anyhow::Error>(())
    });
    futures::future::try_join_all(all).await?;
    Ok(())
}
