//! What a person sees in a calendar of any provider, occurrence by occurrence, and edits there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::agenda::entries;
use simulators::expand::expand;
use simulators::graph;
use simulators::person::Person;

use crate::model::edits;
use crate::model::expected::Aspect;

/// One calendar.
pub enum Hand {
    Outlook(graph::Calendar),
    /// Of whole iCalendar objects.
    Objects(Person),
}

/// Start, title and place of each occurrence, sorted.
pub type Shown = Vec<(Timestamp, String, String)>;

/// What a person does to an event.
#[derive(Clone, Debug)]
pub enum Edit {
    Title(String),
    Place(String),
    /// To this hour of its first day; of a series all occurrences.
    Hour(i8),
    /// Only the last occurrence goes.
    Shorter,
    /// One occurrence, counted from 0, gets this title.
    OneTitle(usize, String),
    /// One occurrence begins at 20 hours and so many minutes.
    OneTime(usize, i8),
    /// One occurrence is cancelled.
    OneGone(usize),
    Gone,
}

impl Hand {
    /// What is shown between the ends of the simulation's time.
    pub async fn shown(&self) -> Result<Shown> {
        let (from, to): (Timestamp, Timestamp) =
            ("2026-01-01T00:00:00Z".parse()?, "2027-12-01T00:00:00Z".parse()?);
        let mut shown = match self {
            Self::Outlook(calendar) => {
                calendar.occurrences(from, to).iter().map(outlooks).collect::<Result<Shown>>()?
            }
            Self::Objects(person) => {
                let mut shown = Vec::new();
                for (name, text) in person.objects().await? {
                    let expanded = expand(&text, &(from..to)).context(text.clone())?;
                    let places: BTreeMap<String, String> = entries([(name, text)])
                        .iter()
                        .map(|entry| (entry.summary(), entry.text("LOCATION")))
                        .collect();
                    shown.extend(expanded.occurrences.into_iter().map(|(start, title)| {
                        let place = places.get(&title).cloned().unwrap_or_default();
                        (start, title, place)
                    }));
                }
                shown
            }
        };
        shown.sort();
        Ok(shown)
    }

    /// What is shown of an event, by the letters that its titles begin with.
    pub async fn of(&self, prefix: &str) -> Result<Shown> {
        let all = self.shown().await?;
        Ok(all.into_iter().filter(|(_, title, _)| title.starts_with(prefix)).collect())
    }

    /// Another event: `time` is `20260401T0900` or `20260401`; `repeats` is the count of a weekly
    /// series, or 1.
    pub async fn make(
        &self,
        name: &str,
        time: &str,
        words: [&str; 2],
        repeats: usize,
    ) -> Result<()> {
        let [title, place] = words;
        match self {
            Self::Outlook(calendar) => {
                calendar.add(outlook(time, title, place, repeats)?);
                Ok(())
            }
            Self::Objects(person) => {
                let time = match (time.len(), repeats) {
                    (8, _) => time.to_owned(),
                    (_, 1) => format!("{time}00Z"),
                    _ => format!("{time}00"),
                };
                let series = repeats > 1;
                let ics = edits::event(&format!("person-{name}"), &time, title, place, series);
                let ics = ics.replace("COUNT=8", &format!("COUNT={repeats}"));
                person.put(&format!("{name}.ics"), &ics).await
            }
        }
    }

    /// Edits the item of an event that comes first when one counts from `nth`. Whether there was
    /// one, and the edit made sense there.
    pub async fn edit(&self, prefix: &str, nth: usize, edit: &Edit) -> Result<bool> {
        match self {
            Self::Outlook(calendar) => {
                let all = calendar.items();
                let own: Vec<&Value> =
                    all.iter().filter(|item| text(&item["subject"]).starts_with(prefix)).collect();
                let Some(item) = own.get(nth % own.len().max(1)) else { return Ok(false) };
                Ok(in_outlook(calendar, item, edit))
            }
            Self::Objects(person) => in_objects(person, prefix, nth, edit).await,
        }
    }
}

