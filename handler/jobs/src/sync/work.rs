//! The work of a pass: what has news is read ahead, decided about and written, batch by batch; what
//! was done is remembered as it goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use engine::event::EventId;
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::Delete;
use engine::reason::Reason;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::apply::Applied;
use super::bearers::Bearers;
use super::decide::Candidate;
use super::identity::EventIdentities;
use super::pass::Pass;
use super::refused::{Problems, SOON};
use super::survey::Changes;
use super::turns::Settled;
use crate::Error;
use crate::Result;
use crate::in_process::CALL_BUDGET;
use crate::report::Run;
use records::pair_state::Batch;
use records::pair_state::EventPosition;
use records::pair_state::proofs;
use records::pair_state::proofs::Proof;
use records::pair_state::proofs::ProofRow;

/// Mappings remembered with one commit.
pub(super) const REMEMBER_EVERY: usize = 49;
/// Events of a batch, so that the intents of all of them, two rows each, and the state fit into one
/// commit.
const MAX_BATCH: usize = 49;
/// What was read in a turn is written for so long after it.
const GRACE: Duration = Duration::from_secs(60);
/// Batches read ahead of the writes.
const READ_AHEAD: usize = 2;

/// Somebody else wrote at the same moment: the pass is to be made once more.
#[derive(Debug, Default)]
pub(super) struct RetryRound {
    /// Events that a write found gone.
    pub suspects: Vec<(MappingId, Role)>,
    /// Events that are to be looked at, though nothing has happened to them.
    pub strangers: Vec<(Side, EventId)>,
}

/// What a pass has come to so far.
pub(super) struct Tally {
    pub(super) run: Run,
    pub(super) notes: Batch,
    pub(super) wrote: [bool; 2],
    pub(super) again: Option<RetryRound>,
    /// A listed event was not found: that side is read again from where it was.
    pub(super) incomplete: bool,
    pub(super) deletes: Vec<Delete>,
    pub(super) problems: Problems,
    pub(super) bearers: Bearers,
    /// Mappings that were dropped.
    pub(super) ended: Vec<MappingId>,
    /// Something could not be read of what is to be taken over.
    pub(super) untaken: bool,
    /// Originals of each calendar that its owner wants made again, and that could not be made.
    pub(super) asked_again: [u64; 2],
    /// What proves that the other events of deletions are gone.
    pub(super) proofs: BTreeMap<MappingId, Proof>,
    /// Deletions that were made, and what they rest on: to be noted.
    pub(super) proved: Vec<ProofRow>,
    pub(super) proof_rows: u32,
    /// Events that this turn could not settle.
    pub(super) unsettled: BTreeSet<EventId>,
}

