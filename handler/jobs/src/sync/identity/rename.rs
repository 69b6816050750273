//! Updates a mapping whose event has another name.

use engine::event::Event;
use engine::mapping::Mapping;
use engine::marker::{MappingId, Role};
use engine::uid::UidHash;

use crate::sync::roles::mapped;

/// Sets the current name of an event. Its stored version stays another one, so that the event is
/// read.
pub(in crate::sync) fn rename(mapping: &mut Mapping, role: Role, event: &Event) {
    let mapped = match role {
        Role::Origin => &mut mapping.origin,
        Role::Copy => &mut mapping.copy,
    };
    mapped.id = event.id.clone();
    mapped.uid = UidHash::of(&event.uid);
    mapping.unseen = mapping.unseen.filter(|unseen| *unseen != role);
    if role == Role::Copy {
        mapping.pristine = false;
    }
}

/// Whether an event has the UID that an event of the mapping had.
pub(super) fn has_its_uid(mapping: &Mapping, role: Role, event: &Event) -> bool {
    let uid = UidHash::of(&event.uid);
    MappingId::of_uid(&event.uid) == Some((role, mapping.id))
        || (uid.is_some() && mapped(mapping, role).uid == uid)
}
