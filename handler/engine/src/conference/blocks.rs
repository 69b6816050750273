//! The blocks that conference services write into descriptions, found line by line.
//!
//! Each line is looked at once by each pattern, and each block is recognised by its frame (a rule
//! of underscores, a fence) and by a host, rather than by words: the words are translated, the
//! frame is not.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::links::{self, Cleaned, Link};
use super::phrases::{self, Near};
use crate::text;

/// A text taken apart.
pub(super) struct Separated {
    /// The prose, in normal form.
    pub(super) kept: String,
    /// What was taken out, in order: a block, a paragraph of details, or a single link.
    pub(super) pieces: Vec<String>,
}

/// How far below its opening rule a Teams block must show that it is one.
const TEAMS_EVIDENCE_LINES: usize = 12;
/// How far below its opening rule the last line of a Teams block without a closing rule is looked
/// for.
const TEAMS_LINES: usize = 60;
/// Underscores of the rule around a block; a shorter one is inside it.
const TEAMS_CLOSING: usize = 40;
/// How far below its first line a Webex block must show that it is one, unless that line is the
/// guarding one.
const WEBEX_EVIDENCE_LINES: usize = 12;
/// How many lines of a Webex block may pass without one that is surely Webex's.
const WEBEX_GAP: usize = 8;

static MEET_FENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^-::~:~::[-:~]{20,}::~:~::-$").expect("a constant pattern"));
static RULE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^_{20,}$").expect("a constant pattern"));

/// What one line is.
struct LineKind<'a> {
    text: &'a str,
    cleaned: Option<Cleaned>,
    /// Length of a rule of underscores, else 0.
    rule: usize,
}

impl<'a> LineKind<'a> {
    fn read(text: &'a str) -> Self {
        let rule = if RULE.is_match(text.trim()) { text.trim().len() } else { 0 };
        Self { text, cleaned: links::clean(text), rule }
    }

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn leads_to(&self, wanted: impl Fn(&str) -> bool) -> bool {
        self.cleaned.iter().flat_map(|c| &c.links).any(|link| wanted(link.host))
    }

    /// Nothing but links and what introduces them.
    fn is_bare_link(&self) -> bool {
        self.cleaned
            .as_ref()
            .is_some_and(|c| phrases::is_label_of_link(&c.rest) || phrases::is_detail(&c.rest))
    }
}

/// What becomes of a line.
#[derive(Clone)]
enum Verdict {
    /// It is prose.
    Kept,
    /// It belongs to a block.
    Block,
    /// It is a detail near a link.
    Detail,
    /// It is prose that had links.
    Rewritten(String, Vec<Link>),
}

/// Takes the blocks, the links and the details next to them out of `text`, which is in normal form.
pub(super) fn separate(text: &str) -> Separated {
    let lines: Vec<LineKind> = text.split('\n').map(LineKind::read).collect();
    let fates = judge(&lines);
    let shown: Vec<&str> = lines
        .iter()
        .zip(&fates)
        .map(|(line, fate)| if let Verdict::Rewritten(rest, _) = fate { rest } else { line.text })
        .collect();
    let kept = text::without(&shown, |at| matches!(fates[at], Verdict::Block | Verdict::Detail));
    Separated { kept, pieces: pieces(&lines, &fates) }
}

fn judge(lines: &[LineKind]) -> Vec<Verdict> {
    let mut fates = vec![Verdict::Kept; lines.len()];
    let blocks = Blocks::of(lines);
    let mut near = Near::Prose;
    let mut at = 0;
    while at < lines.len() {
        if let Some((end, next)) = blocks.starting_at(at) {
            fates[at..end].fill(Verdict::Block);
            near = next;
            at = end;
            continue;
        }
        let line = &lines[at];
        if line.is_bare_link() {
            introduction(lines, &fates, at).for_each(|above| fates[above] = Verdict::Detail);
            fates[at] = Verdict::Detail;
            let rest = line.cleaned.as_ref().map_or("", |c| &c.rest);
            near = phrases::after(Near::Link, rest).unwrap_or(Near::Link);
        } else if let Some(cleaned) = &line.cleaned {
            fates[at] = Verdict::Rewritten(cleaned.rest.clone(), cleaned.links.clone());
            near = Near::Link;
        } else if phrases::is_invitation(line.text) {
            fates[at] = Verdict::Detail;
            near = Near::Invitation;
        } else if let Some(next) = phrases::after(near, line.text) {
            fates[at] = Verdict::Detail;
            near = next;
        } else if !line.is_blank() && !phrases::is_separator(line.text) {
            near = Near::Prose;
        }
        at += 1;
    }
    separators(lines, &mut fates);
    fates
}

/// The lines directly above a bare link that only announce it.
fn introduction(lines: &[LineKind], fates: &[Verdict], link: usize) -> Range<usize> {
    let announces = |at: &usize| {
        let line = &lines[*at];
        matches!(fates[*at], Verdict::Kept)
            && !line.is_blank()
            && (phrases::is_label(line.text) || phrases::is_detail(line.text))
    };
    link - (0..link).rev().take_while(announces).count()..link
}

