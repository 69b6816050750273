//! The exceptions of a series, of which the copy's have changed: alone, or with the series.

use std::collections::{BTreeMap, BTreeSet};

use super::Sides;
use crate::event::{Content, Exception, OriginalStart, Series};
use crate::recurrence::{self, Moved};

impl Sides<'_> {
    /// What an exception of the copy means for the origin, whose series is where it was; `None`
    /// where the occurrence is as the series has it.
    pub(super) fn exception_back(
        &self,
        master: &Content,
        start: OriginalStart,
    ) -> Option<Exception> {
        let ours = exceptions(self.origin.series.as_ref()).and_then(|all| all.get(&start));
        match exceptions(self.copy.series.as_ref()).and_then(|all| all.get(&start)) {
            Some(theirs) => Some(self.back(master, ours, theirs)),
            None => self.own_words(
                &Moved::new(&master.span, &master.span, self.look.zone),
                start,
                ours?,
            ),
        }
    }

    /// What is left of an exception where a private copy shows none: its words, at the time of the
    /// series.
    fn own_words(
        &self,
        moved: &Moved<'_>,
        start: OriginalStart,
        ours: &Exception,
    ) -> Option<Exception> {
        match ours {
            Exception::Changed(own) if self.look.private => {
                Some(Exception::Changed(Box::new(Content {
                    span: moved.plain(start),
                    ..(**own).clone()
                })))
            }
            _ => None,
        }
    }

    /// Whether each exception that the origin has changed is one of an occurrence that the copy's
    /// new rule gives.
    pub(super) fn has_place_for(&self, fixed: &BTreeSet<OriginalStart>) -> bool {
        if fixed.is_empty() {
            return true;
        }
        let moved = Moved::new(&self.origin.content.span, &self.copy.content.span, self.look.zone);
        let master =
            Content { span: self.copy.content.span.clone(), ..self.origin.content.clone() };
        let Some(series) = self.moved(&master, &BTreeSet::new(), fixed) else { return false };
        let is_moved = moved.is_anywhere();
        let stays = |start: &OriginalStart| {
            series.exceptions.contains_key(&if is_moved { moved.start(*start) } else { *start })
        };
        exceptions(self.origin.series.as_ref())
            .is_none_or(|ours| ours.keys().filter(|start| fixed.contains(start)).all(stays))
    }

    /// The series as the copy has it, whose time or rule is new; `master` is the origin with that
    /// time, and of the exceptions those are named that changed on the copy, and those that changed
    /// on the origin, which are `fixed`: these are kept.
    pub(super) fn moved(
        &self,
        master: &Content,
        changed: &BTreeSet<OriginalStart>,
        fixed: &BTreeSet<OriginalStart>,
    ) -> Option<Series> {
        let theirs = self.copy.series.as_ref()?;
        let moved = Moved::new(&self.origin.content.span, &self.copy.content.span, self.look.zone);
        let is_moved = moved.is_anywhere();
        let none = BTreeMap::new();
        let ours = exceptions(self.origin.series.as_ref()).unwrap_or(&none);
        // A program that moves a series and not its exceptions leaves them at starts that the rule
        // does not give any more.
        let left_behind = is_moved
            && theirs
                .exceptions
                .keys()
                .all(|start| ours.contains_key(start) || fixed.contains(start));
        let mut series = Series {
            rules: theirs.rules.clone(),
            extra: theirs.extra.clone(),
            exceptions: BTreeMap::new(),
        };
        let mut along = BTreeSet::new();
        for (before, exception) in ours {
            let start = if is_moved { moved.start(*before) } else { *before };
            let with_it = match exception {
                Exception::Changed(own) => {
                    let span =
                        if is_moved { moved.span(*before, &own.span) } else { own.span.clone() };
                    Exception::Changed(Box::new(Content { span, ..(**own).clone() }))
                }
                Exception::Cancelled => Exception::Cancelled,
            };
            let shown = theirs.exceptions.get(if left_behind { before } else { &start });
            let value = match shown {
                _ if fixed.contains(before) => Some(with_it),
                Some(theirs) if !left_behind || changed.contains(before) => {
                    Some(self.back(master, Some(&with_it), theirs))
                }
                Some(_) => Some(with_it),
                None if is_moved || !changed.contains(before) => Some(with_it),
                None => self.own_words(&moved, start, exception),
            };
            if shown.is_none() || left_behind || fixed.contains(before) {
                along.insert(start);
            }
            if let Some(value) = value {
                series.exceptions.insert(start, value);
            }
        }
        if !left_behind {
            let taken_away: BTreeSet<OriginalStart> = fixed
                .iter()
                .map(|start| if is_moved { moved.start(*start) } else { *start })
                .collect();
            for (start, exception) in
                theirs.exceptions.iter().filter(|(start, _)| !taken_away.contains(start))
            {
                if !series.exceptions.contains_key(start) {
                    series.exceptions.insert(*start, self.back(master, None, exception));
                }
            }
        }
        // An exception that neither side shows is kept only for an occurrence that the rule gives;
        // what was none before stays what it was.
        let own = &self.origin.series;
        let strayed = own.as_ref().and_then(|own| {
            recurrence::strays(&self.origin.content, own, ours.keys(), self.look.zone).ok()
        });
        for start in strayed.unwrap_or_default() {
            along.remove(&if is_moved { moved.start(start) } else { start });
        }
        if let Ok(strays) = recurrence::strays(master, &series, along.iter(), self.look.zone) {
            series.exceptions.retain(|start, _| !strays.contains(start));
        }
        Some(series)
    }
}

fn exceptions(series: Option<&Series>) -> Option<&BTreeMap<OriginalStart, Exception>> {
    series.map(|series| &series.exceptions)
}
