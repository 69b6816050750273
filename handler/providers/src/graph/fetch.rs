//! Reading events by their ids: single events three at a time, and the occurrences of a series
//! together.

use std::collections::{BTreeMap, HashSet};

use engine::event::{EventId, OriginalStart};
use engine::zone::near;
use futures::{StreamExt, TryStreamExt};
use jiff::SignedDuration;

use super::GraphCalendar;
use super::address::TimeRange;
use super::api::{ApiCall, ApiReply, PARALLEL};
use super::convert::EventContext;
use super::item::{GraphItem, STRANGE, WholeItem, is_no_id};
use super::pages::wider;
use super::series::{instance_at, instance_context};
use super::wire::{self, WireEvent};
use crate::{Error, FailureCause, Fetched, Found, Result};

/// The most ids of one call.
pub(super) const MOST: usize = 60;

/// Occurrences that begin this far apart are asked for together.
const TOGETHER: SignedDuration = SignedDuration::from_hours(24 * 1_500);

impl GraphCalendar {
    /// Reads events; the answer has every id once.
    pub(super) async fn fetch_events(
        &self,
        calendar: &str,
        ids: &[EventId],
    ) -> Result<Vec<Fetched>> {
        let mut seen = HashSet::new();
        let (mut single, mut series) = (Vec::new(), BTreeMap::<String, Vec<_>>::new());
        for id in ids.iter().filter(|id| seen.insert(id.as_str())) {
            match id.in_series() {
                Some((master, start)) => {
                    series.entry(master.to_owned()).or_default().push((id.clone(), start))
                }
                None => single.push(id.clone()),
            }
        }
        let singles = single.into_iter().map(|id: EventId| async move {
            let item = self.read_item(id.as_str()).await?;
            Result::Ok(vec![(id, item, EventContext::default())])
        });
        let occurrences = series
            .into_iter()
            .map(|(master, starts)| async move { self.read_occurrences(&master, &starts).await });
        let mut read: Vec<Vec<_>> =
            futures::stream::iter(singles).buffered(PARALLEL).try_collect().await?;
        read.extend(
            futures::stream::iter(occurrences)
                .buffered(PARALLEL)
                .try_collect::<Vec<Vec<_>>>()
                .await?,
        );
        let read: Vec<_> = read.into_iter().flatten().collect();
        if !read.is_empty() && read.iter().all(|(_, item, _)| matches!(item, GraphItem::Gone)) {
            // Nothing is there at all: is the calendar?
            match self.missing_error(calendar).await? {
                Error::Gone => {}
                error => return Err(error),
            }
        }
        let owner = self.owner();
        let context = self.context(calendar, &owner);
        let mut cause = FailureCause::default();
        let mut answer = Vec::with_capacity(read.len());
        for (id, item, of_series) in read {
            let context = EventContext { series_of_days: of_series.series_of_days, ..context };
            let found = match item {
                // It is listed by its occurrences: under this id there is no event.
                GraphItem::There(whole) if whole.item.is_master() && !whole.is_marked() => {
                    Found::NotFound
                }
                GraphItem::There(whole) => match whole.event(context) {
                    Ok(event) => Found::Event(Box::new(event)),
                    Err(why) => Found::Unreadable { etag: whole.item.etag, why: why.0 },
                },
                GraphItem::Gone => Found::NotFound,
                GraphItem::Strange { etag } => Found::Unreadable { etag, why: STRANGE.into() },
                GraphItem::Refused(error) => {
                    Found::Refused(cause.event(self, calendar, error).await?)
                }
            };
            answer.push(Fetched { id, found });
        }
        Ok(answer)
    }

