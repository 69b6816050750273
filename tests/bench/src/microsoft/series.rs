//! A series that is moved: one of another maker that is read, and one that Calrelay wrote.

use std::path::Path;

use anyhow::ensure;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};
use simulators::traffic::{Counts, Kind};

use super::mailbox::{Mailbox, reads};
use crate::data;
use crate::table::Table;

/// Occurrences.
const COUNT: i64 = 52;
/// Changed and deleted occurrences of the series that is written.
const CHANGED: i64 = 5;
const DELETED: i64 = 3;

/// Measures, and shows one table.
pub async fn measure(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    eprintln!("Series are moved…");
    let source = moved_source(calrelay).await?;
    let target = moved_target(calrelay).await?;
    let columns = ["reads", "PATCH of series", "other writes"];
    let mut table = Table::new(format!("A series of {COUNT} is moved by an hour"), &columns);
    let cells = [reads(&source).to_string(), "0".into(), source.writes().to_string()];
    table.row("as a source", cells).target("at most 3 reads", reads(&source) <= 3);
    let writes = target.writes();
    let cells = [reads(&target).to_string(), "1".into(), (writes - 1).to_string()];
    let met = reads(&target) <= 2 && writes as i64 == 1 + CHANGED + DELETED;
    table
        .row(&format!("as a target, {CHANGED} changed, {DELETED} deleted"), cells)
        .target("1 PATCH, 1 read beside the delta page, 8 writes", met);
    table.note(format!("Asked as a source: {source}."));
    table.note(format!("Asked as a target: {target}."));
    show(table);
    Ok(())
}

/// A weekly series in Outlook, the first within the window.
async fn moved_source(calrelay: &Path) -> anyhow::Result<Counts> {
    let mailbox = Mailbox::new(calrelay).await?;
    let id = mailbox.office.add(outlook(10));
    mailbox.pair(true).await?;
    mailbox.pass().await?;
    mailbox.pass().await?;
    let copies = mailbox.desk.len();
    ensure!(mailbox.office.patch(&id, times(11)), "the series is not there");
    let (_, asked) = mailbox.pass().await?;
    ensure!(mailbox.desk.len() == copies, "{} copies of {copies}", mailbox.desk.len());
    let all = mailbox.desk.objects();
    let moved = all.iter().filter(|(_, ics)| ics.contains("T110000")).count();
    ensure!(moved == copies, "{moved} of {copies} copies were moved");
    Ok(asked)
}

async fn moved_target(calrelay: &Path) -> anyhow::Result<Counts> {
    let mailbox = Mailbox::new(calrelay).await?;
    mailbox.desk.put("series.ics", &object(10));
    mailbox.pair(false).await?;
    mailbox.pass().await?;
    mailbox.pass().await?;
    mailbox.desk.put("series.ics", &object(11));
    let (_, asked) = mailbox.pass().await?;
    ensure!(asked.of(Kind::Patch) >= 1, "the series was not moved: {asked}");
    ensure!(mailbox.office.len() == 1, "{} events of a series", mailbox.office.len());
    Ok(asked)
}

fn first() -> Date {
    data::today().saturating_sub(28.days())
}

fn times(hour: i8) -> Value {
    let day = first();
    let time = |minute: u8| {
        json!({"dateTime": format!("{day}T{hour:02}:{minute:02}:00"),
            "timeZone": "W. Europe Standard Time"})
    };
    json!({"start": time(0), "end": time(45)})
}

fn outlook(hour: i8) -> Value {
    let day = first();
    let mut event = times(hour);
    event["subject"] = json!("Weekly");
    event["recurrence"] = json!({
        "pattern": {"type": "weekly", "interval": 1, "firstDayOfWeek": "monday",
            "daysOfWeek": [format!("{:?}", day.weekday()).to_lowercase()]},
        "range": {"type": "numbered", "startDate": day, "numberOfOccurrences": COUNT,
            "recurrenceTimeZone": "W. Europe Standard Time"},
    });
    event
}

/// A weekly series in UTC: occurrences 6 to 10 have another title, 12 to 14 are deleted.
fn object(hour: i8) -> String {
    let on = |week: i64| {
        let day = first().saturating_add((7 * week).days()).strftime("%Y%m%d");
        format!("{day}T{hour:02}0000Z")
    };
    let event = |lines: &str| {
        format!(
            "BEGIN:VEVENT\nUID:series@calendars.example\nDTSTAMP:20260101T000000Z\n\
             DURATION:PT45M\n{lines}END:VEVENT\n"
        )
    };
    let deleted: String = (0..DELETED).map(|n| format!("EXDATE:{}\n", on(12 + n))).collect();
    let mut text = event(&format!(
        "DTSTART:{}\nRRULE:FREQ=WEEKLY;COUNT={COUNT}\nSUMMARY:Weekly\n{deleted}",
        on(0)
    ));
    for n in 0..CHANGED {
        let start = on(6 + n);
        text += &event(&format!("DTSTART:{start}\nRECURRENCE-ID:{start}\nSUMMARY:Guest {n}\n"));
    }
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Calrelay//Bench//EN\n{text}END:VCALENDAR\n")
}
