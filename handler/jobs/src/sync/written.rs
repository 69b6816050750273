//! Records the result of a write in the mapping.

use engine::event::{Draft, Parts};
use engine::mapping::Mapping;
use engine::marker::Role;
use providers::Written;

use super::context::Context;
use super::roles::mapped_mut;

impl Context<'_> {
    /// Records the version after a write of these parts (of all where `parts` is `None`), and what
    /// the event shows now.
    pub(super) fn record_written(
        &self,
        mapping: &mut Mapping,
        role: Role,
        written: Written,
        parts: Option<&Parts>,
    ) {
        let print = written.event.map(|event| match role {
            Role::Copy => self.keys.prints.copy(&Draft::from(&*event)),
            Role::Origin => self.keys.prints.origin(&Draft::from(&*event)),
        });
        let mapped = mapped_mut(mapping, role);
        mapped.id = written.id;
        mapped.written(written.etag, self.now);
        mapped.sequence = written.sequence;
        mapped.intent = None;
        mapped.is_seen = print.is_some();
        if let Some(print) = print {
            mapped.learn(&print, parts);
        }
    }
}
