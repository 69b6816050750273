//! What happened in a calendar: pages of `events.list`.
//!
//! # Properties
//! * A change costs one request where it is not about a series; each series that changed is read
//!   once more, whole, fifty of them at a time.
//! * What is listed is passed on with its content, up to [`CARRIED`] bytes, so that the caller need
//!   not ask for it again.
//! * A cursor is given only when every page has been read; a token that Google has forgotten, on
//!   whichever page, is [`Error::CursorExpired`].
//! * An item that cannot be read does not spoil the others: it is listed, and
//!   [`crate::Provider::fetch`] says why.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use engine::change::{Cursor, Listed};
use engine::event::EventId;
use engine::pair::Window;

use super::api::{ApiCall, ApiReply};
use super::batch::MOST;
use super::calendar_info::CalendarInfo;
use super::convert::{self, EventContext};
use super::fetch::SeriesRead;
use super::series::SeriesItems;
use super::{GoogleCalendar, wire};
use crate::{ChangeSet, Error, Result, Since};

/// The most content that one list of changes carries along, in bytes of JSON.
const CARRIED: usize = 16 << 20;
/// The most pages of one list of changes: more events than any calendar has.
const MAX_PAGES: usize = 1_000;

impl GoogleCalendar {
    /// What happened since a cursor, or everything in a window.
    pub(super) async fn changes_since(
        &self,
        calendar: &str,
        since: Since<'_>,
    ) -> Result<ChangeSet> {
        let (from, to);
        let parameters: Vec<(&str, &str)> = match since {
            Since::Cursor(cursor) => vec![("syncToken", cursor.0.as_str())],
            Since::Window(Window { start, end }) => {
                (from, to) = (
                    convert::rfc3339(engine::zone::day_instant(start)),
                    convert::rfc3339(engine::zone::day_instant(end)),
                );
                vec![("showDeleted", "false"), ("timeMin", from.as_str()), ("timeMax", to.as_str())]
            }
            Since::Everything => vec![("showDeleted", "false")],
        };
        let mut gathered = Gathered::new(matches!(since, Since::Cursor(_)));
        let mut next: Option<String> = None;
        let mut seen = HashSet::new();
        for _ in 0..MAX_PAGES {
            let mut parameters = parameters.clone();
            parameters.extend(next.as_deref().map(|token| ("pageToken", token)));
            let page = self.page(calendar, &parameters, gathered.incremental).await?;
            let info = CalendarInfo::of(&page);
            for item in &page.items {
                gathered.add(item.get(), info.context());
            }
            self.learn(calendar, info);
            match (page.next_page_token, page.next_sync_token) {
                // A page that has been read leads nowhere new.
                (Some(token), _) if !seen.insert(token.clone()) => break,
                (Some(token), _) => next = Some(token),
                (None, Some(token)) => {
                    self.read_touched(calendar, &mut gathered).await?;
                    return Ok(ChangeSet::new(
                        gathered.lines.into_values().collect(),
                        Cursor(token),
                    ));
                }
                (None, None) => break,
            }
        }
        Err(Error::BadAnswer("Google's list of this calendar has no end".into()))
    }

    async fn page(
        &self,
        calendar: &str,
        parameters: &[(&str, &str)],
        incremental: bool,
    ) -> Result<wire::Events> {
        let url = self.api.addresses.list(calendar, parameters)?;
        let refusal = match self.api.call(&ApiCall::list(url)).await? {
            ApiReply::Given(given) => return given.json(),
            ApiReply::Refused(refusal) => refusal,
        };
        Err(match refusal.status.as_u16() {
            404 => Error::CalendarMissing,
            400 | 410 if incremental => Error::CursorExpired,
            410 => Error::Unreachable("Google lost its place in the middle of the list".into()),
            _ => refusal.error(),
        })
    }

    /// Reads the series that were touched, each whole.
    async fn read_touched(&self, calendar: &str, gathered: &mut Gathered) -> Result<()> {
        let touched: Vec<(String, Option<String>)> = std::mem::take(&mut gathered.touched)
            .into_iter()
            .filter(|(id, _)| !gathered.gone.contains(id))
            .collect();
        for group in touched.chunks(MOST) {
            if gathered.carried >= CARRIED {
                // No room for their content: the caller reads them by their ids.
                group.iter().for_each(|(id, _)| gathered.name(id));
                continue;
            }
            for (id, read) in self.read_series(calendar, group.to_vec()).await? {
                match read {
                    SeriesRead::Series { whole, .. } if !convert::is_event(&whole.master) => {}
                    SeriesRead::Series { whole, info, bytes } => {
                        gathered.present(&whole, info.context(), bytes)
                    }
                    // The owner was invited to single occurrences: each is an event of its own.
                    SeriesRead::Alone { items, info } => {
                        let events = items.into_iter().filter(convert::is_event);
                        events.for_each(|item| {
                            gathered.present(&SeriesItems::alone(item), info.context(), 0)
                        });
                    }
                    // A read of this id returns why it cannot be read.
                    SeriesRead::Unreadable | SeriesRead::Refused(_) => gathered.name(&id),
                }
            }
        }
        Ok(())
    }
}

/// What the pages have brought so far.
struct Gathered {
    incremental: bool,
    lines: BTreeMap<EventId, Listed>,
    /// Masters of which they or an exception were listed, with their UIDs where the list has them.
    touched: BTreeMap<String, Option<String>>,
    /// What was named as deleted.
    gone: BTreeSet<String>,
    /// How much is carried along.
    carried: usize,
}