fn outlooks(event: &Value) -> Result<(Timestamp, String, String)> {
    let start = text(&event["start"]["dateTime"]);
    let start = start.split('.').next().unwrap_or_default();
    let place = text(&event["location"]["displayName"]).to_owned();
    Ok((format!("{start}Z").parse()?, text(&event["subject"]).to_owned(), place))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// An event of twenty minutes as Outlook makes it.
fn outlook(time: &str, title: &str, place: &str, repeats: usize) -> Result<Value> {
    let day: jiff::civil::Date = time[..8].parse()?;
    let mut event = json!({"subject": title, "location": {"displayName": place}});
    if time.len() == 8 {
        let at = |day: jiff::civil::Date| json!({"dateTime": format!("{day}T00:00:00"), "timeZone": "UTC"});
        event["isAllDay"] = json!(true);
        event["start"] = at(day);
        event["end"] = at(day.tomorrow()?);
        return Ok(event);
    }
    let hour: i8 = time[9..11].parse()?;
    let minute: i8 = time[11..13].parse()?;
    let start = day.at(hour, minute, 0, 0);
    for (name, time) in [("start", start), ("end", start + jiff::Span::new().minutes(20))] {
        event[name] = json!({"dateTime": time.to_string(), "timeZone": ZONE});
    }
    if repeats > 1 {
        let weekday = start.strftime("%A").to_string().to_lowercase();
        event["recurrence"] = json!({
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [weekday],
                "firstDayOfWeek": "monday"},
            "range": {"type": "numbered", "startDate": day.to_string(),
                "numberOfOccurrences": repeats, "recurrenceTimeZone": ZONE},
        });
    }
    Ok(event)
}

const ZONE: &str = "W. Europe Standard Time";

fn in_outlook(calendar: &graph::Calendar, item: &Value, edit: &Edit) -> bool {
    let id = text(&item["id"]);
    let is_series = item["type"] == "seriesMaster";
    let occurrences: Vec<Value> = if is_series {
        let [from, to] = ["2026-01-01T00:00:00Z", "2027-12-01T00:00:00Z"]
            .map(|time| time.parse().expect("a time"));
        let all = calendar.occurrences(from, to);
        all.into_iter().filter(|event| text(&event["seriesMasterId"]) == id).collect()
    } else {
        vec![item.clone()]
    };
    let one = |nth: usize| {
        let one = occurrences.get(nth % occurrences.len().max(1));
        one.map(|event| {
            (text(&event["id"]).to_owned(), text(&event["start"]["dateTime"])[..10].to_owned())
        })
    };
    let at = |day: &str, hour: i8, minute: i8| {
        let zone = if is_series { ZONE } else { "UTC" };
        let time = |minute: i8| json!({"dateTime": format!("{day}T{hour:02}:{minute:02}:00"), "timeZone": zone});
        json!({"start": time(minute), "end": time(minute + 20), "isAllDay": false})
    };
    match edit {
        Edit::Title(title) => calendar.patch(id, json!({"subject": title})),
        Edit::Place(place) => calendar.patch(id, json!({"location": {"displayName": place}})),
        Edit::Hour(_) if item["isAllDay"] == true => false,
        Edit::Hour(hour) => {
            let mut change = at(&text(&item["start"]["dateTime"])[..10], *hour, 5);
            // Another zone needs the rule again.
            if is_series {
                change["recurrence"] = rule(item);
                change["recurrence"]["range"]["recurrenceTimeZone"] = json!(ZONE);
            }
            calendar.patch(id, change)
        }
        Edit::Shorter => {
            let count = item["recurrence"]["range"]["numberOfOccurrences"].as_u64().unwrap_or(0);
            if count < 3 {
                return false;
            }
            let mut rule = rule(item);
            rule["range"]["numberOfOccurrences"] = json!(count - 1);
            calendar.patch(id, json!({"recurrence": rule}))
        }
        Edit::OneTitle(nth, title) => {
            one(*nth).is_some_and(|(id, _)| calendar.patch(&id, json!({"subject": title})))
        }
        Edit::OneTime(..) if item["isAllDay"] == true => false,
        Edit::OneTime(nth, minute) => {
            one(*nth).is_some_and(|(id, day)| calendar.patch(&id, at(&day, 20, *minute)))
        }
        Edit::OneGone(nth) if is_series && occurrences.len() > 2 => {
            one(*nth).is_some_and(|(id, _)| calendar.remove(&id))
        }
        Edit::OneGone(_) => false,
        Edit::Gone => calendar.remove(id),
    }
}

