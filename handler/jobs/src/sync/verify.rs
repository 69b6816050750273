//! Positive evidence: every event that is said to be gone is looked for, under its name and under
//! any other, unless so many are that its owner is asked first.
//!
//! An event that is merely missing in a listing is first looked for in batches: most of these have
//! aged out of the window, and are found. What is not found may have another name
//! ([`super::identity`]). What is missing then is weighed, and looked for by itself.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::Absence;
use engine::event::EventId;
use engine::guard::Evidence;
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::Answer;
use engine::provider::ProviderKind;
use engine::reason::Reason;
use engine::uid::UidHash;
use futures::{StreamExt, TryStreamExt, stream};
use providers::Found;

use super::emptied::Emptied;
use super::held::DeletionGuard;
use super::identity::EventIdentities;
use super::pass::{Pass, side_of};
use super::refused::RetryAt;
use super::survey::{self, Changes, ListedAs};
use super::work::Tally;
use crate::Error;
use crate::Result;
use crate::report::Verb;
use records::pair_state::ProblemRow;
use records::pair_state::StateRecord;
use records::pair_state::proofs::FirstSign;
use records::pair_state::proofs::Proof;

/// Reads that verify a deletion, at once.
const AT_ONCE: usize = 8;
/// So many missing events are looked for in batches; where more are missing, the owner is asked
/// without that.
const MOST_SOUGHT: usize = 2_000;

/// One half of a mapping that is said to be gone.
#[derive(Clone)]
pub(super) struct Suspect {
    pub mapping: MappingId,
    pub role: Role,
    pub side: Side,
    event: EventId,
}

/// Whether an event is there.
enum Whereabouts {
    /// Under this name.
    There(EventId),
    /// As the server says; and whether its UID was searched for.
    Gone(Absence, bool),
    /// What the server says instead, and when it is asked again.
    Unknown(String, RetryAt),
}

/// What became of the suspects.
pub(super) struct VerifiedSuspects {
    /// Deletions that wait for a word of the owner.
    pub held: BTreeSet<MappingId>,
    /// Only the owner's word releases them.
    pub by_owner: bool,
    /// Events wait because their calendar was emptied: of how many.
    pub emptied: u64,
    /// How many.
    pub emptied_held: u64,
    /// Those calendars.
    pub emptied_sides: Vec<Side>,
}

