//! Events that were created and are not listed, and how they are recognised.

use engine::etag;
use engine::event::{EventId, Field, Stamps};
use engine::fingerprint::Fingerprint;
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::pair::Side;
use engine::uid::UidHash;

use crate::sync::change::{ChangedMapping, ListedAs};
use crate::sync::changes::Changes;
use crate::sync::roles::{mapped, role_at};

/// An unknown event, with fingerprints of what it shows.
pub(super) struct ShownEvent {
    pub id: EventId,
    pub uid: Option<UidHash>,
    pub etag: Option<String>,
    pub print: Fingerprint,
    pub stamps: Stamps,
}

/// A mapping whose event in the calendar was not listed.
pub(super) struct UnlistedEvent {
    pub mapping: Mapping,
    pub role: Role,
}

impl UnlistedEvent {
    pub fn is_like(&self, shown: &ShownEvent, field: Field) -> bool {
        let mapped = mapped(&self.mapping, self.role);
        !mapped
            .meant(&shown.print)
            .changed_since(&mapped.base, mapped.intent.as_ref())
            .fields
            .contains(&field)
    }

    pub fn etag(&self) -> Option<&str> {
        mapped(&self.mapping, self.role).etag.as_deref()
    }

    /// Whether an event shows what was written, and is not known to be older.
    pub fn may_be(&self, shown: &ShownEvent) -> bool {
        let is_like = [Field::Time, Field::Title].iter().all(|field| self.is_like(shown, *field));
        is_like && !self.mapping.made_at.is_some_and(|at| shown.stamps.prove_older(at))
    }

    /// Whether an event may be what was written, altered by the server. With another version than
    /// the response to the write had, it has to show all of it.
    pub fn may_be_altered(&self, shown: &ShownEvent) -> bool {
        let is_known_apart = self.mapping.state == MappingState::Creating
            || (self.etag().is_some() && !self.has_version_of(shown));
        let is_older = self.mapping.made_at.is_some_and(|at| shown.stamps.prove_older(at));
        let looks = [Field::Time, Field::Title].map(|field| self.is_like(shown, field));
        !is_older && if is_known_apart { looks == [true; 2] } else { looks.contains(&true) }
    }

    pub fn has_version_of(&self, shown: &ShownEvent) -> bool {
        etag::are_same(self.etag(), shown.etag.as_deref())
    }

    pub fn is_younger(&self, shown: &ShownEvent) -> bool {
        self.mapping.made_at.is_some_and(|at| shown.stamps.prove_younger(at))
    }
}

/// Copies that an interrupted pass was about to create, or whose response was lost: they may exist.
pub(super) fn being_created(changes: &Changes, side: Side) -> Vec<UnlistedEvent> {
    let may_exist = |changed: &&ChangedMapping| {
        changed.mapping.state == MappingState::Creating
            && matches!(changed.listed.copy, ListedAs::None | ListedAs::Suspect)
    };
    let created = changes.mappings.values().filter(may_exist).map(|changed| UnlistedEvent {
        role: role_at(&changed.mapping, side),
        mapping: changed.mapping.clone(),
    });
    created.filter(|unlisted| unlisted.role == Role::Copy).collect()
}
