//! Makes what is missing: a copy, or an origin that is made again. What a cut-off pass has made
//! already is taken over.

use engine::event::{Draft, Event, Parts};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::plan::Create;
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::{Edit, Found, NewCopy, Version, Written};

use super::apply::Applied;
use super::identity::NOT_SHOWN;
use super::pass::{Pass, other_role, side_of};
use super::refused::RetryAt;
use super::survey;
use crate::Result;
use crate::report::Action;
use crate::report::Verb;

/// Said where a server refuses every name for an event.
const NAMES_TAKEN: &str = "the server answers that the name is in use, whatever name the copy is \
given, and shows nothing under it";

/// What a calendar has under a name.
enum NameTaken {
    Event(Box<Event>),
    Nothing,
    /// The server does not give it.
    Refused(String),
}

impl Pass<'_> {
    pub(super) async fn create(
        &self,
        create: Create,
        before: Option<Mapping>,
        applied: &mut Applied,
    ) -> Result<()> {
        let Create { mut mapping, role, draft, reason, mark_origin } = create;
        let side = side_of(&mapping, role);
        let action = self.action(Verb::Create, &mapping, other_role(role), reason);
        if self.options.dry_run {
            applied.actions.push(action);
            return Ok(());
        }
        // It was written under this name before, and is there, although nothing shows it yet.
        // Elsewhere what is deleted uses up its name.
        let is_awaited = before.as_ref().is_some_and(|before| before.unseen == Some(role))
            && self.is_caldav(side);
        // What is stored by now: the note made before the write.
        let stored = if role == Role::Copy { Some(mapping.clone()) } else { before.clone() };
        let end = &self.ends[side as usize];
        let calendar = &end.calendar.address;
        let marker = self.keys.marks.mint(role, mapping.id, mapping.first());
        let mut nothing_there = true;
        for last in [false, false, true] {
            self.may_write()?;
            let uid = match role {
                Role::Copy => mapping.id.copy_uid(mapping.generation),
                Role::Origin => mapping.id.origin_uid(mapping.generation),
            };
            let copy = NewCopy { uid: &uid, marker: &marker, draft: &draft, now: self.now };
            match end.provider.create(calendar, &copy).await {
                Ok(written) => {
                    self.made(&mut mapping, role, written, &uid, false);
                    self.head.change_unlisted(|awaited| awaited.add(side, mapping.id));
                    applied.wrote[side as usize] = true;
                    applied.actions.push(action);
                    // A copy that was to be taken over still bears its former mark: both are looked
                    // at once more.
                    let to_mark =
                        role == Role::Origin && mapping.taken_over && mapping.copy.intent.is_some();
                    if mark_origin {
                        self.mark_origin(&mut mapping, &draft, applied).await?;
                    }
                    if to_mark {
                        (applied.deferred, mapping.origin.etag) = (true, None);
                    }
                    applied.remember = Some((stored, Some(mapping)));
                    return Ok(());
                }
                Err(providers::Error::Exists) => {
                    let there = match self.standing(side, &uid).await? {
                        NameTaken::Event(event) => Some(event),
                        NameTaken::Nothing => None,
                        NameTaken::Refused(why) => {
                            return self
                                .not_created(
                                    providers::Error::Refused(why),
                                    action,
                                    stored,
                                    &mapping,
                                    role,
                                    applied,
                                )
                                .await;
                        }
                    };
                    nothing_there &= there.is_none();
                    if there.is_none() && is_awaited {
                        self.still_not_shown(action, stored, before, applied);
                        return Ok(());
                    }
                    match there.filter(|event| self.is_ours(event, role, mapping.id)) {
                        Some(event) => {
                            // Our own, from a write whose answer was lost, or from an earlier pair.
                            self.may_write()?;
                            match self.take_over(&mut mapping, role, &event, &draft, &marker).await
                            {
                                Ok(()) => {
                                    applied.wrote[side as usize] = true;
                                    applied.actions.push(action);
                                    applied.remember = Some((stored, Some(mapping)));
                                }
                                Err(providers::Error::HasGuests) if role == Role::Copy => {
                                    // Its owner has invited people to it: it is theirs from now on.
                                    let written = Written::as_it_is(&event);
                                    self.made(&mut mapping, role, written, &event.uid, true);
                                    (mapping.copy_guests, mapping.drifted) = (true, true);
                                    applied.actions.push(Action {
                                        action: Verb::Skip,
                                        reason: Some(Reason::HasGuests),
                                        ..action
                                    });
                                    applied.remember = Some((stored, Some(mapping)));
                                }
                                Err(error) => {
                                    return self
                                        .not_created(error, action, stored, &mapping, role, applied)
                                        .await;
                                }
                            }
                            return Ok(());
                        }
                        None => mapping.generation += 1,
                    }
                }
                // A trash bin keeps names: another one, and then one that was never used.
                Err(providers::Error::NameRefused(_)) if !last => {
                    mapping.generation = self.next_generation(mapping.generation)
                }
                Err(providers::Error::NameRefused(error)) => {
                    return self.not_created(*error, action, stored, &mapping, role, applied).await;
                }
                Err(error) => {
                    return self.not_created(error, action, stored, &mapping, role, applied).await;
                }
            }
        }
        if !nothing_there && !self.last {
            applied.deferred = true;
            return Ok(());
        }
        // What was noted before the write stays: it is looked for by the next try.
        applied.actions.push(Action {
            action: Verb::Skip,
            reason: Some(Reason::RefusedByServer),
            ..action
        });
        let gone = (role == Role::Origin && before.is_some()).then_some(Role::Origin);
        applied.problem = Some((self.refused(&mapping, gone, NAMES_TAKEN), RetryAt::Later));
        Ok(())
    }

    /// Another name would make a second one: it is awaited as before.
    fn still_not_shown(
        &self,
        action: Action,
        stored: Option<Mapping>,
        before: Option<Mapping>,
        applied: &mut Applied,
    ) {
        applied.actions.push(Action {
            action: Verb::Skip,
            reason: Some(Reason::RefusedByServer),
            ..action
        });
        let Some(mut before) = before else { return };
        before.origin.etag = None;
        let problem = self.problem(
            before.side,
            &before.origin.id,
            None,
            Reason::RefusedByServer,
            Some(NOT_SHOWN),
        );
        applied.problem = Some((problem, RetryAt::OnChange));
        applied.remember = Some((stored, Some(before)));
    }

    /// After a generation whose name was refused: the next one, then one made of the time.
    fn next_generation(&self, generation: u32) -> u32 {
        // Hundredths of a second, which come round after more than a year.
        let hundredths = u32::try_from((self.now.as_millisecond() / 10) & i64::from(u32::MAX))
            .unwrap_or(u32::MAX);
        if generation.is_multiple_of(2) {
            generation.saturating_add(1)
        } else {
            hundredths.max(generation.saturating_add(1))
        }
    }

    async fn not_created(
        &self,
        error: providers::Error,
        action: Action,
        stored: Option<Mapping>,
        mapping: &Mapping,
        role: Role,
        applied: &mut Applied,
    ) -> Result<()> {
        // What is refused with a reason was not made; anything else may have been.
        let is_final = matches!(error, providers::Error::Refused(_));
        let may_be_made = !is_final
            && !matches!(error, providers::Error::Forbidden(_) | providers::Error::Unauthorized);
        // The owner has asked for it in a calendar that was emptied: its absence must not be taken
        // for a deletion afterwards.
        let is_answer = role == Role::Origin && action.reason != Some(Reason::EditWins);
        let Some((why, retry)) =
            self.not_written(error, side_of(mapping, role), None, applied).await?
        else {
            return Ok(());
        };
        applied.actions.push(Action {
            action: Verb::Skip,
            reason: Some(Reason::RefusedByServer),
            ..action
        });
        let gone = (role == Role::Origin && !is_answer).then_some(Role::Origin);
        if is_answer && !may_be_made {
            // The copy is its owner's event from now on, under a mapping of its own: that is what
            // is tried again.
            (applied.side, applied.event) = (mapping.side.other(), mapping.copy.id.clone());
            let problem = self.problem(
                applied.side,
                &applied.event,
                None,
                Reason::RefusedByServer,
                Some(&why),
            );
            applied.problem = Some((problem, retry));
            applied.remember = Some((stored, None));
            return Ok(());
        }
        if is_answer {
            applied.asks_again = true;
            applied.problem = Some((self.refused(mapping, None, &why), RetryAt::OnChange));
            return Ok(());
        }
        applied.problem = Some((self.refused(mapping, gone, &why), retry));
        if is_final && role == Role::Copy {
            applied.remember = Some((stored, None));
        }
        Ok(())
    }

    /// Whether an event under the name that we would give is the one that we would make: by its
    /// mark, or where a server takes marks away, because only this installation makes such names.
    pub(super) fn is_ours(&self, event: &Event, role: Role, mapping: MappingId) -> bool {
        match self.planner.mark(event) {
            Some(mark) => {
                matches!(mark, Mark::Ours { role: found, mapping: id, .. } if (found, id) == (role, mapping))
            }
            None => MappingId::of_uid(&event.uid) == Some((role, mapping)),
        }
    }

    /// Marks an origin that was made out of a copy as an event of its own. Where that cannot be
    /// done, the mapping's row says the same.
    async fn mark_origin(
        &self,
        mapping: &mut Mapping,
        draft: &Draft,
        applied: &mut Applied,
    ) -> Result<()> {
        let end = &self.ends[mapping.side as usize];
        let marker = self.keys.marks.mint(Role::Origin, mapping.id, mapping.first());
        let version =
            Version { etag: mapping.origin.etag.clone(), sequence: mapping.origin.sequence };
        let edit = Edit { parts: &Parts::default(), draft, marker: Some(&marker), now: self.now };
        self.may_write()?;
        match end.provider.edit(&end.calendar.address, &mapping.origin.id, &version, &edit).await {
            Ok(written) => {
                applied.wrote[mapping.side as usize] = true;
                self.settle(mapping, Role::Origin, written, Some(&Parts::default()));
            }
            Err(error) => {
                tracing::debug!(pair = %self.pair.id, %error, "an event that was made out of a \
                copy keeps its mark")
            }
        }
        Ok(())
    }

    /// What stands under the name that we would give.
    async fn standing(&self, side: Side, uid: &str) -> Result<NameTaken> {
        let end = &self.ends[side as usize];
        let Some(id) = end.provider.id_of_copy(&end.calendar.address, uid) else {
            return Ok(NameTaken::Nothing);
        };
        Ok(match self.fetch(side, vec![id.clone()]).await?.remove(&id) {
            Some(Found::Event(event)) => NameTaken::Event(event),
            Some(Found::Refused(why)) => NameTaken::Refused(why),
            Some(Found::Unreadable { .. } | Found::NotFound | Found::NoEvent) | None => {
                NameTaken::Nothing
            }
        })
    }

    async fn take_over(
        &self,
        mapping: &mut Mapping,
        role: Role,
        event: &Event,
        draft: &Draft,
        marker: &str,
    ) -> providers::Result<()> {
        let print = |draft: &Draft| match role {
            Role::Copy => self.keys.prints.copy(draft),
            Role::Origin => self.keys.prints.origin(draft),
        };
        let parts = print(draft).differences(&print(&Draft::from(event)));
        let mut written = Written::as_it_is(event);
        if !parts.is_empty() {
            let side = side_of(mapping, role);
            let end = &self.ends[side as usize];
            let version = Version { etag: event.etag.clone(), sequence: event.sequence };
            let edit = Edit { parts: &parts, draft, marker: Some(marker), now: self.now };
            written = end.provider.edit(&end.calendar.address, &event.id, &version, &edit).await?;
        }
        self.made(mapping, role, written, &event.uid, true);
        Ok(())
    }

    /// The mapping after one of its events was made.
    fn made(
        &self,
        mapping: &mut Mapping,
        role: Role,
        written: Written,
        uid: &str,
        taken_over: bool,
    ) {
        mapping.state = MappingState::Live;
        // A server may give events UIDs of its own.
        let uid =
            written.event.as_ref().filter(|_| written.rewritten).map_or(uid, |event| &event.uid);
        let (uid, rewritten) = (UidHash::of(uid), written.rewritten);
        self.settle(mapping, role, written, None);
        survey::half_mut(mapping, role).uid = uid;
        if role == Role::Copy {
            mapping.pristine = !taken_over && !rewritten;
        }
    }
}
