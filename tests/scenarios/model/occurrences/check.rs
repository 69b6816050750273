//! What both ends have to show at rest.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};

use super::Simulation;
use super::hands::Shown;

/// An event, and what people did to it.
pub(super) struct Fact {
    pub(super) number: usize,
    /// Where it was made.
    pub(super) side: usize,
    /// It is a series.
    pub(super) repeats: bool,
    /// What is shown since the last rest.
    agreed: Shown,
    /// What a person has left on each side since the last rest.
    left: [Vec<Shown>; 2],
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
    fn wanted(&self) -> Option<&Shown> {
        match &self.left {
            [one, other] if one.is_empty() => Some(other.last().unwrap_or(&self.agreed)),
            [one, other] if other.is_empty() => one.last(),
            _ => None,
        }
    }

    /// Whether this is shown, if one side alone edited it.
    fn is_as_left(&self, wanted: &Shown, shown: &Shown) -> bool {
        let had_exceptions = self.reshaped && self.side != self.last.unwrap_or(self.side);
        shown == wanted || (had_exceptions && shown.len() == wanted.len())
    }

    /// Both edited it: every occurrence is as one of them has left it.
    fn allows(&self, shown: &Shown) -> Result<()> {
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

impl Simulation {
    pub(super) async fn check_at_rest(&mut self) -> Result<()> {
        let Err(wrong) = self.check().await else { return Ok(()) };
        let repaired = match self.full_rest().await {
            Ok(()) => self.check().await,
            Err(error) => Err(error),
        };
        match repaired {
            Ok(()) => Err(wrong.context("at rest (a full pass repairs it)")),
            Err(still) => Err(wrong.context(format!("at rest (after a full pass: {still:#})"))),
        }
    }

    async fn check(&mut self) -> Result<()> {
        let shown = [self.hands[0].shown().await?, self.hands[1].shown().await?];
        let mut known = [0; 2];
        let mut busy: [Shown; 2] = Default::default();
        for fact in &mut self.facts {
            let prefix = fact.prefix();
            let of = |side: usize| -> Shown {
                shown[side]
                    .iter()
                    .filter(|(_, title, _)| title.starts_with(&prefix))
                    .cloned()
                    .collect()
            };
            let (own, other) = (of(fact.side), of(1 - fact.side));
            let wanted = fact.wanted().cloned();
            if let Some(wanted) = &wanted {
                ensure!(
                    fact.is_as_left(wanted, &own),
                    "E{} is {own:#?}, and was left as {wanted:#?}",
                    fact.number
                );
            } else {
                fact.allows(&own).with_context(|| format!("E{}: {own:#?}", fact.number))?;
            }
            known[fact.side] += own.len();
            let is_private =
                if fact.side == 0 { self.terms.private } else { self.terms.private_back };
            if is_private {
                ensure!(other.is_empty(), "a private copy of E{} has a title", fact.number);
                busy[1 - fact.side]
                    .extend(own.iter().map(|(start, ..)| (*start, "Busy".into(), String::new())));
            } else {
                ensure!(own == other, "E{} is {own:#?} here, and {other:#?} there", fact.number);
                known[1 - fact.side] += other.len();
            }
        }
        for side in 0..2 {
            let titled = |title: &str| -> Shown {
                shown[side].iter().filter(|(_, own, _)| own == title).cloned().collect()
            };
            busy[side].sort();
            let anchors = titled("Anchor").len();
            let private_anchors =
                if side == 1 && self.terms.private || side == 0 && self.terms.private_back {
                    1
                } else {
                    0
                };
            let copied = if self.is_source(1 - side) { 1 } else { 0 };
            ensure!(anchors == 1 + copied - private_anchors, "side {side} has {anchors} anchors");
            let mut wanted = busy[side].clone();
            if private_anchors == 1 {
                wanted.push(("2026-03-30T07:00:00Z".parse()?, "Busy".into(), String::new()));
                wanted.sort();
            }
            let found = titled("Busy");
            if without_anchor(&found) != without_anchor(&wanted) || found.len() != wanted.len() {
                bail!("side {side} shows {found:#?}, and should show {wanted:#?}");
            }
            let rest = shown[side].len() - anchors - found.len();
            ensure!(
                rest == known[side],
                "side {side} shows {rest} occurrences, and {} are known",
                known[side]
            );
        }
        self.servers.check()?;
        for fact in &mut self.facts {
            let prefix = fact.prefix();
            fact.agreed = shown[fact.side]
                .iter()
                .filter(|(_, title, _)| title.starts_with(&prefix))
                .cloned()
                .collect();
            fact.left = Default::default();
            (fact.last, fact.reshaped) = (None, false);
            fact.over = fact.agreed.is_empty();
        }
        Ok(())
    }
}

/// The anchor begins at another hour at each end: in UTC, or in Berlin.
fn without_anchor(shown: &Shown) -> Shown {
    shown
        .iter()
        .filter(|(start, ..)| !start.to_string().starts_with("2026-03-30"))
        .cloned()
        .collect()
}
