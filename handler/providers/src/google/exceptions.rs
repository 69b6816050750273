//! Occurrences that depart from their series, brought to what a draft wants.
//!
//! Google discards the exceptions of a series that is moved, or whose `recurrence` changes, or
//! keeps them. So nothing is assumed: what the calendar shows after the write of a master is
//! compared with what it should show, one occurrence after the other, and only differences are
//! written. A cancelled occurrence is missing if neither an EXDATE nor an item says so.

use engine::event::{Content, Draft, Exception, OriginalStart};
use ical::recurrence;
use reqwest::Method;

use super::api::{ApiCall, ApiReply};
use super::convert::{self, Purpose};
use super::errors::GoogleRefusal;
use super::series::SeriesItems;
use super::{GoogleCalendar, wire};
use crate::{Error, Result};

/// Said where Google does not know an occurrence that is to be changed.
const NOT_SHOWN: &str =
    "Google does not show one of its changed occurrences, as its rule does not give it";

/// A draft with more changed occurrences is refused: each is a write of its own.
const MOST: usize = 1_000;

impl GoogleCalendar {
    /// Brings the exceptions of a series to those of a draft. `whole` is the series as it is, and
    /// is kept up to date.
    pub(super) async fn write_exceptions(
        &self,
        calendar: &str,
        whole: &mut SeriesItems,
        draft: &Draft,
        marker: Option<&str>,
    ) -> Result<()> {
        let Some(series) = draft.series.as_ref().filter(|_| whole.master.is_master()) else {
            return Ok(());
        };
        if series.exceptions.len() > MOST {
            return Err(Error::Refused(format!(
                "more than {MOST} of its occurrences depart from its rule"
            )));
        }
        let info = self.info(calendar);
        let standing = whole
            .by_start(&draft.content.span, info.context())
            .map_err(|why| Error::Refused(why.0))?;
        let standing: Vec<(OriginalStart, wire::WireEvent)> =
            standing.into_iter().map(|(start, item)| (start, item.clone())).collect();
        let excluded = recurrence::series(&whole.master.recurrence, &draft.content.span)
            .map_err(|why| Error::Refused(why.0))?;
        let excluded = excluded.unwrap_or_default().exceptions;
        let mut missing = false;
        let at = |start: &OriginalStart| {
            standing.iter().find(|(there, _)| there == start).map(|(_, item)| item)
        };
        for (start, exception) in &series.exceptions {
            match (exception, at(start)) {
                (Exception::Changed(wanted), Some(item)) => {
                    self.change_occurrence(calendar, whole, item, wanted, marker).await?
                }
                (Exception::Changed(wanted), None) => {
                    match self.occurrence(calendar, &whole.master.id, *start, draft).await? {
                        Some(item) => {
                            self.change_occurrence(calendar, whole, &item, wanted, marker).await?
                        }
                        None => missing = true,
                    };
                }
                (Exception::Cancelled, Some(item)) if !item.is_cancelled() => {
                    self.cancel_occurrence(calendar, whole, item).await?
                }
                (Exception::Cancelled, Some(_)) => {}
                (Exception::Cancelled, None) => {
                    let shown = !excluded.contains_key(start)
                        && convert::is_occurrence(&draft.content, series, *start) != Some(false);
                    let item = if shown {
                        self.occurrence(calendar, &whole.master.id, *start, draft).await?
                    } else {
                        None
                    };
                    if let Some(item) = item {
                        self.cancel_occurrence(calendar, whole, &item).await?;
                    }
                }
            }
        }
        for (start, item) in
            standing.iter().filter(|(start, _)| !series.exceptions.contains_key(start))
        {
            match (convert::is_occurrence(&draft.content, series, *start), item.is_cancelled()) {
                (Some(true), _) => {
                    if let Some(plain) = convert::plain(&draft.content, *start) {
                        self.change_occurrence(calendar, whole, item, &plain, marker).await?;
                    }
                }
                (Some(false), false) => self.cancel_occurrence(calendar, whole, item).await?,
                (Some(false), true) | (None, _) => {}
            }
        }
        // Everything else is written by now.
        if missing { Err(Error::Refused(NOT_SHOWN.into())) } else { Ok(()) }
    }

