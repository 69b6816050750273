//! What one calendar shows of an event: its aspects, and a series occurrence by occurrence.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use simulators::agenda::Entry;

use super::state::Simulation;
use crate::model::edits;
use crate::model::expected::{Aspect, Aspects};

/// Occurrences of a series.
const OCCURRENCES: u8 = 8;

/// An event as a calendar shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its values; of an occurrence only where it departs from the rule.
    pub aspects: Aspects,
    /// Start, end, title and place of each occurrence of a series; `None` where it does not take
    /// place.
    pub occurrences: Vec<Option<[String; 4]>>,
    /// How the series repeats; empty where it does not.
    pub rule: String,
}

/// What a copy may show otherwise than its origin, because a person edited it and that does not
/// flow back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    Nothing,
    /// Titles and places.
    Words,
    Everything,
}

impl Shown {
    pub fn of(entry: &Entry, changed: &[Entry]) -> Self {
        let mut aspects = BTreeMap::from([
            (Aspect::Time, entry.value("DTSTART").to_owned()),
            (Aspect::Title, entry.summary()),
            (Aspect::Location, entry.text("LOCATION")),
            (Aspect::Description, entry.text("DESCRIPTION")),
            (
                Aspect::Busy,
                Some(entry.value("TRANSP"))
                    .filter(|value| !value.is_empty())
                    .unwrap_or("OPAQUE")
                    .to_owned(),
            ),
        ]);
        let rule = entry.value("RRULE").to_owned();
        let mut occurrences = Vec::new();
        let gaps: BTreeSet<String> = entry
            .event
            .all("EXDATE")
            .flat_map(|gap| gap.value.split(','))
            .map(str::to_owned)
            .collect();
        for n in (0..OCCURRENCES).filter(|_| !rule.is_empty()) {
            let Some(start) = edits::occurrence::at(entry.value("DTSTART"), n) else { continue };
            let end = edits::occurrence::at(entry.value("DTEND"), n).unwrap_or_default();
            let plain = [start.clone(), end, entry.summary(), entry.text("LOCATION")];
            let instead = changed.iter().find(|changed| changed.value("RECURRENCE-ID") == start);
            let shown = match instead {
                _ if gaps.contains(&start) => None,
                Some(other) => Some([
                    other.value("DTSTART").to_owned(),
                    other.value("DTEND").to_owned(),
                    other.summary(),
                    other.text("LOCATION"),
                ]),
                None => Some(plain.clone()),
            };
            match &shown {
                None => drop(aspects.insert(Aspect::Occurrence(n), "cancelled".into())),
                Some(other) if *other != plain => drop(
                    aspects.insert(Aspect::Occurrence(n), format!("{} {}", other[0], other[2])),
                ),
                Some(_) => {}
            }
            occurrences.push(shown);
        }
        Self { aspects, occurrences, rule }
    }

    /// Whether a copy shows an equal series; a private copy only equal times.
    pub fn is_like(&self, copy: &Self, private: bool, drift: Drift) -> Result<()> {
        if drift == Drift::Everything {
            return Ok(());
        }
        ensure!(self.rule == copy.rule, "the rule is {} here and {} there", self.rule, copy.rule);
        for (n, (owner, copy)) in self.occurrences.iter().zip(&copy.occurrences).enumerate() {
            let wanted = match owner {
                Some([start, end, ..]) if private => {
                    Some([start.clone(), end.clone(), "Busy".into(), String::new()])
                }
                all => all.clone(),
            };
            let times = |shown: &Option<[String; 4]>| {
                shown.as_ref().map(|[start, end, ..]| [start.clone(), end.clone()])
            };
            ensure!(
                wanted == *copy || (drift == Drift::Words && times(&wanted) == times(copy)),
                "occurrence {n} is {owner:?} here and {copy:?} there"
            );
        }
        Ok(())
    }
}

impl Simulation {
    /// Both calendars in the trace of a failed simulation: names, marks and what people see.
    pub(super) async fn show_all(&mut self) {
        for side in 0..2 {
            let Ok(objects) = self.env.people[side].objects().await else { continue };
            for (name, text) in objects {
                let mark = self.mark_text(side, &name, &text).unwrap_or_default();
                let seen: Vec<String> = simulators::agenda::entries([(name.clone(), text)])
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                self.trace.push(format!("on side {side}: {name} {mark:.30} {}", seen.join(" | ")));
            }
        }
    }

    /// Everything on a side that belongs to a fact, as it is shown there.
    pub(super) async fn look(&self, i: usize, side: usize) -> Result<Vec<(Entry, Shown)>> {
        let mut all = Vec::new();
        for entry in self.entries(i, side).await? {
            let changed = if self.facts[i].series {
                self.changed(side, &entry.name).await?
            } else {
                Vec::new()
            };
            let shown = Shown::of(&entry, &changed);
            all.push((entry, shown));
        }
        Ok(all)
    }

    /// What is known of an event afterwards, where no pass has a hand in it.
    pub(super) async fn look_again(&mut self, i: usize) -> Result<()> {
        for side in 0..2 {
            self.facts[i].own[side] =
                self.look(i, side).await?.into_iter().next().map(|(_, shown)| shown.aspects);
        }
        self.facts[i].actions = Default::default();
        self.facts[i].over = self.facts[i].is_nowhere();
        Ok(())
    }
}

/// The start alone, of what an occurrence is.
pub fn time_of(value: &str) -> &str {
    value.split(' ').next().unwrap_or_default()
}
