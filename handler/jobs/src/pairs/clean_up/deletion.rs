//! One deletion of a clean-up, and the failure of a clean-up.

use engine::event::EventId;
use engine::reason::Reason;
use providers::FailureCause;
use records::problem::PairStatus;

use crate::problem::problem_keeping;
use crate::report::Run;
use crate::sync::{End, needs_reconnect};
use crate::{Error, Result};

/// Options of a clean-up.
#[derive(Clone, Copy, Debug, Default)]
pub struct CleanUp {
    /// Delete nothing; report what would be deleted.
    pub dry_run: bool,
    /// Also delete copies that were edited.
    pub include_edited: bool,
}

/// The outcome of a deletion.
pub(super) enum DeletionOutcome {
    Deleted,
    Kept(Reason),
    /// The copy still existed after the server had failed, and may be deleted later.
    Unsure,
}

/// Deletes one copy.
///
/// # Errors
/// A failure that concerns more than this copy.
pub(super) async fn delete(
    end: &End,
    cause: &mut FailureCause,
    id: &EventId,
    etag: Option<&str>,
) -> Result<DeletionOutcome> {
    use providers::Error as E;
    let calendar = &end.calendar.address;
    let error = match end.provider.delete(calendar, id, etag).await {
        Ok(()) => return Ok(DeletionOutcome::Deleted),
        Err(E::HasGuests) => return Ok(DeletionOutcome::Kept(Reason::HasGuests)),
        Err(E::ChangedMeanwhile) => return Ok(DeletionOutcome::Kept(Reason::CopyEdited)),
        Err(error) => error,
    };
    let is_final =
        matches!(error, E::Refused(_) | E::NotRepresentable(_) | E::Forbidden(_) | E::Unauthorized);
    let why = cause.event(&*end.provider, calendar, error).await?;
    tracing::info!(calendar = %end.calendar.id, %why, "a copy was not deleted");
    if is_final {
        return Ok(DeletionOutcome::Kept(Reason::RefusedByServer));
    }
    Ok(match exists(end, cause, id).await? {
        Some(false) => DeletionOutcome::Deleted,
        Some(true) | None => DeletionOutcome::Unsure,
    })
}

/// Whether an event exists; `None` where the server does not say for this event.
///
/// # Errors
/// A failure that concerns more than this event.
pub(super) async fn exists(
    end: &End,
    cause: &mut FailureCause,
    id: &EventId,
) -> Result<Option<bool>> {
    match end.provider.exists(&end.calendar.address, id).await {
        Ok(exists) => Ok(Some(exists)),
        Err(error) => {
            cause.event(&*end.provider, &end.calendar.address, error).await?;
            Ok(None)
        }
    }
}

/// Reports why a clean-up stopped early.
pub(super) fn fail(run: &mut Run, error: &Error) {
    run.state = if needs_reconnect(error) { PairStatus::NeedsReconnect } else { PairStatus::Error };
    run.error = Some(problem_keeping(error, KEPT));
}

const KEPT: &str = "Copies that are listed as deleted are gone; all others, and all originals, \
are kept, and the same command goes on with what is left.";
