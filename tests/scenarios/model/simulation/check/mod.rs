//! At rest: both calendars held against the ledger.

mod one_way;
mod unmanaged;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use simulators::agenda::Entry;

use super::repair::Mark;
use super::shown::{Drift, Shown, time_of};
use super::state::Simulation;
use crate::model::expected::{Aspect, Aspects, Bond, Fact, Fate};

/// Whether what only a full pass repairs has to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strict {
    /// After incremental passes and a night.
    No,
    /// After a full pass.
    Yes,
}

/// An event as both sides show it.
type Found = [Vec<(Entry, Shown)>; 2];

impl Simulation {
    /// Judges what incremental passes and a night have left. Where that is wrong, it is said
    /// whether a full pass repairs it.
    pub(super) async fn check_at_rest(&mut self) -> Result<()> {
        let before = self.facts.clone();
        let Err(wrong) = self.check_events(Strict::No).await else { return Ok(()) };
        self.facts = before;
        let repaired = match self.full_rest().await {
            Ok(()) => self.check_events(Strict::Yes).await,
            Err(error) => Err(error),
        };
        match repaired {
            // What a wrong clock had in the past, or beyond the window, may wait for a full pass.
            Ok(()) if self.clock_was_off => Ok(()),
            Ok(()) => {
                Err(wrong.context("after incremental passes and a night (a full pass repairs it)"))
            }
            Err(still) => Err(wrong.context(format!(
                "after incremental passes and a night (after a full pass: {still:#})"
            ))),
        }
    }

    /// Each event, and that there is nothing else.
    pub(super) async fn check_events(&mut self, strict: Strict) -> Result<()> {
        let mut expected = [0; 2];
        for i in 0..self.facts.len() {
            let number = self.facts[i].number;
            if self.facts[i].over {
                for side in 0..2 {
                    ensure!(
                        self.entries(i, side).await?.is_empty(),
                        "E{number} came back on side {side}"
                    );
                }
                continue;
            }
            let found = [self.look(i, 0).await?, self.look(i, 1).await?];
            for (side, found) in found.iter().enumerate() {
                ensure!(
                    found.len() <= 1,
                    "E{number} is doubled on side {side}: {:?}",
                    lines(found)
                );
                expected[side] += found.len();
            }
            let checked = match self.facts[i].bond {
                Bond::Kept if self.rules.terms.two_way => {
                    let mark = self.mark_of(self.facts[i].side, &found).await?;
                    self.check_two_way(i, &found, mark, strict)
                }
                Bond::Kept => self.check_one_way(i, &found, strict),
                Bond::Apart | Bond::Open | Bond::Loose => self.check_apart(i, &found),
            };
            checked.with_context(|| format!("E{number}"))?;
            if self.facts[i].bond == Bond::Kept && !self.facts[i].over {
                self.keeps_its_secrets(i, &found).await.with_context(|| format!("E{number}"))?;
            }
        }
        if let Some(own) = &self.unrelated {
            ensure!(
                self.env.people[1].get("own.ics").await?.as_ref() == Some(own),
                "an event of the target's owner was touched"
            );
        }
        for (side, expected) in expected.into_iter().enumerate() {
            let there = self.env.people[side].objects().await?.len();
            ensure!(
                there == expected,
                "side {side} has {there} objects, and {expected} events are known"
            );
        }
        if self.rules.paired {
            let [from, to] =
                [self.rules.from, 1 - self.rules.from].map(|side| &self.env.people[side]);
            self.env.compare([from, to]).await?;
        }
        self.emptied = None;
        self.all_deleted = false;
        Ok(())
    }

    /// Nothing that was written about an event on its own side is on a private copy.
    async fn keeps_its_secrets(&self, i: usize, found: &Found) -> Result<()> {
        let fact = &self.facts[i];
        let side = 1 - fact.side;
        let Some((entry, _)) = found[side].first().filter(|_| self.rules.is_private(side)) else {
            return Ok(());
        };
        let text = self.env.people[side].get(&entry.name).await?.unwrap_or_default();
        let whole = text.replace("\r\n ", "").replace("\n ", "");
        for word in fact.words[fact.side].difference(&fact.words[side]) {
            let mut ends = whole
                .match_indices(word.as_str())
                .map(|(at, _)| whole[at + word.len()..].chars().next());
            ensure!(
                !ends.any(|next| next.is_none_or(|next| !next.is_ascii_digit())),
                "a private copy says {word}"
            );
        }
        Ok(())
    }

    async fn mark_of(&self, side: usize, found: &Found) -> Result<Mark> {
        let Some((entry, _)) = found[side].first() else { return Ok(Mark::None) };
        let text = self.env.people[side].get(&entry.name).await?.unwrap_or_default();
        Ok(self.mark(side, &entry.name, &text))
    }

