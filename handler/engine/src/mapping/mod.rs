//! Origin and copy: what is remembered of the two, and how an echo of our own writes is known.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::{EventId, Parts, Span};
use crate::fingerprint::{Fingerprint, ShownPrint};
use crate::marker::{MappingId, Role};
use crate::pair::Side;
use crate::uid::UidHash;

/// What joins an origin to its copy. Ids, versions, times and keyed hashes; no content (requirement
/// S2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// Its identity, from which the copy's UID follows.
    pub id: MappingId,
    /// The side of the origin.
    pub side: Side,
    /// The event that a person made.
    pub origin: MappedEvent,
    /// The event that we made.
    pub copy: MappedEvent,
    /// The times of both.
    pub state: MappingState,
    /// How often the copy was made again; part of its UID.
    #[serde(default)]
    pub generation: u32,
    /// The copy is exactly what was written last: it may be replaced without a read.
    pub pristine: bool,
    /// The copy shows something else than it should, and is put right at the origin's next change
    /// or the next full pass.
    #[serde(default)]
    pub drifted: bool,
    /// Other people take part in the origin: it is never written to or deleted.
    #[serde(default)]
    pub guests: bool,
    /// The same of the copy: its owner invited people to it. It is left alone from then on, even
    /// when its origin goes.
    #[serde(default)]
    pub copy_guests: bool,
    /// The event that was made and that no listing has shown since: its absence proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Role>,
    /// Of what is unseen: the day on which it was missed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_on: Option<Date>,
    /// What `copy` names was the origin until its calendar was emptied and left so: should it come
    /// back, it is the origin again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub turned: bool,
    /// The copy is older than the mapping.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken_over: bool,
    /// This event is being deleted by us, because of the other one. Where it is gone then, and the
    /// other one is back, no person has deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving: Option<Role>,
    /// Start and end, for reports.
    pub times: Times,
    /// The pass that made its younger event, or found it; rows of the first release have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<u64>,
    /// The second since 1970 at which that pass began: its writes have this stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<i64>,
    /// The UID of the first origin, where it is not that of `origin`: that one began as a copy
    /// itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<UidHash>,
    /// Our last writes of the copy, to notice two programs that undo each other's work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<RecentWrite>,
}

/// What is remembered of one of the two events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappedEvent {
    /// Its id.
    pub id: EventId,
    /// Its UID, hashed; rows of the first release have none until the event is read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<UidHash>,
    /// The version that was last dealt with; `None` makes the next pass read it.
    pub etag: Option<String>,
    /// SEQUENCE of that version.
    #[serde(default)]
    pub sequence: u32,
    /// The fields on which the two last agreed, as this one should show them.
    pub base: Fingerprint,
    /// Where it shows something else, by its provider's doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownPrint>,
    /// What is about to be written, recorded before the write: after a crash it distinguishes an
    /// unfinished write of this program from a person's edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Fingerprint>,
    /// Versions that our own writes have replaced: a server that shows one of them for a while
    /// shows no edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Former>,
    /// Whether the answer to our last write has said what it shows. Where that answer said no
    /// version, what a later read finds is a person's edit nevertheless.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_seen: bool,
}

/// See [`MappedEvent::former`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The last few, the newest at the end.
    pub etags: Vec<String>,
    /// The day of the last of these writes.
    pub on: Date,
    /// When the pass of that write began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// The state of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingState {
    /// Noted before the copy is made; it may or may not be there.
    Creating,
    /// Both are there.
    Live,
    /// The person deleted the copy and does not want it back.
    Suppressed,
    /// The origin lies before the window: the copy stays, and its absence from a listing means
    /// nothing.
    Archived,
    /// The other calendar holds the event already, or another copy of it: nothing is made. `copy`
    /// is what was found there.
    AlreadyThere,
    /// Another installation has made a copy, or the event is such a copy itself: nothing is made.
    /// `copy` is what was found in the other calendar, if anything was ([`Mapping::is_beside`]).
    CopiedByAnother,
}

/// Start and end, instants or days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Start.
    pub start: String,
    /// End, exclusive.
    pub end: String,
}

impl From<&Span> for Times {
    fn from(span: &Span) -> Self {
        match span {
            Span::AllDay { start, end } => Self { start: start.to_string(), end: end.to_string() },
            Span::Timed { start, end } => Self {
                start: crate::zone::instant(start, None).to_string(),
                end: crate::zone::instant(end, None).to_string(),
            },
        }
    }
}

/// One of our writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentWrite {
    /// When, in seconds since 1970.
    pub at: i64,
    /// Digest of what was written.
    pub what: u32,
}

/// No server lists what it has taken later than this; each day brings at least one whole listing.
const LATEST_LISTING: SignedDuration = SignedDuration::from_hours(48);

/// Writes within this time count.
const FLAP_SECONDS: i64 = 600;
/// So many writes of values that were written before stop the mapping.
const FLAP_WRITES: usize = 5;

/// So many versions that were replaced are remembered.
const FORMER: usize = 3;

impl MappedEvent {
    /// What an event says that shows this: what its provider has made of our own write means what
    /// was written.
    pub fn meant(&self, now: &Fingerprint) -> Fingerprint {
        self.shown.as_ref().map_or_else(|| now.clone(), |shown| shown.meant(&self.base, now))
    }

