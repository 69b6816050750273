//! Events that the pair leaves alone, or may.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::Found;
use crate::model::expected::Bond;
use crate::model::simulation::shown::Drift;
use crate::model::simulation::state::Simulation;

impl Simulation {
    /// What was there is there. Where one side alone has it, and that side is copied, a copy may
    /// have been made.
    pub(super) fn check_apart(&mut self, i: usize, found: &Found) -> Result<()> {
        let fact = self.facts[i].clone();
        let sides: Vec<usize> = (0..2).filter(|side| fact.own[*side].is_some()).collect();
        for (side, found) in found.iter().enumerate() {
            let shown = found.first().map(|(_, shown)| &shown.aspects);
            let Some(own) = &fact.own[side] else {
                let may_be_copied = fact.bond == Bond::Open || self.rules.is_source(1 - side);
                ensure!(
                    shown.is_none() || may_be_copied,
                    "copied to side {side}, where it should be left alone"
                );
                continue;
            };
            let Some(shown) = shown else {
                anyhow::bail!("gone from side {side}, where the pair has nothing to do with it")
            };
            // Where both sides have it, they may be in step by now.
            let is_of_either =
                fact.bond == Bond::Loose || (fact.bond == Bond::Open && sides.len() == 2);
            ensure!(
                is_of_either || shown == own,
                "side {side} shows {shown:?}, and a person left {own:?} there"
            );
        }
        if let [only] = sides[..] {
            let other = &found[1 - only];
            if let Some((_, copy)) = other.first() {
                found[only][0].1.is_like(copy, self.rules.is_private(1 - only), Drift::Nothing)?;
                let fact = &mut self.facts[i];
                (fact.bond, fact.side, fact.suppressed, fact.foreign) =
                    (Bond::Kept, only, false, false);
                fact.settle(found[only][0].1.aspects.clone(), BTreeMap::new());
                return Ok(());
            }
            if fact.bond == Bond::Open {
                self.facts[i].bond = Bond::Apart;
            }
        } else if fact.bond == Bond::Open {
            self.facts[i].bond = Bond::Loose;
        }
        let fact = &mut self.facts[i];
        fact.own =
            [0, 1].map(|side: usize| found[side].first().map(|(_, shown)| shown.aspects.clone()));
        fact.actions = Default::default();
        fact.new = false;
        Ok(())
    }
}
