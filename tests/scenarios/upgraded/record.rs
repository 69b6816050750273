//! Makes the recording again: `tests/recordings/release-0.1/README.md` says how.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use simulators::person::Person;

use super::servers::{ENDS, FOLDER, GINA, PAIRS, PEOPLE, RecordedServers, TERMS};
use crate::support::cli::{self, Cli};
use crate::support::events::{BERLIN, calendar, object, vevent};
use crate::support::storage::{self, Kind};

/// Names the program of the release, and asks for the recording by that.
const SWITCH: &str = "CALRELAY_TEST_RECORD";

/// Recorded events lie in this year: years after the release, and within ten years of it.
const YEAR: i16 = 2034;

fn hour(uid: &str, day: &str, hour: u8, lines: &str) -> String {
    object(
        uid,
        &format!(
            "DTSTART:{YEAR}{day}T{hour:02}0000Z\nDTEND:{YEAR}{day}T{:02}0000Z\n{lines}",
            hour + 1
        ),
    )
}

fn days(uid: &str, first: &str, end: &str, title: &str) -> String {
    object(
        uid,
        &format!("DTSTART;VALUE=DATE:{YEAR}{first}\nDTEND;VALUE=DATE:{YEAR}{end}\nSUMMARY:{title}"),
    )
}

/// Ten weeks, one of them moved and renamed, one cancelled.
fn weekly(uid: &str, title: &str) -> String {
    let at = |name: &str, day: &str, hour: u8| {
        format!("{name};TZID=Europe/Berlin:{YEAR}{day}T{hour:02}0000\n")
    };
    let series = at("DTSTART", "0301", 9)
        + &at("DTEND", "0301", 10)
        + "RRULE:FREQ=WEEKLY;COUNT=10\n"
        + &at("EXDATE", "0315", 9);
    let moved =
        at("RECURRENCE-ID", "0322", 9) + &at("DTSTART", "0323", 14) + &at("DTEND", "0323", 15);
    let series = vevent(uid, &format!("{series}SUMMARY:{title}"));
    let moved = vevent(uid, &format!("{moved}SUMMARY:{title} elsewhere"));
    calendar(&format!("{BERLIN}{series}{moved}"))
}

fn guests(uid: &str, day: &str, title: &str) -> String {
    let people = "ORGANIZER:mailto:anna@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org\nATTENDEE:mailto:zoe@example.net";
    hour(uid, day, 11, &format!("SUMMARY:{title}\n{people}"))
}

/// The name of the object with this title.
async fn named(person: &Person, title: &str) -> anyhow::Result<String> {
    let agenda = person.agenda().await?;
    let entry = agenda
        .iter()
        .find(|entry| entry.summary() == title)
        .with_context(|| format!("no {title}"))?;
    Ok(entry.name.clone())
}

async fn change(person: &Person, title: &str, from: &str, to: &str) -> anyhow::Result<()> {
    let name = named(person, title).await?;
    person.edit(&name, |ics| ics.replace(from, to)).await?;
    Ok(())
}

async fn remove(person: &Person, title: &str) -> anyhow::Result<()> {
    let name = named(person, title).await?;
    person.delete(&name).await?;
    Ok(())
}