    fn check_two_way(&mut self, i: usize, found: &Found, mark: Mark, strict: Strict) -> Result<()> {
        if self.facts[i].joining && found.iter().all(|entries| !entries.is_empty()) {
            return self.check_joined(i, found, mark, strict);
        }
        let fact = self.facts[i].clone();
        let there = (found[0].len(), found[1].len());
        if fact.suppressed {
            return self.check_left_out(i, found, strict);
        }
        match (there, self.fate(&fact)) {
            ((0, 0), Fate::There) => bail!("lost"),
            ((1, 1), Fate::Gone) => bail!("resurrected"),
            ((0, 0), _) => {
                self.facts[i].over = true;
                return Ok(());
            }
            ((1, 1), _) => {}
            _ if self.is_left_out(&fact, found) => {
                let side = found.iter().position(|entries| !entries.is_empty()).unwrap_or_default();
                self.facts[i].side = side;
                self.facts[i].suppressed = true;
                self.facts[i].unseen = is_unseen(&fact, found);
                self.facts[i].settle(found[side][0].1.aspects.clone(), BTreeMap::new());
                return Ok(());
            }
            _ => bail!("on one side only: {there:?}"),
        }
        self.compare_two_way(i, found, strict)
    }

    /// An event whose two sides have been joined since the last rest, or whose origin was deleted
    /// before: then what an earlier pair has left is the origin now.
    fn check_joined(&mut self, i: usize, found: &Found, mark: Mark, strict: Strict) -> Result<()> {
        let before = self.facts[i].clone();
        if before.actions.iter().all(|actions| actions.deleted.is_none()) {
            return self.compare_two_way(i, found, strict);
        }
        self.facts[i].remade = true;
        if matches!(mark, Mark::Origin) && before.actions[before.side].deleted.is_some() {
            return self.compare_two_way(i, found, strict);
        }
        let title = found[before.side][0].1.aspects.get(&Aspect::Title);
        // Made again it bears the mark of an origin; made of what the other side had left, that of
        // a copy.
        let is_copy_now = match mark {
            Mark::Copy if before.actions[before.side].deleted.is_some() => true,
            Mark::Origin => false,
            _ => self.rules.is_private(before.side) && title.is_some_and(|title| title == "Busy"),
        };
        // What a private copy shows until a full pass repairs it may as well be what an origin
        // shows.
        let joined = self.compare_two_way(i, found, Strict::Yes);
        if joined.is_err() || is_copy_now {
            self.facts[i] = before.clone();
            self.facts[i].turn_round();
            let turned = self.compare_two_way(i, found, strict);
            if turned.is_err() && !is_copy_now {
                self.facts[i] = before.clone();
                self.facts[i].remade = true;
                self.compare_two_way(i, found, strict)?;
            } else {
                turned?;
            }
        }
        if before.actions[before.side].deleted.is_some()
            && !is_copy_now
            && title.is_some_and(|title| title == "Busy")
        {
            // Both show no words: which is the origin now does not show.
            self.facts[i].bond = Bond::Loose;
            self.facts[i].own = [0, 1].map(|side: usize| Some(found[side][0].1.aspects.clone()));
        }
        Ok(())
    }

    /// An event that is on both sides and has to be equal there.
    fn compare_two_way(&mut self, i: usize, found: &Found, strict: Strict) -> Result<()> {
        let fact = self.facts[i].clone();
        let both = [&found[0][0].1, &found[1][0].1];
        let shown = both.map(|shown| &shown.aspects);
        // A private copy shows nothing but its time; what its owner is shown must never come from
        // it.
        let copy_side = 1 - fact.side;
        let stripped = self.rules.is_private(copy_side);
        let aspects: BTreeSet<Aspect> = fact
            .agreed
            .keys()
            .chain(fact.actions.iter().flat_map(|actions| actions.values.keys()))
            .chain(shown[fact.side].keys())
            .copied()
            .collect();
        let drifts = if stripped && strict == Strict::No { Drift::Words } else { Drift::Nothing };
        both[fact.side].is_like(both[copy_side], stripped, drifts)?;
        let moved = fact.actions.iter().any(|actions| actions.values.contains_key(&Aspect::Time));
        let remade = fact.actions[fact.side].deleted.is_some()
            || self.emptied.is_some()
            || self.all_deleted
            || fact.remade;
        let mut drift = BTreeMap::new();
        for aspect in aspects {
            let (owner, copy) = (shown[fact.side].get(&aspect), shown[copy_side].get(&aspect));
            if matches!(aspect, Aspect::Occurrence(_)) {
                let allowed = fact.allowed(aspect);
                // From a private copy only the time comes.
                let is_same = |value: &String, owner: &String| {
                    value == owner || (stripped && time_of(value) == time_of(owner))
                };
                let by_somebody =
                    owner.is_none_or(|owner| allowed.iter().any(|value| is_same(value, owner)));
                ensure!(
                    by_somebody || moved || remade,
                    "{aspect:?} is {owner:?}, and may be {allowed:?}"
                );
                ensure!(
                    owner.is_some() || moved || remade || fact.joining || allowed.is_empty(),
                    "{aspect:?} is as the rule has it, and may be {allowed:?}"
                );
                continue;
            }
            let owner = owner.context("a value")?;
            if stripped && aspect != Aspect::Time {
                let own = fact.origins_own(aspect);
                // An origin that was deleted and whose copy was moved is made again from that copy,
                // and has no other words left.
                ensure!(
                    own.as_ref() == Some(owner) || remade,
                    "{aspect:?} is {owner}, and its owner wrote {own:?}"
                );
                let copy = copy.map(String::as_str).unwrap_or_default();
                if copy != of_copy(aspect, owner, true) {
                    ensure!(
                        strict == Strict::No && fact.may_drift(aspect, Some(copy)),
                        "a private copy shows {copy:?}"
                    );
                    drift.insert(aspect, BTreeSet::from([copy.to_owned()]));
                }
                continue;
            }
            ensure!(
                fact.allowed(aspect).contains(owner) || remade,
                "{aspect:?} is {owner}, and may be {:?}",
                fact.allowed(aspect)
            );
            ensure!(Some(owner) == copy, "{aspect:?} is {owner} here and {copy:?} there");
        }
        (self.facts[i].suppressed, self.facts[i].unseen) = (false, false);
        self.facts[i].settle(shown[fact.side].clone(), drift);
        Ok(())
    }

