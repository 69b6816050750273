//! Channels: `events.watch`, `channels.stop`, and the notifications of each.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::{Host, Url};

use super::call::Call;
use super::push::Delivery;
use super::reply::{Refusal, Reply};
use super::state::{Channel, Records};

/// How long a channel lives where nothing is said, in seconds, and the longest.
const LONGEST: i64 = 604_800;

pub(super) fn watch(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (calendar, _) = call.calendar(records)?;
    let (calendar, sort) = (calendar.id.clone(), calendar.sort);
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let id = text("id").unwrap_or_default().to_owned();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_+/=".contains(&b);
    if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
        return Err(Refusal::invalid("Invalid channel id."));
    }
    if !matches!(text("type"), Some("web_hook" | "webhook")) {
        return Err(Refusal::new(400, "channelUnknown", "Invalid channel type."));
    }
    if text("token").is_some_and(|token| token.len() > 256) {
        return Err(Refusal::invalid("Channel token too long."));
    }
    let address = text("address")
        .and_then(|address| Url::parse(address).ok())
        .ok_or_else(|| Refusal::required("Missing address."))?;
    if address.scheme() != "https" && !is_loopback(&address) {
        let words = "WebHook callback must be HTTPS.";
        return Err(Refusal::new(400, "push.webhookUrlNotHttps", words));
    }
    if !sort.pushes() {
        let words = "Push notifications are not supported by this resource.";
        return Err(Refusal::new(400, "pushNotSupportedForRequestedResource", words));
    }
    if records.channels.get(&id).is_some_and(|channel| call.now < channel.expires) {
        return Err(Refusal::new(400, "channelIdNotUnique", "Channel id not unique."));
    }
    let channel = Channel {
        resource: resource(&calendar),
        uri: format!("{}/calendar/v3/calendars/{}/events?alt=json", call.base, encoded(&calendar)),
        token: text("token").map(str::to_owned),
        expires: expiry(call)?,
        account: call.account.clone(),
        id: id.clone(),
        calendar,
        address,
        number: 0,
        greeted: false,
    };
    let mut body = json!({
        "kind": "api#channel",
        "id": id,
        "resourceId": channel.resource,
        "resourceUri": channel.uri,
        "expiration": channel.expires.as_millisecond().to_string(),
    });
    if let Some(token) = &channel.token {
        body["token"] = json!(token);
    }
    records.channels.insert(id, channel);
    Ok(Reply::json(200, body))
}

/// When a channel ends: what was asked for, as far as it may be.
fn expiry(call: &Call<'_>) -> Result<Timestamp, Refusal> {
    let longest = call.now + SignedDuration::from_secs(LONGEST);
    let ttl = match call.body.get("params").and_then(|params| params["ttl"].as_str()) {
        Some(ttl) => Some(
            ttl.parse::<u32>()
                .ok()
                .filter(|ttl| *ttl > 0)
                .ok_or_else(|| Refusal::invalid("Invalid ttl."))?,
        ),
        None => None,
    };
    let said = call
        .body
        .get("expiration")
        .and_then(Value::as_str)
        .and_then(|ms| Timestamp::from_millisecond(ms.parse().ok()?).ok());
    let asked = ttl
        .map(|ttl| call.now + SignedDuration::from_secs(i64::from(ttl)))
        .or(said)
        .unwrap_or(longest);
    if asked <= call.now {
        Err(Refusal::invalid("The expiration lies in the past."))
    } else {
        Ok(asked.min(longest))
    }
}

pub(super) fn stop(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let text = |name: &str| call.body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (id, resource) = (text("id"), text("resourceId"));
    let ours = |channel: &Channel| {
        channel.resource == resource
            && channel.account == call.account
            && call.now < channel.expires
    };
    match records.channels.get(id) {
        Some(channel) if ours(channel) => {
            records.channels.remove(id);
            Ok(Reply::status(204))
        }
        _ => Err(Refusal::new(404, "notFound", "Channel not found for project.")),
    }
}

/// The notifications that are due: `sync` messages of new channels, and changes of calendars.
pub(super) fn announcements(records: &mut Records, now: Timestamp) -> Vec<Delivery> {
    let Records { channels, calendars, rng, .. } = records;
    let mut deliveries = Vec::new();
    for channel in channels.values_mut().filter(|channel| !channel.greeted) {
        (channel.greeted, channel.number) = (true, 1);
        deliveries.push(Delivery::new(channel, "sync"));
    }
    for calendar in calendars.values_mut() {
        let changes = std::mem::take(&mut calendar.unannounced);
        for channel in channels
            .values_mut()
            .filter(|channel| channel.calendar == calendar.id && now < channel.expires)
        {
            for _ in 0..changes {
                // Numbers increase, and gaps between them mean nothing.
                channel.number += 1 + u64::from(rng.chance(0.3));
                deliveries.push(Delivery::new(channel, "exists"));
            }
        }
    }
    deliveries
}

fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn resource(calendar: &str) -> String {
    let hash = calendar.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("res-{hash:016x}")
}

fn encoded(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC).to_string()
}
