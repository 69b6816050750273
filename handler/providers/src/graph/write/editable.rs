//! Events as they are read before they are written to.

use engine::event::{Event, EventId};

use super::super::GraphCalendar;
use super::super::item::{GraphItem, STRANGE, WholeItem, is_no_id};
use crate::{Error, Result};

impl GraphCalendar {
    /// An event that is there and can be read.
    pub(super) async fn read_editable(
        &self,
        calendar: &str,
        id: &EventId,
    ) -> Result<(WholeItem, Event)> {
        let item = self.read_occurrence(id).await?;
        self.editable(calendar, item).await
    }

    /// As [`GraphCalendar::read_editable`], of what is expected to be a series: with its exceptions
    /// by one request.
    pub(super) async fn read_editable_series(
        &self,
        calendar: &str,
        id: &EventId,
    ) -> Result<(WholeItem, Event)> {
        let item = match is_no_id(id.as_str()) {
            true => GraphItem::Gone,
            false => self.read_master(id.as_str()).await?,
        };
        self.editable(calendar, item).await
    }

    async fn editable(&self, calendar: &str, item: GraphItem) -> Result<(WholeItem, Event)> {
        match item {
            GraphItem::There(whole) => {
                let event = self.event_of(calendar, &whole)?;
                Ok((*whole, event))
            }
            GraphItem::Strange { .. } => Err(Error::Refused(STRANGE.into())),
            GraphItem::Refused(error) => Err(error),
            GraphItem::Gone => Err(self.missing_error(calendar).await?),
        }
    }

    pub(super) fn event_of(&self, calendar: &str, whole: &WholeItem) -> Result<Event> {
        let owner = self.owner();
        whole.event(self.context(calendar, &owner)).map_err(|why| Error::Refused(why.0))
    }
}