/// What the people have in their calendars before the first pass.
async fn before(backend: &RecordedServers) -> anyhow::Result<()> {
    let [anna, ben] = backend.people("two_way");
    for (name, object) in [
        (
            "plain.ics",
            hour(
                "plain",
                "0202",
                9,
                "SUMMARY:Plain\nLOCATION:Harbour 3\nDESCRIPTION:Bring the keys",
            ),
        ),
        ("anna@work.ics", hour("at-sign", "0203", 9, "SUMMARY:With an at sign")),
        ("two words.ics", hour("words", "0204", 9, "SUMMARY:Two words")),
        ("März Übung.ics", hour("umlaut", "0205", 9, "SUMMARY:Übung")),
        ("100%25.ics", hour("percent", "0206", 9, "SUMMARY:All of it")),
        ("offsite.ics", days("offsite", "0207", "0210", "Offsite")),
        ("weekly.ics", weekly("weekly", "Weekly")),
        ("party.ics", guests("party", "0211", "Party")),
        ("dinner.ics", guests("dinner", "0212", "Dinner")),
        ("old.ics", hour("old", "0213", 9, "SUMMARY:Old")),
        ("made again.ics", hour("made-again", "0214", 9, "SUMMARY:Origin made again")),
        ("again.ics", hour("again", "0215", 9, "SUMMARY:Copy made again")),
    ] {
        anna.put(name, &object).await?;
    }
    ben.put("own.ics", &hour("own", "0216", 9, "SUMMARY:Own")).await?;
    ben.put("own weekly.ics", &weekly("own-weekly", "Own weekly")).await?;
    ben.put("own lost.ics", &hour("own-lost", "0217", 9, "SUMMARY:Own made again")).await?;

    let [anna, _] = backend.people("private");
    for (name, object) in [
        ("desk.ics", hour("desk", "0301", 9, "SUMMARY:Desk\nLOCATION:Room 1")),
        ("fair.ics", days("fair", "0302", "0305", "Fair")),
        ("standup.ics", weekly("standup", "Standup")),
        ("unwanted.ics", hour("unwanted", "0306", 9, "SUMMARY:Unwanted")),
        ("wanted.ics", hour("wanted", "0307", 9, "SUMMARY:Wanted again")),
        ("drifted.ics", hour("drifted", "0308", 9, "SUMMARY:Drifted")),
    ] {
        anna.put(name, &object).await?;
    }

    let [gina, anna] = backend.people("google");
    for (name, object) in [
        ("lunch.ics", hour("lunch", "0401", 12, "SUMMARY:Lunch")),
        ("holiday.ics", days("holiday", "0402", "0406", "Holiday")),
        ("rounds.ics", weekly("rounds", "Rounds")),
    ] {
        gina.put(name, &object).await?;
    }
    for (name, object) in [
        ("dentist.ics", hour("dentist", "0407", 9, "SUMMARY:Dentist")),
        ("choir.ics", weekly("choir", "Choir")),
        ("again.ics", hour("google-again", "0408", 9, "SUMMARY:Copy made again")),
    ] {
        anna.put(name, &object).await?;
    }

    let [anna, _] = backend.people("held");
    for n in 0..12 {
        anna.put(
            &format!("m{n:02}.ics"),
            &hour(
                &format!("m{n:02}"),
                &format!("05{:02}", n + 1),
                9,
                &format!("SUMMARY:Member {n}"),
            ),
        )
        .await?;
    }
    Ok(())
}