    /// The occurrence that begins there by the rule; `None` where there is none.
    async fn occurrence(
        &self,
        calendar: &str,
        series: &str,
        start: OriginalStart,
        draft: &Draft,
    ) -> Result<Option<wire::WireEvent>> {
        let text = match start {
            OriginalStart::Day(day) => day.to_string(),
            OriginalStart::At(instant) => convert::rfc3339(instant),
            OriginalStart::Floating(_) => return Ok(None),
        };
        let url = self.api.addresses.instance(calendar, series, &text)?;
        let page: wire::Events = match self.api.call(&ApiCall::get(url)).await? {
            ApiReply::Given(given) => given.json()?,
            ApiReply::Refused(refusal) => return Err(meanwhile(&refusal)),
        };
        let info = self.info(calendar);
        let items = page
            .items
            .iter()
            .filter_map(|item| serde_json::from_str::<wire::WireEvent>(item.get()).ok());
        Ok(items.into_iter().find(|item| {
            convert::original_start(item, &draft.content.span, info.context()) == Some(start)
        }))
    }

    /// Makes an occurrence show this, if it does not.
    async fn change_occurrence(
        &self,
        calendar: &str,
        whole: &mut SeriesItems,
        item: &wire::WireEvent,
        wanted: &Content,
        marker: Option<&str>,
    ) -> Result<()> {
        let info = self.info(calendar);
        let fields = match convert::content(item, info.context()) {
            Ok(found) if !item.is_cancelled() => convert::differences(&found, wanted),
            _ => engine::event::Field::ALL.into(),
        };
        let mut body = convert::fields(wanted, &fields, Purpose::Patch);
        if item.is_cancelled() {
            body.insert("status".into(), "confirmed".into());
        }
        if body.is_empty() {
            return Ok(());
        }
        if let Some(marker) = marker {
            convert::marker(&mut body, marker);
        }
        alone(item)?;
        let url = self.api.addresses.change(calendar, &item.id)?;
        match self.write(calendar, Method::PATCH, url, item.etag.as_deref(), Some(&body)).await? {
            ApiReply::Given(given) => {
                let written: wire::WireEvent = given.json()?;
                whole.exceptions.insert(written.id.clone(), written);
                Ok(())
            }
            ApiReply::Refused(refusal) => Err(meanwhile(&refusal)),
        }
    }

    /// Takes an occurrence out, if it is there.
    async fn cancel_occurrence(
        &self,
        calendar: &str,
        whole: &mut SeriesItems,
        item: &wire::WireEvent,
    ) -> Result<()> {
        if item.is_cancelled() {
            whole.exceptions.insert(item.id.clone(), item.clone());
            return Ok(());
        }
        alone(item)?;
        let url = self.api.addresses.delete(calendar, &item.id)?;
        match self.write(calendar, Method::DELETE, url, item.etag.as_deref(), None).await? {
            ApiReply::Refused(refusal) if !refusal.is_gone() => Err(meanwhile(&refusal)),
            ApiReply::Given(_) | ApiReply::Refused(_) => {
                let gone = wire::WireEvent { status: Some(wire::CANCELLED.into()), ..item.clone() };
                whole.exceptions.insert(gone.id.clone(), gone);
                Ok(())
            }
        }
    }
}

/// A guest may have been added to this occurrence since the series was read.
fn alone(item: &wire::WireEvent) -> Result<()> {
    if !item.is_cancelled() && item.involves_others() { Err(Error::HasGuests) } else { Ok(()) }
}

/// A series that changes while it is written: to be read again.
fn meanwhile(refusal: &GoogleRefusal) -> Error {
    if refusal.is_gone() { Error::ChangedMeanwhile } else { refusal.error() }
}
