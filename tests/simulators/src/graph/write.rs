//! Writes: create, change, delete, and their conditions.

use jiff::civil::Date;
use serde_json::Value;

use super::call::Call;
use super::change::Sent;
use super::item::Item;
use super::listing::{found, mounted, one_event, place_of, view_of};
use super::manners::Repeated;
use super::query::Query;
use super::reply::{Refusal, Reply};
use super::state::{Records, Transaction};
use super::{apply, registration};

pub(super) fn create(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (mount, folder) = mounted(records, call)?;
    if !mount.can_edit {
        return Err(Refusal::denied());
    }
    let (calendar, owner) = (folder.key, folder.owner);
    let sent = read(records, call, owner)?;
    let body = Value::Object(call.body.clone()).to_string();
    if let Some(id) = &sent.transaction
        && let Some(reply) = repeated(records, call, owner, calendar, id, &body)?
    {
        return Ok(reply);
    }
    let (transaction, mails) = (sent.transaction.clone(), attendees(sent.fields.get("attendees")));
    let key = apply::create(records, calendar, sent, call.manners, call.now)?;
    records.mails += mails;
    if let Some(id) = transaction {
        let transaction = Transaction { key, calendar, body };
        records.people[owner].transactions.insert(id, transaction);
    }
    answered(records, call, key, None, 201)
}

/// The answer to a `transactionId` that was used before.
fn repeated(
    records: &Records,
    call: &Call<'_>,
    owner: usize,
    calendar: u64,
    id: &str,
    body: &str,
) -> Result<Option<Reply>, Refusal> {
    let Some(before) = records.people[owner].transactions.get(id) else { return Ok(None) };
    let item = records.items.get(&before.key);
    let lives = item.is_some_and(|item| !item.deleted);
    if !lives && !call.manners.used_for_ever {
        return Ok(None);
    }
    let same = before.body == body && before.calendar == calendar;
    let how = match (same, call.manners.other_again) {
        (true, _) => call.manners.same_again,
        (false, Repeated::Event) => Repeated::Refused { status: 409, names_it: true },
        (false, other) => other,
    };
    let (status, names_it) = match (how, item) {
        (Repeated::Event, Some(item)) => {
            let (folder, mount) = place_of(records, call, item)?;
            let view = view_of(records, call, folder, mount);
            return Ok(Some(one_event(call, 201, &item.whole(), view, &Query::default())));
        }
        (Repeated::Event, None) => (409, false),
        (Repeated::Refused { status, names_it }, _) => (status, names_it),
    };
    let words = "The TransactionId specified in the request has already been used to create a \
                 different event.";
    let mut refusal = Refusal::new(status, "ErrorDuplicateTransactionId", words);
    refusal.existing = item.filter(|_| names_it).map(|item| item.whole().id(call.immutable()));
    Err(refusal)
}

pub(super) fn change(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (item, day) = found(records, call)?;
    let (item, owner) = (item.clone(), place_of(records, call, item)?.0.owner);
    allowed(records, call, &item, day)?;
    let sent = read(records, call, owner)?;
    let mails = mails_of_change(&item, day, &sent);
    apply::update(records, item.key, day, sent, call.manners, call.now)?;
    records.mails += mails;
    answered(records, call, item.key, day, 200)
}

pub(super) fn delete(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (item, day) = found(records, call)?;
    let item = item.clone();
    if item.deleted {
        return Err(Refusal::new(403, "ErrorCannotDeleteObject", "Object cannot be deleted."));
    }
    allowed(records, call, &item, day)?;
    records.mails += guests(&item, day);
    records.drop_event(item.key, day, call.now);
    Ok(Reply::status(204))
}

/// Deletes an event for good, in its calendar or in Deleted Items.
pub(super) fn purge(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (item, day) = found(records, call)?;
    let item = item.clone();
    if day.is_some() {
        return Err(Refusal::invalid("An occurrence is not deleted for good."));
    }
    if !item.deleted {
        allowed(records, call, &item, day)?;
        records.mails += guests(&item, day);
    }
    records.purge(item.key, call.now);
    Ok(Reply::status(204))
}

fn read(records: &mut Records, call: &Call<'_>, owner: usize) -> Result<Sent, Refusal> {
    let mut sent = Sent::read(&call.body, false, call.manners)?;
    if sent.fields.contains_key("attendees") {
        records.violation(format!("{}: attendees", call.operation.name));
    }
    if records.people[owner].tenant == registration::PERSONAL_TENANT {
        sent.fields.remove("isOnlineMeeting");
    }
    Ok(sent)
}

/// Whether the event can be written, and is as the client thinks that it is.
fn allowed(
    records: &mut Records,
    call: &Call<'_>,
    item: &Item,
    day: Option<Date>,
) -> Result<(), Refusal> {
    let seen = item.seen(day).ok_or_else(Refusal::not_found)?;
    if records.mount_of(call.person, item.calendar).is_some_and(|mount| !mount.can_edit) {
        return Err(Refusal::denied());
    }
    let Some(wanted) = call.request.header("if-match") else {
        records.unconditional += 1;
        return Ok(());
    };
    if wanted == "*" || wanted.split(',').any(|etag| etag.trim() == seen.etag()) {
        return Ok(());
    }
    let words = "The change key passed in the request does not match the current change key.";
    let status = if call.manners.stale_is_412 { 412 } else { 409 };
    Err(Refusal::new(status, "ErrorIrresolvableConflict", words))
}

/// The answer to a write. Its event may be saved again right after it.
fn answered(
    records: &mut Records,
    call: &Call<'_>,
    key: u64,
    day: Option<Date>,
    status: u16,
) -> Result<Reply, Refusal> {
    let item = records.items.get(&key).ok_or_else(Refusal::not_found)?;
    let seen = item.seen(day).ok_or_else(Refusal::not_found)?;
    let (folder, mount) = place_of(records, call, item)?;
    let view = view_of(records, call, folder, mount);
    let reply = one_event(call, status, &seen, view, &Query::default());
    let reply = match (status, reply.value["id"].as_str()) {
        (201, Some(id)) => {
            let address = format!("{}/v1.0/me/events/{id}", call.base);
            reply.header("location", address)
        }
        _ => reply,
    };
    if call.manners.saves_again {
        records.touch(key, call.now);
    }
    Ok(reply)
}

fn attendees(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_array).map_or(0, Vec::len) as u64
}

/// The people who get mail about a change or a deletion.
fn guests(item: &Item, day: Option<Date>) -> u64 {
    item.seen(day)
        .filter(|seen| seen.is("isOrganizer"))
        .map_or(0, |seen| attendees(seen.field("attendees")))
}

fn mails_of_change(item: &Item, day: Option<Date>, sent: &Sent) -> u64 {
    let own = guests(item, day);
    if let Some(sent) = sent.fields.get("attendees") {
        // Also an empty list: it cancels.
        return own.max(attendees(Some(sent))).max(1);
    }
    // Once for the series and once for each of its exceptions.
    let times = if day.is_none() { item.changed.len() as u64 + 1 } else { 1 };
    own * times
}
