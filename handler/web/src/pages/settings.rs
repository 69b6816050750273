//! The settings.

use axum::response::Response;
use maud::html;

use super::layout::{Page, Section};
use super::sign_in::SIGN_OUT;
use crate::visitor::{By, Visitor};
use crate::words::Words;

const WORDS: Words = Words;

/// The page.
pub async fn show(visitor: Visitor) -> Response {
    let main = html! {
        ul role="list" {
            li { a href="/app/settings/tokens" { (WORDS.access_tokens()) } }
        }
        @if visitor.by == By::Session {
            p { (WORDS.signed_in_words()) }
            form method="post" action=(SIGN_OUT) { button { (WORDS.sign_out()) } }
        }
    };
    Page::new(Section::Settings, WORDS.settings(), main).into_answer()
}
