//! Why an event was or was not copied: what is stored about it, and what the planner would decide
//! now.

use std::collections::BTreeSet;

use engine::calendar::PairId;
use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{Mark, Role};
use engine::pair::{Pair, PerSide, Side};
use engine::plan::{Beside, Decision, Planner, Unknown};
use engine::reason::Reason;
use providers::Found;
use providers::caldav::name_in_collection;
use records::pair_state::proofs::{self, ProofRow};
use records::pair_state::{PairStore, problems, read_state};
use records::problem::EventProblem;

use crate::keys::PairKeys;
use crate::pair_remarks::PairRemarks;
use crate::report::Explanation;
use crate::sync::{End, ends};
use crate::{Error, Result, Scope, first_release, leases};

/// Explains an event, which may be an origin or a copy. It is named by its id, or by a path that
/// ends in its id.
///
/// # Errors
/// [`Error::NotFound`] where neither calendar of the pair has such an event; otherwise the
/// provider's failure.
pub async fn explain(scope: &Scope, pair: &PairId, event: &str) -> Result<Explanation> {
    let pair = scope.directory().pair(pair).await?;
    let ends = ends(scope, &pair).await?;
    let explained = Box::pin(explain_stored(scope, &pair, &ends, event)).await;
    if !matches!(explained, Ok(_) | Err(Error::NotFound(_))) {
        return explained;
    }
    let ids: BTreeSet<EventId> =
        ends.iter().flat_map(|(_, end)| possible_ids(end, event)).collect();
    let is_its_own = |row: &ProofRow| {
        [&row.origin, &row.copy].into_iter().any(|id| ids.contains(&EventId::new(id.as_str())))
    };
    let deletions = proofs::find(&*scope.store, &pair.id, is_its_own).await?;
    let Some(last) = deletions.first() else { return explained };
    let words: Vec<String> = deletions.iter().take(MAX_DELETIONS).map(ProofRow::in_words).collect();
    let words = words.join(" ");
    Ok(match explained {
        Ok(explained) => {
            Explanation { message: format!("{} Before: {words}", explained.message), ..explained }
        }
        Err(_) => Explanation {
            pair: pair.id,
            event: event.to_owned(),
            copied: false,
            reason: Some(last.reason),
            message: words,
            copy: None,
        },
    })
}

/// The number of deletions of one event that an explanation names.
const MAX_DELETIONS: usize = 3;

async fn explain_stored(
    scope: &Scope,
    pair: &Pair,
    ends: &PerSide<End>,
    event: &str,
) -> Result<Explanation> {
    let keys = PairKeys::new(scope, pair).await?;
    let pair_store = PairStore::new(&*scope.store, &keys.marks, pair);
    let answer =
        |copied, reason: Option<Reason>, message: String, copy: Option<&EventId>| Explanation {
            pair: pair.id.clone(),
            event: event.to_owned(),
            copied,
            reason,
            message,
            copy: copy.map(ToString::to_string),
        };
    let directory = scope.snapshot().await?;
    let (others, calendars) = (directory.pair_ids(), directory.calendar_ids());
    migrate_rows(scope, pair, &pair_store, ends).await?;
    let remarks = PairRemarks::read(scope, pair).await?;
    let known_problems = problems(&*scope.store, &pair.id, 1000).await?;
    for side in Side::BOTH.into_iter().filter(|side| may_be_at(ends, *side, event)) {
        let end = &ends[side];
        let ids = possible_ids(end, event);
        let problem = |id: &EventId| {
            let is_its_own = |problem: &&EventProblem| {
                problem.event == id.as_str() && problem.calendar == end.calendar.id
            };
            known_problems.iter().map(|row| &row.problem).find(is_its_own)
        };
        let known = pair_store.lookup(side, &ids).await?.known;
        if let Some((id, mapping)) = ids.iter().find_map(|id| known.get_key_value(id)) {
            if mapping.side != side && mapping.is_left_alone() {
                let (_, reason, words) = explain_mapping(mapping);
                return Ok(answer(false, reason, words, None));
            }
            if mapping.side != side {
                return Ok(answer(
                    false,
                    Some(Reason::OwnCopy),
                    format!("It is a copy made by Calrelay, of {}.", mapping.origin.id),
                    None,
                ));
            }
            if is_emptied(scope, pair, mapping, ends).await? {
                return Ok(answer(false, None, emptied_message(&pair.id), None));
            }
            let (copied, reason, words) = explain_mapping(mapping);
            let (reason, words) = problem(id)
                .map_or((reason, words), |problem| (Some(problem.reason), problem.in_words()));
            let mut said = Vec::new();
            if matches!(mapping.state, MappingState::Live | MappingState::Creating) {
                said.extend(remarks.of_hold(&pair_store, mapping).await?);
                said.extend(remarks.of_pair());
            }
            let words = with_remarks(words, said);
            return Ok(answer(copied, reason, words, copied.then_some(&mapping.copy.id)));
        }
        let mut found = end.provider.fetch(&end.calendar.address, &ids).await?;
        found.sort_by_key(|fetched| ids.iter().position(|id| *id == fetched.id));
        for fetched in found {
            match fetched.found {
                Found::Event(event) => {
                    let planner = planner(scope, pair, ends, &keys, &calendars);
                    let marked =
                        reason_of_mark(&planner, &pair_store, &others, side, &event).await?;
                    if marked.is_none() && !pair.copies_from(side) {
                        return Ok(answer(false, None, ONE_WAY.to_owned(), None));
                    }
                    let problem = problem(&fetched.id);
                    let (reason, words) = match marked {
                        Some(reason) => (Some(reason), reason.in_words().to_owned()),
                        None => {
                            let (reason, words) = explain_decision(&planner, side, &event, problem);
                            (reason, with_remarks(words, remarks.of_pair()))
                        }
                    };
                    return Ok(answer(false, reason, words, None));
                }
                Found::Unreadable { why, .. } => {
                    let words = format!("{} ({why})", Reason::Unreadable.in_words());
                    return Ok(answer(false, Some(Reason::Unreadable), words, None));
                }
                Found::Refused(why) => {
                    let words = problem(&fetched.id).map_or_else(
                        || format!("{} ({why})", Reason::RefusedByServer.in_words()),
                        EventProblem::in_words,
                    );
                    return Ok(answer(false, Some(Reason::RefusedByServer), words, None));
                }
                Found::NotFound | Found::NoEvent => {
                    if let Some(problem) = problem(&fetched.id) {
                        return Ok(answer(false, Some(problem.reason), problem.in_words(), None));
                    }
                }
            }
        }
    }
    Err(Error::NotFound(format!(
        "neither calendar of the pair {} has an event {event}; `calrelay sync --json` lists the \
        ids of events",
        pair.id
    )))
}

