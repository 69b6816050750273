//! Which mappings belong to one series: where a provider shows the occurrences of a series as events
//! of their own, a person who deletes the series deletes one event.

use std::collections::{BTreeMap, BTreeSet};

use engine::mapping::Mapping;
use engine::marker::MappingId;

use super::roles::{ROLES, mapped};

/// The series of mappings, as far as they have one.
#[derive(Debug, Default)]
pub(super) struct SeriesGroups(BTreeMap<MappingId, String>);

impl SeriesGroups {
    /// The groups of these mappings.
    pub fn of<'a>(mappings: impl IntoIterator<Item = &'a Mapping>) -> Self {
        let mut groups = Self::default();
        mappings.into_iter().for_each(|mapping| groups.add(mapping));
        groups
    }

    /// Notes the series of a mapping.
    pub fn add(&mut self, mapping: &Mapping) {
        let series = ROLES.iter().find_map(|role| {
            mapped(mapping, *role).id.in_series().map(|(series, _)| series.to_owned())
        });
        if let Some(series) = series {
            self.0.insert(mapping.id, series);
        }
    }

    /// How many mappings are left where those of one series count as one.
    pub fn count<'a>(&self, ids: impl IntoIterator<Item = &'a MappingId>) -> u64 {
        let (mut series, mut single) = (BTreeSet::new(), 0_u64);
        for id in ids {
            match self.0.get(id) {
                Some(one) => drop(series.insert(one)),
                None => single += 1,
            }
        }
        single + series.len() as u64
    }
}
