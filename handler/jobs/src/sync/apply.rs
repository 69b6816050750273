//! One decision: write at the provider, unless the lease may be lost by now; then say what is to be
//! remembered.

use engine::event::EventId;
use engine::mapping::{Mapping, Times};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::{Change, Decision, Delete, Write};
use engine::reason::Reason;
use providers::{Edit, NewCopy, Version, Written};

use super::pass::{Pass, problem_words, side_of};
use super::refused::RetryAt;
use crate::Result;
use crate::report::Action;
use crate::report::Verb;
use records::pair_state::ProblemRow;
use records::pair_state::proofs::Proof;
use records::pair_state::proofs::ProofRow;
use records::problem::EventProblem;

/// A decision and what it is about.
pub(super) struct Step {
    /// Where the event that it is about stands.
    pub side: Side,
    /// That event.
    pub event: EventId,
    /// Its version.
    pub etag: Option<String>,
    /// Its times, as far as they are known.
    pub times: Option<Times>,
    /// The mapping as it is stored.
    pub before: Option<Mapping>,
    /// The same, where one of its events has another name by now.
    pub renamed: Option<Mapping>,
    /// The mapping whose mark an event bears that is not its copy.
    pub bears: Option<MappingId>,
    /// What to do.
    pub decision: Decision,
    /// It was listed and could not be read: the side is to be listed again.
    pub incomplete: bool,
    /// This half of it was not found: it is to be looked for by itself.
    pub suspect: Option<(MappingId, Role)>,
    /// Events that no mapping knows from now on.
    pub strangers: Vec<(Side, EventId)>,
    /// When it is tried again, where it is skipped.
    pub retry: RetryAt,
    /// The event of its mapping that is gone.
    pub gone: Option<Role>,
    /// What proves that.
    pub proof: Option<Proof>,
    /// What its owner should know of it, although it is copied.
    pub note: Option<Reason>,
    /// Nothing new is known of the event itself: what was noted of it stays.
    pub unread: bool,
}

impl Step {
    /// A decision about an event.
    pub fn new(side: Side, event: EventId, decision: Decision) -> Self {
        Self {
            side,
            event,
            etag: None,
            times: None,
            before: None,
            renamed: None,
            bears: None,
            decision,
            incomplete: false,
            suspect: None,
            strangers: Vec::new(),
            retry: RetryAt::OnChange,
            gone: None,
            proof: None,
            note: None,
            unread: false,
        }
    }

    /// The server does not give an event, or not yet.
    pub fn not_given(
        side: Side,
        event: EventId,
        reason: Reason,
        why: String,
        retry: RetryAt,
    ) -> Self {
        Self {
            retry,
            ..Self::new(side, event, Decision::Skip { reason, why: Some(why), remember: None })
        }
    }

    /// Listed and not found.
    pub fn incomplete(side: Side, event: EventId, suspect: Option<(MappingId, Role)>) -> Self {
        Self { incomplete: true, suspect, ..Self::new(side, event, Decision::Nothing) }
    }
}

/// What became of it.
pub(super) struct Applied {
    pub side: Side,
    pub event: EventId,
    pub actions: Vec<Action>,
    /// The mapping as it was stored, and as it is to be stored: none to drop it.
    pub remember: Option<(Option<Mapping>, Option<Mapping>)>,
    pub problem: Option<(ProblemRow, RetryAt)>,
    /// A deletion, to be made when all of them are known.
    pub delete: Option<Box<Delete>>,
    /// What proves that the other event is gone.
    pub proof: Option<Proof>,
    /// A deletion that was made, and what it rests on.
    pub proved: Option<ProofRow>,
    /// Somebody else wrote at the same moment: another round is needed.
    pub deferred: bool,
    /// A write found that this one is not there any more, although no listing said so.
    pub suspect: Option<(MappingId, Role)>,
    pub incomplete: bool,
    pub wrote: [bool; 2],
    /// Events that no mapping knows from now on.
    pub strangers: Vec<(Side, EventId)>,
    /// What the owner has answered could not be done: the question stays.
    pub asks_again: bool,
    /// What was noted of the event stays.
    pub unread: bool,
}

