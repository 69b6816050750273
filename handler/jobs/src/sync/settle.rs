//! What a write has left behind.

use engine::event::{Draft, Parts};
use engine::mapping::Mapping;
use engine::marker::Role;
use providers::Written;

use super::pass::Pass;
use super::survey;

impl Pass<'_> {
    /// Notes the version that a write of these parts has left behind (of all, where none are
    /// named), and what is shown now.
    pub(super) fn settle(
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
        let half = survey::half_mut(mapping, role);
        half.id = written.id;
        half.written(written.etag, self.now);
        half.sequence = written.sequence;
        half.intent = None;
        if let Some(print) = print {
            half.learn(&print, parts);
        }
    }
}