    /// Two-way, and the owner has said that the copy stays away: until time or title changes.
    fn check_left_out(&mut self, i: usize, found: &Found, strict: Strict) -> Result<()> {
        let fact = self.facts[i].clone();
        // Its copy too, where that was made again before.
        let deleted = fact.actions.iter().any(|actions| actions.deleted.is_some());
        if found[fact.side].is_empty() {
            ensure!(deleted, "lost");
            ensure!(found[1 - fact.side].is_empty(), "its copy outlives it");
            self.facts[i].over = true;
            return Ok(());
        }
        let wanted = [Aspect::Time, Aspect::Title]
            .iter()
            .any(|aspect| fact.actions[fact.side].values.contains_key(aspect));
        if found[1 - fact.side].is_empty() {
            // What was made again and deleted before any listing had shown it is no deletion.
            let made_and_deleted = fact.actions[1 - fact.side].deleted.is_some();
            ensure!(
                !fact.is_another(fact.side) || made_and_deleted,
                "its time or title changed, and it did not come back"
            );
            self.facts[i].unseen |= made_and_deleted;
            self.facts[i].settle(found[fact.side][0].1.aspects.clone(), BTreeMap::new());
            return Ok(());
        }
        ensure!(wanted || fact.unseen, "resurrected");
        self.compare_two_way(i, found, strict)
    }

    /// Whether an event may be on one side only: because the other one was emptied and its owner
    /// wants nothing made again, or because what was made there was deleted before any listing had
    /// shown it, which does not count as a deletion.
    fn is_left_out(&self, fact: &Fact, found: &Found) -> bool {
        is_unseen(fact, found)
            || self
                .emptied
                .as_ref()
                .is_some_and(|emptied| !emptied.make_again && found[emptied.side].is_empty())
    }

    fn fate(&self, fact: &Fact) -> Fate {
        let is_deleted = fact.actions.iter().any(|actions| actions.deleted.is_some());
        if is_deleted && (self.all_deleted || self.emptied.is_some()) {
            return Fate::Either;
        }
        fact.fate(self.rules.terms.private || self.rules.terms.private_back)
    }
}

/// Whether a person deleted what was made since the last rest.
fn is_unseen(fact: &Fact, found: &Found) -> bool {
    let is_new = fact.new || fact.remade || fact.joining;
    (0..2).any(|side| {
        is_new
            && found[side].is_empty()
            && fact.actions[side].deleted.is_some()
            && fact.actions[1 - side].deleted.is_none()
    })
}

fn lines(found: &[(Entry, Shown)]) -> Vec<String> {
    found.iter().map(|(entry, _)| format!("{}: {entry}", entry.name)).collect()
}

/// What a copy shows of an event that is no series' occurrence.
fn of_copy(aspect: Aspect, value: &str, private: bool) -> &str {
    match aspect {
        Aspect::Title if private => "Busy",
        Aspect::Location | Aspect::Description if private => "",
        _ => value,
    }
}

fn plain(aspects: &Aspects) -> impl Iterator<Item = (Aspect, &String)> {
    aspects
        .iter()
        .filter(|(aspect, _)| !matches!(aspect, Aspect::Occurrence(_)))
        .map(|(aspect, value)| (*aspect, value))
}