impl Applied {
    pub(super) fn nothing(side: Side, event: EventId) -> Self {
        Self {
            side,
            event,
            actions: Vec::new(),
            remember: None,
            problem: None,
            delete: None,
            proof: None,
            proved: None,
            deferred: false,
            suspect: None,
            incomplete: false,
            wrote: [false; 2],
            strangers: Vec::new(),
            asks_again: false,
            unread: false,
        }
    }
}

impl Pass<'_> {
    /// Carries a decision out. In a dry run it says what would be done, and does nothing.
    pub(super) async fn apply(&self, task: Step) -> Result<Applied> {
        let Step {
            side,
            event,
            etag,
            times,
            before,
            decision,
            incomplete,
            suspect,
            bears,
            strangers,
            retry,
            gone,
            proof,
            note,
            unread,
            ..
        } = task;
        let mut applied = Applied {
            incomplete,
            suspect,
            strangers,
            unread,
            deferred: suspect.is_some(),
            ..Applied::nothing(side, event.clone())
        };
        if let Some(reason) = note
            && matches!(
                decision,
                Decision::Nothing
                    | Decision::Remember(_)
                    | Decision::Create(_)
                    | Decision::Write(_)
            )
        {
            applied.problem =
                Some((self.problem(side, &event, None, reason, None), RetryAt::OnChange));
        }
        match decision {
            Decision::Nothing => {}
            Decision::Skip { reason, why, remember } => {
                applied.actions.push(self.skip(side, &event, times, reason));
                if matches!(
                    reason,
                    Reason::Unreadable | Reason::UnsupportedRule | Reason::RefusedByServer
                ) || bears.is_some()
                {
                    let problem = self.problem(side, &event, etag, reason, why.as_deref());
                    applied.problem = Some((ProblemRow { mapping: bears, gone, ..problem }, retry));
                }
                applied.remember = remember.map(|now| (before, Some(*now)));
            }
            Decision::Remember(now) => applied.remember = Some((before, Some(*now))),
            Decision::Forget(now) => {
                applied.proved =
                    proof.map(|proof| self.proved(&now, None, Reason::OriginDeleted, proof));
                applied.remember = Some((Some(*now), None));
            }
            Decision::Delete(delete) => (applied.delete, applied.proof) = (Some(delete), proof),
            Decision::Create(create) => self.create(*create, before, &mut applied).await?,
            Decision::Write(write) => self.write(*write, &mut applied).await?,
        }
        Ok(applied)
    }

    async fn write(&self, write: Write, applied: &mut Applied) -> Result<()> {
        let stored = write.intent();
        let Write { before, mut mapping, copy, origin, reason } = write;
        let (mut actions, mut refused) = (Vec::new(), None);
        if origin.is_some() {
            let reason = reason.filter(|reason| *reason != Reason::OriginWins);
            actions.push(self.action(Verb::Change, &mapping, Role::Copy, reason));
        }
        if copy.is_some() {
            actions.push(self.action(Verb::Change, &mapping, Role::Origin, reason));
        }
        if self.options.dry_run {
            applied.actions = actions;
            return Ok(());
        }
        let asked = origin.as_ref().map(|change| change.parts.clone()).unwrap_or_default();
        if let Some(change) = origin {
            let version =
                Version { etag: mapping.origin.etag.clone(), sequence: mapping.origin.sequence };
            self.may_write()?;
            match self.change(&mapping, Role::Origin, &change, &version).await {
                Ok(written) => {
                    applied.wrote[mapping.side as usize] = true;
                    self.settle(&mut mapping, Role::Origin, written, Some(&change.parts));
                }
                Err(providers::Error::HasGuests) => {
                    return self
                        .refused_or_not_written(
                            providers::Error::HasGuests,
                            Role::Origin,
                            before,
                            stored,
                            &mapping,
                            applied,
                        )
                        .await;
                }
                Err(error) => {
                    let what = Some((mapping.id, Role::Origin));
                    let Some(why) = self.not_written(error, mapping.side, what, applied).await?
                    else {
                        return Ok(());
                    };
                    refused = Some(why);
                    actions.remove(0);
                }
            }
        }
        // What its owner wrote on the copy does not reach the origin yet. What the origin has to
        // say reaches the copy all the same.
        let mut written = copy.as_ref().map(|change| change.parts.clone()).unwrap_or_default();
        if let Some(change) = copy {
            let version =
                Version { etag: mapping.copy.etag.clone(), sequence: mapping.copy.sequence };
            self.may_write()?;
            match self.change(&mapping, Role::Copy, &change, &version).await {
                Ok(written) => {
                    applied.wrote[mapping.side.other() as usize] = true;
                    mapping.pristine &= !written.rewritten;
                    let parts = (!change.whole).then_some(&change.parts);
                    self.settle(&mut mapping, Role::Copy, written, parts);
                }
                Err(error) => {
                    return self
                        .refused_or_not_written(
                            error,
                            Role::Copy,
                            before,
                            stored,
                            &mapping,
                            applied,
                        )
                        .await;
                }
            }
        }
        applied.actions = actions;
        if let Some((why, retry)) = refused {
            let reason = Reason::RefusedByServer;
            applied.actions.push(self.skip(
                mapping.side,
                &mapping.origin.id,
                Some(before.times.clone()),
                reason,
            ));
            applied.problem = Some((self.refused(&mapping, None, &why), retry));
            // The base of what was not delivered stays, and so does the intent: it may have arrived
            // all the same, and is no person's edit then. A private copy's own words are put right
            // where its times wait to be delivered: what its base says of these stays.
            written.fields.retain(|field| !asked.fields.contains(field));
            written.exceptions.retain(|key| !asked.exceptions.contains(key));
            mapping.copy.agree(before.copy.base.overlaid(&mapping.copy.base, &written));
            (mapping.origin.base, mapping.origin.shown) = (before.origin.base, before.origin.shown);
            (mapping.origin.intent, mapping.copy.intent) =
                (stored.origin.intent.clone(), before.copy.intent);
            (mapping.times, mapping.pristine, mapping.drifted) =
                (before.times, false, before.drifted);
        }
        applied.remember = Some((Some(stored), Some(mapping)));
        Ok(())
    }

    async fn change(
        &self,
        mapping: &Mapping,
        role: Role,
        change: &Change,
        version: &Version,
    ) -> providers::Result<Written> {
        let side = side_of(mapping, role);
        let end = &self.ends[side as usize];
        let calendar = &end.calendar.address;
        let (id, marker) = match role {
            Role::Copy => {
                (&mapping.copy.id, Some(self.keys.marks.mint(role, mapping.id, mapping.first())))
            }
            Role::Origin => (&mapping.origin.id, None),
        };
        match (&marker, change.whole) {
            (Some(marker), true) => {
                let uid = mapping.id.copy_uid(mapping.generation);
                let copy = NewCopy { uid: &uid, marker, draft: &change.draft, now: self.now };
                end.provider.rewrite(calendar, id, version, &copy).await
            }
            _ => {
                let edit = Edit {
                    parts: &change.parts,
                    draft: &change.draft,
                    marker: marker.as_deref(),
                    now: self.now,
                };
                end.provider.edit(calendar, id, version, &edit).await
            }
        }
    }

    /// A write that the server refuses is noted, and tried again after a while; where the provider
    /// sees people whom the planner did not, the event is left alone. Other failures are told apart
    /// below.
    async fn refused_or_not_written(
        &self,
        error: providers::Error,
        role: Role,
        before: Mapping,
        stored: Mapping,
        mapping: &Mapping,
        applied: &mut Applied,
    ) -> Result<()> {
        let (side, event) = (mapping.side, &mapping.origin.id);
        let (reason, now) = match error {
            providers::Error::HasGuests => {
                // The copy is put right with the origin's next change, by what stands there then.
                let mut now = Mapping { drifted: true, pristine: false, ..before };
                now.origin.etag.clone_from(&mapping.origin.etag);
                now.copy.etag.clone_from(&mapping.copy.etag);
                match role {
                    Role::Origin => {
                        now.guests = true;
                        // What else the origin has to say reaches the copy with the next listing.
                        now.origin.etag = stored.origin.etag.clone();
                    }
                    // Somebody else's by now, says the provider: left alone, as one to which people
                    // were invited.
                    Role::Copy => now.copy_guests = true,
                }
                (Reason::HasGuests, now)
            }
            error => {
                let Some((why, retry)) = self
                    .not_written(error, side_of(mapping, role), Some((mapping.id, role)), applied)
                    .await?
                else {
                    return Ok(());
                };
                applied.problem = Some((self.refused(mapping, None, &why), retry));
                // What was to be written stays noted: it may have arrived all the same, and is no
                // person's edit then.
                let mut now = Mapping { pristine: false, ..stored.clone() };
                if let (Some(intent), Some(shown)) = (&mut now.origin.intent, &mapping.origin.shown)
                {
                    *intent = shown.of_written(intent);
                }
                now.origin.etag.clone_from(&mapping.origin.etag);
                now.copy.etag.clone_from(&mapping.copy.etag);
                (Reason::RefusedByServer, now)
            }
        };
        applied.actions.push(self.skip(side, event, Some(mapping.times.clone()), reason));
        applied.remember = Some((Some(stored), Some(now)));
        Ok(())
    }

    /// Somebody was faster: the next round reads again. What a write found gone may never be listed
    /// as removed (made and deleted between two listings), so it is looked for by itself. What the
    /// server refuses of this event is said in the answer. Anything else ends the pass; what was
    /// noted before the write keeps it safe.
    pub(super) async fn not_written(
        &self,
        error: providers::Error,
        side: Side,
        what: Option<(MappingId, Role)>,
        applied: &mut Applied,
    ) -> Result<Option<(String, RetryAt)>> {
        match error {
            providers::Error::ChangedMeanwhile if self.last => {
                return Ok(Some((CHANGED_EACH_TIME.to_owned(), RetryAt::Later)));
            }
            providers::Error::ChangedMeanwhile => applied.deferred = true,
            providers::Error::Gone => {
                applied.deferred = true;
                applied.suspect = what;
            }
            error => return self.blame(side, error).await.map(Some),
        }
        Ok(None)
    }

    pub(super) fn skip(
        &self,
        side: Side,
        event: &EventId,
        times: Option<Times>,
        reason: Reason,
    ) -> Action {
        Action {
            action: Verb::Skip,
            calendar: self.pair.calendar(side.other()).clone(),
            event: event.to_string(),
            reason: Some(reason),
            start: times.as_ref().map(|times| times.start.clone()),
            end: times.map(|times| times.end),
        }
    }

    pub(super) fn problem(
        &self,
        side: Side,
        event: &EventId,
        etag: Option<String>,
        reason: Reason,
        why: Option<&str>,
    ) -> ProblemRow {
        let calendar = self.pair.calendar(side).clone();
        let message = problem_words(reason, why);
        let problem = EventProblem {
            event: event.to_string(),
            calendar,
            reason,
            message,
            tries: 0,
            next_try: None,
        };
        ProblemRow { problem, etag, mapping: None, gone: None }
    }
}

/// Said where no round found an event as the one before it had read it.
const CHANGED_EACH_TIME: &str =
    "it was changed at the same moment, each time that it was to be written";
