//! An event of the simulation, and what people did to it.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::hands::Shown;

/// An event, and what people did to it.
pub(super) struct Fact {
    pub(super) number: usize,
    /// Where it was made.
    pub(super) side: usize,
    /// It is a series.
    pub(super) repeats: bool,
    /// What is shown since the last rest.
    pub(super) agreed: Shown,
    /// What a person has left on each side since the last rest.
    pub(super) left: [Vec<Shown>; 2],
    /// The side that edited it last since the last rest.
    pub(super) last: Option<usize>,
    /// A person moved the whole event, or cut it. What was changed of a series before may go along
    /// with it, or not: calendar programs differ in that.
    pub(super) reshaped: bool,
    pub(super) over: bool,
}

impl Fact {
    pub(super) fn new(number: usize, side: usize, repeats: bool) -> Self {
        let (agreed, left) = Default::default();
        Self { number, side, repeats, agreed, left, last: None, reshaped: false, over: false }
    }

    /// What all its titles begin with.
    pub(super) fn prefix(&self) -> String {
        format!("E{}v", self.number)
    }

    pub(super) fn says(&mut self, side: usize, shown: Shown) {
        self.left[side].push(shown);
        self.last = Some(side);
    }

    /// What has to be shown, if one side alone edited it.
    pub(super) fn wanted(&self) -> Option<&Shown> {
        match &self.left {
            [one, other] if one.is_empty() => Some(other.last().unwrap_or(&self.agreed)),
            [one, other] if other.is_empty() => one.last(),
            _ => None,
        }
    }

    /// Whether this is shown, if one side alone edited it.
    pub(super) fn is_as_left(&self, wanted: &Shown, shown: &Shown) -> bool {
        let had_exceptions = self.reshaped && self.side != self.last.unwrap_or(self.side);
        // What was deleted before goes along, too, where the calendar has restored it.
        let all = self.left.iter().flatten().chain([&self.agreed]).map(Vec::len);
        let least = all.filter(|count| *count > 0).min();
        let counts = least.unwrap_or_default()..=wanted.len();
        shown == wanted || (had_exceptions && counts.contains(&shown.len()))
    }

    /// Both edited it: every occurrence is as one of them has left it.
    pub(super) fn allows(&self, shown: &Shown) -> Result<()> {
        let all = || self.left.iter().flatten().chain([&self.agreed]);
        let starts: BTreeSet<_> = all().flatten().map(|(start, ..)| start).collect();
        let words: BTreeSet<_> =
            all().flatten().flat_map(|(_, title, place)| [title, place]).collect();
        let mut seen = BTreeSet::new();
        for (start, title, place) in shown {
            ensure!(starts.contains(start), "no person put it at {start}");
            ensure!(words.contains(title) && words.contains(place), "{title} {place}");
            ensure!(seen.insert((start, title)), "doubled at {start}: {title}");
        }
        let most = all().map(Vec::len).max().unwrap_or_default();
        ensure!(shown.len() <= most, "{} occurrences, and {most} are the most", shown.len());
        let least = self.left.iter().flatten().map(Vec::len).min().unwrap_or_default();
        ensure!(least == 0 || !shown.is_empty(), "lost, and no person deleted it");
        Ok(())
    }
}