/// Short rules between two details go with them.
fn separators(lines: &[LineKind], fates: &mut [Verdict]) {
    let mut between: Vec<usize> = Vec::new();
    let mut near = false;
    for at in 0..lines.len() {
        match fates[at] {
            Verdict::Detail => {
                between.drain(..).for_each(|separator| fates[separator] = Verdict::Detail);
                near = true;
            }
            Verdict::Kept if lines[at].is_blank() => {}
            Verdict::Kept if near && phrases::is_separator(lines[at].text) => between.push(at),
            Verdict::Rewritten(..) => {
                between.clear();
                near = true;
            }
            Verdict::Kept | Verdict::Block => {
                between.clear();
                near = false;
            }
        }
    }
}

/// The removed lines, paragraph by paragraph. Equal lines give equal pieces however they were
/// judged, so a second pass over a reattached text finds no other pieces.
fn pieces(lines: &[LineKind], fates: &[Verdict]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut in_paragraph = false;
    for (line, fate) in lines.iter().zip(fates) {
        match fate {
            Verdict::Kept => in_paragraph = false,
            Verdict::Rewritten(_, links) => {
                out.extend(links.iter().map(|link| link.text.clone()));
                in_paragraph = false;
            }
            Verdict::Block | Verdict::Detail if line.is_blank() => in_paragraph = false,
            Verdict::Block | Verdict::Detail => match out.last_mut() {
                Some(paragraph) if in_paragraph => {
                    paragraph.push('\n');
                    paragraph.push_str(line.text);
                }
                _ => {
                    out.push(line.text.to_owned());
                    in_paragraph = true;
                }
            },
        }
    }
    out
}

/// Where framed blocks can end, found once for all lines.
struct Blocks<'a> {
    lines: &'a [LineKind<'a>],
    /// For each line, the next closing rule at or after it.
    closing_rule: Vec<Option<usize>>,
    /// For each line, the next fence of Google at or after it.
    fence: Vec<Option<usize>>,
}

impl<'a> Blocks<'a> {
    fn of(lines: &'a [LineKind<'a>]) -> Self {
        let closing_rule = next_of(lines, |line| line.rule >= TEAMS_CLOSING);
        let fence = next_of(lines, |line| MEET_FENCE.is_match(line.text.trim()));
        Self { lines, closing_rule, fence }
    }

    /// If a block starts at this line: the line after it, and what may follow there. Only a block
    /// without an end of its own can have details after it.
    fn starting_at(&self, at: usize) -> Option<(usize, Near)> {
        self.meet(at)
            .map(|end| (end, Near::Prose))
            .or_else(|| self.teams(at))
            .or_else(|| self.webex(at).map(|end| (end, Near::Link)))
    }

    fn meet(&self, at: usize) -> Option<usize> {
        (self.fence[at]? == at).then(|| self.fence[at + 1].map_or(self.lines.len(), |end| end + 1))
    }

    fn teams(&self, at: usize) -> Option<(usize, Near)> {
        if self.lines[at].rule == 0 {
            return None;
        }
        let end_of_text = self.lines.len();
        let closing = self.closing_rule[at + 1];
        let inside = |lines: usize| at + 1..closing.unwrap_or(end_of_text).min(at + 1 + lines);
        let shows_teams = |line: &LineKind| {
            phrases::names_teams(line.text)
                || line.leads_to(|h| h.starts_with("teams.") || h == "aka.ms")
        };
        if !self.lines[inside(TEAMS_EVIDENCE_LINES)].iter().any(shows_teams) {
            return None;
        }
        if let Some(rule) = closing {
            return Some((rule + 1, Near::Prose));
        }
        let last =
            inside(TEAMS_LINES).rev().find(|line| phrases::ends_teams(self.lines[*line].text));
        Some(last.map_or((end_of_text, Near::Prose), |line| (line + 1, Near::Link)))
    }

    fn webex(&self, at: usize) -> Option<usize> {
        let text = self.lines[at].text;
        let of_webex = |line: &LineKind| line.leads_to(|host| host == "webex.com");
        let near = at + 1..self.lines.len().min(at + 1 + WEBEX_EVIDENCE_LINES);
        let opens = phrases::is_do_not_change(text)
            || (phrases::opens_webex(text) && self.lines[near].iter().any(of_webex));
        if !opens {
            return None;
        }
        let mut end = at + 1;
        let mut next = end;
        while next < self.lines.len().min(end + WEBEX_GAP) {
            let line = &self.lines[next];
            if line.rule > 0 || self.fence[next] == Some(next) {
                break;
            }
            next += 1;
            if of_webex(line) || phrases::is_detail(line.text) {
                end = next;
            }
        }
        Some(end)
    }
}

/// For each line and for the place after the last, the first line from there on that is `wanted`.
fn next_of(lines: &[LineKind], wanted: impl Fn(&LineKind) -> bool) -> Vec<Option<usize>> {
    let mut next = vec![None; lines.len() + 1];
    for at in (0..lines.len()).rev() {
        next[at] = if wanted(&lines[at]) { Some(at) } else { next[at + 1] };
    }
    next
}