impl Pass<'_> {
    /// Looks for every suspect, unless there are so many that the owner is asked first.
    pub(super) async fn verify(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
        tally: &mut Tally,
        state: &StateRecord,
        problems: &[ProblemRow],
        guard: &DeletionGuard,
    ) -> Result<VerifiedSuspects> {
        let mut suspects = suspects(survey);
        let mut refused = Vec::new();
        if survey.by_absence && suspects.len() <= MOST_SOUGHT {
            refused = self.seek(survey, suspects).await?;
        }
        self.suspect_what_was_leaving(survey);
        self.resolve(identity, survey, problems).await?;
        self.find_under_other_names(identity, survey).await?;
        self.forget_what_was_joined(survey, tally);
        suspects = self::suspects(survey);
        let mut evidence = if survey.by_absence { Evidence::Missing } else { Evidence::Named };
        let (mut emptied_held, mut emptied, mut emptied_sides) = (0, 0, Vec::new());
        let mut only_origins = false;
        for side in Side::BOTH {
            let of = match self.emptied(survey, &suspects, side, evidence, state).await? {
                Emptied::No => continue,
                Emptied::OfOrigins => {
                    only_origins = true;
                    continue;
                }
                Emptied::NothingLeft => {
                    evidence = Evidence::Missing;
                    continue;
                }
                Emptied::Of(of) => of,
            };
            let (here, rest): (Vec<Suspect>, Vec<Suspect>) =
                suspects.into_iter().partition(|suspect| self.goes_with(survey, suspect, side));
            suspects = rest;
            match self.options.answer {
                // Each is gone, or it is not; then what is gone is dealt with as the owner has
                // said.
                Some(answer) => {
                    let unknown = self.answered(survey, here, answer).await?;
                    if !unknown.is_empty() {
                        // Whether these are gone was not said: the question stays.
                        emptied_held += unknown.len() as u64;
                        emptied += of;
                        emptied_sides.push(side);
                        self.hold(survey, tally, &unknown, None);
                    }
                }
                // A confirmation of deletions is no answer to this question.
                None => {
                    emptied_held += here.len() as u64;
                    emptied += of;
                    emptied_sides.push(side);
                    self.hold(survey, tally, &here, None);
                }
            }
        }
        for (suspect, why) in refused {
            let is_it = |one: &Suspect| (one.mapping, one.role) == (suspect.mapping, suspect.role);
            if suspects.iter().any(is_it) {
                suspects.retain(|one| one.mapping != suspect.mapping);
                self.not_verified(survey, tally, &suspect, (&why, RetryAt::Later))?;
            }
        }
        let deletions = deletions(survey, &suspects);
        let emptied_source = survey.suddenly_empty && !deletions.is_empty();
        let by_owner = emptied_source || only_origins;
        let weighed = guard.weigh(self.now, evidence, &deletions, by_owner);
        // Where something waits, so does all that is missing beside it and was not released.
        let (waiting, rest): (Vec<Suspect>, Vec<Suspect>) =
            suspects.into_iter().partition(|suspect| {
                !weighed.held.is_empty() && !weighed.released.contains(&suspect.mapping)
            });
        self.hold(survey, tally, &waiting, Some(&weighed.held));
        for (suspect, (why, retry)) in self.look_for(survey, rest).await? {
            self.not_verified(survey, tally, &suspect, (&why, retry))?;
        }
        Ok(VerifiedSuspects { held: weighed.held, by_owner, emptied, emptied_held, emptied_sides })
    }

    /// What was left alone and turned out to be one half of a mapping needs no mention any more.
    fn forget_what_was_joined(&self, survey: &Changes, tally: &mut Tally) {
        for unit in survey.units.values() {
            for role in [Role::Origin, Role::Copy] {
                let (id, side) =
                    (&survey::half(&unit.mapping, role).id, side_of(&unit.mapping, role));
                let is_joined = *id != survey::half(&unit.stored, role).id;
                if is_joined && !self.options.dry_run && tally.problems.remove(side, id.as_str()) {
                    self.memory.forget_problem(
                        &mut tally.notes,
                        self.pair.calendar(side),
                        id.as_str(),
                    );
                }
            }
        }
    }

    /// Looks for each by itself. What is there is news; what the server does not tell of is the
    /// answer.
    async fn look_for(
        &self,
        survey: &mut Changes,
        suspects: Vec<Suspect>,
    ) -> Result<Vec<(Suspect, (String, RetryAt))>> {
        self.progress.expect(suspects.len() as u64);
        let uids: BTreeMap<MappingId, String> = suspects
            .iter()
            .filter_map(|suspect| Some((suspect.mapping, self.uid_sought(survey, suspect)?)))
            .collect();
        let found: Vec<(Suspect, Whereabouts)> = stream::iter(suspects)
            .map(|suspect| {
                let uid = uids.get(&suspect.mapping).cloned();
                async move {
                    let found = self.whereabouts(&suspect, uid.as_deref()).await;
                    self.progress.step(1);
                    Ok::<_, Error>(match found {
                        Ok(found) => (suspect, found),
                        Err(error) => {
                            let (why, retry) = self.blame(suspect.side, error).await?;
                            (suspect, Whereabouts::Unknown(why, retry))
                        }
                    })
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut unknown = Vec::new();
        for (suspect, found) in found {
            let Some(unit) = survey.units.get_mut(&suspect.mapping) else { continue };
            let id = match found {
                Whereabouts::There(id) => id,
                Whereabouts::Gone(absence, searched) => {
                    let sign = unit.signs[suspect.role as usize].unwrap_or(FirstSign::Earlier);
                    let (calendar, read) =
                        (self.pair.calendar(suspect.side).clone(), self.scope.clock.now());
                    unit.proofs[suspect.role as usize] =
                        Some(Proof { calendar, sign, read, answer: Some(absence), searched });
                    continue;
                }
                Whereabouts::Unknown(why, retry) => {
                    unknown.push((suspect, (why, retry)));
                    continue;
                }
            };
            match suspect.role {
                Role::Origin => unit.mapping.origin.id = id,
                Role::Copy => unit.mapping.copy.id = id,
            }
            *unit.news(suspect.role) = ListedAs::Present(None);
            unit.sought = true;
        }
        Ok(unknown)
    }

    /// The UID by which a copy is searched for before its origin is deleted for it.
    fn uid_sought(&self, survey: &Changes, suspect: &Suspect) -> Option<String> {
        // Google gives copies UIDs of its own.
        let by_uid = self.ends[suspect.side as usize].account.kind != ProviderKind::Google;
        let unit = survey
            .units
            .get(&suspect.mapping)
            .filter(|_| by_uid && suspect.role == Role::Copy && self.pair.two_way)?;
        Some(unit.mapping.id.copy_uid(unit.mapping.generation))
            .filter(|uid| UidHash::of(uid) == unit.mapping.copy.uid)
    }

    /// Whether an event is there: under its own name, or the one that a search for its UID finds.
    async fn whereabouts(
        &self,
        suspect: &Suspect,
        uid: Option<&str>,
    ) -> providers::Result<Whereabouts> {
        let end = &self.ends[suspect.side as usize];
        let calendar = &end.calendar.address;
        let Some(absence) = end.provider.absence(calendar, &suspect.event).await? else {
            return Ok(Whereabouts::There(suspect.event.clone()));
        };
        let Some(uid) = uid else { return Ok(Whereabouts::Gone(absence, false)) };
        let elsewhere = end.provider.find_uid(calendar, uid).await?;
        Ok(elsewhere.map_or(Whereabouts::Gone(absence, true), Whereabouts::There))
    }

    /// Takes what waits for a word of the owner out of this pass. `named` are those that are
    /// reported; all, where that is not given.
    fn hold(
        &self,
        survey: &mut Changes,
        tally: &mut Tally,
        suspects: &[Suspect],
        named: Option<&BTreeSet<MappingId>>,
    ) {
        for suspect in suspects {
            if let Some(unit) = survey.units.remove(&suspect.mapping)
                && named.is_none_or(|named| named.contains(&suspect.mapping))
            {
                let reason = if suspect.role == Role::Origin {
                    Reason::OriginDeleted
                } else {
                    Reason::CopyDeleted
                };
                tally.run.push(self.action(Verb::Hold, &unit.mapping, suspect.role, Some(reason)));
            }
        }
    }

    /// What the owner has said of these, as far as each is gone; the answer are those of which the
    /// server does not tell.
    async fn answered(
        &self,
        survey: &mut Changes,
        suspects: Vec<Suspect>,
        answer: Answer,
    ) -> Result<Vec<Suspect>> {
        let unknown: Vec<Suspect> = self
            .look_for(survey, suspects.clone())
            .await?
            .into_iter()
            .map(|(suspect, _)| suspect)
            .collect();
        for suspect in suspects {
            if unknown.iter().any(|one| (one.mapping, one.role) == (suspect.mapping, suspect.role))
            {
                continue;
            }
            let Some(unit) = survey.units.get_mut(&suspect.mapping) else { continue };
            if !matches!(unit.news(suspect.role), ListedAs::Suspect) {
                continue;
            }
            *unit.news(suspect.role) = ListedAs::Emptied(answer);
            let other =
                unit.news(if suspect.role == Role::Origin { Role::Copy } else { Role::Origin });
            if matches!(other, ListedAs::None) {
                // What is made of it is made of what it shows now.
                *other = ListedAs::Present(None);
            }
        }
        Ok(unknown)
    }

    /// Looks for missing events in batches. Those that are not found stay suspects. So do those of
    /// which the server does not tell, which are the answer: a calendar that was emptied is one
    /// although nothing is said of one event.
    async fn seek(
        &self,
        survey: &mut Changes,
        suspects: Vec<Suspect>,
    ) -> Result<Vec<(Suspect, String)>> {
        let mut refused = Vec::new();
        for side in Side::BOTH {
            let mut here: Vec<&Suspect> =
                suspects.iter().filter(|suspect| suspect.side == side).collect();
            here.sort_by(|a, b| a.event.cmp(&b.event));
            let found = self
                .fetch(side, here.iter().map(|suspect| suspect.event.clone()).collect())
                .await?;
            for suspect in here {
                let news = match found.get(&suspect.event) {
                    Some(Found::Event(event)) => {
                        if survey.suddenly_empty && self.planner.is_inside(side, event) {
                            return Err(Error::SuspiciousEmpty);
                        }
                        ListedAs::Present(Some(event.clone()))
                    }
                    // It is there, and cannot be read: no news.
                    Some(Found::Unreadable { .. }) => ListedAs::None,
                    Some(Found::Refused(why)) => {
                        refused.push((suspect.clone(), why.clone()));
                        continue;
                    }
                    // Something else may have its name by now.
                    Some(Found::NotFound | Found::NoEvent) | None => continue,
                };
                if let Some(unit) = survey.units.get_mut(&suspect.mapping) {
                    *unit.news(suspect.role) = news;
                }
            }
        }
        Ok(refused)
    }
}

fn suspects(survey: &Changes) -> Vec<Suspect> {
    let halves = |unit: &survey::ChangedMapping| {
        let suspect = |role: Role, news: &ListedAs| {
            matches!(news, ListedAs::Suspect).then(|| Suspect {
                mapping: unit.mapping.id,
                role,
                side: side_of(&unit.mapping, role),
                event: survey::half(&unit.mapping, role).id.clone(),
            })
        };
        [suspect(Role::Origin, &unit.origin), suspect(Role::Copy, &unit.copy)]
    };
    survey.units.values().flat_map(halves).flatten().collect()
}

/// The mappings of which one half is said to be gone, so that the other one would be deleted, or
/// stay without its copy. Where both are, there is nothing to do; a copy that was in the making
/// when a pass was cut off is not yet one that anybody relies on.
fn deletions(survey: &Changes, suspects: &[Suspect]) -> BTreeSet<MappingId> {
    let mut once = BTreeSet::new();
    let is_live = |suspect: &&Suspect| {
        survey.units.get(&suspect.mapping).is_some_and(|unit| unit.mapping.is_live())
    };
    for suspect in suspects.iter().filter(is_live) {
        if !once.insert(suspect.mapping) {
            once.remove(&suspect.mapping);
        }
    }
    once
}
