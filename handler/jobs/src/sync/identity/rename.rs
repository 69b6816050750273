//! Updates a mapping whose event has another name.

use engine::event::Event;
use engine::mapping::Mapping;
use engine::marker::{MappingId, Role};
use engine::uid::UidHash;

use crate::sync::roles::half;

/// Sets the current name of an event. Its stored version stays another one, so that the event is
/// read.
pub(in crate::sync) fn rename(mapping: &mut Mapping, role: Role, event: &Event) {
    let half = match role {
        Role::Origin => &mut mapping.origin,
        Role::Copy => &mut mapping.copy,
    };
    half.id = event.id.clone();
    half.uid = UidHash::of(&event.uid);
    mapping.unseen = mapping.unseen.filter(|unseen| *unseen != role);
    if role == Role::Copy {
        mapping.pristine = false;
    }
}

/// Whether an event has the UID that an event of the mapping had.
pub(super) fn has_its_uid(mapping: &Mapping, role: Role, event: &Event) -> bool {
    let uid = UidHash::of(&event.uid);
    MappingId::of_uid(&event.uid) == Some((role, mapping.id))
        || (uid.is_some() && half(mapping, role).uid == uid)
}
