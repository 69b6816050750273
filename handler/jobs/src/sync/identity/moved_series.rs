//! Series whose occurrences are events of their own, and which were moved: all of them have other
//! ids.
//!
//! Where no occurrence of a series is left under its former id, those that are missing and those
//! that are new are joined in their order, so that their copies are edited. Whichever are joined,
//! each occurrence has one copy in the end, and the copy shows it. What is left over on one side is
//! deleted or created as ever.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::EventId;
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::zone::near;
use jiff::Timestamp;

use super::identities::EventIdentities;
use crate::Result;
use crate::sync::change::ListedAs;
use crate::sync::changes::Changes;
use crate::sync::context::Context;
use crate::sync::missing::is_expected;
use crate::sync::roles::role_at;

/// An occurrence that is missing or new, by when its rule has it.
type Placed<T> = (Timestamp, T);

impl Context<'_> {
    /// Joins the occurrences of moved series to the mappings of their former ids. `missing` are the
    /// origins that were missing before any was found under another name.
    pub(super) async fn join_moved_series(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
        side: Side,
        missing: &BTreeSet<MappingId>,
    ) -> Result<()> {
        for (series, lost) in lost_occurrences(changes, missing) {
            let new: Vec<EventId> =
                changes.unknown[side].keys().filter(|id| is_of(id, &series)).cloned().collect();
            if new.is_empty() || !self.is_replaced_as_a_whole(side, &series, missing).await? {
                continue;
            }
            let mut events = self.read_again(identities, changes, side, &new).await?;
            if events.values().any(|event| event.marker.is_some()) {
                continue;
            }
            let new: Vec<Placed<EventId>> =
                events.keys().map(|id| (place(id), id.clone())).collect();
            for (mapping, id) in in_order(lost, new) {
                if let Some(event) = events.remove(&id) {
                    self.join_to_mapping(changes, side, (mapping, Role::Origin), event);
                }
            }
            for event in events.into_values() {
                self.keep_unknown(identities, changes, side, event);
            }
        }
        Ok(())
    }

    /// Whether no occurrence that should be listed is under its former id.
    async fn is_replaced_as_a_whole(
        &self,
        side: Side,
        series: &EventId,
        missing: &BTreeSet<MappingId>,
    ) -> Result<bool> {
        let start = self.planner.window.start_instant().to_string();
        let known = self.store.occurrences(side, series).await?;
        Ok(known.iter().all(|mapping| {
            missing.contains(&mapping.id)
                || !is_expected(mapping, role_at(mapping, side))
                || mapping.times.end <= start
        }))
    }
}

/// The mappings that still miss their origins, by the series of these.
fn lost_occurrences(
    changes: &Changes,
    missing: &BTreeSet<MappingId>,
) -> BTreeMap<EventId, Vec<Placed<MappingId>>> {
    let mut lost = BTreeMap::<EventId, Vec<_>>::new();
    for id in missing {
        let Some(changed) = changes.mappings.get(id) else { continue };
        let origin = &changed.mapping.origin.id;
        if let (ListedAs::Suspect, Some((series, _))) = (&changed.listed.origin, origin.in_series())
        {
            lost.entry(EventId::new(series)).or_default().push((place(origin), *id));
        }
    }
    lost
}

fn is_of(id: &EventId, series: &EventId) -> bool {
    id.in_series().is_some_and(|(found, _)| found == series.as_str())
}

fn place(id: &EventId) -> Timestamp {
    id.in_series().map_or(Timestamp::MIN, |(_, start)| near(start))
}

/// Pairs two lists in their order; of the longer one, the part that lies nearest to the other.
fn in_order<A, B>(mut a: Vec<Placed<A>>, mut b: Vec<Placed<B>>) -> Vec<(A, B)> {
    a.sort_by_key(|(at, _)| *at);
    b.sort_by_key(|(at, _)| *at);
    let (skip_a, skip_b) = nearest(&a, &b);
    a.into_iter()
        .skip(skip_a)
        .zip(b.into_iter().skip(skip_b))
        .map(|((_, a), (_, b))| (a, b))
        .collect()
}

/// How many of the longer list are left out at its beginning.
fn nearest<A, B>(a: &[Placed<A>], b: &[Placed<B>]) -> (usize, usize) {
    if a.len() > b.len() {
        let (skip_b, skip_a) = nearest(b, a);
        return (skip_a, skip_b);
    }
    let distance = |skip: &usize| -> i128 {
        let pairs = a.iter().zip(&b[*skip..]);
        pairs.map(|((a, _), (b, _))| i128::from((a.as_second() - b.as_second()).abs())).sum()
    };
    (0, (0..=b.len() - a.len()).min_by_key(distance).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(days: &[i64]) -> Vec<Placed<i64>> {
        days.iter().map(|day| (Timestamp::from_second(day * 86_400).unwrap(), *day)).collect()
    }

    #[test]
    fn lists_are_paired_in_their_order_where_they_lie_nearest() {
        let pairs = |a: &[i64], b: &[i64]| in_order(placed(a), placed(b));
        assert_eq!(pairs(&[7, 0, 14], &[15, 1, 8]), [(0, 1), (7, 8), (14, 15)]);
        assert_eq!(pairs(&[0, 7, 14], &[8, 15]), [(7, 8), (14, 15)]);
        assert_eq!(pairs(&[0, 7], &[8, 1, 15]), [(0, 1), (7, 8)]);
        assert_eq!(pairs(&[7, 14], &[1, 8, 15]), [(7, 8), (14, 15)]);
        assert_eq!(pairs(&[], &[1]), []);
    }
}
