//! Forms: what was sent, and fields with their errors.

use axum::extract::{FromRequest, Request};
use http::header;
use maud::{Markup, html};

use super::error::PageError;
use crate::request::PendingBody;
use crate::words::Words;

const WORDS: Words = Words;

/// A form that was sent.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The value of a field; empty where it is missing.
    pub fn text<'a>(&'a self, name: &'a str) -> &'a str {
        self.all(name).next().unwrap_or_default()
    }

    /// The values of a field that may come several times.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &S) -> Result<Self, PageError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_form = kind.is_some_and(|kind| {
            kind.split(';').next().unwrap_or_default().trim() == "application/x-www-form-urlencoded"
        });
        let Some(body) = request.extensions().get::<PendingBody>().filter(|_| is_form) else {
            return Err(PageError::BadForm);
        };
        let body = body.read().await.map_err(|_| PageError::BadForm)?;
        Ok(Self(url::form_urlencoded::parse(&body).into_owned().collect()))
    }
}

/// The errors of a form, by the id of their field.
#[derive(Default)]
pub struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    /// Adds an error.
    pub fn add(&mut self, field: &'static str, words: impl Into<String>) {
        self.0.push((field, words.into()));
    }

    /// Whether the form is refused.
    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }

    fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| *found == field).map(|(_, words)| words.as_str())
    }

    /// The summary at the top of a refused form.
    pub fn summary(&self) -> Markup {
        html! {
            @if self.any() {
                div.card.summary role="alert" aria-labelledby="problem" {
                    h2 id="problem" { (WORDS.problem_summary()) }
                    ul role="list" {
                        @for (field, words) in &self.0 { li { a href={ "#" (field) } { (words) } } }
                    }
                }
            }
        }
    }

    /// The error beside a field.
    pub fn beside(&self, field: &str) -> Markup {
        html! {
            @if let Some(words) = self.of(field) {
                span.error id={ (field) "-error" } { (WORDS.error_prefix()) (words) }
            }
        }
    }

    /// The ids of what describes a field.
    pub fn described_by(&self, field: &str, has_hint: bool) -> Option<String> {
        let hint = has_hint.then(|| format!("{field}-hint"));
        let error = self.of(field).map(|_| format!("{field}-error"));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// Whether a field has an error.
    pub fn is_wrong(&self, field: &str) -> bool {
        self.of(field).is_some()
    }
}

/// A field for one line of text. `id` is its name, too.
pub struct TextField<'a> {
    pub id: &'a str,
    pub label: &'a str,
    pub hint: Option<&'a str>,
    pub kind: &'a str,
    pub value: &'a str,
    pub autocomplete: &'a str,
}

impl TextField<'_> {
    /// The field with its label, hint and error.
    pub fn markup(&self, errors: &FieldErrors) -> Markup {
        let described = errors.described_by(self.id, self.hint.is_some());
        let invalid = errors.is_wrong(self.id).then_some("true");
        html! {
            div.field {
                label for=(self.id) { (self.label) }
                @if let Some(hint) = self.hint { span.hint id={ (self.id) "-hint" } { (hint) } }
                (errors.beside(self.id))
                input.text id=(self.id) name=(self.id) type=(self.kind) value=(self.value)
                    autocomplete=(self.autocomplete) spellcheck="false"
                    aria-describedby=[described] aria-invalid=[invalid];
            }
        }
    }
}
