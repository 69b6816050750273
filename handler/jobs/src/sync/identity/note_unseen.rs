//! Stores that events were not listed after they were created, and puts off what depends on them.

use std::collections::BTreeMap;

use engine::event::EventId;
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::pair::Side;
use engine::reason::Reason;
use providers::Found;
use records::pair_state::{Batch, ProblemRow};

use super::unlisted::UnlistedEvent;
use crate::Result;
use crate::sync::change::ListedAs;
use crate::sync::changes::Changes;
use crate::sync::context::Context;
use crate::sync::pass_result::PassResult;
use crate::sync::problems::RetryAt;
use crate::sync::roles::{mapped, other_role};

const NOT_SHOWN: &str = "the server took it, and does not show it in the \
calendar; `calrelay sync --full` writes it once more";

impl Context<'_> {
    /// The problem of a mapping of which an event was created and is not shown.
    pub(in crate::sync) fn not_shown(&self, mapping: &Mapping) -> ProblemRow {
        let reason = Reason::RefusedByServer;
        self.problem(mapping.side, &mapping.origin.id, None, reason, Some(NOT_SHOWN))
    }

    /// Stores that these events were not listed. That they are missing is no change.
    pub(super) async fn note_unseen(
        &self,
        changes: &mut Changes,
        result: &mut PassResult,
        side: Side,
        unlisted: Vec<UnlistedEvent>,
    ) -> Result<()> {
        let unlisted: Vec<UnlistedEvent> =
            unlisted.into_iter().filter(|unlisted| unlisted.mapping.is_live()).collect();
        let known = self.read_by_known_names(changes, side, &unlisted).await?;
        let mut notes = Batch::default();
        for UnlistedEvent { mapping, role } in unlisted {
            let name = &mapped(&mapping, role).id;
            if let Some(found @ (Found::Event(_) | Found::Unreadable { .. })) = known.get(name) {
                self.treat_as_listed(changes, side, &mapping, role, found);
                continue;
            }
            let is_first = mapping.unseen != Some(role) || mapping.missed_on.is_none();
            let missed_on = if is_first { Some(self.today()) } else { mapping.missed_on };
            let mut unseen = Mapping { unseen: Some(role), missed_on, ..mapping.clone() };
            if is_first && !self.options.dry_run {
                let mut problem = self.not_shown(&unseen);
                result.problems.add(unseen.side, &mut problem, RetryAt::OnChange, self.now);
                self.store.note_problem(&mut notes, &unseen.origin.id, &problem)?;
            }
            changes.unseen.insert(unseen.id);
            changes.mapping_counts = None;
            if self.puts_off(changes, &unseen, role) {
                changes.mappings.remove(&unseen.id);
                result.run.push(self.skip(
                    unseen.side,
                    &unseen.origin.id,
                    Some(unseen.times.clone()),
                    Reason::RefusedByServer,
                ));
                let other = if role == Role::Copy { &mut unseen.origin } else { &mut unseen.copy };
                other.etag = None;
            }
            if unseen != mapping && !self.options.dry_run {
                self.store.note(&mut notes, Some(&mapping), &unseen)?;
            }
            if let Some(changed) = changes.mappings.get_mut(&unseen.id) {
                (changed.mapping.unseen, changed.mapping.missed_on) =
                    (unseen.unseen, unseen.missed_on);
                changed.stored = unseen;
            }
        }
        Ok(self.store.commit(self.locked, notes).await?)
    }

    /// Reads the names at which these events were created, where it matters: the changes of the
    /// other event are written there.
    async fn read_by_known_names(
        &self,
        changes: &Changes,
        side: Side,
        unlisted: &[UnlistedEvent],
    ) -> Result<BTreeMap<EventId, Found>> {
        let matters = |unlisted: &&UnlistedEvent| {
            let changed = changes.mappings.get(&unlisted.mapping.id);
            changed.is_some_and(|changed| {
                self.options.full
                    || !matches!(changed.listed[other_role(unlisted.role)], ListedAs::None)
            })
        };
        let names = unlisted
            .iter()
            .filter(matters)
            .map(|unlisted| mapped(&unlisted.mapping, unlisted.role).id.clone())
            .collect();
        self.fetch(side, names).await
    }

    /// The event exists, and only listings lack it: the mapping is decided about as if it were
    /// listed, and the event is awaited as before.
    fn treat_as_listed(
        &self,
        changes: &mut Changes,
        side: Side,
        mapping: &Mapping,
        role: Role,
        found: &Found,
    ) {
        let Some(changed) = changes.mappings.get_mut(&mapping.id) else { return };
        changed.listed[role] = match found {
            Found::Event(event) => ListedAs::Present(Some(event.clone())),
            _ => ListedAs::Present(None),
        };
        let other = &mut changed.listed[other_role(role)];
        if matches!(other, ListedAs::None) {
            *other = ListedAs::Present(None);
        }
        if !self.options.dry_run {
            self.locked.change_unlisted(|awaited| awaited.add(side, mapping.id));
        }
    }

    /// Whether the decision about a mapping is put off, of which one event is neither listed nor
    /// under its known name. Where it is not put off, it is made without that event.
    fn puts_off(&self, changes: &mut Changes, unseen: &Mapping, role: Role) -> bool {
        let Some(changed) = changes.mappings.get_mut(&unseen.id) else { return false };
        if matches!(changed.listed[role], ListedAs::Suspect) {
            changed.listed[role] = ListedAs::None;
        }
        let (is_changed, is_gone) = match &mut changed.listed[other_role(role)] {
            ListedAs::None => (false, false),
            ListedAs::Present(_) => (true, false),
            ListedAs::Suspect | ListedAs::Emptied(_) => (true, true),
        };
        if role == Role::Copy
            && !is_gone
            && (self.options.full || (is_changed && unseen.is_overdue(self.today())))
        {
            changed.mapping.state = MappingState::Creating;
            if !is_changed {
                changed.listed.origin = ListedAs::Present(None);
            }
            return false;
        }
        if !is_changed {
            changes.mappings.remove(&unseen.id);
            return false;
        }
        if is_gone && unseen.is_overdue(self.today()) {
            // Then both events are gone.
            changed.listed[role] =
                if role == Role::Copy { ListedAs::None } else { ListedAs::Suspect };
            return false;
        }
        true
    }
}
