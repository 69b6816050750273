//! Texts for people without any command line: pages and API show them to users who may have none.

/// The commands of `calrelay`, as a text may name them without quotes.
const COMMANDS: [&str; 14] = [
    "account",
    "audit",
    "backup",
    "calendars",
    "clean-up",
    "doctor",
    "explain",
    "pair",
    "policy",
    "restore",
    "status",
    "sync",
    "token",
    "vault",
];

/// What divides a sentence into parts that can be left out from the end.
const DIVIDERS: [&str; 5] = ["; ", ": ", ", or ", ", and ", ", as "];

/// The text without the parts that name a command or an option of one. Of a sentence that names
/// one, what comes before stays, if that is a sentence itself.
pub fn neutral(text: &str) -> String {
    if !names_command(text) {
        return text.to_owned();
    }
    let kept: Vec<String> = sentences(text).filter_map(neutral_sentence).collect();
    if kept.is_empty() { without_marks(text) } else { kept.join(" ") }
}

/// Whether a text names a command line.
pub fn names_command(text: &str) -> bool {
    let mut words = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !(c.is_alphanumeric() || c == '-')));
    let mut before = "";
    words.any(|word| {
        let is_option = word
            .strip_prefix("--")
            .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
        let is_command = before == "calrelay" && COMMANDS.contains(&word);
        before = word;
        is_option || is_command
    })
}

/// The sentences of a text; what is between backticks is not divided.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .match_indices(". ")
            .map(|(at, _)| at + 1)
            .find(|end| rest[..*end].matches('`').count().is_multiple_of(2));
        let (sentence, others) = rest.split_at(end.unwrap_or(rest.len()));
        rest = others.trim_start();
        Some(sentence)
    })
}

fn neutral_sentence(sentence: &str) -> Option<String> {
    if !names_command(sentence) {
        return Some(sentence.to_owned());
    }
    let ends = DIVIDERS.iter().flat_map(|divider| sentence.match_indices(divider));
    let end = ends.map(|(at, _)| at).filter(|at| !names_command(&sentence[..*at])).max()?;
    Some(format!("{}.", &sentence[..end]))
}

/// The last resort, for a text that is about an option and nothing else: the option's name as
/// words.
fn without_marks(text: &str) -> String {
    let words = text.split(' ').map(|word| word.replace("--", "").replace('`', ""));
    words.filter(|word| word != "calrelay").collect::<Vec<_>>().join(" ")
}
