//! How far a calendar was read: the content of both [`StateTag`] and [`Cursor`].

use engine::change::{Cursor, StateTag};
use serde::{Deserialize, Serialize};

use super::multistatus::Props;

/// The marks of a calendar's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SyncPosition {
    /// Changes with every change in the calendar.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) ctag: Option<String>,
    /// What a sync-collection begins with.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
}

impl SyncPosition {
    pub(super) fn of(props: &Props) -> Self {
        Self { ctag: props.ctag.clone(), token: props.sync_token.clone() }
    }

    /// `None` if there is nothing to compare.
    pub(super) fn state_tag(&self) -> Option<StateTag> {
        (self.ctag.is_some() || self.token.is_some()).then(|| StateTag(self.text()))
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(self.text())
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// By the ctag where both have one; a token may change without anything having happened.
pub(super) fn is_current(cursor: &Cursor, state: &StateTag) -> bool {
    let (Some(then), Some(now)) = (SyncPosition::read(&cursor.0), SyncPosition::read(&state.0))
    else {
        return false;
    };
    match (then.ctag, now.ctag) {
        (Some(then), Some(now)) => then == now,
        _ => then.token.is_some() && then.token == now.token,
    }
}
