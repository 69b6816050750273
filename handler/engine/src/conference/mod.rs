//! Join links and dial-in text: taken out of what a copy shows, put back into what is written to
//! the user's own event.
//!
//! A copy must not lead into the meeting of another account, so [`strip`] takes out the blocks that
//! conference services write (Google Meet, Teams, Zoom, Webex), every link to a listed host,
//! however it is wrapped, `tel:` URIs and the lines that only announced them. The properties that
//! hold for every input:
//!
//! * `strip` is idempotent, no listed host is left, and prose around blocks stays;
//! * the time is linear in the length of the text, of which at most [`ANALYSED`] bytes are looked
//!   at;
//! * after [`reattach`], `strip` finds the same prose again, and a second write-back changes
//!   nothing.

use std::collections::HashSet;
use std::fmt;

use crate::text;

mod blocks;
mod hosts;
mod links;
mod phrases;
mod place;

pub use place::{reattach_location, strip_location};

/// How many bytes of a description are analysed and carried over; what lies beyond counts as
/// removed.
pub const ANALYSED: usize = 64 * 1024;

/// How often a text is gone through until nothing more is found. Ordinary ones need one pass, and
/// one to see it.
const PASSES: usize = 16;

/// How far back from [`ANALYSED`] a blank is looked for, so that no word is cut.
const WORD: usize = 4096;

/// Opens what [`reattach`] had to set apart from the prose.
const FENCE_START: &str = "-- Joining details (kept by Calrelay) --";
/// Closes it.
const FENCE_END: &str = "-- End of joining details --";

/// A description taken apart. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct Stripped {
    /// What is carried over, in normal form.
    pub kept: String,
    /// What belongs to the user's own event only: paragraphs of blocks and details, and links, one
    /// blank line between them.
    pub removed: String,
}

impl fmt::Debug for Stripped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripped").finish_non_exhaustive()
    }
}

/// Separates the prose of a description from its joining details.
pub fn strip(description: &str) -> Stripped {
    let Analysis { kept, pieces } = analyse(description);
    Stripped { kept, removed: pieces.join("\n\n") }
}

/// Whether an address (the URL property of an iCalendar event) leads into a conference.
pub fn is_conference_url(url: &str) -> bool {
    hosts::conference_of(url.trim()).is_some()
}

/// The edited prose of a copy with what [`strip`] removed from the user's own event put back after
/// it.
///
/// For prose without joining details `strip` gives both back as they were, so that a second
/// write-back changes nothing. Where plain appending would not do that (the prose ends with a rule,
/// say), the details are set between two lines that `strip` knows. Details that were typed into the
/// prose itself are not doubled.
pub fn reattach(edited: &str, removed: &str) -> String {
    let Unfenced { text: prose, inside } = unfence(&text::normalise(edited));
    let own = analyse(&prose);
    let mut missing = lines_not_in(&own.pieces, &without_fences(&text::normalise(removed)));
    let inside = lines_not_in(std::slice::from_ref(&missing), &lines_not_in(&own.pieces, &inside));
    missing = text::normalise(&format!("{inside}\n\n{missing}"));
    if missing.is_empty() {
        return prose;
    }
    let plain = text::normalise(&format!("{prose}\n\n{missing}"));
    let again = analyse(&plain);
    if again.kept == own.kept
        && again.pieces.join("\n\n") == [own.pieces, vec![missing.clone()]].concat().join("\n\n")
    {
        return plain;
    }
    text::normalise(&format!("{prose}\n\n{FENCE_START}\n{missing}\n{FENCE_END}"))
}

/// The lines of `text` that are in none of `pieces`, neither as the same line nor as a link
/// within one.
fn lines_not_in(pieces: &[String], text: &str) -> String {
    let held: HashSet<&str> = pieces
        .iter()
        .flat_map(|piece| piece.split('\n'))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let links: HashSet<String> = held
        .iter()
        .filter_map(|line| links::clean(line))
        .flat_map(|c| c.links)
        .map(|link| link.text)
        .collect();
    let lines: Vec<&str> = text.split('\n').collect();
    text::without(&lines, |at| held.contains(lines[at].trim()) || links.contains(lines[at].trim()))
}

/// The prose, and what was taken out of it piece by piece.
struct Analysis {
    kept: String,
    pieces: Vec<String>,
}

/// Goes through a text until nothing more is found.
///
/// What is taken out can bring together what makes a new block, so one pass is not enough to be
/// idempotent. A text that is still not clean after many passes was made to be so, and none of it
/// is carried over.
fn analyse(description: &str) -> Analysis {
    let whole = text::normalise(description);
    let mut kept = whole.clone();
    let mut pieces = Vec::new();
    for _ in 0..PASSES {
        let Unfenced { text, inside } = unfence(&kept);
        let (head, tail) = text.split_at(cut(&text));
        let separated = blocks::separate(&text::normalise(head));
        pieces.extend(separated.pieces);
        pieces
            .extend([text::normalise(tail), inside].into_iter().filter(|piece| !piece.is_empty()));
        if separated.kept == kept {
            return Analysis { kept, pieces: distinct(pieces) };
        }
        kept = separated.kept;
    }
    Analysis { kept: String::new(), pieces: vec![without_fences(&whole)] }
}

/// `pieces` without doubled links. Anything else may be doubled for a reason.
fn distinct(mut pieces: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    pieces.retain(|piece| piece.contains(char::is_whitespace) || seen.insert(piece.clone()));
    pieces
}

/// Where to cut a text that is too long: at a blank, or at least between two characters.
fn cut(text: &str) -> usize {
    if text.len() <= ANALYSED {
        return text.len();
    }
    let end = text.floor_char_boundary(ANALYSED);
    let from = text.floor_char_boundary(end - WORD);
    text[from..end].rfind(char::is_whitespace).map_or(end, |blank| from + blank)
}

/// A text without its fences, and the text inside them.
struct Unfenced {
    text: String,
    inside: String,
}

fn unfence(text: &str) -> Unfenced {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut inside = false;
    let fenced: Vec<bool> = lines
        .iter()
        .map(|line| {
            let was_inside = inside;
            inside = (inside || line.trim() == FENCE_START) && line.trim() != FENCE_END;
            inside || was_inside || is_fence(line)
        })
        .collect();
    let between: Vec<&str> = lines
        .iter()
        .zip(&fenced)
        .filter(|(line, fenced)| **fenced && !is_fence(line))
        .map(|(line, _)| *line)
        .collect();
    Unfenced {
        text: text::without(&lines, |at| fenced[at]),
        inside: text::normalise(&between.join("\n")),
    }
}

fn is_fence(line: &str) -> bool {
    matches!(line.trim(), FENCE_START | FENCE_END)
}

fn without_fences(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    text::without(&lines, |at| is_fence(lines[at]))
}

#[cfg(test)]
mod tests;
