//! Pages about the events of a pair: those of a day, each with its verdict, and conflicts.

use axum::extract::{Path, Query};
use axum::response::Response;
use engine::calendar::PairId;
use http::StatusCode;
use jiff::civil::Date;
use jobs::day::{self, Day, DayEvent};
use maud::{Markup, html};
use records::pair_state::conflicts::ConflictRow;
use serde::Deserialize;

use super::error::PageError;
use super::form::FieldErrors;
use super::layout::{Page, Section};
use super::pair::PairView;
use super::time::when;
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;
/// Conflicts on a page.
const ON_A_PAGE: usize = 50;

/// Which day.
#[derive(Deserialize)]
pub struct Asked {
    day: Option<String>,
}

/// Which page of conflicts.
#[derive(Deserialize)]
pub struct WhichPage {
    cursor: Option<String>,
}

/// Why an event is not there: by the day.
pub async fn explain(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let view = PairView::find(&visitor, &id).await?;
    let mut errors = FieldErrors::default();
    let text = asked.day.as_deref().unwrap_or_default();
    let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    if asked.day.is_some() && day.is_none() {
        errors.add("day", WORDS.no_such_day());
    }
    let zone = view.names.zone(&view.pair);
    let found = match day {
        Some(day) => match day::events(&visitor.scope, &view.pair.id, day, &zone).await {
            Ok(found) => Some(found),
            // A day that is centuries away.
            Err(jobs::Error::Request(_)) => {
                errors.add("day", WORDS.no_such_day());
                None
            }
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let main = html! {
        (errors.summary())
        form method="get" action=(view.path("/explain")) {
            div.field {
                label for="day" { (WORDS.which_day()) }
                (errors.beside("day"))
                input.text id="day" name="day" type="date" value=(text)
                    aria-describedby=[errors.described_by("day", false)]
                    aria-invalid=[errors.is_wrong("day").then_some("true")];
            }
            button.go { (WORDS.show_that_day()) }
        }
        @if let Some(found) = &found { (day_table(&view, found)) }
    };
    let mut page = Page::new(Section::Pairs, WORDS.why_not_there(), main);
    if errors.any() {
        page.is_refused = true;
        page.status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(page.into_answer())
}

fn day_table(view: &PairView, found: &Day) -> Markup {
    html! {
        p.soft { (WORDS.titles_are_not_kept()) }
        @if !found.exists { p { (WORDS.day_left_out()) } }
        @for unread in &found.unread {
            div.card.banner {
                h2 { (WORDS.not_read(&view.names.of_calendar(&unread.calendar))) }
                p { (unread.told.detail()) }
            }
        }
        h2 id="events" { (WORDS.events_of_that_day()) }
        @if found.events.is_empty() {
            p { (WORDS.no_events()) }
        } @else {
            div.scroll {
                table aria-labelledby="events" {
                    thead { tr { @for name in WORDS.day_columns() { th scope="col" { (name) } } } }
                    tbody { @for event in &found.events { (day_row(view, event, &found.zone)) } }
                }
            }
        }
        @if found.more { p { (WORDS.more_events()) } }
    }
}

fn day_row(view: &PairView, event: &DayEvent, zone: &str) -> Markup {
    let title = if event.title.0.is_empty() { "-" } else { &event.title.0 };
    html! {
        tr {
            td { (super::time::span(event.start.as_deref(), event.end.as_deref(), zone)) }
            th scope="row" { (title) }
            td { (view.names.of_calendar(&event.calendar)) }
            td {
                @if event.copied && event.reason.is_none() {
                    span.state.good { (WORDS.copied()) }
                } @else {
                    (event.neutral_message())
                }
            }
        }
    }
}

/// Conflicts of the last 30 days.
pub async fn conflicts(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(page): Query<WhichPage>,
) -> Result<Response, PageError> {
    let view = PairView::find(&visitor, &id).await?;
    let id = PairId::new(id);
    let cursor = page.cursor.as_deref();
    let listed = jobs::conflicts::list(&visitor.scope, &id, cursor, ON_A_PAGE).await?;
    let main = html! {
        p { (WORDS.about_conflicts()) }
        @if listed.conflicts.is_empty() {
            p { (WORDS.no_conflicts()) }
        } @else {
            div.scroll {
                table {
                    caption { (WORDS.conflicts_of_a_month()) }
                    thead { tr { @for name in WORDS.conflict_columns() { th scope="col" { (name) } } } }
                    tbody { @for row in &listed.conflicts { (conflict_row(&view, row, &visitor)) } }
                }
            }
            @if let Some(next) = &listed.next {
                p { a href={ (view.path("/conflicts?cursor=")) (next) } { (WORDS.further()) } }
            }
        }
    };
    Ok(Page::new(Section::Pairs, WORDS.conflicts(), main).into_answer())
}

fn conflict_row(view: &PairView, row: &ConflictRow, visitor: &Visitor) -> Markup {
    let zone = view.names.zone(&view.pair);
    let outcome = serde_json::to_value(row.outcome).ok();
    let outcome = outcome.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
    html! {
        tr {
            th scope="row" { (super::time::span(row.start.as_deref(), None, &zone)) }
            td { (when(Some(row.at), visitor.scope.clock.now())) }
            td { (row.fields.join(", ")) }
            td { (WORDS.outcome(outcome)) }
        }
    }
}
