//! What is known about one event, and what the planner would decide about it now.

use std::collections::BTreeSet;

use engine::calendar::{CalendarId, PairId};
use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{Mark, Role};
use engine::pair::{Pair, PerSide, Side};
use engine::plan::{Beside, Decision, Planner, Unknown};
use engine::provider::ProviderKind;
use engine::reason::Reason;
use providers::Found;
use records::pair_state::{PairStore, ProblemRow, problems};
use records::problem::EventProblem;

use crate::keys::PairKeys;
use crate::pair_remarks::PairRemarks;
use crate::{Result, Scope};

/// Whether an event is copied, and why not.
pub(crate) struct Verdict {
    pub copied: bool,
    pub reason: Option<Reason>,
    pub message: String,
    /// The id of the copy.
    pub copy: Option<String>,
}

impl Verdict {
    pub fn not_copied(reason: Option<Reason>, message: impl Into<String>) -> Self {
        Self { copied: false, reason, message: message.into(), copy: None }
    }
}

/// What the calendars of a pair are, without their providers.
pub(crate) struct PairPlaces {
    pub kinds: PerSide<ProviderKind>,
    /// The zones in which floating times are meant.
    pub zones: PerSide<Option<String>>,
}

/// Explains the events of one pair.
pub(crate) struct Explainer<'a> {
    scope: &'a Scope,
    pair: &'a Pair,
    places: &'a PairPlaces,
    keys: &'a PairKeys,
    pair_store: &'a PairStore<'a>,
    others: Vec<PairId>,
    calendars: Vec<CalendarId>,
    remarks: PairRemarks<'a>,
    problems: Vec<ProblemRow>,
}

impl<'a> Explainer<'a> {
    /// Reads what is stored about the pair.
    pub async fn read(
        scope: &'a Scope,
        pair: &'a Pair,
        places: &'a PairPlaces,
        keys: &'a PairKeys,
        pair_store: &'a PairStore<'a>,
    ) -> Result<Self> {
        let directory = scope.snapshot().await?;
        Ok(Self {
            scope,
            pair,
            places,
            keys,
            pair_store,
            others: directory.pair_ids(),
            calendars: directory.calendar_ids(),
            remarks: PairRemarks::read(scope, pair).await?,
            problems: problems(&*scope.store, &pair.id, 1000).await?,
        })
    }

    /// The stored problem of an event.
    pub fn problem(&self, side: Side, id: &EventId) -> Option<&EventProblem> {
        let is_its_own = |problem: &&EventProblem| {
            problem.event == id.as_str() && problem.calendar == *self.pair.calendar(side)
        };
        self.problems.iter().map(|row| &row.problem).find(is_its_own)
    }

    /// The calendars that were emptied and whose owner has not answered yet.
    pub fn emptied(&self) -> &[Side] {
        self.remarks.emptied()
    }

    /// An event that has a mapping. `is_emptied`: its copy disappeared together with all others.
    pub async fn of_known(
        &self,
        side: Side,
        id: &EventId,
        mapping: &Mapping,
        is_emptied: bool,
    ) -> Result<Verdict> {
        if mapping.side != side && mapping.is_left_alone() {
            let (_, reason, words) = explain_mapping(mapping);
            return Ok(Verdict::not_copied(reason, words));
        }
        if mapping.side != side {
            let words = format!("It is a copy made by Calrelay, of {}.", mapping.origin.id);
            return Ok(Verdict::not_copied(Some(Reason::OwnCopy), words));
        }
        if is_emptied {
            return Ok(Verdict::not_copied(None, emptied_message(&self.pair.id)));
        }
        let (copied, reason, words) = explain_mapping(mapping);
        let (reason, words) = self
            .problem(side, id)
            .map_or((reason, words), |problem| (Some(problem.reason), problem.in_words()));
        let mut said = Vec::new();
        if matches!(mapping.state, MappingState::Live | MappingState::Creating) {
            said.extend(self.remarks.of_hold(self.pair_store, mapping).await?);
            said.extend(self.remarks.of_pair());
        }
        let message = with_remarks(words, said);
        let copy = copied.then(|| mapping.copy.id.to_string());
        Ok(Verdict { copied, reason, message, copy })
    }

    /// What was found under an id that no mapping has; `None` where there is no event, and no
    /// problem is stored.
    pub async fn of_found(
        &self,
        side: Side,
        id: &EventId,
        found: &Found,
    ) -> Result<Option<Verdict>> {
        let problem = self.problem(side, id);
        Ok(Some(match found {
            Found::Event(event) => return self.of_event(side, event, problem).await.map(Some),
            Found::Unreadable { why, .. } => {
                let words = format!("{} ({why})", Reason::Unreadable.in_words());
                Verdict::not_copied(Some(Reason::Unreadable), words)
            }
            Found::Refused(why) => {
                let words = problem.map_or_else(
                    || format!("{} ({why})", Reason::RefusedByServer.in_words()),
                    EventProblem::in_words,
                );
                Verdict::not_copied(Some(Reason::RefusedByServer), words)
            }
            Found::NotFound | Found::NoEvent => match problem {
                Some(problem) => Verdict::not_copied(Some(problem.reason), problem.in_words()),
                None => return Ok(None),
            },
        }))
    }

