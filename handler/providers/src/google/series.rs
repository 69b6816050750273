//! A series is a master and its exceptions; Google keeps each as an item of its own.
//!
//! # Properties
//! * The id of a series is that of its master. Its version is made of the master's and of those of
//!   its exceptions: every change changes it.
//! * An exception that shows what its series would show is none: Google cannot take a change back,
//!   only undo it.
//! * A series is read whole: all items of one UID, cancelled ones too. A listing of a window need
//!   not have the exceptions outside of it.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use engine::event::{Event, Exception, OriginalStart, Span};
use ical::Unreadable;

use super::convert::{self, EventContext};
use super::wire;

/// The separator between the version of a master and that of its exceptions; no ETag of Google's
/// contains it.
const SEPARATOR: char = '|';
/// A series with more exceptions is not read.
const MOST_EXCEPTIONS: usize = 2_000;

/// An event, or a master with its exceptions.
#[derive(Clone, Debug)]
pub(super) struct SeriesItems {
    pub master: wire::WireEvent,
    /// By id, cancelled ones too.
    pub exceptions: BTreeMap<String, wire::WireEvent>,
}

impl SeriesItems {
    /// An event without exceptions.
    pub(super) fn alone(item: wire::WireEvent) -> Self {
        Self { master: item, exceptions: BTreeMap::new() }
    }

    /// The version of all of it.
    pub(super) fn version(&self) -> Option<String> {
        let master = self.master.etag.as_deref()?;
        if !self.master.is_master() {
            return Some(master.to_owned());
        }
        if self.exceptions.is_empty() {
            return Some(format!("{master}{SEPARATOR}"));
        }
        let mut context = digest::Context::new(&digest::SHA256);
        for (id, item) in &self.exceptions {
            // What a cancelled occurrence was does not matter any more.
            let etag = if item.is_cancelled() {
                wire::CANCELLED
            } else {
                item.etag.as_deref().unwrap_or_default()
            };
            context.update(id.as_bytes());
            context.update(b"\0");
            context.update(etag.as_bytes());
            context.update(b"\0");
        }
        Some(format!(
            "{master}{SEPARATOR}{}",
            BASE64URL_NOPAD.encode(&context.finish().as_ref()[..9])
        ))
    }

    /// The event.
    ///
    /// # Errors
    /// The master or an exception cannot be read.
    pub(super) fn event(&self, context: EventContext<'_>) -> Result<Event, Unreadable> {
        let mut event = convert::event(&self.master, context)?;
        event.etag = self.version();
        event.others = self.involves_others();
        let Some(series) = &mut event.series else { return Ok(event) };
        if self.exceptions.len() > MOST_EXCEPTIONS {
            return Err(Unreadable(format!(
                "more than {MOST_EXCEPTIONS} of its occurrences depart from its rule"
            )));
        }
        for (start, item) in self.by_start(&event.content.span, context)? {
            // Google shows what it lists, even against the EXDATEs of the master.
            let exception = exception(item, context)?;
            let is_plain = matches!(&exception, Exception::Changed(content) if convert::plain(&event.content, start).is_some_and(|plain| plain == **content));
            if is_plain {
                series.exceptions.remove(&start);
            } else {
                series.exceptions.insert(start, exception);
            }
        }
        Ok(event)
    }

    /// The exceptions by the start that they depart from. Where two exceptions change one
    /// occurrence, the one that is not deleted counts.
    pub(super) fn by_start(
        &self,
        span: &Span,
        context: EventContext<'_>,
    ) -> Result<BTreeMap<OriginalStart, &wire::WireEvent>, Unreadable> {
        let mut found: BTreeMap<OriginalStart, &wire::WireEvent> = BTreeMap::new();
        for item in self.exceptions.values() {
            let start = convert::original_start(item, span, context);
            let start = start.ok_or_else(|| {
                Unreadable("one of its exceptions does not say which occurrence it changes".into())
            })?;
            let kept = found.entry(start).or_insert(item);
            if kept.is_cancelled() {
                *kept = item;
            }
        }
        Ok(found)
    }

    /// Whether a write could reach other people, rooms included, as far as the event shows.
    pub(super) fn involves_others(&self) -> bool {
        let living = self.exceptions.values().filter(|item| !item.is_cancelled());
        std::iter::once(&self.master).chain(living).any(wire::WireEvent::involves_others)
    }
}

/// What an exception does; an occurrence that its owner declined does not take place for them.
fn exception(item: &wire::WireEvent, context: EventContext<'_>) -> Result<Exception, Unreadable> {
    if item.is_cancelled() || convert::is_declined(item) {
        return Ok(Exception::Cancelled);
    }
    convert::content(item, context).map(|content| Exception::Changed(Box::new(content)))
}

/// The items of one UID as the series of this master, and the exceptions that have no living
/// master: each of them is an event of its own (the owner was invited to one occurrence).
pub(super) fn join(
    master: &str,
    items: Vec<wire::WireEvent>,
) -> (Option<SeriesItems>, Vec<wire::WireEvent>) {
    let mut found = None;
    let mut exceptions = BTreeMap::new();
    for item in items {
        if item.id == master {
            found = Some(item);
        } else if item.recurring_event_id.as_deref() == Some(master) {
            exceptions.insert(item.id.clone(), item);
        }
    }
    match found.filter(|master| !master.is_cancelled()) {
        Some(master) => (Some(SeriesItems { master, exceptions }), Vec::new()),
        None => (None, exceptions.into_values().filter(|item| !item.is_cancelled()).collect()),
    }
}

/// The master's own part of a version.
pub(super) fn master_version(version: &str) -> &str {
    version.split(SEPARATOR).next().unwrap_or(version)
}

/// Whether a version is that of a series. Then the master's part of it does not show whether the
/// whole series is unchanged.
pub(super) fn is_series(version: &str) -> bool {
    version.contains(SEPARATOR)
}

/// Whether a version is that of a series with exceptions.
pub(super) fn has_exceptions(version: &str) -> bool {
    version.split_once(SEPARATOR).is_some_and(|(_, exceptions)| !exceptions.is_empty())
}
