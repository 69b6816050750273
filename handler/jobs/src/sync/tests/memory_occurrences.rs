//! A server that shows series by their occurrences, each as an event of its own, as Graph does.

use engine::change::Listed;
use engine::event::{Event, EventId, Exception};
use engine::pair::Window;
use engine::recurrence::occurrences;

use super::memory_calendar::MemoryCalendar;

impl MemoryCalendar {
    /// What the server shows of an event: the event itself, or its occurrences in the window that
    /// was listed last.
    pub(super) fn shown_of(&self, id: &EventId) -> Vec<Event> {
        let Some(event) = self.seen(id) else { return Vec::new() };
        match self.window.filter(|_| self.manners.by_occurrence && event.series.is_some()) {
            Some(window) => of_series(event, window),
            None => vec![event.clone()],
        }
    }

    /// One occurrence, by its id.
    pub(super) fn occurrence(&self, id: &EventId) -> Option<Event> {
        let (series, _) = id.in_series().filter(|_| self.manners.by_occurrence)?;
        self.shown_of(&EventId::new(series)).into_iter().find(|shown| shown.id == *id)
    }

    /// The lines of a listing for an event that is listed, and the series that it is, if it is shown
    /// by its occurrences.
    pub(super) fn lines_of(&self, id: &EventId) -> (Vec<Listed>, Option<EventId>) {
        let is_series = self.seen(id).is_some_and(|event| event.series.is_some());
        if !self.manners.by_occurrence || !is_series {
            let is_known = self.seen(id).is_some() || !self.had_occurrences.contains(id);
            let gone = (!is_known).then(|| id.clone());
            return (if is_known { vec![self.listed(id)] } else { Vec::new() }, gone);
        }
        let line = |event: Event| Listed::Present {
            id: event.id.clone(),
            etag: event.etag.clone(),
            event: Some(Box::new(event)),
        };
        let is_listed = |event: &Event| !self.unlisted.contains(&event.id);
        let shown = self.shown_of(id).into_iter().filter(is_listed);
        (shown.map(line).collect(), Some(id.clone()))
    }
}

/// The occurrences of a series as events, with the version of the series.
fn of_series(event: &Event, window: Window) -> Vec<Event> {
    let series = event.series.as_ref().expect("a series");
    let range = window.start_instant()..window.end_instant();
    let found = occurrences(&event.content, series, range, None).expect("a rule that is followed");
    let one = |occurrence: engine::recurrence::Occurrence| {
        let mut content = event.content.clone();
        if let Some(Exception::Changed(changed)) = series.exceptions.get(&occurrence.original) {
            content = (**changed).clone();
        }
        content.span = occurrence.span;
        let id = EventId::instance(event.id.as_str(), occurrence.original);
        Event { uid: format!("{}/{id}", event.uid), id, content, series: None, ..event.clone() }
    };
    found.into_iter().map(one).collect()
}
