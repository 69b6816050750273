//! What is notified: changes of events, and what happens to subscriptions.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::item::wrapped_etag;
use super::manners::Manners;
use super::push::Delivery;
use super::registration::{EXCHANGE_TENANT, PERSONAL_TENANT};
use super::state::{Notice, Records};
use super::subscription::Subscription;

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
