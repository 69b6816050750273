//! Subscriptions: the handshake, the life of each, and what is notified.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::api::{Call, check_answer, checked};
use super::asking::Asking;
use super::ids;
use super::item::wrapped_etag;
use super::manners::Manners;
use super::push::Delivery;
use super::registration::{CLIENT_ID, EXCHANGE_TENANT, PERSONAL_TENANT};
use super::reply::{Refusal, Reply};
use super::shared::Shared;
use super::state::{Notice, Records};
use super::zones;

/// A shorter life is raised to this many minutes.
const SHORTEST: i64 = 45;

/// What happens to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Notifications were lost.
    Missed,
    /// It is removed.
    Removed,
    /// It is silent until it is authorized again.
    Reauthorize,
}

impl Lifecycle {
    fn name(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Removed => "subscriptionRemoved",
            Self::Reauthorize => "reauthorizationRequired",
        }
    }
}

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub id: String,
    pub person: usize,
    pub resource: String,
    /// The key of the one calendar that it is of.
    pub calendar: Option<u64>,
    pub changes: BTreeSet<String>,
    pub said_changes: String,
    pub url: Url,
    pub lifecycle_url: Option<Url>,
    pub client_state: Option<String>,
    pub tls: String,
    pub expires: Timestamp,
    pub immutable: bool,
    /// It waits for an authorization.
    pub silent: bool,
}

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
        return Err(refusal("InvalidRequest", "Only the expiration and the URL can be updated."));
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
            let there = records.subscriptions.get_mut(&id).ok_or_else(gone)?;
            there.silent = false;
            if let Some(expires) = expires {
                there.expires = expires;
            }
            if let Some(url) = url {
                there.url = url;
            }
            if call.operation.name.ends_with("reauthorize") {
                return Ok(Reply::status(204));
            }
            let there = there.clone();
            let body = shown(records, &there, true);
            Ok(call.reply(200, body, "subscriptions/$entity"))
        }
    }
}

fn new(records: &mut Records, call: &Call<'_>) -> Result<Subscription, Refusal> {
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    for name in ["changeType", "notificationUrl", "resource", "expirationDateTime"] {
        if text(name).is_none_or(str::is_empty) {
            return Err(refusal("ValidationError", &format!("'{name}' is required.")));
        }
    }
    let said_changes = text("changeType").unwrap_or_default().to_owned();
    let changes: BTreeSet<String> =
        said_changes.split(',').map(|change| change.trim().to_owned()).collect();
    let known = ["created", "updated", "deleted"];
    if !changes.iter().all(|change| known.contains(&change.as_str())) {
        return Err(refusal("InvalidRequest", "An unsupported changeType."));
    }
    let client_state = text("clientState").map(str::to_owned);
    if client_state.as_ref().is_some_and(|state| state.len() > 128) {
        return Err(refusal("ValidationError", "The clientState is longer than 128 characters."));
    }
    let tls = text("latestSupportedTlsVersion").unwrap_or("v1_2").to_owned();
    if !["v1_0", "v1_1", "v1_2", "v1_3"].contains(&tls.as_str()) {
        return Err(refusal("ValidationError", "Unsupported latestSupportedTlsVersion."));
    }
    if call.body.get("includeResourceData").is_some_and(|include| include == true) {
        return Err(refusal("InvalidRequest", "includeResourceData needs a certificate."));
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
    let path = resource.trim_start_matches('/');
    let own = format!("users/{}/", records.people[call.person].oid);
    let rest = path.strip_prefix("me/").or_else(|| path.strip_prefix(&own));
    let wrong = || refusal("ExtensionError", "The resource is not supported for subscriptions.");
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
        return Err(refusal("ExtensionError", "A shared calendar has no subscriptions."));
    }
    Ok(Some(folder.key))
}

fn expiry(said: &Value, call: &Call<'_>) -> Result<Timestamp, Refusal> {
    let at: Timestamp = said
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Refusal::body("The expiration is no DateTimeOffset."))?;
    if at <= call.now {
        return Err(refusal("ExtensionError", "Subscription expiration must be in the future."));
    }
    let most = call.manners.subscription_minutes;
    // Some seconds pass on the way.
    if at > call.now + SignedDuration::from_mins(most) + SignedDuration::from_secs(5) {
        let words = format!("Subscription expiration can only be {most} minutes in the future.");
        return Err(refusal("ExtensionError", &words));
    }
    Ok(at.max(call.now + SignedDuration::from_mins(SHORTEST)))
}

fn address(said: Option<&Value>) -> Result<Url, Refusal> {
    said.and_then(Value::as_str)
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| url.scheme() == "https" || is_loopback(url))
        .ok_or_else(|| refusal("ValidationError", "The URL must be an HTTPS URL."))
}

/// Whether an address is on this machine.
pub(super) fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

pub(super) fn refusal(code: &str, words: &str) -> Refusal {
    Refusal::new(400, code, words)
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

/// The notifications that are due.
pub(super) fn announcements(
    records: &mut Records,
    manners: &Manners,
    now: Timestamp,
) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for notice in std::mem::take(&mut records.unannounced) {
        match notice {
            Notice::Change { owner, calendar, key, change } => {
                let updates = if change == "created" { manners.updates_after_creation } else { 0 };
                for there in records.subscriptions.values().filter(|there| {
                    there.person == owner
                        && now < there.expires
                        && !there.silent
                        && there.calendar.is_none_or(|only| only == calendar)
                }) {
                    let all = std::iter::once(change)
                        .chain(std::iter::repeat_n("updated", updates as usize));
                    for change in all.filter(|change| there.changes.contains(*change)) {
                        let item = notified(records, manners, there, key, change);
                        deliveries.push(Delivery::new(there, there.url.clone(), item));
                    }
                }
            }
            Notice::Lifecycle { subscription, event } => {
                if let Some(url) = subscription.lifecycle_url.clone() {
                    let mut item = base(records, manners, &subscription);
                    item.insert("lifecycleEvent".into(), json!(event.name()));
                    deliveries.push(Delivery::new(&subscription, url, Value::Object(item)));
                }
            }
        }
    }
    deliveries
}

/// What every notification has. It has no id of its own.
fn base(records: &Records, manners: &Manners, there: &Subscription) -> Map<String, Value> {
    let own = &records.people[there.person].tenant;
    let exchange = own == PERSONAL_TENANT && manners.exchange_tenant;
    let tenant = if exchange { EXCHANGE_TENANT } else { own };
    let expires = there.expires.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00").to_string();
    Map::from_iter([
        ("subscriptionId".to_owned(), json!(there.id)),
        ("subscriptionExpirationDateTime".to_owned(), json!(expires)),
        ("clientState".to_owned(), json!(there.client_state)),
        ("tenantId".to_owned(), json!(tenant)),
    ])
}

fn notified(
    records: &Records,
    manners: &Manners,
    there: &Subscription,
    key: u64,
    change: &str,
) -> Value {
    let item = records.items.get(&key);
    let id = item.map(|item| item.whole().id(there.immutable)).unwrap_or_default();
    let seen = item.filter(|item| !item.deleted).map(|item| item.whole());
    let resource = format!("Users/{}/Events/{id}", records.people[there.person].oid);
    let mut notice = base(records, manners, there);
    notice.insert("changeType".into(), json!(change));
    notice.insert("resource".into(), json!(resource));
    notice.insert(
        "resourceData".into(),
        json!({
            "@odata.type": "#Microsoft.Graph.Event", "@odata.id": resource,
            "@odata.etag": wrapped_etag(seen.as_ref()), "id": id,
        }),
    );
    Value::Object(notice)
}
