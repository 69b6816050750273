//! The guests of a meeting as a block of text at the end of a copy's description.
//!
//! A copy never carries real guests: a provider might write to them. The block shows the guests, is
//! recognised by its first line, and is taken off again before a description is compared or written
//! back. A description belongs to its user, so a first line typed by hand is simply taken for the
//! block.

use std::sync::LazyLock;

use regex::Regex;

use crate::text;

/// The first line of the block.
pub const HEADER: &str = "-- Attendees (synced by Calrelay) --";

/// The most addresses that a block shows.
pub const LIMIT: usize = 50;

/// One line below the header: an address, with the `mailto:` link that some providers put after it,
/// or the count of those not shown.
static ENTRY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[^\s@]+@[^\s@]+(?:\s*<mailto:[^\s<>]*>)?|(?:…|\.\.\.) and \d+ more)$")
        .expect("a constant pattern")
});

/// `description` in normal form with the block of `attendees` after one blank line, in place of any
/// block that it had.
///
/// Addresses are sorted and shown once each, at most [`LIMIT`], then the number of the others. What
/// is not an address is left out; without any address there is no block.
pub fn append(description: &str, attendees: &[String]) -> String {
    let prose = remove(description);
    let mut shown: Vec<&str> =
        attendees.iter().map(|a| a.trim()).filter(|a| is_address(a)).collect();
    shown.sort_unstable();
    shown.dedup();
    if shown.is_empty() {
        return prose;
    }
    let more = shown.len().saturating_sub(LIMIT);
    shown.truncate(LIMIT);
    let mut out = prose;
    if !out.is_empty() {
        out.push_str("\n\n");
    }
    out.push_str(HEADER);
    for address in shown {
        out.push('\n');
        out.push_str(address);
    }
    if more > 0 {
        out.push_str(&format!("\n… and {more} more"));
    }
    text::normalise(&out)
}

/// `description` in normal form without the block, wherever it is; text before and after it is
/// kept.
pub fn remove(description: &str) -> String {
    let normal = text::normalise(description);
    let lines: Vec<&str> = normal.split('\n').collect();
    let mut inside = false;
    let block: Vec<bool> = lines
        .iter()
        .map(|line| {
            let line = line.trim();
            inside = line == HEADER || (inside && ENTRY.is_match(line));
            inside
        })
        .collect();
    text::without(&lines, |at| block[at])
}

/// Whether a value can be in the block and be recognised there.
fn is_address(value: &str) -> bool {
    !value.chars().any(char::is_control) && value.contains('@') && ENTRY.is_match(value)
}

#[cfg(test)]
mod tests;
