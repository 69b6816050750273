//! A pair: how it stands, paused and resumed, ended.

use axum::extract::{Path, Query};
use axum::response::Response;
use engine::calendar::PairId;
use engine::pair::Pair;
use jobs::report::PairState;
use maud::{Markup, html};
use records::problem::PairStatus;

use super::connect::Done;
use super::error::PageError;
use super::layout::{Page, Section, see_other};
use super::pairs::{Names, state_words};
use super::time::when;
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;

/// A pair with its state and the names of its calendars.
pub struct PairView {
    pub pair: Pair,
    pub state: PairState,
    pub names: Names,
}

impl PairView {
    /// The pair with this id.
    pub async fn find(visitor: &Visitor, id: &str) -> Result<Self, PageError> {
        let scope = &visitor.scope;
        let pair = scope.directory().pair(&PairId::new(id)).await?;
        let status = jobs::status(scope, scope.setup.poll_seconds).await?;
        let state = status.pairs.into_iter().find(|state| state.id == pair.id);
        let state = state.ok_or(PageError::NotFound)?;
        Ok(Self { names: Names::read(scope).await?, pair, state })
    }

    /// The name of the pair.
    pub fn name(&self) -> String {
        self.names.of_pair(&self.pair)
    }

    /// The path of a page of the pair.
    pub fn path(&self, page: &str) -> String {
        format!("/app/pairs/{}{page}", self.pair.id)
    }
}

/// The page of a pair.
pub async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    let view = PairView::find(&visitor, &id).await?;
    let is_paused = view.state.state == PairStatus::Paused;
    let main = html! {
        (table(&view, &visitor))
        div.row {
            @if view.state.state != PairStatus::Draft {
                form method="post" action=(view.path(if is_paused { "/resume" } else { "/pause" })) {
                    button { (if is_paused { WORDS.resume() } else { WORDS.pause() }) }
                }
            }
            a href=(view.path("/explain")) { (WORDS.why_not_there()) }
            a href=(view.path("/conflicts")) { (WORDS.conflicts()) }
            a href=(view.path("/end")) { (WORDS.end_this_pair()) }
        }
        (problems(&view.state))
    };
    let mut page = Page::new(Section::Pairs, view.name(), main);
    page.needs = view.state.told.as_ref().map(|told| {
        html! {
            section.card.banner aria-labelledby="needs" {
                h2 id="needs" { (WORDS.state_of_pair(view.state.state)) }
                p { (told.detail()) }
            }
        }
    });
    page.done = match done.done.as_deref() {
        Some("paused") if is_paused => Some(WORDS.paused().to_owned()),
        Some("resumed") if !is_paused => Some(WORDS.resumed().to_owned()),
        _ => None,
    };
    Ok(page.into_answer())
}

fn table(view: &PairView, visitor: &Visitor) -> Markup {
    let PairView { pair, state, names } = view;
    let now = visitor.scope.clock.now();
    let quick = state.quickness.map_or_else(
        || WORDS.not_measured().to_owned(),
        |it| WORDS.quickness(it.p50_seconds, it.p95_seconds, it.changes, it.days),
    );
    let (from, to) = (names.of_calendar(&pair.from), names.of_calendar(&pair.to));
    let rules = WORDS.rules([&from, &to], pair.two_way, [pair.private, pair.private_back]);
    let next = WORDS.next_look(state.state, state.next_sync.is_some());
    let cells = [
        state_words(state),
        when(state.last_sync, now),
        html! { (next) },
        html! { (quick) },
        html! { (state.copies) },
        html! { (rules) },
    ];
    html! {
        table {
            caption { (WORDS.how_it_stands()) }
            tbody {
                @for (name, cell) in WORDS.pair_rows().into_iter().zip(cells) {
                    tr { th scope="row" { (name) } td { (cell) } }
                }
            }
        }
    }
}

fn problems(state: &PairState) -> Markup {
    html! {
        @if state.problems > 0 {
            h2 { (WORDS.not_copied(state.problems)) }
            ul {
                @for problem in state.problem_events.iter().take(20) {
                    li { (problem.event) ": " (jobs::next_step::neutral(&problem.message)) }
                }
            }
        }
    }
}

/// Pauses a pair.
pub async fn pause(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let pair = PairId::new(id.clone());
    let work = Box::pin(jobs::pairs::pause_pair(&visitor.scope, &pair));
    visitor.audited("pair.pause", &id, work, |_| None).await?;
    Ok(see_other(&format!("/app/pairs/{id}?done=paused")))
}

/// Resumes a pair.
pub async fn resume(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let pair = PairId::new(id.clone());
    let work = Box::pin(jobs::pairs::resume_pair(&visitor.scope, &pair));
    visitor.audited("pair.resume", &id, work, |_| None).await?;
    Ok(see_other(&format!("/app/pairs/{id}?done=resumed")))
}

/// What goes and what stays.
pub async fn ask_end(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let view = PairView::find(&visitor, &id).await?;
    let main = html! {
        p { (WORDS.end_words(&view.name(), view.state.copies)) }
        form.row method="post" action=(view.path("/end")) {
            button.danger { (WORDS.end_button()) }
            a href=(view.path("")) { (WORDS.cancel()) }
        }
    };
    Ok(Page::new(Section::Pairs, WORDS.end_heading(), main).into_answer())
}

/// Ends a pair.
pub async fn end(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let pair = PairId::new(id.clone());
    let work = Box::pin(jobs::pairs::remove_pair(&visitor.scope, &pair));
    visitor.audited("pair.remove", &id, work, |()| None).await?;
    Ok(see_other("/app/pairs?done=ended"))
}