    /// Occurrences of one series.
    async fn read_occurrences(
        &self,
        master: &str,
        starts: &[(EventId, OriginalStart)],
    ) -> Result<Vec<(EventId, GraphItem, EventContext<'static>)>> {
        let all: Vec<OriginalStart> = starts.iter().map(|(_, start)| *start).collect();
        let found = self.find_occurrences(master, &all).await?;
        Ok(starts
            .iter()
            .map(|(id, start)| {
                let item = match &found {
                    Ok(items) => match instance_at(items, *start) {
                        Some(item) => GraphItem::There(Box::new(WholeItem::alone(item.clone()))),
                        None => GraphItem::Gone,
                    },
                    Err(GraphItem::Refused(error)) => GraphItem::Refused(error.clone()),
                    Err(GraphItem::Strange { etag }) => GraphItem::Strange { etag: etag.clone() },
                    Err(GraphItem::Gone | GraphItem::There(_)) => GraphItem::Gone,
                };
                (id.clone(), item, instance_context(*start))
            })
            .collect())
    }

    /// The occurrences of a series around these starts, and where one of them is not there, those
    /// that were moved away from where their rule has them.
    pub(super) async fn find_occurrences(
        &self,
        master: &str,
        starts: &[OriginalStart],
    ) -> Result<Result<Vec<WireEvent>, GraphItem>> {
        let mut items = match self.occurrences_near(master, starts).await? {
            Ok(items) => items,
            // An event that repeats no more is asked for occurrences in vain.
            Err(nothing) => {
                let is_single = matches!(
                    self.read_plain(master).await?,
                    GraphItem::There(whole) if !whole.item.is_master()
                );
                return Ok(Err(if is_single { GraphItem::Gone } else { nothing }));
            }
        };
        if starts.iter().any(|start| instance_at(&items, *start).is_none())
            && let GraphItem::There(whole) = self.read_master(master).await?
        {
            items.extend(whole.exceptions);
        }
        Ok(Ok(items))
    }

    /// The occurrences of a series that its list shows around these starts.
    pub(super) async fn occurrences_near(
        &self,
        master: &str,
        starts: &[OriginalStart],
    ) -> Result<Result<Vec<WireEvent>, GraphItem>> {
        let mut items = Vec::new();
        for range in ranges_of(starts) {
            match self.instances(master, &range).await? {
                Ok(found) => items.extend(found),
                Err(nothing) => return Ok(Err(nothing)),
            }
        }
        Ok(Ok(items))
    }

    /// Reads what there is under an id, of a series its master alone.
    pub(super) async fn read_plain(&self, id: &str) -> Result<GraphItem> {
        if is_no_id(id) {
            return Ok(GraphItem::Gone);
        }
        match self.api.call(&ApiCall::get(self.api.addresses.event(id)?)).await? {
            ApiReply::Given(given) => {
                let head: wire::ItemHead = given.json()?;
                Ok(match given.json::<WireEvent>() {
                    Ok(item) => GraphItem::There(Box::new(WholeItem::alone(item))),
                    Err(_) => GraphItem::Strange { etag: head.etag },
                })
            }
            ApiReply::Refused(refusal) => super::item::refused(refusal),
        }
    }

    /// One occurrence, or what there is instead.
    pub(super) async fn read_occurrence(&self, id: &EventId) -> Result<GraphItem> {
        let Some((master, start)) = id.in_series() else {
            return self.read_item(id.as_str()).await;
        };
        let mut read = self.read_occurrences(master, &[(id.clone(), start)]).await?;
        Ok(read.pop().map_or(GraphItem::Gone, |(_, item, _)| item))
    }
}

/// The ranges around these starts, as few as may be asked for.
pub(super) fn ranges_of(starts: &[OriginalStart]) -> Vec<TimeRange> {
    let mut instants: Vec<_> = starts.iter().map(|start| near(*start)).collect();
    instants.sort_unstable();
    let mut ranges = Vec::new();
    while let Some(first) = instants.first().copied() {
        let together = instants.iter().take_while(|at| at.duration_since(first) <= TOGETHER);
        let together = together.count().max(1);
        ranges.push(wider(first, instants[together - 1]));
        instants.drain(..together);
    }
    ranges
}