/// Whether the copy disappeared together with all other copies of the pair, and the owner has not
/// answered yet.
async fn is_emptied(
    scope: &Scope,
    pair: &Pair,
    mapping: &Mapping,
    ends: &PerSide<End>,
) -> Result<bool> {
    let side = mapping.side.other();
    let asked = read_state(&*scope.store, &pair.id)
        .await?
        .held
        .is_some_and(|row| row.emptied.contains(&side));
    let end = &ends[side];
    Ok(asked
        && mapping.is_live()
        && !end.provider.exists(&end.calendar.address, &mapping.copy.id).await?)
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

/// Rows of the first release have other ids. They are migrated first, unless a pass is running,
/// which migrates them itself.
async fn migrate_rows(
    scope: &Scope,
    pair: &Pair,
    pair_store: &PairStore<'_>,
    ends: &PerSide<End>,
) -> Result<()> {
    let (locked, _) = pair_store.read_state().await?;
    if locked.is_new().await || locked.row().await.ids_are_names {
        return Ok(());
    }
    let Ok(lease) = leases::pair_and_calendars(scope, pair, &[]).await else { return Ok(()) };
    let (locked, problems) = pair_store.read_state().await?;
    let bases = ends.as_ref().map(|end| first_release::base(&end.account, &end.calendar));
    let moved = first_release::migrate(pair_store, &locked, &problems, bases).await;
    lease.end().await;
    moved.map(drop)
}

/// The number of ids that are tried for one text.
const MAX_IDS: usize = 8;

/// Whether the given event may be in the calendar on this side: a path below one of the two
/// calendars names no event of the other.
fn may_be_at(ends: &PerSide<End>, side: Side, event: &str) -> bool {
    let is_below =
        |side: Side| has_paths(&ends[side]) && event.starts_with(&ends[side].calendar.address);
    is_below(side) || !is_below(side.other())
}

/// The ids that the given text may mean: the name of the event in its calendar, or (where events
/// have paths) the end of a path. The longest name first.
fn possible_ids(end: &End, event: &str) -> Vec<EventId> {
    if !has_paths(end) {
        return vec![EventId::new(event)];
    }
    let name = name_in_collection(&end.calendar.address, &EventId::new(event));
    let tails = event.match_indices('/').rev().take(MAX_IDS).map(|(at, _)| &event[at + 1..]);
    let mut names: Vec<&str> = tails
        .chain([name.as_str()])
        .filter(|name| !name.is_empty() && !name.starts_with('/'))
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.dedup();
    names.into_iter().map(EventId::new).collect()
}

fn has_paths(end: &End) -> bool {
    end.account.kind.is_caldav()
}

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

fn planner<'a>(
    scope: &Scope,
    pair: &'a Pair,
    ends: &'a PerSide<End>,
    keys: &'a PairKeys,
    calendars: &'a [engine::calendar::CalendarId],
) -> Planner<'a> {
    let now = scope.clock.now();
    Planner {
        pass: 0,
        pair,
        kinds: PerSide::from_fn(|side| ends[side].account.kind),
        zones: PerSide::from_fn(|side| ends[side].calendar.zone.as_deref()),
        marks: &keys.marks,
        calendars,
        prints: &keys.prints,
        window: pair.window(now),
        now,
        full: false,
    }
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
