//! Pairs with Microsoft 365 at one end or both.

use serde_json::json;
use simulators::traffic::Kind as Asked;

use super::{End, Kind, Office, object, outlook, weekly};
use crate::support::cli::{ONE_WAY, TWO_WAY};

#[tokio::test]
async fn one_event_is_copied_changed_and_deleted_in_every_combination() -> anyhow::Result<()> {
    for other in [Kind::Microsoft, Kind::Google, Kind::CalDav] {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(other, "ben").await?;
        let lunch = anna.microsoft().add(outlook("2026-12-02", "Lunch", json!({})));
        office.cli.pair_add(&from, &to, ONE_WAY).await?;
        assert_eq!(office.sync().await?, [1, 0, 0, 0], "{other:?}");
        assert_eq!(anna.shown(), ben.shown(), "{other:?}");
        office.rest().await?;
        anna.microsoft().patch(&lunch, json!({"subject": "Late lunch"}));
        office.graph.reset_counts();
        assert_eq!(office.sync().await?, [0, 1, 0, 0], "{other:?}");
        assert_eq!(anna.shown(), ben.shown(), "{other:?}");
        let asked = office.graph.counts();
        let deltas = if other == Kind::Microsoft { 2 } else { 1 };
        assert_eq!(asked.of(Asked::Delta), deltas, "one page a calendar: {asked}");
        office.rest().await?;
        anna.microsoft().remove(&lunch);
        assert_eq!(office.sync().await?, [0, 0, 1, 0], "{other:?}");
        assert_eq!(ben.shown().len(), 0);
        office.rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn events_of_both_ends_are_kept_in_step() -> anyhow::Result<()> {
    for other in [Kind::Microsoft, Kind::Google, Kind::CalDav] {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(other, "ben").await?;
        anna.microsoft().add(outlook("2026-12-02", "Lunch", json!({"showAs": "oof"})));
        put(&ben, "Walk");
        office.cli.pair_add(&from, &to, TWO_WAY).await?;
        assert_eq!(office.sync().await?, [2, 0, 0, 0], "{other:?}");
        assert_eq!(anna.shown(), ben.shown(), "{other:?}");
        office.rest().await?;
        let walk = anna.microsoft().find("Walk").expect("the copy")["id"].clone();
        anna.microsoft().patch(walk.as_str().unwrap_or_default(), json!({"subject": "Run"}));
        assert_eq!(office.sync().await?, [0, 1, 0, 0], "{other:?}");
        assert_eq!(anna.shown(), ben.shown(), "{other:?}");
        let lunch = anna.microsoft().find("Lunch").expect("the origin");
        assert_eq!(lunch["showAs"], "oof", "what the other calendar cannot show stays");
        office.rest().await?;
    }
    Ok(())
}

fn put(end: &End, title: &str) {
    let event = object(
        "own",
        &format!("DTSTART:20261204T090000Z\nDTEND:20261204T100000Z\nSUMMARY:{title}"),
    );
    match end {
        End::Microsoft(calendar) => {
            calendar.add(outlook("2026-12-04", title, json!({})));
        }
        End::Google(calendar) => calendar.put_object("own.ics", &event),
        End::CalDav(calendar) => drop(calendar.put("own.ics", &event)),
    }
}

#[tokio::test]
async fn a_series_at_microsoft_is_copied_by_its_occurrences() -> anyhow::Result<()> {
    for other in [Kind::Microsoft, Kind::Google, Kind::CalDav] {
        let office = Office::new().await?;
        let (anna, from) = office.end(Kind::Microsoft, "anna").await?;
        let (ben, to) = office.end(other, "ben").await?;
        let here = anna.microsoft();
        let more = weekly("2026-12-02", "wednesday", 12);
        let team = here.add(outlook("2026-12-02", "Team", more));
        office.cli.pair_add(&from, &to, ONE_WAY).await?;
        assert_eq!(office.sync().await?, [12, 0, 0, 0], "{other:?}");
        assert_eq!(anna.shown(), ben.shown(), "{other:?}");
        office.rest().await?;
        here.patch(&here.occurrence(&team, "2026-12-16"), json!({"subject": "Team, by Anna"}));
        assert_eq!(office.sync().await?, [0, 1, 0, 0], "{other:?}");
        here.remove(&here.occurrence(&team, "2026-12-23"));
        assert_eq!(office.sync().await?, [0, 0, 1, 0], "{other:?}");
        assert_eq!(anna.shown(), ben.shown(), "{other:?}");
        office.rest().await?;
        here.remove(&team);
        assert_eq!(office.sync().await?, [0, 0, 11, 0], "{other:?}");
        office.rest().await?;
        assert_eq!(ben.shown().len(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_series_is_written_to_microsoft_as_a_series() -> anyhow::Result<()> {
    let office = Office::new().await?;
    let (anna, from) = office.end(Kind::CalDav, "anna").await?;
    let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
    let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
    let series = |start: &str, more: &str| {
        object(
            "team",
            &format!(
                "DTSTART;TZID=Europe/Berlin:20261202T{start}\nDURATION:PT1H\nSUMMARY:Team\n\
                RRULE:FREQ=WEEKLY;COUNT=12{more}"
            ),
        )
    };
    here.put("team.ics", &series("120000", ""));
    office.cli.pair_add(&from, &to, TWO_WAY).await?;
    assert_eq!(office.sync().await?, [1, 0, 0, 0]);
    assert_eq!((anna.shown(), ben.microsoft().len()), (ben.shown(), 1));
    office.rest().await?;
    here.put("team.ics", &series("120000", "\nEXDATE;TZID=Europe/Berlin:20261209T120000"));
    assert_eq!(office.sync().await?, [0, 1, 0, 0]);
    assert_eq!(anna.shown(), ben.shown());
    office.rest().await?;
    // The service restores what was deleted when a series is moved.
    here.put("team.ics", &series("150000", "\nEXDATE;TZID=Europe/Berlin:20261209T150000"));
    assert_eq!(office.sync().await?, [0, 1, 0, 0]);
    assert_eq!(anna.shown(), ben.shown());
    office.rest().await?;
    here.delete("team.ics");
    assert_eq!(office.sync().await?, [0, 0, 1, 0]);
    assert_eq!(ben.microsoft().len(), 0);
    office.rest().await
}

#[tokio::test]
async fn a_rule_that_graph_cannot_hold_becomes_single_events() -> anyhow::Result<()> {
    let office = Office::new().await?;
    let (anna, from) = office.end(Kind::CalDav, "anna").await?;
    let (ben, to) = office.end(Kind::Microsoft, "ben").await?;
    let End::CalDav(here) = &anna else { panic!("a CalDAV calendar") };
    let rent = |more: &str| {
        object(
            "rent",
            &format!(
                "DTSTART;TZID=Europe/Berlin:20261031T120000\nDURATION:PT1H\nSUMMARY:Rent\n\
                RRULE:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=5{more}"
            ),
        )
    };
    here.put("rent.ics", &rent(""));
    office.cli.pair_add(&from, &to, TWO_WAY).await?;
    office.sync().await?;
    assert_eq!((anna.shown(), ben.microsoft().len()), (ben.shown(), 5));
    office.rest().await?;
    here.put("rent.ics", &rent("\nEXDATE;TZID=Europe/Berlin:20261231T120000"));
    assert_eq!(office.sync().await?, [0, 0, 1, 0]);
    assert_eq!(anna.shown(), ben.shown());
    office.rest().await?;
    here.delete("rent.ics");
    office.sync().await?;
    assert_eq!(ben.microsoft().len(), 0);
    office.rest().await
}
