//! At rest: both calendars held against the ledger.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};

use super::Story;
use super::shown::time_of;
use crate::model::ledger::{Aspect, Fate};

impl Story {
    /// Each event, the bystander, and that there is nothing else.
    pub(super) async fn judge(&mut self) -> Result<()> {
        for i in 0..self.facts.len() {
            if self.facts[i].over {
                for side in 0..2 {
                    ensure!(self.entries(i, side).await?.is_empty(), "E{} came back on side {side}", self.facts[i].number);
                }
                continue;
            }
            let number = self.facts[i].number;
            let judged = if self.terms.two_way { self.judge_two_way(i).await } else { self.judge_one_way(i).await };
            judged.with_context(|| format!("E{number}"))?;
        }
        if let Some(own) = &self.bystander {
            ensure!(self.stage.people[1].get("own.ics").await?.as_ref() == Some(own), "an event of the target's owner was touched");
        }
        let expected = self.facts.iter().filter(|fact| !fact.over).count();
        let there = self.stage.people[0].objects().await?.len();
        ensure!(there == expected, "side 0 has {there} objects, and {expected} events are known");
        Ok(())
    }

    async fn judge_two_way(&mut self, i: usize) -> Result<()> {
        let found = [self.look(i, 0).await?, self.look(i, 1).await?];
        for (side, entries) in found.iter().enumerate() {
            ensure!(entries.len() <= 1, "doubled on side {side}: {entries:?}");
        }
        let fact = self.facts[i].clone();
        let there = (found[0].len(), found[1].len());
        match (there, fact.fate(self.terms.private || self.terms.private_back)) {
            ((0, 0), Fate::There) => bail!("lost"),
            ((1, 1), Fate::Gone) => bail!("resurrected"),
            ((0, 0), _) => {
                self.facts[i].over = true;
                return Ok(());
            }
            ((1, 1), _) => {}
            _ => bail!("on one side only: {there:?}"),
        }
        let both = [&found[0][0].1, &found[1][0].1];
        let shown = both.map(|shown| &shown.aspects);
        // A private copy shows nothing but its time; what its owner is shown must never come from it.
        let private = [self.terms.private_back, self.terms.private];
        let copy_side = 1 - fact.side;
        let stripped = private[copy_side];
        let aspects: BTreeSet<Aspect> = fact
            .agreed
            .keys()
            .chain(fact.doings.iter().flat_map(|doings| doings.values.keys()))
            .chain(shown[fact.side].keys())
            .copied()
            .collect();
        both[fact.side].is_like(both[copy_side], stripped)?;
        let moved = fact.doings.iter().any(|doings| doings.values.contains_key(&Aspect::Time));
        for aspect in aspects {
            let (owner, copy) = (shown[fact.side].get(&aspect), shown[copy_side].get(&aspect));
            if matches!(aspect, Aspect::Occurrence(_)) {
                let allowed = fact.allowed(aspect);
                // From a private copy only the time comes.
                let is_same = |value: &String, owner: &String| value == owner || (stripped && time_of(value) == time_of(owner));
                let by_somebody = owner.is_none_or(|owner| allowed.iter().any(|value| is_same(value, owner)));
                ensure!(by_somebody || moved, "{aspect:?} is {owner:?}, and may be {allowed:?}");
                ensure!(owner.is_some() || moved || allowed.is_empty(), "{aspect:?} is as the rule has it, and may be {allowed:?}");
                continue;
            }
            let owner = owner.context("a value")?;
            if stripped && aspect != Aspect::Time {
                let own = fact.origins_own(aspect);
                // An origin that was deleted and whose copy was moved is made again from that copy, and has no other words left.
                let remade = fact.doings[fact.side].deleted.is_some();
                ensure!(own.as_ref() == Some(owner) || remade, "{aspect:?} is {owner}, and its owner wrote {own:?}");
                let copy = copy.map(String::as_str).unwrap_or_default();
                let word = if aspect == Aspect::Title { "Busy" } else { "" };
                ensure!(copy == word, "a private copy shows {copy:?}");
                continue;
            }
            ensure!(fact.allowed(aspect).contains(owner), "{aspect:?} is {owner}, and may be {:?}", fact.allowed(aspect));
            ensure!(Some(owner) == copy, "{aspect:?} is {owner} here and {copy:?} there");
        }
        self.facts[i].settle(shown[fact.side].clone());
        self.facts[i].name = found[fact.side][0].0.name.clone();
        Ok(())
    }

    async fn judge_one_way(&mut self, i: usize) -> Result<()> {
        let found = [self.look(i, 0).await?, self.look(i, 1).await?];
        let fact = self.facts[i].clone();
        ensure!(found[1].len() <= 1, "doubled: {:?}", found[1]);
        if fact.doings[0].deleted.is_some() {
            ensure!(found[0].is_empty() && found[1].is_empty(), "its copy outlives it");
            self.facts[i].over = true;
            return Ok(());
        }
        ensure!(found[0].len() == 1, "the origin is gone, and nobody deleted it");
        let origin = &found[0][0].1;
        let shown = &origin.aspects;
        for aspect in [Aspect::Time, Aspect::Title, Aspect::Location] {
            ensure!(fact.origins_own(aspect).as_ref() == shown.get(&aspect), "the origin's {aspect:?} was written to");
        }
        let wanted = [Aspect::Time, Aspect::Title].iter().any(|aspect| fact.doings[0].values.contains_key(aspect));
        let copy_deleted = fact.doings[1].deleted.is_some();
        match found[1].first() {
            None => {
                ensure!(fact.suppressed || copy_deleted, "lost");
                ensure!(copy_deleted || !wanted, "its time or title changed, and it did not come back");
                self.facts[i].suppressed = true;
            }
            Some((_, copy)) => {
                ensure!(wanted || !(fact.suppressed || copy_deleted) || fact.new, "resurrected");
                self.facts[i].suppressed = false;
                origin.is_like(copy, self.terms.private)?;
                let copy = &copy.aspects;
                for (aspect, value) in shown.iter().filter(|(aspect, _)| !matches!(aspect, Aspect::Occurrence(_))) {
                    let value = match aspect {
                        Aspect::Title if self.terms.private => "Busy",
                        Aspect::Location if self.terms.private => "",
                        _ => value,
                    };
                    ensure!(
                        copy.get(aspect).map(String::as_str) == Some(value),
                        "{aspect:?} of the copy is {:?} and should be {value}",
                        copy.get(aspect)
                    );
                }
            }
        }
        self.facts[i].settle(shown.clone());
        Ok(())
    }
}