    /// From now on the two agree on this.
    pub fn agree(&mut self, base: Fingerprint) {
        let changed = self.base.differences(&base);
        self.shown = self
            .shown
            .take()
            .map(|shown| shown.without(&changed))
            .filter(|shown| !shown.is_empty());
        self.base = base;
        self.intent = None;
    }

    /// What is shown after a write of these parts; of all, where none are named.
    pub fn learn(&mut self, print: &Fingerprint, written: Option<&Parts>) {
        let learnt = ShownPrint::of(&self.base, print, written);
        let kept = match (self.shown.take(), written) {
            (Some(shown), Some(written)) => shown.without(written),
            _ => ShownPrint::default(),
        };
        self.shown = Some(kept.and(learnt)).filter(|shown| !shown.is_empty());
    }

    /// Notes the version that a write has left behind.
    pub fn written(&mut self, etag: Option<String>, now: Timestamp) {
        let today = now.to_zoned(TimeZone::UTC).date();
        let before = std::mem::replace(&mut self.etag, etag);
        let Some(before) = before.filter(|before| Some(before) != self.etag.as_ref()) else {
            return;
        };
        let mut etags = self
            .former
            .take()
            .filter(|former| former.is_recent(today))
            .map(|former| former.etags)
            .unwrap_or_default();
        etags.retain(|etag| *etag != before && Some(etag) != self.etag.as_ref());
        etags.push(before);
        etags.drain(..etags.len().saturating_sub(FORMER));
        self.former = Some(Former { etags, on: today, at: Some(now) });
    }

    /// Whether a version is one that a write of ours has replaced a short while ago, and what has
    /// replaced it was not shown since. After a whole listing on a later day it is no longer: what
    /// is shown then is what a person has restored.
    pub fn is_former(&self, etag: Option<&str>, today: Date) -> bool {
        let former = self.former.as_ref().filter(|former| former.is_recent(today));
        etag.is_some()
            && etag != self.etag.as_deref()
            && former
                .is_some_and(|former| former.etags.iter().any(|one| Some(one.as_str()) == etag))
    }
}

impl Former {
    /// Whether what a server names as changed since a cursor of this age cannot have been that
    /// before our write.
    pub fn is_covered_by(&self, cursor: Timestamp) -> bool {
        self.at.is_some_and(|at| at <= cursor)
    }

    /// The first pass of the next day lists everything, and may meet the same server.
    pub fn is_recent(&self, today: Date) -> bool {
        self.on.tomorrow().is_ok_and(|tomorrow| today <= tomorrow)
    }
}

impl Mapping {
    /// Whether the mapping counts as a copy that the pair keeps.
    pub fn is_live(&self) -> bool {
        matches!(self.state, MappingState::Live | MappingState::Archived)
    }

    /// The UID of the first origin, as far as it is known.
    pub fn first(&self) -> Option<UidHash> {
        self.first.or(self.origin.uid)
    }

    /// Whether the UID of the copy is known as the server shows it, and is another one than it was
    /// sent with.
    pub fn has_servers_uid(&self) -> bool {
        self.copy.uid.is_some() && self.copy.uid != UidHash::of(&self.id.copy_uid(self.generation))
    }

    /// Whether one of its events is not listed, and what has become of the other one since waits
    /// for it.
    pub fn is_owed(&self) -> bool {
        match self.unseen {
            Some(Role::Copy) => self.origin.etag.is_none(),
            Some(Role::Origin) => self.copy.etag.is_none(),
            None => false,
        }
    }

    /// Whether what is unseen was missed for so long that it will not be listed any more.
    pub fn is_overdue(&self, today: Date) -> bool {
        self.missed_on.is_none_or(|missed| today.duration_since(missed) >= LATEST_LISTING)
    }

    /// Whether nothing is made because of what the other calendar holds, or because of what made
    /// the event.
    pub fn is_left_alone(&self) -> bool {
        matches!(self.state, MappingState::AlreadyThere | MappingState::CopiedByAnother)
    }

    /// Whether `copy` is an event that was seen in the other calendar and that we did not make.
    pub fn is_beside(&self) -> bool {
        self.is_left_alone() && (self.copy.etag.is_some() || self.copy.uid.is_some())
    }

    /// Whether writing this value again would be the sixth turn of a circle: more than five writes
    /// within ten minutes, and no value among them that was not there before.
    pub fn is_flapping(&self, what: &Fingerprint, now: Timestamp) -> bool {
        let since = now.as_second() - FLAP_SECONDS;
        let recent: Vec<u32> =
            self.recent.iter().filter(|write| write.at > since).map(|write| write.what).collect();
        let mut values = recent.clone();
        values.sort_unstable();
        values.dedup();
        recent.len() >= FLAP_WRITES && values.len() <= 2 && values.contains(&what.digest())
    }

    /// Notes a write of the copy.
    pub fn wrote(&mut self, what: &Fingerprint, now: Timestamp) {
        let since = now.as_second() - FLAP_SECONDS;
        self.recent.retain(|write| write.at > since);
        self.recent.push(RecentWrite { at: now.as_second(), what: what.digest() });
        if self.recent.len() > FLAP_WRITES + 1 {
            self.recent.remove(0);
        }
    }
}

#[cfg(test)]
mod tests;
