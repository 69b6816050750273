//! What the notifications of one call share: they arrive at one moment, so what is read or sent for
//! one of them holds for the others too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::calendar::CalendarId;
use records::snapshot::Snapshot;
use tokio::sync::OnceCell;

use crate::nudge::{self, Cause};
use crate::{Result, Scope};

/// A call, which may bring notifications of many watches.
#[derive(Default)]
pub(super) struct Call {
    /// The directories by owner, each read at most once.
    directories: Once<String, Arc<Snapshot>>,
    /// The calendars, with their owner, that were nudged without a delay.
    nudged: Once<(String, CalendarId), ()>,
}

type Once<K, V> = Mutex<HashMap<K, Arc<OnceCell<V>>>>;

fn cell<K: std::hash::Hash + Eq, V>(cells: &Once<K, V>, key: K) -> Arc<OnceCell<V>> {
    cells.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
}

impl Call {
    /// The accounts, calendars and pairs of the owner.
    pub async fn directory(&self, scope: &Scope) -> Result<Arc<Snapshot>> {
        let cell = cell(&self.directories, scope.owner.clone());
        let read = || async { scope.snapshot().await.map(Arc::new) };
        cell.get_or_try_init(read).await.cloned()
    }

    /// Nudges a calendar. Of the nudges of one call that are visible at once, the first replaces
    /// all, and each that waits for it fails as it does. A delayed nudge is always sent: other
    /// processes rely on it.
    pub async fn nudge(
        &self,
        scope: &Scope,
        calendar: &CalendarId,
        cause: Cause,
        delay: Duration,
    ) -> Result<()> {
        if !delay.is_zero() {
            return nudge::send_after(scope, calendar, cause, delay).await;
        }
        let cell = cell(&self.nudged, (scope.owner.clone(), calendar.clone()));
        cell.get_or_try_init(|| nudge::send(scope, calendar, cause)).await.copied()
    }
}