/// What they do afterwards.
async fn after(
    backend: &RecordedServers,
    sync: impl AsyncFn(&[&str]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let [anna, ben] = backend.people("two_way");
    // It leaves the window at its past end, and the next whole listing archives it.
    change(&anna, "Old", &format!(":{YEAR}"), ":2021").await?;
    sync(&[]).await?;
    sync(&["--full"]).await?;
    // It has guests, so its origin stays.
    remove(&ben, "Dinner").await?;
    // Edited on one side and deleted on the other.
    change(&ben, "Origin made again", "SUMMARY:", "LOCATION:Edited\r\nSUMMARY:").await?;
    remove(&anna, "Origin made again").await?;
    change(&anna, "Own made again", "SUMMARY:", "LOCATION:Edited\r\nSUMMARY:").await?;
    remove(&ben, "Own made again").await?;
    change(&anna, "Copy made again", "SUMMARY:", "LOCATION:Edited\r\nSUMMARY:").await?;
    remove(&ben, "Copy made again").await?;

    let [origins, copies] = backend.people("private");
    let copy_at = async |day: &str| -> anyhow::Result<String> {
        let agenda = copies.agenda().await?;
        let start = format!("{YEAR}{day}T090000Z");
        Ok(agenda
            .iter()
            .find(|entry| entry.start() == start)
            .context("a copy at that time")?
            .name
            .clone())
    };
    for day in ["0306", "0307"] {
        copies.delete(&copy_at(day).await?).await?;
    }
    copies
        .edit(&copy_at("0308").await?, |ics| ics.replace("SUMMARY:Busy", "SUMMARY:By hand"))
        .await?;

    let [gina, at_home] = backend.people("google");
    change(&at_home, "Copy made again", "SUMMARY:", "LOCATION:Edited\r\nSUMMARY:").await?;
    remove(&gina, "Copy made again").await?;

    let [many, _] = backend.people("held");
    for n in 0..12 {
        remove(&many, &format!("Member {n}")).await?;
    }
    sync(&[]).await?;

    // A title that changes brings a suppressed copy back.
    change(&origins, "Wanted again", "SUMMARY:Wanted again", "SUMMARY:Wanted after all").await?;
    let Person::Near(near) = &anna else { anyhow::bail!("she is on our server") };
    near.plant(
        "unreadable.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:cut\r\nDTSTART:2034",
    );
    sync(&[]).await
}

/// The rows of a data directory, with placeholders for what differs from one run to the next.
fn rows(data: &Path, backend: &RecordedServers) -> anyhow::Result<String> {
    let script = format!("{FOLDER}/rows.py");
    let output =
        Command::new("python3").args([&script, "dump"]).arg(data.join("calrelay.db")).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut text = String::from_utf8(output.stdout)?;
    for (placeholder, address) in backend.addresses() {
        text = text.replace(&address, placeholder);
    }
    let mut lines = String::new();
    for line in text.lines() {
        let mut row: Value = serde_json::from_str(line)?;
        if row["key"] == "s" {
            row["value"]["listed_on"] = json!("@listed@");
            if !row["value"]["held"].is_null() {
                row["value"]["held"]["since"] = json!("@now@");
            }
        }
        lines += &format!("{row}\n");
    }
    Ok(lines)
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch, not a setting of the product")]
fn program() -> Option<PathBuf> {
    std::env::var_os(SWITCH).map(PathBuf::from)
}

#[tokio::test]
async fn a_recording_is_made_where_it_is_asked_for() -> anyhow::Result<()> {
    let Some(program) = program() else { return Ok(()) };
    ensure!(storage::kind()? == Kind::Embedded, "the recording is that of a data directory");
    let backend = RecordedServers::new().await?;
    let cli = backend
        .google
        .settings()
        .iter()
        .fold(Cli::running(program, tempfile::tempdir()?), |cli, (name, value)| {
            cli.with(name, value)
        });
    let mut accounts = Vec::new();
    for (server, (user, password)) in backend.servers.iter().zip(PEOPLE) {
        accounts.push(cli.connect(server.url().as_str(), user, password).await?);
    }
    let token = backend.gina().refresh_token();
    let added = cli
        .run_with(
            &["account", "add", "google", "--refresh-token-stdin", "--json"],
            &format!("{token}\n"),
        )
        .await?;
    accounts.push(cli::id(&added.done()?)?);
    let mut pairs = serde_json::Map::new();
    for ((name, ends), terms) in PAIRS.iter().zip(ENDS).zip(TERMS) {
        let mut ids = Vec::new();
        for end in ends {
            let (account, name) = end.map_or((2, GINA), |(side, name)| (side, name));
            ids.push(cli.calendar(&accounts[account], name).await?);
        }
        pairs.insert((*name).to_owned(), json!(cli.pair_add(&ids[0], &ids[1], terms).await?));
    }

    let sync = async |arguments: &[&str]| -> anyhow::Result<()> {
        for arguments in [arguments, &[]] {
            for run in cli.sync_all(arguments).await? {
                ensure!(run["error"].is_null(), "{run}");
            }
        }
        Ok(())
    };
    before(&backend).await?;
    sync(&[]).await?;
    after(&backend, &sync).await?;

    let saved = |side: usize| -> anyhow::Result<Value> {
        let names = ENDS.into_iter().flatten().flatten().filter(|(at, _)| *at == side);
        names
            .map(|(_, name)| {
                Ok((name.to_owned(), serde_json::to_value(backend.calendar(side, name).saved())?))
            })
            .collect()
    };
    let google = json!({"refresh_token": token, "calendar": backend.gina().primary().saved()});
    let recorded = json!({"accounts": accounts, "pairs": pairs, "anna": saved(0)?, "ben": saved(1)?, "google": google});
    std::fs::write(format!("{FOLDER}/rows.jsonl"), rows(&cli.data_dir(), &backend)?)?;
    std::fs::write(format!("{FOLDER}/installation.json"), format!("{recorded:#}\n"))?;
    std::fs::copy(cli.data_dir().join("vault.key"), format!("{FOLDER}/vault.key"))?;
    Ok(())
}
