//! What the steps of one pass share.

use engine::calendar::{CalendarId, PairId};
use engine::event::EventId;
use engine::mapping::{Mapping, Times};
use engine::marker::Role;
use engine::pair::{Pair, PerSide, Side};
use engine::plan::Planner;
use engine::reason::Reason;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use providers::FailureCause;
use records::pair_state::{LockedState, PairStore, ProblemRow};
use records::problem::EventProblem;
use store::Lease;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::ends::End;
use super::options::SyncOptions;
use super::pass_result::RetryRound;
use super::roles::{other_role, side_of};
use crate::keys::PairKeys;
use crate::report::{Action, Progress, Verb};
use crate::{Error, Result, Scope};

/// What the steps of one pass share.
pub(super) struct Context<'a> {
    pub scope: &'a Scope,
    pub pair: &'a Pair,
    pub ends: &'a PerSide<End>,
    pub keys: &'a PairKeys,
    pub store: &'a PairStore<'a>,
    pub locked: &'a LockedState,
    pub lease: &'a Lease,
    pub options: SyncOptions,
    /// All pairs of the owner.
    pub pair_ids: &'a [PairId],
    /// The ends that may hold what an ended pair has copied out of a third calendar.
    pub is_mixed: PerSide<bool>,
    /// Copies of another installation belong to this pair, as the owner has answered.
    pub takes_over: bool,
    pub pass_began: Instant,
    /// When the call began of which this pass is a part.
    pub call_began: Instant,
    pub planner: Planner<'a>,
    pub now: Timestamp,
    pub progress: &'a dyn Progress,
    /// What changes while it is written has to wait for another pass.
    pub is_last_round: bool,
    /// By side: the cause when a request about one event fails.
    pub causes: PerSide<Mutex<FailureCause>>,
    /// The events of this pair that could not be synced, as they are stored.
    pub problems: &'a [ProblemRow],
    /// What an earlier round has left; `None` in the first round.
    pub retry: Option<&'a RetryRound>,
}

impl Context<'_> {
    /// The day in UTC.
    pub fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    pub fn is_caldav(&self, side: Side) -> bool {
        self.ends[side].account.kind.is_caldav()
    }

    pub fn side_of_calendar(&self, calendar: &CalendarId) -> Side {
        if *calendar == self.pair.from { Side::From } else { Side::To }
    }

    /// Called before each write.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] where another process may hold the leases by now.
    pub fn may_write(&self) -> Result<()> {
        if self.lease.holds() { Ok(()) } else { Err(Error::LeaseLost) }
    }

    /// The report of what was done about a mapping. `role` is the event that changed or is gone;
    /// the other one is written to.
    pub fn action(
        &self,
        action: Verb,
        mapping: &Mapping,
        role: Role,
        reason: Option<Reason>,
    ) -> Action {
        let written = side_of(mapping, other_role(role));
        Action {
            action,
            calendar: self.pair.calendar(written).clone(),
            event: mapping.origin.id.to_string(),
            reason,
            start: Some(mapping.times.start.clone()),
            end: Some(mapping.times.end.clone()),
            series: None,
        }
    }

    pub fn skip(
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
            series: None,
        }
    }

    pub fn problem(
        &self,
        side: Side,
        event: &EventId,
        etag: Option<String>,
        reason: Reason,
        why: Option<&str>,
    ) -> ProblemRow {
        let calendar = self.pair.calendar(side).clone();
        let message = problem_message(reason, why);
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

/// The message about an event that could not be copied.
fn problem_message(reason: Reason, why: Option<&str>) -> String {
    why.map_or_else(|| reason.in_words().to_owned(), |why| reason.in_words_about(why))
}
