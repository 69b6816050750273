//! `calrelay explain`: why an event was, or was not, copied; or all events of one day.

use std::fmt::Write;
use std::io::IsTerminal;

use clap::Args;
use engine::calendar::PairId;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jobs::Scope;
use jobs::day::{Day, DayEvent};

use super::outcome::{CommandOutcome, Result};
use super::output::{one_line, table};
use super::words::reason;
use crate::terminal::Output;

/// The arguments of `calrelay explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The pair.
    #[arg(long, value_name = "ID")]
    pair: PairId,
    /// The event's id, as `calrelay sync` and `calrelay status` show it.
    #[arg(long, value_name = "EVENT-ID", required_unless_present = "on", conflicts_with = "on")]
    event: Option<String>,
    /// Every event of this day in both calendars, read from them now: 2026-12-03
    #[arg(long, value_name = "DAY", value_parser = day)]
    on: Option<Date>,
    /// The time zone of the day [default: that of this machine]
    #[arg(long, value_name = "ZONE", requires = "on", conflicts_with = "event")]
    zone: Option<String>,
    /// Show the titles of the events of the day, at a terminal only.
    #[arg(long, requires = "on", conflicts_with_all = ["json", "event"])]
    titles: bool,
}

/// A day as `2026-12-03`.
fn day(text: &str) -> std::result::Result<Date, String> {
    let is_written_out = text.len() == 10 && text.is_ascii();
    text.parse()
        .ok()
        .filter(|_| is_written_out)
        .ok_or_else(|| "it is no day; write one as 2026-12-03".to_owned())
}

/// Runs the command.
pub async fn run(scope: &Scope, arguments: &ExplainArguments, output: &Output) -> Result {
    if let Some(on) = arguments.on {
        return explain_day(scope, arguments, on, output).await;
    }
    let event = arguments.event.as_deref().unwrap_or_default();
    let answer = jobs::explain(scope, &arguments.pair, event).await?;
    output.answer(&answer, || {
        let mut text = format!("{}\n", answer.message);
        if let Some(copy) = &answer.copy {
            let _ = writeln!(text, "Its copy: {copy}");
        }
        text
    })?;
    Ok(CommandOutcome::Done)
}

/// If a calendar cannot be read, the events of the other one are shown, and the exit status is 1.
async fn explain_day(
    scope: &Scope,
    arguments: &ExplainArguments,
    on: Date,
    output: &Output,
) -> Result {
    let zone = arguments.zone.clone().unwrap_or_else(machine_zone);
    let answer = Box::pin(jobs::day::events(scope, &arguments.pair, on, &zone)).await?;
    let may_show = arguments.titles && std::io::stdout().is_terminal();
    if arguments.titles && !may_show {
        output.note("Titles are shown at a terminal only, and this is none: they are left out.");
    }
    output.answer(&answer, || words(&answer, may_show))?;
    for unread in &answer.unread {
        output.note(&format!("{}: {}", unread.calendar, unread.error.message));
    }
    Ok(if answer.unread.is_empty() { CommandOutcome::Done } else { CommandOutcome::Failed })
}

/// The zone of this machine; UTC where it has no name.
fn machine_zone() -> String {
    TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

fn words(answer: &Day, with_titles: bool) -> String {
    let mut text = format!("{} in {}\n", answer.day, one_line(&answer.zone));
    if !answer.exists {
        text.push_str("The clocks of that zone left this day out; only all-day events have it.\n");
    }
    let rows: Vec<[String; 5]> = answer.events.iter().map(row).collect();
    let none = "Nothing was found on that day.";
    if with_titles {
        let titled: Vec<[String; 6]> = rows.into_iter().zip(&answer.events).map(titled).collect();
        let head = ["start", "title", "", "reason", "calendar", "event"];
        text.push_str(&table(head, &titled, none));
    } else {
        text.push_str(&table(["start", "", "reason", "calendar", "event"], &rows, none));
    }
    for event in answer.events.iter().filter(|event| !event.copied) {
        let _ = writeln!(text, "{}: {}", one_line(&event.event), one_line(&event.message));
    }
    if answer.more {
        text.push_str("There is more on that day than is shown.\n");
    }
    text
}

fn row(event: &DayEvent) -> [String; 5] {
    [
        event.start.clone().unwrap_or_default(),
        if event.copied { "copied" } else { "not copied" }.to_owned(),
        event.reason.as_ref().map(reason).unwrap_or_default(),
        event.calendar.to_string(),
        event.event.clone(),
    ]
}

fn titled((row, event): ([String; 5], &DayEvent)) -> [String; 6] {
    let [start, copied, reason, calendar, id] = row;
    [start, event.title.0.clone(), copied, reason, calendar, id]
}

#[cfg(test)]
mod tests {
    use engine::calendar::CalendarId;
    use engine::reason::Reason;
    use jobs::day::Title;

    use super::*;

    fn answer() -> Day {
        Day {
            pair: PairId::new("p1"),
            day: "2026-03-10".parse().unwrap(),
            zone: "Europe/Berlin".into(),
            exists: true,
            events: vec![DayEvent {
                event: "lunch.ics".into(),
                calendar: CalendarId::new("c1"),
                start: Some("2026-03-10T11:00:00Z".into()),
                end: Some("2026-03-10T12:00:00Z".into()),
                copied: false,
                reason: Some(Reason::Declined),
                message: Reason::Declined.in_words().into(),
                copy: None,
                title: Title("Lunch with Zoe".into()),
            }],
            more: false,
            unread: Vec::new(),
        }
    }

    #[test]
    fn a_title_is_shown_where_it_was_asked_for_and_nowhere_else() {
        let answer = answer();
        assert!(words(&answer, true).contains("Lunch with Zoe"));
        let others =
            [words(&answer, false), serde_json::to_string(&answer).unwrap(), format!("{answer:?}")];
        assert!(!others.iter().any(|text| text.contains("Zoe")), "{others:?}");
    }

    #[test]
    fn an_event_that_is_not_copied_says_why() {
        let words = words(&answer(), false);
        for part in ["not copied", "declined", "lunch.ics: You declined it, so it has no copy."] {
            assert!(words.contains(part), "{words}");
        }
    }

    #[test]
    fn a_day_is_written_as_in_a_calendar() {
        assert!(day("2028-02-29").is_ok());
        for text in
            ["2026-02-29", "2026-13-01", "20261203", "2026-12-03T09:00", "today", "", "2026-1-1"]
        {
            assert!(day(text).is_err(), "{text}");
        }
    }
}
