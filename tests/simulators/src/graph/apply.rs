//! Applies what was sent to the record: creates, changes and moves, by clients and by tests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::change::Sent;
use super::item::{Changed, Item, Marks, Times};
use super::manners::Manners;
use super::recurrence::Rule;
use super::reply::Refusal;
use super::state::Records;

/// Makes an event in a calendar. Gives its key.
pub(super) fn create(
    records: &mut Records,
    calendar: u64,
    mut sent: Sent,
    manners: &Manners,
    now: Timestamp,
) -> Result<u64, Refusal> {
    sent.with_defaults();
    let mut times = sent.times(None)?;
    let rule = match sent.recurrence.take().flatten() {
        Some(value) => Some(ruled(&value, &mut times, manners)?),
        None => None,
    };
    if let Some(id) = &sent.transaction {
        sent.fields.insert("transactionId".into(), Value::String(id.clone()));
    }
    let mut marks = Marks::new();
    mark(&mut marks, &sent);
    let key = records.next();
    let item = Item {
        key,
        calendar,
        fields: sent.fields,
        marks,
        times,
        rule,
        changed: BTreeMap::new(),
        gone: BTreeSet::new(),
        version: 0,
        created: now,
        modified: now,
        deleted: false,
        moves: 0,
    };
    Ok(records.keep(item, now))
}

/// Changes an event, a series or one occurrence.
pub(super) fn update(
    records: &mut Records,
    key: u64,
    day: Option<Date>,
    sent: Sent,
    manners: &Manners,
    now: Timestamp,
) -> Result<(), Refusal> {
    let item = records.items.get(&key).ok_or_else(Refusal::not_found)?.clone();
    if sent.transaction.is_some()
        && sent.transaction.as_deref() != item.fields.get("transactionId").and_then(Value::as_str)
    {
        return Err(Refusal::invalid("The transactionId of an event cannot be changed."));
    }
    match day {
        Some(day) => occurrence(records, &item, day, sent, manners, now),
        None => whole(records, item, sent, manners, now),
    }
}

fn whole(
    records: &mut Records,
    mut item: Item,
    sent: Sent,
    manners: &Manners,
    now: Timestamp,
) -> Result<(), Refusal> {
    let before = item.shape();
    let was_series = item.is_series();
    let mut times = if sent.moves() { sent.times(Some(&item.times))? } else { item.times.clone() };
    let rezoned = !super::zones::same(&times.start.zone, &item.times.start.zone);
    match (&sent.recurrence, was_series) {
        (Some(None), _) => item.rule = None,
        (Some(Some(value)), _) => item.rule = Some(ruled(value, &mut times, manners)?),
        (None, true) if rezoned && !times.all_day => {
            return Err(Refusal::property(
                "The time zone of a series is changed together with its recurrence only.",
            ));
        }
        (None, true) if times.start.at.date() != item.times.start.at.date() => {
            if let Some(rule) = &mut item.rule {
                rule.start = times.start.at.date();
            }
            settle(item.rule.as_mut(), &mut times);
        }
        (None, _) => {}
    }
    item.times = times;
    mark(&mut item.marks, &sent);
    // A changed occurrence shows this too where it has no value of its own, and is another version
    // then.
    let is_new = |(name, value): &(&String, &Value)| item.fields.get(*name) != Some(*value);
    let new: Vec<String> =
        sent.fields.iter().filter(is_new).map(|(name, _)| name.clone()).collect();
    let version = records.next();
    for own in item.changed.values_mut() {
        if new.iter().any(|name| !own.fields.contains_key(name)) {
            (own.version, own.modified) = (version, now);
        }
    }
    item.fields.extend(sent.fields);
    if was_series && before != item.shape() {
        // Every occurrence comes back as the series has it, deleted ones too.
        records.restored += (item.changed.len() + item.gone.len()) as u64;
        item.changed.clear();
        item.gone.clear();
    }
    records.keep(item, now);
    Ok(())
}

fn occurrence(
    records: &mut Records,
    item: &Item,
    day: Date,
    sent: Sent,
    manners: &Manners,
    now: Timestamp,
) -> Result<(), Refusal> {
    let seen = item.seen(Some(day)).ok_or_else(Refusal::not_found)?;
    if sent.recurrence.is_some() {
        let words = "The recurrence of an occurrence cannot be set; update the series master.";
        return Err(Refusal::new(400, "ErrorInvalidOperation", words));
    }
    let times = if sent.moves() { Some(sent.times(Some(&seen.times))?) } else { None };
    if let Some(times) = &times {
        check_boundary(item, day, times, manners)?;
    }
    let own = item.changed.get(&day);
    let mut marks = own.and_then(|own| own.marks.clone());
    if !sent.marks.is_empty() {
        mark(marks.get_or_insert_with(Marks::new), &sent);
    }
    let mut fields = own.map(|own| own.fields.clone()).unwrap_or_default();
    fields.extend(sent.fields);
    let times = times.or_else(|| own.and_then(|own| own.times.clone()));
    let changed = Changed { fields, marks, times, version: 0, modified: now };
    records.keep_occurrence(item.key, day, changed, now);
    Ok(())
}

/// An occurrence cannot come onto or past the day of its neighbours.
fn check_boundary(item: &Item, day: Date, times: &Times, manners: &Manners) -> Result<(), Refusal> {
    let (before, after) = item.neighbours(day, manners.boundary_counts_deleted);
    let new = times.start.within(&item.times.start.zone).at.date();
    if before.is_some_and(|before| new <= before) || after.is_some_and(|after| new >= after) {
        return Err(Refusal::new(
            400,
            "ErrorOccurrenceCrossingBoundary",
            "Modified occurrence is crossing or overlapping adjacent occurrence.",
        ));
    }
    Ok(())
}

/// The rule of a series with these times, which move to its first day.
fn ruled(value: &Value, times: &mut Times, manners: &Manners) -> Result<Rule, Refusal> {
    let mut rule = Rule::read(value, &times.start.zone, manners)?;
    if rule.start != times.start.at.date() {
        let words = "The recurrence range's startDate is not the date of the event's start.";
        return Err(Refusal::new(400, "ErrorInvalidRecurrenceRange", words));
    }
    settle(Some(&mut rule), times);
    if rule.first().is_none() {
        return Err(Refusal::property("The recurrence has no occurrence."));
    }
    Ok(rule)
}

/// A start that is on no day of the pattern is moved to one, without a word.
fn settle(rule: Option<&mut Rule>, times: &mut Times) {
    let Some(rule) = rule else { return };
    let Some(first) = rule.first().filter(|first| *first != rule.start) else { return };
    let shift = first.duration_since(times.start.at.date());
    times.start.at = times.start.at.saturating_add(shift);
    times.end.at = times.end.at.saturating_add(shift);
    rule.start = first;
}

fn mark(marks: &mut Marks, sent: &Sent) {
    for (kept, id, value) in &sent.marks {
        match value {
            Some(value) => drop(marks.insert(kept.clone(), (id.clone(), value.clone()))),
            None => drop(marks.remove(kept)),
        }
    }
}
