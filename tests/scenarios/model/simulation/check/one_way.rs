//! Pairs that go one way: nothing flows back, and a copy that a person edits drifts until its
//! origin changes or a full pass is made.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use super::{Found, Strict, of_copy, plain};
use crate::model::expected::Aspect;
use crate::model::simulation::shown::{Drift, time_of};
use crate::model::simulation::state::Simulation;

impl Simulation {
    pub(super) fn check_one_way(&mut self, i: usize, found: &Found, strict: Strict) -> Result<()> {
        let fact = self.facts[i].clone();
        let [source, target] = [fact.side, 1 - fact.side];
        if fact.actions[source].deleted.is_some() {
            ensure!(found[source].is_empty(), "resurrected");
            if let Some((_, left)) = found[target].first().filter(|_| fact.joining) {
                self.facts[i].leave([(target, left.aspects.clone())]);
                return Ok(());
            }
            ensure!(found[target].is_empty(), "its copy outlives it");
            self.facts[i].over = true;
            return Ok(());
        }
        let origin =
            &found[source].first().context("the origin is gone, and no person deleted it")?.1;
        let shown = &origin.aspects;
        for aspect in
            [Aspect::Time, Aspect::Title, Aspect::Location, Aspect::Description, Aspect::Busy]
        {
            ensure!(
                fact.origins_own(aspect).as_ref() == shown.get(&aspect),
                "the origin's {aspect:?} was written to"
            );
        }
        let wanted = [Aspect::Time, Aspect::Title]
            .iter()
            .any(|aspect| fact.actions[source].values.contains_key(aspect));
        let copy_deleted = fact.actions[target].deleted.is_some();
        let emptied = self.emptied.as_ref().filter(|emptied| emptied.side == target);
        let left_out = emptied.is_some_and(|emptied| !emptied.make_again);
        // The owner has said that everything is made again, or that nothing is: what a person did
        // to the copy before does not count.
        let is_open = self.all_deleted || emptied.is_some();
        let Some((_, copy)) = found[target].first() else {
            ensure!(fact.suppressed || copy_deleted || left_out, "lost");
            ensure!(
                copy_deleted || left_out || !fact.is_another(source),
                "its time or title changed, and it did not come back"
            );
            self.facts[i].suppressed = true;
            self.facts[i].unseen |=
                copy_deleted && (fact.new || fact.joining || fact.suppressed || fact.remade);
            self.facts[i].settle(shown.clone(), BTreeMap::new());
            return Ok(());
        };
        ensure!(
            wanted || !(fact.suppressed || copy_deleted) || fact.new || fact.unseen || is_open,
            "resurrected"
        );
        ensure!(
            !left_out || wanted || fact.new || fact.unseen,
            "made again, and its owner wanted it to stay away"
        );
        let private = self.rules.is_private(target);
        let lenient = strict == Strict::No;
        let drifts = match lenient {
            true if fact.times_drift() || (!private && fact.drifts()) => Drift::Everything,
            true => Drift::Words,
            false => Drift::Nothing,
        };
        origin.is_like(copy, private, drifts)?;
        let mut drift = BTreeMap::new();
        if origin.rule != copy.rule {
            drift.insert(
                Aspect::Time,
                copy.aspects.get(&Aspect::Time).cloned().into_iter().collect(),
            );
        }
        for (aspect, value) in plain(shown) {
            let value = of_copy(aspect, value, private);
            let shows = copy.aspects.get(&aspect).map(String::as_str);
            if shows != Some(value) {
                ensure!(
                    lenient && fact.may_drift(aspect, shows),
                    "{aspect:?} of the copy is {shows:?} and should be {value}"
                );
                drift
                    .entry(aspect)
                    .or_insert_with(std::collections::BTreeSet::new)
                    .extend(shows.map(str::to_owned));
            }
        }
        for aspect in shown
            .keys()
            .chain(copy.aspects.keys())
            .filter(|aspect| matches!(aspect, Aspect::Occurrence(_)))
        {
            let [here, there] = [shown, &copy.aspects].map(|aspects| {
                aspects.get(aspect).map(|value| if private { time_of(value) } else { value })
            });
            if here != there {
                drift.entry(*aspect).or_default().extend(copy.aspects.get(aspect).cloned());
            }
        }
        (self.facts[i].suppressed, self.facts[i].unseen) = (false, false);
        self.facts[i].settle(shown.clone(), drift);
        Ok(())
    }
}