    async fn of_event(
        &self,
        side: Side,
        event: &Event,
        problem: Option<&EventProblem>,
    ) -> Result<Verdict> {
        let planner = self.planner();
        let marked = reason_of_mark(&planner, self.pair_store, &self.others, side, event).await?;
        if marked.is_none() && !self.pair.copies_from(side) {
            return Ok(Verdict::not_copied(None, ONE_WAY));
        }
        let (reason, words) = match marked {
            Some(reason) => (Some(reason), reason.in_words().to_owned()),
            None => {
                let (reason, words) = explain_decision(&planner, side, event, problem);
                (reason, with_remarks(words, self.remarks.of_pair()))
            }
        };
        Ok(Verdict::not_copied(reason, words))
    }

    fn planner(&self) -> Planner<'_> {
        let now = self.scope.clock.now();
        Planner {
            pass: 0,
            pair: self.pair,
            kinds: self.places.kinds,
            zones: self.places.zones.as_ref().map(Option::as_deref),
            marks: &self.keys.marks,
            calendars: &self.calendars,
            prints: &self.keys.prints,
            window: self.pair.window(now),
            now,
            full: false,
        }
    }
}

/// The words about an event, and what is to be said of its pair.
fn with_remarks(words: String, remarks: Vec<String>) -> String {
    let words = match words.as_str() {
        // Where the pair is stopped, it is not known whether the two are still in step.
        IN_STEP if !remarks.is_empty() => "It is copied.".to_owned(),
        _ => words,
    };
    [vec![words], remarks].concat().join(" ")
}

const IN_STEP: &str = "It is copied and in step.";

fn emptied_message(pair: &PairId) -> String {
    format!(
        "Its copy is gone together with all other copies of the pair in that calendar, and \
        nothing was deleted because of that. The pair waits for your answer: \
         calrelay sync --pair {pair} --make-again, or --leave-out."
    )
}

const ONE_WAY: &str = "It is in the calendar that is written to, and the pair is one-way: only \
events of the other calendar are copied.";

/// Why the mark of an unknown event keeps it from being copied; `None` where a person created the
/// event.
async fn reason_of_mark(
    planner: &Planner<'_>,
    pair_store: &PairStore<'_>,
    others: &[PairId],
    side: Side,
    event: &Event,
) -> Result<Option<Reason>> {
    let mapping = match planner.mark(event) {
        Some(Mark::Ours { role: Role::Copy, mapping, .. }) => mapping,
        Some(Mark::Ours { role: Role::Origin, .. }) | None => return Ok(None),
        Some(Mark::Foreign { .. }) => return Ok(Some(Reason::CopiedByAnother)),
    };
    if let Some(known) = pair_store.mapping(mapping).await? {
        return Ok(Some(if known.side == side {
            Reason::OwnCopy
        } else {
            Reason::DuplicateOfCopy
        }));
    }
    let elsewhere = pair_store.claimed_by_others(others, &BTreeSet::from([mapping])).await?;
    Ok((!elsewhere.is_empty()).then_some(Reason::OwnCopy))
}

fn explain_mapping(mapping: &Mapping) -> (bool, Option<Reason>, String) {
    match mapping.state {
        MappingState::Creating => {
            (false, None, "Its copy is being created; the next sync completes that.".to_owned())
        }
        MappingState::Suppressed => {
            (false, Some(Reason::Suppressed), Reason::Suppressed.in_words().to_owned())
        }
        MappingState::AlreadyThere => {
            (false, Some(Reason::AlreadyThere), Reason::AlreadyThere.in_words().to_owned())
        }
        MappingState::CopiedByAnother => {
            (false, Some(Reason::CopiedByAnother), Reason::CopiedByAnother.in_words().to_owned())
        }
        MappingState::Archived => (
            true,
            None,
            "It is copied. It is now outside the window of this pair, so the copy is not changed \
            any more."
                .to_owned(),
        ),
        MappingState::Live if mapping.drifted => {
            (true, Some(Reason::CopyEdited), Reason::CopyEdited.in_words().to_owned())
        }
        MappingState::Live => (true, None, IN_STEP.to_owned()),
    }
}

fn explain_decision(
    planner: &Planner<'_>,
    side: Side,
    event: &Event,
    problem: Option<&EventProblem>,
) -> (Option<Reason>, String) {
    let id = planner.mapping_id(side, &event.id, 0);
    let copy_id = EventId::new("");
    match planner.unknown(Unknown {
        side,
        event,
        id,
        copy_id,
        beside: Beside::Nothing,
        marked_as_copy: false,
        first: None,
    }) {
        Decision::Skip { reason, why, .. } => {
            (Some(reason), why.unwrap_or_else(|| reason.in_words().to_owned()))
        }
        _ => match problem {
            Some(problem) => (Some(problem.reason), problem.in_words()),
            None => (None, "It has no copy yet; the next sync creates one.".to_owned()),
        },
    }
}
