//! One pass over one pair, step by step.

use engine::calendar::CalendarId;
use engine::event::EventId;
use engine::pair::PerSide;
use engine::plan::Answer;
use records::pair_state::{ProblemRow, StateRecord};

use super::changes::Changes;
use super::context::Context;
use super::ends::EndState;
use super::finish::ListedEnds;
use super::identity::EventIdentities;
use super::listing::ListingOptions;
use super::pass_result::{PassResult, RetryRound};
use super::refused::read_possibly_created;
use super::window::{is_relisted, must_relist};
use crate::Result;
use crate::report::Run;

/// After so many failures in a row, a failure to list the changes since the cursor counts as a lost
/// cursor.
const FAILURES_OF_A_CURSOR: u32 = 3;

/// Runs a pass and stores the state of the pair. Returns what was done, also where the pass fails
/// in the end, and whether another round is needed.
pub(super) async fn run(
    context: &Context<'_>,
    state: &mut StateRecord,
    ends: PerSide<EndState>,
) -> (Run, Result<Option<RetryRound>>) {
    let side = |calendar: &CalendarId| context.side_of_calendar(calendar);
    let mut result = PassResult::new(&context.pair.id, context.problems, side);
    let retry = run_steps(context, state, ends, &mut result).await;
    (result.run, retry)
}

async fn run_steps(
    context: &Context<'_>,
    state: &mut StateRecord,
    ends: PerSide<EndState>,
    result: &mut PassResult,
) -> Result<Option<RetryRound>> {
    context.restore_fidelity(state);
    result.unseen_since = context.unseen_since(state);
    let relist = is_relisted(context, state);
    let (mut changes, mut identities) = list(context, state, ends, relist).await?;
    add_left_over(context, state, &mut changes, result).await?;
    let guard = context.deletion_guard(state).await;
    identify(context, &mut changes, &mut identities, result).await?;
    let evidence = changes.evidence();
    let mut held = context.verify(&mut identities, &mut changes, result, state, &guard).await?;

    let mut listed = ListedEnds::of(&mut changes, relist);
    listed.note_current(state, context.now);
    let mut resumption = context.resumption(state, &identities, listed.is_whole);
    let remaining = Box::pin(context.execute(changes, identities, &mut resumption, result)).await?;
    context.note_fidelity(state);
    if remaining > 0 {
        state.progress = resumption.into_turns(context.today(), listed.cursors);
        context.give_way(state, result, remaining).await?;
        return Ok(None);
    }
    listed.resume(resumption);
    let deleted = context.delete_released(state, &guard, evidence, &mut held, result).await?;
    context.finish(state, result, listed, &guard, held, deleted).await
}

/// Lists both ends and joins what changed with the mappings.
async fn list(
    context: &Context<'_>,
    state: &StateRecord,
    mut ends: PerSide<EndState>,
    relist: bool,
) -> Result<(Changes, EventIdentities)> {
    // A later round goes on with what the first round has listed.
    let full = context.options.full && context.retry.is_none();
    // The origin of which a refused event may be a copy, or the copy that it may have, is looked
    // for as in a first listing of the other calendar.
    let has_unread = context.has_unread_retries().await?;
    let is_anew = PerSide::from_fn(|side| has_unread[side.other()]);
    let anew = state.without_cursors(is_anew);
    for (side, end) in ends.iter_mut() {
        end.is_quiet &= !is_anew[side];
    }
    let doubts_cursor = state.failing.is_some_and(|streak| streak.times >= FAILURES_OF_A_CURSOR);
    let options = ListingOptions { relist, full, doubts_cursor };
    let mut changes = context.list_changes(ends, &anew, options).await?;
    if !context.options.dry_run {
        changes.forget_former(context.store, context.locked).await?;
    }
    if let Some([live, archived, by_another]) = changes.counts {
        context.locked.set_counts(live, archived, by_another).await;
    }
    let refused = context.problems.iter().filter(|row| row.problem.tries > 0);
    let tries = |row: &ProblemRow| {
        let side = context.side_of_calendar(&row.problem.calendar);
        ((side, EventId::new(row.problem.event.as_str())), row.problem.tries)
    };
    let mut identities = EventIdentities::default();
    identities.is_first = PerSide::from_fn(|side| state.cursor(side).is_none());
    identities.is_anew = PerSide::from_fn(|side| anew.cursor(side).is_none());
    identities.refused = refused.map(tries).collect();
    Ok((changes, identities))
}

/// Adds what an earlier round, or earlier passes, have left.
async fn add_left_over(
    context: &Context<'_>,
    state: &StateRecord,
    changes: &mut Changes,
    result: &mut PassResult,
) -> Result<()> {
    let Some(retry) = context.retry else { return context.add_retries(changes, result).await };
    changes.add_suspects(context.store, &retry.suspects).await?;
    changes.add_unknown(context.store, &retry.unknown).await?;
    // Where nothing is missing but what the writes have found gone, these events count as named,
    // unless nothing is left.
    changes.found_by_writes = changes.by_absence
        && !must_relist(context, state)
        && changes.is_missing_only(&retry.suspects);
    changes.by_absence &= !changes.found_by_writes;
    Ok(())
}

/// Finds out what the events are that no mapping knows.
async fn identify(
    context: &Context<'_>,
    changes: &mut Changes,
    identities: &mut EventIdentities,
    result: &mut PassResult,
) -> Result<()> {
    context.refuse_same_calendar(changes).await?;
    context.narrow_unknown(identities, changes).await?;
    changes.add_unknown(context.store, &context.freed_by_recognition(changes)).await?;
    context.find_left_out(identities, changes).await?;
    if context.options.answer == Some(Answer::LeaveOut) {
        context.locked.set_left_out(true).await;
    }
    context.find_unseen(identities, changes, result).await?;
    read_possibly_created(changes);
    context.forget_removed(changes, result);
    Ok(())
}
