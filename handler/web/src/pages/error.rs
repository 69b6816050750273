//! Pages for what cannot be shown.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, PreEscaped, html};

use super::layout::{Page, Section};
use crate::visitor::Refusal;
use crate::words::Words;

const WORDS: Words = Words;

/// Why a page cannot be shown.
#[derive(Debug)]
pub enum PageError {
    NotFound,
    /// What was sent is no form of these pages.
    BadForm,
    /// No visitor was let in.
    Refused(Refusal),
    Failed(jobs::Error),
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<jobs::Error> for PageError {
    fn from(error: jobs::Error) -> Self {
        match error {
            jobs::Error::NotFound(_) => Self::NotFound,
            error => Self::Failed(error),
        }
    }
}

impl From<records::Error> for PageError {
    fn from(error: records::Error) -> Self {
        jobs::Error::from(error).into()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => page(
                StatusCode::NOT_FOUND,
                Section::Pairs,
                WORDS.not_found(),
                &[WORDS.not_found_words()],
            ),
            Self::BadForm => page(
                StatusCode::BAD_REQUEST,
                Section::Pairs,
                WORDS.not_found(),
                &[WORDS.not_found_words()],
            ),
            Self::Refused(refusal) => refused(refusal),
            Self::Failed(error) => failed(&error, Section::Pairs),
        }
    }
}

fn refused(refusal: Refusal) -> Response {
    let outside = Section::Outside;
    match refusal {
        Refusal::Misdirected => page(
            StatusCode::MISDIRECTED_REQUEST,
            outside,
            WORDS.misdirected(),
            &WORDS.misdirected_words(),
        ),
        Refusal::CrossSite => {
            page(StatusCode::FORBIDDEN, outside, WORDS.cross_site(), &[WORDS.cross_site_words()])
        }
        Refusal::Unauthenticated { .. } => {
            page(StatusCode::FORBIDDEN, outside, WORDS.not_signed_in(), &WORDS.how_to_sign_in())
        }
        Refusal::Failed(error) => failed(&error, outside),
    }
}

fn failed(error: &jobs::Error, section: Section) -> Response {
    tracing::warn!(%error, "a page could not be shown");
    let words = crate::problem::words(error);
    page(StatusCode::SERVICE_UNAVAILABLE, section, WORDS.failed(), &[&words])
}

/// A page of paragraphs.
pub fn page(status: StatusCode, section: Section, heading: &str, paragraphs: &[&str]) -> Response {
    let main = html! { @for words in paragraphs { p { (with_code(words)) } } };
    Page::new(section, heading, main).with_status(status).into_answer()
}

/// A text in which parts between two `` ` `` are code.
pub fn with_code(words: &str) -> Markup {
    let parts: Vec<&str> = words.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return html! { (words) };
    }
    let marked = parts.iter().enumerate().map(|(n, part)| match n % 2 {
        0 => html! { (part) },
        _ => html! { code { (part) } },
    });
    PreEscaped(marked.map(PreEscaped::into_string).collect())
}
