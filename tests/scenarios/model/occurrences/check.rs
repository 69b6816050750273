//! What both ends have to show at rest.

use anyhow::{Context as _, Result, bail, ensure};

use super::Simulation;
use super::hands::Shown;

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
