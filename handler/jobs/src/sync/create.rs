//! Creates what is missing: a copy, or an origin that is created again. What an interrupted pass
//! has created already is taken over.

use engine::event::{Draft, Event, Parts};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::plan::Create;
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::{Edit, Found, NewCopy, Version, Written};

use super::context::Context;
use super::problems::RetryAt;
use super::roles::{mapped_mut, other_role, side_of};
use super::step::Applied;
use crate::Result;
use crate::report::{Action, Verb};

/// The reason for an event that the server refuses under every name.
const NAMES_TAKEN: &str = "the server answers that each name of the copy is in use, \
and shows no event under it";

/// What a calendar has under a name.
enum NameState {
    Event(Box<Event>),
    Nothing,
    /// The server does not give it.
    Refused(String),
}

impl Context<'_> {
    pub(super) async fn create(
        &self,
        create: Create,
        before: Option<Mapping>,
        applied: &mut Applied,
    ) -> Result<()> {
        let Create { mut mapping, role, draft, reason, mark_origin, .. } = create;
        let side = side_of(&mapping, role);
        let action = self.action(Verb::Create, &mapping, other_role(role), reason);
        if self.options.dry_run {
            applied.actions.push(action);
            return Ok(());
        }
        // The event was created under this name before, and exists, although no listing has it yet.
        // Other providers never free the name of a deleted event.
        let is_awaited = before.as_ref().is_some_and(|before| before.unseen == Some(role))
            && self.is_caldav(side);
        // What is stored now: the intent.
        let stored = if role == Role::Copy { Some(mapping.clone()) } else { before.clone() };
        let end = &self.ends[side];
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
                    if written.is_missing && role == Role::Copy {
                        applied.problem = Some((self.not_shown(&mapping), RetryAt::OnChange));
                    }
                    self.record_created(&mut mapping, role, written, &uid, false);
                    self.locked.change_unlisted(|awaited| awaited.add(side, mapping.id));
                    applied.wrote[side] = true;
                    applied.actions.push(action);
                    // A copy that was to be taken over still has its former mark: another round
                    // reads both events again.
                    let to_mark =
                        role == Role::Origin && mapping.taken_over && mapping.copy.intent.is_some();
                    if mark_origin {
                        self.mark_origin(&mut mapping, &draft, applied).await?;
                    }
                    if to_mark {
                        (applied.is_deferred, mapping.origin.etag) = (true, None);
                    }
                    applied.remember = Some((stored, Some(mapping)));
                    return Ok(());
                }
                Err(providers::Error::Exists) => {
                    let there = match self.find_under_name(side, &copy).await? {
                        NameState::Event(event) => Some(event),
                        NameState::Nothing => None,
                        NameState::Refused(why) => {
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
                        self.record_not_shown(action, stored, before, applied);
                        return Ok(());
                    }
                    match there.filter(|event| self.is_ours(event, role, mapping.id)) {
                        Some(event) => {
                            // Our own event, from a create whose response was lost, or from an
                            // earlier pair.
                            self.may_write()?;
                            match self.adopt(&mut mapping, role, &event, &draft, &marker).await {
                                Ok(()) => {
                                    applied.wrote[side] = true;
                                    applied.actions.push(action);
                                    applied.remember = Some((stored, Some(mapping)));
                                }
                                Err(providers::Error::HasGuests) if role == Role::Copy => {
                                    // The copy has guests: it is an event of its owner from now on.
                                    let written = Written::as_it_is(&event);
                                    self.record_created(
                                        &mut mapping,
                                        role,
                                        written,
                                        &event.uid,
                                        true,
                                    );
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
                // A trash bin keeps names: the next try uses another name, and then one that was
                // never used.
                Err(providers::Error::NameRefused(_)) if !last => {
                    mapping.generation = self.next_generation(mapping.generation)
                }
                Err(providers::Error::NameRefused(error)) => {
                    return self.not_created(*error, action, stored, &mapping, role, applied).await;
                }
                Err(providers::Error::NotRepresentable(_))
                    if self.may_expand(role, &mapping.origin.id) =>
                {
                    Box::pin(self.expand(&mapping)).await?;
                    applied.is_deferred = true;
                    applied.remember = Some((stored, None));
                    return Ok(());
                }
                Err(error) => {
                    return self.not_created(error, action, stored, &mapping, role, applied).await;
                }
            }
        }
        if !nothing_there && !self.is_last_round {
            applied.is_deferred = true;
            return Ok(());
        }
        // The intent stays: the next try looks for the event.
        applied.actions.push(Action {
            action: Verb::Skip,
            reason: Some(Reason::RefusedByServer),
            ..action
        });
        let gone = (role == Role::Origin && before.is_some()).then_some(Role::Origin);
        applied.problem = Some((self.refused(&mapping, gone, NAMES_TAKEN), RetryAt::Later));
        Ok(())
    }

    /// A create under another name would make a second event: the event is awaited as before.
    fn record_not_shown(
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
        applied.problem = Some((self.not_shown(&before), RetryAt::OnChange));
        applied.remember = Some((stored, Some(before)));
    }

    /// The generation after one whose name was refused: the next number, then one made of the time.
    fn next_generation(&self, generation: u32) -> u32 {
        // Hundredths of a second, which repeat after more than a year.
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
        // A request that is refused with a reason has created nothing; any other request may have.
        let is_final =
            matches!(error, providers::Error::Refused(_) | providers::Error::NotRepresentable(_));
        let may_be_made = !is_final
            && !matches!(error, providers::Error::Forbidden(_) | providers::Error::Unauthorized);
        // The owner wants the event created again in an emptied calendar: its absence must not be
        // taken for a deletion later.
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
            // The copy is an event of its owner from now on, with a mapping of its own, which is
            // tried again.
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
            applied.is_answer_open = true;
            applied.problem = Some((self.refused(mapping, None, &why), RetryAt::OnChange));
            return Ok(());
        }
        applied.problem = Some((self.refused(mapping, gone, &why), retry));
        if is_final && role == Role::Copy {
            applied.remember = Some((stored, None));
        }
        Ok(())
    }

    /// Whether an event under the name that we would give is the event that we would create: by its
    /// mark, or where a server removes marks, because only this installation makes such names.
    pub(super) fn is_ours(&self, event: &Event, role: Role, mapping: MappingId) -> bool {
        match self.planner.mark(event) {
            Some(Mark::Ours { role: found, mapping: id, .. }) => (found, id) == (role, mapping),
            Some(Mark::Foreign { .. }) => false,
            None => MappingId::of_uid(&event.uid) == Some((role, mapping)),
        }
    }

    /// Marks an origin that was made out of a copy as an origin. Where that fails, the mapping's
    /// row is enough.
    async fn mark_origin(
        &self,
        mapping: &mut Mapping,
        draft: &Draft,
        applied: &mut Applied,
    ) -> Result<()> {
        let end = &self.ends[mapping.side];
        let marker = self.keys.marks.mint(Role::Origin, mapping.id, mapping.first());
        let version =
            Version { etag: mapping.origin.etag.clone(), sequence: mapping.origin.sequence };
        let edit = Edit { parts: &Parts::default(), draft, marker: Some(&marker), now: self.now };
        self.may_write()?;
        match end.provider.edit(&end.calendar.address, &mapping.origin.id, &version, &edit).await {
            Ok(written) => {
                applied.wrote[mapping.side] = true;
                self.record_written(mapping, Role::Origin, written, Some(&Parts::default()));
            }
            Err(error) => {
                tracing::debug!(pair = %self.pair.id, %error, "an event that was made out of a \
                copy keeps its mark")
            }
        }
        Ok(())
    }

    /// What is under the name that we would give.
    async fn find_under_name(&self, side: Side, copy: &NewCopy<'_>) -> Result<NameState> {
        let end = &self.ends[side];
        let id = match end.provider.find_copy(&end.calendar.address, copy).await {
            Ok(Some(id)) => id,
            Ok(None) => return Ok(NameState::Nothing),
            Err(providers::Error::Refused(why)) => return Ok(NameState::Refused(why)),
            Err(error) => return Err(error.into()),
        };
        Ok(match self.fetch(side, vec![id.clone()]).await?.remove(&id) {
            Some(Found::Event(event)) => NameState::Event(event),
            Some(Found::Refused(why)) => NameState::Refused(why),
            Some(Found::Unreadable { .. } | Found::NotFound | Found::NoEvent) | None => {
                NameState::Nothing
            }
        })
    }

    async fn adopt(
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
            let end = &self.ends[side];
            let version = Version { etag: event.etag.clone(), sequence: event.sequence };
            let edit = Edit { parts: &parts, draft, marker: Some(marker), now: self.now };
            written = end.provider.edit(&end.calendar.address, &event.id, &version, &edit).await?;
        }
        self.record_created(mapping, role, written, &event.uid, true);
        Ok(())
    }

    /// Updates the mapping after one of its events was created.
    fn record_created(
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
        self.record_written(mapping, role, written, None);
        mapped_mut(mapping, role).uid = uid;
        if role == Role::Copy {
            mapping.pristine = !taken_over && !rewritten;
        }
    }
}
