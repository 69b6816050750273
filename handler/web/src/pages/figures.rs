//! Drawings.

use maud::{Markup, html};

use crate::words::Words;

const WORDS: Words = Words;

/// What a person sees at a step of making an app-specific password. It says nothing that the step
/// does not say.
pub fn app_password(step: usize) -> Markup {
    let [section, choice] = WORDS.apple_screens();
    html! {
        @match step {
            1 => (frame(&html! {
                rect.raised x="16" y="40" width="288" height="34" rx="6" {}
                text x="28" y="62" { (section) }
                rect.chosen x="16" y="84" width="288" height="34" rx="6" {}
                text x="28" y="106" { (choice) }
            })),
            2 => (frame(&html! {
                rect.raised x="16" y="40" width="200" height="34" rx="6" {}
                text x="28" y="62" { (WORDS.product()) }
                rect.chosen x="228" y="40" width="76" height="34" rx="6" {}
                path.sign d="M266 48v18M257 57h18" {}
            })),
            3 => (frame(&html! {
                @for n in 0..4 {
                    rect.chosen x=(16 + n * 74) y="48" width="66" height="38" rx="6" {}
                    text x=(28 + n * 74) y="72" { "abcd" }
                }
            })),
            _ => {},
        }
    }
}

fn frame(inside: &Markup) -> Markup {
    html! {
        svg.figure viewBox="0 0 320 132" width="320" height="132" aria-hidden="true" {
            rect.window x="1" y="1" width="318" height="130" rx="10" {}
            circle.dot cx="16" cy="16" r="4" {}
            circle.dot cx="30" cy="16" r="4" {}
            circle.dot cx="44" cy="16" r="4" {}
            (inside)
        }
    }
}
