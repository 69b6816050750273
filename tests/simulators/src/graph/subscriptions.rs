//! Subscriptions: the handshake, the life of each, and what is notified.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;

use super::asking::Asking;
use super::call::{Call, check_answer, checked};
use super::ids;
use super::registration::{CLIENT_ID, PERSONAL_TENANT};
use super::reply::{Refusal, Reply};
use super::shared::Shared;
use super::state::{Notice, Records};
use super::subscription::{Subscription, is_loopback};
use super::zones;

/// A shorter life is raised to this many minutes.
const SHORTEST: i64 = 45;

/// Calls that shake hands with a webhook while they are open.
pub(super) async fn with_handshake(
    shared: &Arc<Shared>,
    request: &Asking,
) -> Result<Reply, Refusal> {
    let (manners, base) = (shared.manners(), shared.base());
    let (call, planned) = shared.write(|records| {
        let call = checked(records, request, &manners, &base, shared.clock.now())?;
        let planned = planned(records, &call)?;
        Ok((call, planned))
    })?;
    let mut addresses: Vec<&Url> = Vec::new();
    match &planned {
        Planned::New(new) => {
            addresses.push(&new.url);
            addresses.extend(new.lifecycle_url.as_ref());
        }
        Planned::Change { url, .. } => addresses.extend(url.as_ref()),
    }
    for address in addresses {
        shared.pushes.shake(address).await?;
    }
    let is_new = matches!(planned, Planned::New(_));
    let reply = shared.write(|records| {
        let reply = settled(records, &call, planned)?;
        check_answer(records, &call, &reply);
        Ok(reply)
    })?;
    if is_new && shared.pushes.comes_before_answers() {
        let id = reply.value["id"].as_str().unwrap_or_default().to_owned();
        shared.write(|records| {
            let owner = records.subscriptions.get(&id).map(|there| there.person);
            let own = |calendar| records.calendars.get(calendar).map(|folder| folder.owner);
            let last = records.items.values().rev().find(|item| own(&item.calendar) == owner);
            if let (Some(owner), Some(item)) = (owner, last) {
                let (calendar, key, change) = (item.calendar, item.key, "updated");
                records.unannounced.push(Notice::Change { owner, calendar, key, change });
            }
        });
        // A webhook that waits for the answer itself must not wait for ever.
        let wait = std::time::Duration::from_secs(5);
        let _ = tokio::time::timeout(wait, shared.pushes.settle()).await;
    }
    Ok(reply)
}

/// What a call will do once the webhook has answered.
enum Planned {
    New(Box<Subscription>),
    Change { id: String, url: Option<Url>, expires: Option<Timestamp> },
}

fn planned(records: &mut Records, call: &Call<'_>) -> Result<Planned, Refusal> {
    if call.operation.name == "POST /subscriptions" {
        return new(records, call).map(|new| Planned::New(Box::new(new)));
    }
    let id = call.id(0).to_owned();
    own(records, call)?;
    let known = ["expirationDateTime", "notificationUrl"];
    if let Some(name) = call.body.keys().find(|name| !known.contains(&name.as_str())) {
        records.violation(format!("{}: {name} cannot be changed", call.operation.name));
        return Err(Refusal::subscription(
            "InvalidRequest",
            "Only the expiration and the URL can be updated.",
        ));
    }
    let url = call.body.get("notificationUrl").map(|url| address(Some(url))).transpose()?;
    let expires = call.body.get("expirationDateTime").map(|said| expiry(said, call)).transpose()?;
    Ok(Planned::Change { id, url, expires })
}