impl Pass<'_> {
    /// Works through everything that has news, batch by batch, several writes at once. Says how
    /// much is left, where it has to give way.
    pub(super) async fn create_and_change(
        &self,
        survey: Changes,
        mut identity: EventIdentities,
        settled: &mut Settled,
        tally: &mut Tally,
    ) -> Result<u64> {
        let items = settled.rest(self.items(survey, &mut identity));
        let places: Vec<Option<EventPosition>> = items.iter().map(Candidate::place).collect();
        let total = items.len() as u64;
        self.progress.expect(total);
        // Nothing new is read after the turn; what was read already is written, unless that takes
        // as long again.
        let turn = self.options.background.then(|| self.end_of_turn());
        let (is_over, is_long_over) = (
            || turn.is_some_and(|end| Instant::now() >= end),
            || turn.is_some_and(|end| Instant::now() >= end + GRACE),
        );
        let batch =
            self.ends.iter().map(|end| end.provider.batch()).min().unwrap_or(1).clamp(1, MAX_BATCH);
        let parallel =
            self.ends.iter().map(|end| end.provider.parallel_writes()).min().unwrap_or(1).max(1);
        let mut batches: Vec<Vec<Candidate>> = Vec::new();
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            batches.push(items.by_ref().take(batch).collect());
        }
        // Reading goes on beside the writing, and both are asked all the time: neither may hold a
        // turn at the provider that the other waits for while nobody asks it.
        let (sender, mut receiver) = mpsc::channel(READ_AHEAD);
        let read = async move {
            for (n, batch) in batches.into_iter().enumerate() {
                if n > 0 && is_over() {
                    break;
                }
                let tasks = self.prepare(batch, &mut identity).await;
                let failed = tasks.is_err();
                // A closed channel: a write has failed, and nothing more is to be read.
                if sender.send(tasks).await.is_err() || failed {
                    break;
                }
            }
        };
        let write = async move {
            let stop = AtomicBool::new(false);
            let stopped = || stop.load(Ordering::Relaxed) || is_long_over();
            let tasks = stream::poll_fn(|context| {
                if stopped() { Poll::Ready(None) } else { receiver.poll_recv(context) }
            });
            let mut work = Box::pin(
                tasks
                    .map_ok(|tasks| stream::iter(tasks.into_iter().map(Ok::<_, Error>)))
                    .try_flatten()
                    .take_while(|_| std::future::ready(!stopped()))
                    .map(|task| async move { Box::pin(self.apply(task?)).await })
                    .buffer_unordered(parallel),
            );
            let (mut failure, mut left) = (None, total);
            while let Some(applied) = work.next().await {
                self.progress.step(1);
                left = left.saturating_sub(1);
                match applied {
                    Ok(applied) => self.count(applied, tally)?,
                    // Ends the reading of new work; what is under way is brought to its end, so
                    // that it need not be found out again.
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        failure.get_or_insert(error);
                    }
                }
                if tally.notes.len() >= REMEMBER_EVERY {
                    if total > MAX_BATCH as u64 {
                        self.head.set_remaining(left).await;
                    }
                    self.remember(tally).await?;
                }
            }
            drop(work);
            match failure {
                None => {
                    // Whole batches: within one the order is another.
                    let done = usize::try_from(total - left).unwrap_or_default() / batch * batch;
                    settled.went_through(&places[..done.min(places.len())], tally);
                    Ok(left)
                }
                Some(error) => {
                    self.remember(tally).await?;
                    Err(error)
                }
            }
        };
        futures::join!(read, write).1
    }

    /// When to give way: sooner where it was soon known what is to be done, as that has to be found
    /// out again.
    fn end_of_turn(&self) -> Instant {
        let now = Instant::now();
        let [pass, call] = self.began;
        let turn = self.scope.in_process.attempt_limit(now.saturating_duration_since(pass));
        (now + turn).min(call + CALL_BUDGET)
    }

    pub(super) fn count(&self, applied: Applied, tally: &mut Tally) -> Result<()> {
        if applied.deferred {
            tally.again.get_or_insert_default().suspects.extend(applied.suspect);
        }
        for stranger in applied
            .strangers
            .into_iter()
            .filter(|(side, _)| self.pair.copies_from(*side) && !self.options.dry_run)
        {
            tally.again.get_or_insert_default().strangers.push(stranger);
        }
        if applied.incomplete || applied.deferred || applied.delete.is_some() {
            tally.unsettled.insert(applied.event.clone());
        }
        if applied.asks_again {
            tally.asked_again[applied.side as usize] += 1;
        }
        tally.incomplete |= applied.incomplete;
        for side in Side::BOTH {
            tally.wrote[side as usize] |= applied.wrote[side as usize];
        }
        applied.actions.into_iter().for_each(|action| tally.run.push(action));
        let deletes = applied.delete.is_some();
        if let (Some(delete), Some(proof)) = (&applied.delete, applied.proof) {
            tally.proofs.insert(delete.mapping.id, proof);
        }
        tally.deletes.extend(applied.delete.map(|delete| *delete));
        if self.options.dry_run {
            return Ok(());
        }
        tally.proved.extend(applied.proved);
        let is_remembered = applied.remember.is_some();
        if let Some((before, now)) = applied.remember {
            if let (Some(before), Some(now)) = (&before, &now)
                && before.origin.id != now.origin.id
                && tally.problems.remove(applied.side, before.origin.id.as_str())
            {
                // It has another name by now.
                self.memory.forget_problem(
                    &mut tally.notes,
                    self.pair.calendar(applied.side),
                    before.origin.id.as_str(),
                );
            }
            match now {
                Some(now) => self.memory.note(&mut tally.notes, before.as_ref(), &now)?,
                None => {
                    if let Some(before) = before {
                        tally.ended.push(before.id);
                        self.memory.forget(&mut tally.notes, &before);
                    }
                }
            }
        }
        match applied.problem {
            Some((row, retry)) => {
                let is_unread = row.problem.reason == Reason::RefusedByServer && !is_remembered;
                let tries = self.note_problem(tally, &applied.event, row, retry)?;
                tally.untaken |= self.takes_over && is_unread && tries < SOON;
            }
            None => {
                // A deletion is still to be made.
                let stands =
                    applied.unread && tally.problems.is_note(applied.side, applied.event.as_str());
                let is_settled = !applied.incomplete && !applied.deferred && !deletes && !stands;
                if is_settled && tally.problems.remove(applied.side, applied.event.as_str()) {
                    self.memory.forget_problem(
                        &mut tally.notes,
                        self.pair.calendar(applied.side),
                        applied.event.as_str(),
                    );
                }
            }
        }
        Ok(())
    }

    pub(super) async fn remember(&self, tally: &mut Tally) -> Result<()> {
        if self.options.dry_run || tally.notes.is_empty() {
            return Ok(());
        }
        self.note_proofs(tally).await?;
        Ok(self.memory.commit(self.head, std::mem::take(&mut tally.notes)).await?)
    }

    /// Notes what the deletions rest on that were made since.
    pub(super) async fn note_proofs(&self, tally: &mut Tally) -> Result<()> {
        let rows = std::mem::take(&mut tally.proved);
        if !rows.is_empty() {
            proofs::note(&mut tally.notes, self.today(), &mut tally.proof_rows, &rows)?;
            self.head.note_proofs_since(self.today()).await;
        }
        Ok(())
    }
}
