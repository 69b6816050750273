//! The object of an edit as it was read, with the places of its components.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Event, EventId, Exception, OriginalStart, Series, Span};

use crate::context::ObjectContext;
use crate::error::Unreadable;
use crate::layout::{self, Layout};
use crate::read::ObjectReader;
use crate::tree::Component;

/// The object as it was read.
pub(super) struct Before {
    pub(super) layout: Layout,
    pub(super) event: Event,
    /// The places of the components of each changed occurrence.
    pub(super) overrides: BTreeMap<OriginalStart, Vec<usize>>,
    /// Which occurrence the component at a place changes.
    pub(super) owners: BTreeMap<usize, OriginalStart>,
    /// What each EXDATE line names, value by value.
    pub(super) excluded: Vec<Vec<OriginalStart>>,
    /// All that the EXDATE lines name.
    pub(super) excluded_keys: BTreeSet<OriginalStart>,
    /// Some occurrences of this timed series are named by their day alone: they mean the time of
    /// its start.
    pub(super) days_alone: bool,
    /// Its series shows more than its rule and its exceptions say.
    pub(super) expanded: bool,
    /// An all-day event that is written with times.
    pub(super) days_as_times: bool,
}

impl Before {
    pub(super) fn of(calendar: &Component, context: ObjectContext<'_>) -> Result<Self, Unreadable> {
        let reader = ObjectReader::new(calendar, context)?;
        let event = reader.event(EventId::new(""), None)?;
        let span = &event.content.span;
        let mut owners = BTreeMap::new();
        for &at in &reader.layout.overrides {
            if let Some(component) = layout::component(calendar, at) {
                owners.insert(at, reader.recurrence_id(component, span)?);
            }
        }
        let mut overrides: BTreeMap<OriginalStart, Vec<usize>> = BTreeMap::new();
        for (at, key) in &owners {
            overrides.entry(*key).or_default().push(*at);
        }
        // Where two components change one occurrence, the one that counts comes first.
        for places in overrides.values_mut() {
            places.sort_by_key(|at| {
                std::cmp::Reverse(layout::component(calendar, *at).map(layout::version))
            });
        }
        let lines = reader.main().properties("EXDATE");
        let excluded = lines.map(|line| {
            let values = line.value.split(',').filter(|value| !value.trim().is_empty());
            values.filter_map(|value| reader.listed(value, &line, span)).collect()
        });
        let excluded: Vec<Vec<OriginalStart>> =
            if reader.layout.orphaned { Vec::new() } else { excluded.collect() };
        let excluded_keys = excluded.iter().flatten().copied().collect();
        let days_alone = matches!(span, Span::Timed { .. })
            && layout::events(calendar).iter().any(|(_, event)| names_days(event));
        let written =
            reader.main().property("DTSTART").map(|start| start.value.contains(['T', 't']));
        let days_as_times = matches!(span, Span::AllDay { .. }) && written == Some(true);
        let expanded = reader.is_expanded();
        Ok(Self {
            layout: reader.layout,
            event,
            overrides,
            owners,
            excluded,
            excluded_keys,
            days_alone,
            expanded,
            days_as_times,
        })
    }

    /// The exception that an occurrence is.
    pub(super) fn exception(&self, key: &OriginalStart) -> Option<&Exception> {
        self.event.series.as_ref()?.exceptions.get(key)
    }

    /// The series; an empty one where there is none.
    pub(super) fn series(&self) -> Series {
        self.event.series.clone().unwrap_or_default()
    }
}

/// Whether a component names an occurrence by its day alone.
fn names_days(event: &Component) -> bool {
    let properties =
        ["EXDATE", "RDATE", "RECURRENCE-ID"].into_iter().flat_map(|name| event.properties(name));
    let mut values = properties.flat_map(|property| property.value.split(',').collect::<Vec<_>>());
    values.any(|value| !value.trim().is_empty() && !value.contains(['T', 't']))
}
