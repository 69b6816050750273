//! What both sides have done to an event is merged, and what a server has made of it is no person's
//! edit.

use simulators::caldav::{Alters, Manners};
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::builder::Builder;
use crate::support::env::Env;
use crate::support::env_checks::{FULL, assert_at_rest, did};
use crate::support::events::object;
use crate::support::google_env::GoogleEnv;
use crate::support::installation::{ONE_WAY, TWO_WAY, Terms};
use crate::support::servers::Provider;

const WEEKLY: &str = "DTSTART;TZID=Europe/Berlin:20260312T100000\nDTEND;TZID=Europe/Berlin:20260312T110000\nRRULE:FREQ=WEEKLY;COUNT=6\nSUMMARY:Review\nDESCRIPTION:Bring numbers";
/// The second one has words of its own.
const BOARD: &str = "BEGIN:VEVENT\nUID:review\nDTSTAMP:20260301T000000Z\nRECURRENCE-ID;TZID=Europe/Berlin:20260319T100000\nDTSTART;TZID=Europe/Berlin:20260319T100000\nDTEND;TZID=Europe/Berlin:20260319T110000\nSUMMARY:With the board\nLOCATION:Room 1\nEND:VEVENT\n";
const ZONE: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:DAYLIGHT\nDTSTART:19810329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nBEGIN:STANDARD\nDTSTART:19961027T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n";

fn series() -> String {
    let one = object("review", WEEKLY).replace("BEGIN:VEVENT", &format!("{ZONE}BEGIN:VEVENT"));
    one.replace("END:VCALENDAR", &format!("{BOARD}END:VCALENDAR"))
}

/// The whole series an hour later, its changed occurrences too.
fn dragged(ics: &str) -> String {
    ics.replace("T110000", "T120000").replace("T100000", "T110000")
}

/// The series an hour later, without changed occurrences: what some programs make of it.
fn dragged_alone(ics: &str) -> String {
    let changed =
        ics.split("BEGIN:VEVENT").find(|event| event.contains("RECURRENCE-ID")).unwrap_or_default();
    let changed =
        format!("BEGIN:VEVENT{}", changed.split("END:VCALENDAR").next().unwrap_or_default());
    dragged(&ics.replace(&changed, ""))
}

/// What a side shows: starts and titles of a series and its exceptions.
fn lines(env: &Env, side: usize) -> Vec<String> {
    let title = |line: &str| line.split("  ").skip(1).collect::<Vec<_>>().join(" ");
    env.people[side]
        .agenda()
        .iter()
        .map(|entry| format!("{} {}", entry.start(), title(&entry.to_string())))
        .collect()
}

