//! The two events of a mapping: which one is where, and a value for each.

use std::ops::{Index, IndexMut};

use engine::mapping::{MappedEvent, Mapping};
use engine::marker::Role;
use engine::pair::Side;

pub(super) const ROLES: [Role; 2] = [Role::Origin, Role::Copy];

/// A value for each of the two events of a mapping.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PerRole<T> {
    pub origin: T,
    pub copy: T,
}

impl<T> Index<Role> for PerRole<T> {
    type Output = T;
    fn index(&self, role: Role) -> &T {
        match role {
            Role::Origin => &self.origin,
            Role::Copy => &self.copy,
        }
    }
}

impl<T> IndexMut<Role> for PerRole<T> {
    fn index_mut(&mut self, role: Role) -> &mut T {
        match role {
            Role::Origin => &mut self.origin,
            Role::Copy => &mut self.copy,
        }
    }
}

/// The end of the pair at which an event of a mapping is.
pub(crate) fn side_of(mapping: &Mapping, role: Role) -> Side {
    match role {
        Role::Origin => mapping.side,
        Role::Copy => mapping.side.other(),
    }
}

/// Which event of a mapping is at that end.
pub(super) fn role_at(mapping: &Mapping, side: Side) -> Role {
    if mapping.side == side { Role::Origin } else { Role::Copy }
}

pub(super) fn other_role(role: Role) -> Role {
    match role {
        Role::Origin => Role::Copy,
        Role::Copy => Role::Origin,
    }
}

pub(super) fn mapped(mapping: &Mapping, role: Role) -> &MappedEvent {
    match role {
        Role::Origin => &mapping.origin,
        Role::Copy => &mapping.copy,
    }
}

pub(super) fn mapped_mut(mapping: &mut Mapping, role: Role) -> &mut MappedEvent {
    match role {
        Role::Origin => &mut mapping.origin,
        Role::Copy => &mut mapping.copy,
    }
}
