//! A first sync into a mailbox and out of a large one, and passes after it.

use std::path::Path;

use anyhow::ensure;
use serde_json::{Value, json};

use super::mailbox::{Mailbox, reads};
use crate::data;
use crate::push::{CONCURRENCY, LATENCY};
use crate::stats::{count, memory};
use crate::table::Table;

/// Events that are written into a mailbox.
const INTO: u64 = 2_000;
/// Events of a large mailbox, all within the window.
const OUT: u64 = 10_000;
/// The most that a pass may hold, in KiB.
const PEAK: u64 = 64 * 1024;

/// Measures, and shows two tables.
pub async fn measure(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    into(calrelay, show).await?;
    out(calrelay, show).await
}

async fn into(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    eprintln!("{} events are written into a mailbox…", count(INTO));
    let mailbox = Mailbox::new(calrelay).await?;
    for (name, ics) in data::objects(INTO, data::today()) {
        mailbox.desk.put(&name, &ics);
    }
    mailbox.pair(false).await?;
    let (run, asked) = mailbox.pass().await?;
    ensure!(mailbox.office.len() as u64 == INTO, "{} copies", mailbox.office.len());
    let title = format!("{} events into a mailbox, one of ten a series", count(INTO));
    let mut table =
        Table::new(title, &["creates a second", "creates", "reads", "throttled", "peak"]);
    let (speed, throttled) = (INTO as f64 / run.wall.as_secs_f64(), mailbox.throttled());
    let cells = [
        format!("{speed:.1}"),
        asked.writes().to_string(),
        reads(&asked).to_string(),
        throttled.to_string(),
        memory(run.peak),
    ];
    table
        .row("first sync", cells)
        .target("at least 25, none throttled", speed >= 25.0 && throttled == 0);
    let floor = CONCURRENCY as f64 / LATENCY.as_secs_f64();
    table.row(
        "the most that the mailbox answers",
        [format!("{floor:.1}"), String::new(), String::new(), String::new(), String::new()],
    );
    let (_, asked) = mailbox.pass().await?;
    let quiet = asked.writes() == 0;
    let cells = [
        String::new(),
        asked.writes().to_string(),
        reads(&asked).to_string(),
        String::new(),
        String::new(),
    ];
    table.row("the echo", cells).target("no write", quiet);
    show(table);
    Ok(())
}

async fn out(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    eprintln!("A mailbox of {} events is read…", count(OUT));
    let mailbox = Mailbox::new(calrelay).await?;
    let ids: Vec<String> = (0..OUT).map(|n| mailbox.office.add(event(n))).collect();
    mailbox.pair(true).await?;
    let title = format!("A mailbox of {} events", count(OUT));
    let mut table = Table::new(title, &["reads", "writes", "peak"]);
    let mut row = |what: &str, run: &crate::process::Run, asked: &simulators::traffic::Counts| {
        let cells = [reads(asked).to_string(), asked.writes().to_string(), memory(run.peak)];
        table.row(what, cells);
    };
    let (run, asked) = mailbox.pass().await?;
    ensure!(mailbox.desk.len() as u64 == OUT, "{} copies", mailbox.desk.len());
    row("first sync", &run, &asked);
    let first = reads(&asked) <= 30 && run.peak < PEAK;
    mailbox.pass().await?;
    let (run, asked) = mailbox.pass().await?;
    row("no change", &run, &asked);
    let quiet = reads(&asked) <= 1 && asked.writes() == 0;
    ensure!(mailbox.office.patch(&ids[0], json!({"subject": "Moved"})), "an event is not there");
    let (run, asked) = mailbox.pass().await?;
    row("one change", &run, &asked);
    let one = reads(&asked) <= 1;
    for (what, met) in [
        ("first sync: at most 30 reads, below 64 MiB", first),
        ("no change: one page", quiet),
        ("one change: one page", one),
    ] {
        table.row(what, [String::new(), String::new(), String::new()]).target("", met);
    }
    show(table);
    Ok(())
}

/// An hour within the window of a pair.
fn event(n: u64) -> Value {
    use jiff::ToSpan as _;
    let day = data::today().saturating_add(((n * 400 / OUT) as i64 - 60).days());
    let hour = 6 + n % 12;
    let time = |minute: u8| json!({"dateTime": format!("{day}T{hour:02}:{minute:02}:00"), "timeZone": "UTC"});
    json!({
        "subject": format!("Meeting number {n}"), "start": time(0), "end": time(45),
        "location": {"displayName": format!("Room {}, second floor", n % 30)},
        "body": {"contentType": "text", "content": format!("Agenda: what was done, what is next. Number {n}.")},
    })
}