/// How a series repeats, with the members of its type alone.
fn rule(item: &Value) -> Value {
    let mut rule = item["recurrence"].clone();
    if let Some(pattern) = rule["pattern"].as_object_mut().filter(|p| p["type"] == "weekly") {
        pattern.retain(|name, _| {
            ["type", "interval", "daysOfWeek", "firstDayOfWeek"].contains(&name.as_str())
        });
    }
    rule
}

async fn in_objects(person: &Person, prefix: &str, nth: usize, edit: &Edit) -> Result<bool> {
    let agenda = person.agenda().await?;
    let own: BTreeSet<String> = agenda
        .iter()
        .filter(|entry| entry.summary().starts_with(prefix))
        .map(|entry| entry.name.clone())
        .collect();
    let Some(name) = own.iter().nth(nth % own.len().max(1)) else { return Ok(false) };
    let Some(ics) = person.get(name).await? else { return Ok(false) };
    if matches!(edit, Edit::Gone) {
        return person.delete(name).await;
    }
    let Some(changed) = changed(&ics, edit) else { return Ok(false) };
    person.edit(name, |_| changed.clone()).await
}

fn changed(ics: &str, edit: &Edit) -> Option<String> {
    let (start, series) = (edits::start(ics), ics.contains("\nRRULE"));
    // Only a weekly series that is written in Berlin's time has occurrences to edit.
    let weekly = series && ics.contains("FREQ=WEEKLY") && start.len() == 15;
    let place = |nth: &usize| {
        let all: Vec<u8> = (0..8).filter(|n| edits::occurrence::takes_place(ics, *n)).collect();
        all.get(nth % all.len().max(1)).map(|n| (*n, all.len()))
    };
    let set = |aspect: Aspect, value: &str| Some(edits::edited(ics, aspect, value, series));
    match edit {
        Edit::Title(title) => set(Aspect::Title, title),
        Edit::Place(place) => set(Aspect::Location, place),
        Edit::Hour(_) if start.len() == 8 || (series && !weekly) => None,
        Edit::Hour(hour) => {
            let end = if start.ends_with('Z') { "Z" } else { "" };
            set(Aspect::Time, &format!("{}T{hour:02}0500{end}", &start[..8]))
        }
        Edit::Shorter if weekly => {
            let (_, all) = place(&0)?;
            let last = (0..8).rev().find(|n| edits::occurrence::takes_place(ics, *n))?;
            (all > 2).then(|| edits::occurrence::ended(ics, last - 1)).flatten()
        }
        Edit::OneTitle(nth, title) if weekly => {
            let (n, _) = place(nth)?;
            edits::occurrence::changed(ics, n, None, Some(title)).map(|(ics, _)| ics)
        }
        Edit::OneTime(nth, minute) if weekly => {
            let (n, _) = place(nth)?;
            let day = edits::occurrence::at(&start, n)?;
            let begin = format!("{}T20{minute:02}00", &day[..8]);
            edits::occurrence::changed(ics, n, Some(&begin), None).map(|(ics, _)| ics)
        }
        Edit::OneGone(nth) if weekly => {
            let (n, all) = place(nth)?;
            (all > 2).then(|| edits::occurrence::cancelled(ics, n))
        }
        Edit::OneTime(_, minute) if !series && start.len() > 8 => {
            let end = if start.ends_with('Z') { "Z" } else { "" };
            set(Aspect::Time, &format!("{}T20{minute:02}00{end}", &start[..8]))
        }
        _ => None,
    }
}
