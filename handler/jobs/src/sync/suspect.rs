//! Events that are suspected to be gone.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::EventId;
use engine::marker::{MappingId, Role};
use engine::pair::Side;

use super::change::ListedAs;
use super::changes::Changes;
use super::roles::{ROLES, mapped, side_of};

/// An event of a mapping that is suspected to be gone.
#[derive(Clone)]
pub(super) struct Suspect {
    pub mapping: MappingId,
    pub role: Role,
    pub side: Side,
    pub event: EventId,
}

pub(super) fn suspects(changes: &Changes) -> Vec<Suspect> {
    let mut suspects = Vec::new();
    for changed in changes.mappings.values() {
        let mapping = &changed.mapping;
        for role in ROLES {
            if matches!(changed.listed[role], ListedAs::Suspect) {
                suspects.push(Suspect {
                    mapping: mapping.id,
                    role,
                    side: side_of(mapping, role),
                    event: mapped(mapping, role).id.clone(),
                });
            }
        }
    }
    suspects
}

/// The mappings of which one event is suspected to be gone, so that the other one would be deleted,
/// or stay without its copy. Where both are, there is nothing to do. A copy whose creation was
/// interrupted is not counted: no person relies on it yet.
pub(super) fn deletions(changes: &Changes, suspects: &[Suspect]) -> BTreeSet<MappingId> {
    let mut once = BTreeSet::new();
    let is_live = |suspect: &&Suspect| {
        changes.mappings.get(&suspect.mapping).is_some_and(|changed| changed.mapping.is_live())
    };
    for suspect in suspects.iter().filter(is_live) {
        if !once.insert(suspect.mapping) {
            once.remove(&suspect.mapping);
        }
    }
    once
}

/// The suspects that are read with each other: the occurrences of one series whose UIDs are not
/// searched for. Any other is read alone.
pub(super) fn read_together(
    suspects: Vec<Suspect>,
    uids: &BTreeMap<MappingId, String>,
) -> Vec<Vec<Suspect>> {
    let (mut series, mut all) = (BTreeMap::<(u8, String), Vec<Suspect>>::new(), Vec::new());
    for suspect in suspects {
        match suspect.event.in_series() {
            Some((id, _)) if !uids.contains_key(&suspect.mapping) => {
                let key = (u8::from(suspect.side == Side::To), id.to_owned());
                series.entry(key).or_default().push(suspect);
            }
            _ => all.push(vec![suspect]),
        }
    }
    all.extend(series.into_values());
    all
}