fn settled(records: &mut Records, call: &Call<'_>, planned: Planned) -> Result<Reply, Refusal> {
    match planned {
        Planned::New(mut new) => {
            // Another one may have come while the webhook was asked.
            room(records, call, &new)?;
            new.id = ids::uuid(records.next(), 5);
            let body = shown(records, &new, true);
            records.subscriptions.insert(new.id.clone(), *new);
            Ok(call.reply(201, body, "subscriptions/$entity"))
        }
        Planned::Change { id, url, expires } => {
            let by_patch = !call.operation.name.ends_with("reauthorize");
            let there = records.subscriptions.get_mut(&id).ok_or_else(gone)?;
            there.silent = false;
            let before = there.touched.replace((call.now, by_patch));
            let recently = |(moment, _): &(Timestamp, bool)| {
                call.now.duration_since(*moment) < SignedDuration::from_mins(10)
            };
            let mixed = before.filter(recently).is_some_and(|(_, patch)| patch != by_patch);
            if let Some(expires) = expires {
                there.expires = expires;
            }
            if let Some(url) = url {
                there.url = url;
            }
            let there = there.clone();
            if mixed {
                records.violation("a PATCH and a reauthorize within 10 minutes");
            }
            if !by_patch {
                return Ok(Reply::status(204));
            }
            let body = shown(records, &there, true);
            Ok(call.reply(200, body, "subscriptions/$entity"))
        }
    }
}

fn new(records: &mut Records, call: &Call<'_>) -> Result<Subscription, Refusal> {
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    for name in ["changeType", "notificationUrl", "resource", "expirationDateTime"] {
        if text(name).is_none_or(str::is_empty) {
            return Err(Refusal::subscription(
                "ValidationError",
                &format!("'{name}' is required."),
            ));
        }
    }
    let said_changes = text("changeType").unwrap_or_default().to_owned();
    let changes: BTreeSet<String> =
        said_changes.split(',').map(|change| change.trim().to_owned()).collect();
    let known = ["created", "updated", "deleted"];
    if !changes.iter().all(|change| known.contains(&change.as_str())) {
        return Err(Refusal::subscription("InvalidRequest", "An unsupported changeType."));
    }
    let client_state = text("clientState").map(str::to_owned);
    if client_state.as_ref().is_some_and(|state| state.len() > 128) {
        return Err(Refusal::subscription(
            "ValidationError",
            "The clientState is longer than 128 characters.",
        ));
    }
    let tls = text("latestSupportedTlsVersion").unwrap_or("v1_2").to_owned();
    if !["v1_0", "v1_1", "v1_2", "v1_3"].contains(&tls.as_str()) {
        return Err(Refusal::subscription(
            "ValidationError",
            "Unsupported latestSupportedTlsVersion.",
        ));
    }
    if call.body.get("includeResourceData").is_some_and(|include| include == true) {
        return Err(Refusal::subscription(
            "InvalidRequest",
            "includeResourceData needs a certificate.",
        ));
    }
    let resource = text("resource").unwrap_or_default().to_owned();
    let subscription = Subscription {
        id: String::new(),
        person: call.person,
        calendar: calendar(records, call, &resource)?,
        resource,
        changes,
        said_changes,
        url: address(call.body.get("notificationUrl"))?,
        lifecycle_url: call
            .body
            .get("lifecycleNotificationUrl")
            .filter(|url| !url.is_null())
            .map(|url| address(Some(url)))
            .transpose()?,
        client_state,
        tls,
        expires: expiry(call.body.get("expirationDateTime").unwrap_or(&Value::Null), call)?,
        immutable: call.immutable(),
        silent: false,
        touched: None,
    };
    room(records, call, &subscription)?;
    Ok(subscription)
}

/// Refuses a second subscription to the same, and one too many.
fn room(records: &Records, call: &Call<'_>, new: &Subscription) -> Result<(), Refusal> {
    let living: Vec<&Subscription> = records
        .subscriptions
        .values()
        .filter(|there| there.person == call.person && call.now < there.expires)
        .collect();
    let same =
        |there: &&&Subscription| there.calendar == new.calendar && there.changes == new.changes;
    if call.manners.one_subscription && living.iter().any(|there| same(&there)) {
        let words = "Operation: Create; Exception: [Status Code: Conflict; Reason: A subscripton \
                     already exists. It must be deleted before a another can be made.]";
        return Err(Refusal::new(409, "ExtensionError", words));
    }
    if living.len() >= call.manners.subscriptions {
        return Err(Refusal::new(403, "ExtensionError", "The limit of the mailbox is reached."));
    }
    Ok(())
}