impl Gathered {
    fn new(incremental: bool) -> Self {
        Self {
            incremental,
            lines: BTreeMap::new(),
            touched: BTreeMap::new(),
            gone: BTreeSet::new(),
            carried: 0,
        }
    }

    /// Takes an item; what is said last about an id counts.
    fn add(&mut self, json: &str, context: EventContext<'_>) {
        let Ok(head) = serde_json::from_str::<wire::ItemHead>(json) else { return };
        if head.id.is_empty() {
            return;
        }
        if let Some(master) = head.recurring_event_id {
            let uid = self.touched.entry(master).or_default();
            if uid.is_none() {
                *uid = head.i_cal_uid;
            }
            // It may have been an event of its own before its series came to this calendar.
            if self.incremental {
                self.put(Listed::Removed { id: EventId::new(head.id) });
            }
            return;
        }
        if head.status.as_deref() == Some(wire::CANCELLED) {
            self.put(Listed::Removed { id: EventId::new(head.id.as_str()) });
            self.gone.insert(head.id);
            return;
        }
        self.gone.remove(&head.id);
        match serde_json::from_str::<wire::WireEvent>(json) {
            Ok(item) if !convert::is_event(&item) => {}
            Ok(item) if item.is_master() => {
                self.lines.remove(&EventId::new(item.id.as_str()));
                self.touched.insert(item.id, item.i_cal_uid);
            }
            Ok(item) => {
                self.touched.remove(&item.id);
                self.present(&SeriesItems::alone(item), context, json.len());
            }
            Err(_) => self.put(Listed::Present {
                id: EventId::new(head.id),
                etag: head.etag,
                event: None,
            }),
        }
    }

    /// An event with its content, while there is room.
    fn present(&mut self, whole: &SeriesItems, context: EventContext<'_>, bytes: usize) {
        let event = if self.carried + bytes <= CARRIED {
            whole.event(context).ok().map(Box::new)
        } else {
            None
        };
        if event.is_some() {
            self.carried += bytes;
        }
        self.put(Listed::Present {
            id: EventId::new(whole.master.id.as_str()),
            etag: whole.version(),
            event,
        });
    }

    /// An event without its content: the caller reads it by its id.
    fn name(&mut self, id: &str) {
        self.put(Listed::Present { id: EventId::new(id), etag: None, event: None });
    }

    fn put(&mut self, line: Listed) {
        self.lines.insert(line.id().clone(), line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, more: &str) -> String {
        format!(
            r#"{{"id":"{id}","etag":"\"1\"","start":{{"date":"2026-03-10"}},"end":{{"date":"2026-03-11"}}{more}}}"#
        )
    }

    fn gathered(items: &[String], incremental: bool) -> Gathered {
        let mut gathered = Gathered::new(incremental);
        items.iter().for_each(|item| gathered.add(item, EventContext::default()));
        gathered
    }

    #[test]
    fn what_is_carried_along_has_a_limit_and_what_is_listed_has_none() {
        let description = format!(r#","description":"{}""#, "x".repeat(3 << 20));
        let items: Vec<String> = (0..8).map(|n| item(&format!("event{n}"), &description)).collect();
        let gathered = gathered(&items, false);
        let carried = gathered
            .lines
            .values()
            .filter(|line| matches!(line, Listed::Present { event: Some(_), .. }))
            .count();
        assert_eq!((gathered.lines.len(), carried), (8, 5));
        assert!(
            gathered
                .lines
                .values()
                .all(|line| matches!(line, Listed::Present { etag: Some(_), .. })),
            "their versions are listed without their content"
        );
    }

    #[test]
    fn what_is_said_last_counts_and_nothing_spoils_the_rest() {
        let gone = r#"{"id":"b","status":"cancelled"}"#.to_owned();
        let broken = r#"{"id":"c","etag":"\"2\"","start":7}"#.to_owned();
        let nameless = [r#"{"id":7}"#, "{}", "[]", "null"].map(str::to_owned);
        let mut items = vec![
            item("a", ""),
            item("b", ""),
            gone.clone(),
            broken,
            gone,
            item("a", r#","summary":"last""#),
        ];
        items.extend(nameless);
        let gathered = gathered(&items, true);
        let lines: Vec<&Listed> = gathered.lines.values().collect();
        assert!(
            matches!(lines[0], Listed::Present { event: Some(event), .. } if event.content.title == "last")
        );
        assert!(matches!(lines[1], Listed::Removed { .. }));
        assert!(
            matches!(lines[2], Listed::Present { etag: Some(_), event: None, .. }),
            "listed, so that a read of it can say why"
        );
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_series_is_touched_by_any_of_its_items_and_not_after_its_end() {
        let exception =
            |id: &str| format!(r#"{{"id":"{id}","status":"cancelled","recurringEventId":"s"}}"#);
        let master = item("s", r#","recurrence":["RRULE:FREQ=DAILY"],"iCalUID":"u""#);
        let touched = |items: &[String]| {
            let gathered = gathered(items, true);
            gathered
                .touched
                .into_iter()
                .filter(|(id, _)| !gathered.gone.contains(id))
                .collect::<Vec<_>>()
        };
        assert_eq!(touched(&[exception("s_1")]), [("s".to_owned(), None)]);
        assert_eq!(
            touched(&[exception("s_1"), master.clone()]),
            [("s".to_owned(), Some("u".to_owned()))]
        );
        assert_eq!(
            touched(&[master, r#"{"id":"s","status":"cancelled"}"#.to_owned(), exception("s_1")]),
            []
        );
    }
}
