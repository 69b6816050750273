//! The operations of Graph, each with its answer.

use std::sync::Arc;

use super::asking::Asking;
use super::call::{Call, check_answer, checked};
use super::reply::{Refusal, Reply};
use super::shared::Shared;
use super::state::Records;
use super::{delta, listing, subscriptions, write};

/// One call of Graph but those that shake hands with a webhook.
pub(super) fn api(shared: &Arc<Shared>, request: &Asking) -> Result<Reply, Refusal> {
    let (manners, base) = (shared.manners(), shared.base());
    shared.write(|records| {
        let call = checked(records, request, &manners, &base, shared.clock.now())?;
        let made = dispatch(records, &call);
        let reply = made?;
        check_answer(records, &call, &reply);
        Ok(reply)
    })
}

fn dispatch(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    match call.operation.name {
        "GET /me/calendars" => listing::calendars(records, call),
        "GET /me/calendars/{calendarId}" => listing::calendar(records, call),
        "GET /me/events/{eventId}/calendar" => listing::calendar_of(records, call),
        "GET /me/calendars/{calendarId}/calendarView" => listing::view(records, call),
        "GET /me/calendars/{calendarId}/calendarView/delta" => delta::delta(records, call),
        "GET /me/events/{masterId}/instances" => listing::instances(records, call),
        "GET /me/events" => listing::events(records, call),
        "GET /me/events/{eventId}" => listing::get(records, call),
        "POST /me/calendars/{calendarId}/events" => write::create(records, call),
        "PATCH /me/events/{eventId}" => write::change(records, call),
        "DELETE /me/events/{eventId}" => write::delete(records, call),
        "POST /me/events/{eventId}/permanentDelete" => write::purge(records, call),
        "GET /subscriptions" => subscriptions::list(records, call),
        "GET /subscriptions/{id}" => subscriptions::get(records, call),
        "DELETE /subscriptions/{id}" => subscriptions::delete(records, call),
        other => {
            records.violation(format!("{other} is not simulated"));
            Err(Refusal::new(501, "NotImplemented", "Not simulated."))
        }
    }
}