/// The calendar that a resource is; none where it is all of them.
fn calendar(records: &Records, call: &Call<'_>, resource: &str) -> Result<Option<u64>, Refusal> {
    let personal = records.people[call.person].tenant == PERSONAL_TENANT;
    if personal && !call.manners.personal_subscriptions {
        return Err(Refusal::subscription(
            "ExtensionError",
            "Personal mailboxes have no subscriptions.",
        ));
    }
    let path = resource.trim_start_matches('/');
    let own = format!("users/{}/", records.people[call.person].oid);
    let rest = path.strip_prefix("me/").or_else(|| path.strip_prefix(&own));
    let wrong = || {
        Refusal::subscription("ExtensionError", "The resource is not supported for subscriptions.")
    };
    let rest = rest.ok_or_else(wrong)?;
    if rest == "events" {
        return Ok(None);
    }
    let id = rest.strip_prefix("calendars/").and_then(|rest| rest.strip_suffix("/events"));
    let id = percent_encoding::percent_decode_str(id.ok_or_else(wrong)?)
        .decode_utf8()
        .map_err(|_| wrong())?;
    let (_, folder) = records.mount(call.person, &id).ok_or_else(Refusal::not_found)?;
    if folder.owner != call.person {
        return Err(Refusal::subscription(
            "ExtensionError",
            "A shared calendar has no subscriptions.",
        ));
    }
    Ok(Some(folder.key))
}

fn expiry(said: &Value, call: &Call<'_>) -> Result<Timestamp, Refusal> {
    let at: Timestamp = said
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Refusal::body("The expiration is no DateTimeOffset."))?;
    if at <= call.now {
        return Err(Refusal::subscription(
            "ExtensionError",
            "Subscription expiration must be in the future.",
        ));
    }
    let most = call.manners.subscription_minutes;
    // Some seconds pass on the way.
    if at > call.now + SignedDuration::from_mins(most) + SignedDuration::from_secs(5) {
        let words = format!("Subscription expiration can only be {most} minutes in the future.");
        return Err(Refusal::subscription("ExtensionError", &words));
    }
    Ok(at.max(call.now + SignedDuration::from_mins(SHORTEST)))
}

fn address(said: Option<&Value>) -> Result<Url, Refusal> {
    said.and_then(Value::as_str)
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| url.scheme() == "https" || is_loopback(url))
        .ok_or_else(|| Refusal::subscription("ValidationError", "The URL must be an HTTPS URL."))
}

fn gone() -> Refusal {
    Refusal::new(404, "ResourceNotFound", "The object was not found.")
}

fn own<'r>(records: &'r Records, call: &Call<'_>) -> Result<&'r Subscription, Refusal> {
    records
        .subscriptions
        .get(call.id(0))
        .filter(|there| there.person == call.person && call.now < there.expires)
        .ok_or_else(gone)
}

fn shown(records: &Records, there: &Subscription, with_state: bool) -> Map<String, Value> {
    let creator = &records.people[there.person].oid;
    let shown = json!({
        "id": there.id, "resource": there.resource, "applicationId": CLIENT_ID,
        "changeType": there.said_changes,
        "clientState": there.client_state.as_ref().filter(|_| with_state),
        "notificationUrl": there.url.as_str(),
        "lifecycleNotificationUrl": there.lifecycle_url.as_ref().map(Url::as_str),
        "expirationDateTime": zones::short(there.expires), "creatorId": creator,
        "includeResourceData": Value::Null, "latestSupportedTlsVersion": there.tls,
    });
    shown.as_object().cloned().unwrap_or_default()
}

/// The list keeps the `clientState` of each to itself.
pub(super) fn list(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let all: Vec<Value> = records
        .subscriptions
        .values()
        .filter(|there| there.person == call.person && call.now < there.expires)
        .map(|there| Value::Object(shown(records, there, false)))
        .collect();
    let body = Map::from_iter([("value".to_owned(), json!(all))]);
    Ok(call.reply(200, body, "subscriptions"))
}

pub(super) fn get(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let body = shown(records, own(records, call)?, true);
    Ok(call.reply(200, body, "subscriptions/$entity"))
}

pub(super) fn delete(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = own(records, call)?.id.clone();
    records.subscriptions.remove(&id);
    Ok(Reply::status(204))
}