#[tokio::test]
async fn a_series_is_dragged_on_its_copy_while_an_occurrence_of_its_origin_is_cancelled()
-> anyhow::Result<()> {
    for drag in [dragged, dragged_alone] {
        let env = Builder::caldav(Manners::generic()).terms(TWO_WAY).build().await?;
        let [anna, ben] = &env.people;
        anna.put("review.ics", &series());
        assert_eq!(did(&env.sync().await), [1, 0, 0]);
        anna.edit("review.ics", |ics| {
            ics.replacen(
                "SUMMARY:Review",
                "EXDATE;TZID=Europe/Berlin:20260326T100000\r\nSUMMARY:Review",
                1,
            )
        });
        ben.edit(&ben.names()[0], drag);
        assert_at_rest(&env).await;
        assert_eq!(env.compare_sides().await?, 1);
        let shown = lines(&env, 0);
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(
            shown[0].starts_with("20260312T110000 Europe/Berlin Review")
                && shown[0].contains("without 20260326T110000"),
            "{shown:?}"
        );
        assert!(shown[1].starts_with("20260319T110000 Europe/Berlin With the board"), "{shown:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_private_copy_is_dragged_and_no_occurrence_loses_its_title() -> anyhow::Result<()> {
    for drag in [dragged, dragged_alone] {
        let terms = Terms { private: true, ..TWO_WAY };
        let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
        let [anna, ben] = &env.people;
        anna.put("review.ics", &series());
        assert_eq!(did(&env.sync().await), [1, 0, 0]);
        ben.edit(&ben.names()[0], drag);
        assert_at_rest(&env).await;
        assert_eq!(env.compare_sides().await?, 1);
        let shown = lines(&env, 0);
        assert!(shown[0].starts_with("20260312T110000 Europe/Berlin Review"), "{shown:?}");
        assert!(
            shown[1].starts_with(
                "20260319T110000 Europe/Berlin With the board  @ Room 1"
                    .replace("  @", " @")
                    .as_str()
            ),
            "{shown:?}"
        );
        assert_eq!(shown.len(), 2, "{shown:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_occurrence_of_a_floating_series_is_moved_at_google() -> anyhow::Result<()> {
    let env = GoogleEnv::new([Provider::CalDav, Provider::Google], TWO_WAY).await?;
    let floating = series().replace(ZONE, "").replace(";TZID=Europe/Berlin", "");
    env.people[0].put("review.ics", &floating).await?;
    assert_eq!(env.sync_ok().await?, [1, 0, 0]);
    let copy = env.people[1].objects().await?.remove(0);
    // Two hours later, in any zone.
    let moved = |ics: &str| {
        let mut parts: Vec<String> = ics.split("BEGIN:VEVENT").map(str::to_owned).collect();
        let changed = parts
            .iter_mut()
            .find(|part| part.contains("RECURRENCE-ID"))
            .expect("the second one is changed");
        let lines = changed.lines().map(|line| match line.split(':').next().unwrap_or_default() {
            name if name.starts_with("DTSTART") || name.starts_with("DTEND") => later(line),
            _ => line.to_owned(),
        });
        *changed = lines.collect::<Vec<_>>().join("\r\n") + "\r\n";
        parts.join("BEGIN:VEVENT")
    };
    assert!(env.people[1].edit(&copy.0, moved).await?);
    assert_eq!(env.sync_ok().await?, [0, 1, 0]);
    env.check_at_rest().await?;
    let home = env.people[0].get("review.ics").await?.unwrap_or_default();
    assert_eq!(home.matches("RECURRENCE-ID").count(), 1, "{home}");
    let changed =
        home.split("BEGIN:VEVENT").find(|part| part.contains("RECURRENCE-ID")).unwrap_or_default();
    assert!(
        changed.contains("DTSTART:20260319T120000\r\n")
            && changed.contains("SUMMARY:With the board"),
        "{changed}"
    );
    Ok(())
}

fn later(line: &str) -> String {
    let (head, time) = line.rsplit_once('T').unwrap_or((line, ""));
    let hour: u32 = time.get(..2).and_then(|hour| hour.parse().ok()).unwrap_or_default();
    format!("{head}T{:02}{}", hour + 2, time.get(2..).unwrap_or_default())
}

/// Some 600 characters, folded.
fn agenda() -> String {
    ["A long agenda. ".repeat(4).as_str(); 10].join("\n ").trim().to_owned()
}

fn long() -> String {
    object(
        "board",
        &format!(
            "DTSTART:20260320T180030Z\nDTEND:20260320T200000Z\nSUMMARY:  Board\nDESCRIPTION:{}",
            agenda()
        ),
    )
}

/// Characters of the description, without folds.
fn length(ics: &str) -> usize {
    ics.replace("\r\n ", "")
        .lines()
        .find(|line| line.starts_with("DESCRIPTION"))
        .map_or(0, str::len)
}

/// A server that alters what it is sent, and says so by giving no ETag, or does not say so.
fn keeps_little(etag_on_put: bool) -> Manners {
    Manners {
        alters: Alters { keeps: 100, trims: true, rounds: true },
        etag_on_put,
        ..Manners::generic()
    }
}

#[tokio::test]
async fn what_a_copys_server_did_not_keep_stays_at_home() -> anyhow::Result<()> {
    for (terms, etag_on_put) in
        [(TWO_WAY, false), (TWO_WAY, true), (ONE_WAY, false), (ONE_WAY, true)]
    {
        let env = Builder::caldav_each([Manners::generic(), keeps_little(etag_on_put)])
            .terms(terms)
            .build()
            .await?;
        let [anna, ben] = &env.people;
        anna.put("board.ics", &long());
        assert_eq!(did(&env.sync().await), [1, 0, 0]);
        env.reset_counts();
        env.sync_with(FULL).await;
        assert_eq!(env.writes(), [0, 0], "it is as it can be there");
        let before = anna.get("board.ics").unwrap_or_default();
        ben.edit(&ben.names()[0], |ics| ics.replace("SUMMARY:Board", "SUMMARY:Board meeting"));
        env.sync().await;
        env.sync_with(FULL).await;
        let after = anna.get("board.ics").unwrap_or_default();
        assert_eq!(length(&after), length(&before));
        assert!(after.contains("DTSTART:20260320T180030Z"), "{after}");
        let title = if terms.two_way { "SUMMARY:Board meeting" } else { "SUMMARY:  Board" };
        assert!(after.contains(title), "{after}");
        assert_eq!(length(&ben.objects()[0].1), 112, "100 characters of it");
        // The owner's own edit of the text still flows back.
        ben.edit(&ben.names()[0], |ics| {
            ics.replace("DESCRIPTION:A long agenda.", "DESCRIPTION:A short agenda.")
        });
        env.sync().await;
        let flows = anna.get("board.ics").unwrap_or_default().contains("A short agenda.");
        assert_eq!(flows, terms.two_way);
        env.sync_with(FULL).await;
        env.reset_counts();
        env.sync_with(FULL).await;
        assert_eq!(env.writes(), [0, 0]);
    }
    Ok(())
}

#[tokio::test]
async fn what_an_origins_server_did_not_keep_stays_on_the_copy() -> anyhow::Result<()> {
    for etag_on_put in [false, true] {
        let env = Builder::caldav_each([keeps_little(etag_on_put), Manners::generic()])
            .terms(TWO_WAY)
            .build()
            .await?;
        let [anna, ben] = &env.people;
        anna.put("board.ics", &object("board", "DTSTART:20260320T180000Z\nDTEND:20260320T200000Z\nSUMMARY:Board\nDESCRIPTION:Short"));
        assert_eq!(did(&env.sync().await), [1, 0, 0]);
        ben.edit(&ben.names()[0], |ics| {
            ics.replace("DESCRIPTION:Short", &format!("DESCRIPTION:{}", agenda()))
        });
        assert_eq!(did(&env.sync().await), [0, 1, 0]);
        assert_eq!(length(&anna.get("board.ics").unwrap_or_default()), 112);
        assert_at_rest(&env).await;
        anna.edit("board.ics", |ics| ics.replace("SUMMARY:Board", "SUMMARY:Board meeting"));
        assert_eq!(did(&env.sync().await), [0, 1, 0]);
        let copy = ben.objects().remove(0).1;
        assert!(length(&copy) > 500 && copy.contains("SUMMARY:Board meeting"), "{copy}");
        assert_at_rest(&env).await;
    }
    Ok(())
}

/// The copy that is made reaches a server that cuts, and its answer does not reach us; then its
/// owner edits something else.
#[tokio::test]
async fn what_a_server_did_not_keep_of_a_copy_whose_making_was_cut_off_stays_at_home()
-> anyhow::Result<()> {
    let env = Builder::caldav_each([Manners::generic(), keeps_little(false)])
        .terms(TWO_WAY)
        .build()
        .await?;
    let [anna, ben] = &env.people;
    anna.put("board.ics", &long().replace("T180030Z", "T180000Z"));
    env.servers[1].faults().next(On::kind(Kind::Put), Fault::DropAfter);
    env.sync().await;
    assert_eq!(ben.len(), 1, "it has arrived");
    ben.edit(&ben.names()[0], |ics| ics.replace("SUMMARY:Board", "SUMMARY:Board meeting"));
    assert_at_rest(&env).await;
    assert!(length(&anna.get("board.ics").unwrap_or_default()) > 500);
    Ok(())
}

/// A write arrives, its answer is lost, and the origin is changed back to what it said before.
#[tokio::test]
async fn an_origin_that_is_changed_back_after_a_lost_answer_stands() -> anyhow::Result<()> {
    for terms in [TWO_WAY, ONE_WAY] {
        let env = Builder::caldav(Manners::generic()).terms(terms).build().await?;
        let [anna, ben] = &env.people;
        anna.put(
            "board.ics",
            &object("board", "DTSTART:20260320T180000Z\nDTEND:20260320T200000Z\nSUMMARY:Board"),
        );
        env.sync().await;
        env.sync().await;
        anna.edit("board.ics", |ics| ics.replace("SUMMARY:Board", "SUMMARY:Second"));
        env.servers[1].faults().next(On::kind(Kind::Put), Fault::DropAfter);
        env.sync().await;
        assert!(ben.find("SUMMARY:Second").is_some(), "it has arrived");
        anna.edit("board.ics", |ics| ics.replace("SUMMARY:Second", "SUMMARY:Board"));
        assert_at_rest(&env).await;
        for calendar in [anna, ben] {
            assert!(
                calendar.find("SUMMARY:Board").is_some(),
                "{terms:?}: {:?}",
                calendar.objects()
            );
        }
    }
    Ok(())
}

/// On the other side: what flows back arrives, the response is lost, and the copy is changed back.
#[tokio::test]
async fn a_copy_that_is_changed_back_after_a_lost_answer_stands() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).terms(TWO_WAY).build().await?;
    let [anna, ben] = &env.people;
    anna.put(
        "board.ics",
        &object("board", "DTSTART:20260320T180000Z\nDTEND:20260320T200000Z\nSUMMARY:Board"),
    );
    env.sync().await;
    env.sync().await;
    let copy = ben.names().remove(0);
    ben.edit(&copy, |ics| ics.replace("SUMMARY:Board", "SUMMARY:Second"));
    env.servers[0].faults().next(On::kind(Kind::Put), Fault::DropAfter);
    env.sync().await;
    assert!(anna.find("SUMMARY:Second").is_some(), "it has arrived");
    ben.edit(&copy, |ics| ics.replace("SUMMARY:Second", "SUMMARY:Board"));
    assert_at_rest(&env).await;
    for calendar in [anna, ben] {
        assert!(calendar.find("SUMMARY:Board").is_some(), "{:?}", calendar.objects());
    }
    Ok(())
}
