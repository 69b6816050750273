//! Why an event was left alone, in one word for programs.

use serde::{Deserialize, Serialize};

/// Why an event was left alone, or what was special about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Cancelled by its organizer.
    Cancelled,
    /// Declined by the owner of the calendar.
    Declined,
    /// No part of it lies in the window.
    OutsideWindow,
    /// It cannot be read.
    Unreadable,
    /// Its recurrence rule is beyond what can be expanded safely.
    UnsupportedRule,
    /// Its copy was deleted by a person.
    Suppressed,
    /// It is itself a copy made by this deployment.
    OwnCopy,
    /// Other people take part in it.
    HasGuests,
    /// The server refused it.
    RefusedByServer,
    /// A person edited the copy of a one-way pair, or what a private copy says.
    CopyEdited,
    /// Another program undoes each of our writes.
    Flapping,
    /// A copy from an earlier time was found and taken over.
    Adopted,
    /// The other calendar holds it, or another copy of it.
    AlreadyThere,
    /// Another installation has copied it, or has made it as a copy.
    CopiedByAnother,
    /// It has the mark of a copy that is elsewhere in its calendar: a person duplicated the copy,
    /// or split its series.
    DuplicateOfCopy,
    /// It cannot be distinguished from a copy that the server took and does not show.
    MayBeCopy,
    /// It names a time zone that nothing explains.
    ZoneUnknown,
    /// The origin is gone.
    OriginDeleted,
    /// A person deleted the copy.
    CopyDeleted,
    /// Edited on one side and deleted on the other: the edit is kept.
    EditWins,
    /// Both sides changed the same part: the origin's value is kept, and the copy's edit is undone.
    OriginWins,
}

/// Why the time of a series is not changed: Calrelay finds that out by itself, and no server is
/// asked.
pub const PART_WITHOUT_RULE: &str =
    "its series is one that cannot be moved from here: part of it follows no rule";

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 21] = [
        Self::Cancelled,
        Self::Declined,
        Self::OutsideWindow,
        Self::Unreadable,
        Self::UnsupportedRule,
        Self::Suppressed,
        Self::OwnCopy,
        Self::HasGuests,
        Self::RefusedByServer,
        Self::CopyEdited,
        Self::Flapping,
        Self::Adopted,
        Self::AlreadyThere,
        Self::CopiedByAnother,
        Self::DuplicateOfCopy,
        Self::MayBeCopy,
        Self::ZoneUnknown,
        Self::OriginDeleted,
        Self::CopyDeleted,
        Self::EditWins,
        Self::OriginWins,
    ];

    /// The same for people, where this is what was found out about the event.
    pub fn in_words_about(self, why: &str) -> String {
        let words = match (self, why) {
            (Self::RefusedByServer, PART_WITHOUT_RULE) => {
                "Its change was not written, and no calendar server was asked; everything else \
                still syncs."
            }
            _ => self.in_words(),
        };
        format!("{words} ({why})")
    }

    /// The same for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Cancelled => "It is cancelled, so it has no copy.",
            Self::Declined => "You declined it, so it has no copy.",
            Self::OutsideWindow => "It lies outside the days that this pair looks at.",
            Self::Unreadable => {
                "It cannot be read, so it was left alone; everything else still syncs."
            }
            Self::UnsupportedRule => {
                "Its repetition rule is beyond what can be worked out safely, so it was left alone."
            }
            Self::Suppressed => {
                "Its copy was deleted, or left out by your answer. It comes back when the event's \
                time or title changes."
            }
            Self::OwnCopy => {
                "It is a copy made by Calrelay for a pair that goes on, and copies are not copied \
                on."
            }
            Self::HasGuests => {
                "Other people take part in it, so Calrelay does not write to it: the copy shows \
                it as it is."
            }
            Self::RefusedByServer => "A calendar server refused it; everything else still syncs.",
            Self::CopyEdited => {
                "The copy was edited by hand. It is put right when the event changes, or by a \
                full pass."
            }
            Self::Flapping => {
                "Another program undoes each of our writes, so Calrelay stopped writing to it."
            }
            Self::Adopted => "A copy from an earlier time was there and was taken over.",
            Self::AlreadyThere => {
                "It was once a copy of an event that the other calendar holds, or of which it \
                holds another copy, so no further copy is made."
            }
            Self::CopiedByAnother => {
                "Another Calrelay, or this one before its data were lost, made it or made a copy \
                of it, so nothing was made beside it. If that \
                 installation is gone, `calrelay pair take-over` claims what it made."
            }
            Self::DuplicateOfCopy => {
                "It was made out of a copy by a person (duplicated, or split off a series), and \
                the copy itself is in step. It was left alone."
            }
            Self::MayBeCopy => {
                "The server took a copy with this time or title and does not show it, so this may \
                be that copy. It was left alone until that \
                 shows, or its time and title are others."
            }
            Self::ZoneUnknown => {
                "It names a time zone that is not known and that it does not describe, so its \
                times are taken to be in the zone of its calendar. \
                 If they are not, set its time zone again."
            }
            Self::OriginDeleted => "The event is gone.",
            Self::CopyDeleted => "Its copy was deleted.",
            Self::EditWins => {
                "It was edited on one side and deleted on the other; the edit is kept."
            }
            Self::OriginWins => {
                "The same part of it was changed in both calendars; the event's own value is \
                kept, and the copy was put right."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_words_of_its_own() {
        let all = Reason::ALL;
        let words: BTreeSet<&str> = all.iter().map(|reason| reason.in_words()).collect();
        assert!(words.len() == all.len() && words.iter().all(|words| words.ends_with('.')));
        assert_eq!(Reason::OriginDeleted.in_words(), "The event is gone.");
    }

    #[test]
    fn what_no_server_was_asked_for_is_not_said_to_be_refused_by_one() {
        let words = Reason::RefusedByServer.in_words_about(PART_WITHOUT_RULE);
        assert!(words.contains(PART_WITHOUT_RULE) && !words.contains("refused"), "{words}");
        let words = Reason::RefusedByServer.in_words_about("it is full");
        assert_eq!(
            words,
            "A calendar server refused it; everything else still syncs. (it is full)"
        );
    }
}
