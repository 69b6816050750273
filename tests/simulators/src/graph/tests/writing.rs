use super::*;

#[tokio::test]
async fn an_event_is_made_changed_and_deleted() {
    let world = world().await;
    let mut event = at_ten(10, "Lunch");
    event["transactionId"] = json!("t1");
    event["singleValueExtendedProperties"] = json!([{"id": MARK, "value": "h1.a"}]);
    event["location"] = json!({"displayName": "Room"});
    let made = world.create(event.clone()).await;
    assert_eq!((made.status, made.text("transactionId")), (201, "t1"));
    assert!(made.body.get("singleValueExtendedProperties").is_none(), "not echoed");
    assert_eq!(made.body["start"]["dateTime"], "2026-03-10T09:00:00.0000000");
    assert_eq!(made.body["location"]["uniqueIdType"], "private");
    let id = made.id();

    let expand = format!("$expand=singleValueExtendedProperties($filter=id eq '{MARK}')")
        .replace(' ', "%20");
    let read = world.get(&format!("/me/events/{}?$select=subject&{expand}", encode(&id))).await;
    assert!(read.body.get("singleValueExtendedProperties").is_none(), "not selected");
    let select = "$select=subject,singleValueExtendedProperties";
    let read = world.get(&format!("/me/events/{}?{select}&{expand}", encode(&id))).await;
    assert_eq!(read.body["singleValueExtendedProperties"], json!([{"id": MARK, "value": "h1.a"}]));
    let filter =
        format!("singleValueExtendedProperties/Any(ep: ep/id eq '{MARK}' and ep/value eq 'H1.A')");
    let found = world.get(&format!("/me/events?$filter={}", encode(&filter))).await;
    assert_eq!(found.titles(), ["Lunch"], "values are compared without their case");

    let etag = made.text("@odata.etag").to_owned();
    let path = format!("/me/events/{}", encode(&id));
    let stale = [("if-match", etag.as_str())];
    let changed = world.with("PATCH", &path, &stale, Some(json!({"subject": "Tea"}))).await;
    assert_eq!((changed.status, changed.text("subject")), (200, "Tea"));
    let refused = world.with("PATCH", &path, &stale, Some(json!({"subject": "No"}))).await;
    assert_eq!(refused.refusal(), (412, "ErrorIrresolvableConflict"));
    assert_eq!(world.graph.unconditional(), 0);
    assert_eq!(world.delete(&id).await.status, 204);
    assert_eq!(world.graph.unconditional(), 1);
    assert!(world.work.is_empty());
    world.clean();
}

#[tokio::test]
async fn a_deleted_event_answers_by_its_immutable_id_or_does_not() {
    let world = world().await;
    let id = world.create(at_ten(10, "Lunch")).await.id();
    let path = format!("/me/events/{}", encode(&id));
    let plain = [("prefer", "outlook.timezone=\"UTC\", outlook.body-content-type=\"text\"")];
    let regular = world.with("GET", &path, &plain, None).await.id();
    assert_eq!((world.graph.without_id_type(), world.graph.violations().len()), (1, 1));
    assert_eq!(world.event(&regular).await.id(), id, "an id of either kind is taken");
    world.delete(&id).await;
    assert_eq!(world.event(&id).await.text("subject"), "Lunch");
    assert_eq!(world.event(&regular).await.status, 404, "the regular id does not answer");
    let within = world.within(&format!("/events/{}", encode(&id)));
    assert_eq!(world.get(&within).await.status, 200);
    assert_eq!(world.delete(&id).await.refusal(), (403, "ErrorCannotDeleteObject"));
    let revision = world.work.revision();
    assert_eq!(world.patch(&id, json!({"subject": "Lunch"})).await.status, 200);
    assert_eq!(world.work.revision(), revision, "Deleted Items is no calendar");
    world.graph.manners(|manners| manners.deleted_answers_everywhere = false);
    assert_eq!((world.get(&within).await.status, world.event(&id).await.status), (404, 200));
    assert_eq!(world.view("2026-03-01", "2026-04-01").await.items().len(), 0);
    world.graph.manners(|manners| manners.deleted_answers = false);
    assert_eq!(world.event(&id).await.refusal(), (404, "ErrorItemNotFound"));
    assert_eq!(world.delete(&id).await.refusal(), (404, "ErrorItemNotFound"));
    assert!(world.work.restore(&id));
    assert_eq!(world.event(&id).await.id(), id);
    world.work.purge(&id);
    world.graph.manners(|manners| manners.deleted_answers = true);
    assert_eq!(world.event(&id).await.status, 404);
    assert_eq!(world.graph.violations().len(), 1);
}

#[tokio::test]
async fn a_transaction_is_never_a_second_event() {
    let world = world().await;
    let mut event = at_ten(10, "Lunch");
    event["transactionId"] = json!("t1");
    let id = world.create(event.clone()).await.id();
    assert_eq!(world.create(event.clone()).await.id(), id);
    let elsewhere = format!("/me/calendars/{}/events", encode(&world.anna.primary().id()));
    let refused = world.ask("POST", &elsewhere, Some(event.clone())).await;
    assert_eq!(refused.refusal(), (409, "ErrorDuplicateTransactionId"), "another calendar");
    world.graph.manners(|manners| {
        manners.same_again = Repeated::Refused { status: 400, names_it: false };
    });
    let refused = world.create(event.clone()).await;
    assert_eq!(refused.refusal(), (400, "ErrorDuplicateTransactionId"));
    assert!(refused.body["error"].get("@event.existingEventId").is_none());
    event["subject"] = json!("Other");
    let refused = world.create(event.clone()).await;
    assert_eq!(refused.refusal(), (409, "ErrorDuplicateTransactionId"));
    assert_eq!(refused.body["error"]["@event.existingEventId"], id);
    assert_eq!(world.work.len(), 1);
    world.delete(&id).await;
    assert_eq!(world.create(event.clone()).await.status, 409, "used for ever");
    world.graph.manners(|manners| manners.used_for_ever = false);
    assert_ne!(world.create(event).await.id(), id);
    world.clean();
}

#[tokio::test]
async fn guests_are_counted() {
    let world = world().await;
    let guests = json!([{"emailAddress": {"address": "ben@example.org"}}]);
    let mut event = at_ten(10, "Party");
    event["attendees"] = guests;
    let id = world.create(event).await.id();
    assert_eq!((world.graph.mails(), world.graph.violations().len()), (1, 1));
    world.patch(&id, json!({"subject": "Feast"})).await;
    assert_eq!(world.graph.mails(), 2, "a change is mailed");
    world.delete(&id).await;
    assert_eq!(world.graph.mails(), 3, "a deletion is mailed");
    let invited =
        world.work.add_invited(at_ten(11, "Theirs"), "ben@example.org", &["anna@example.org"]);
    world.patch(&invited, json!({"subject": "Mine"})).await;
    world.delete(&invited).await;
    assert_eq!(world.graph.mails(), 3, "a guest's own copy causes no mail");
}

#[tokio::test]
async fn zones_are_taken_or_refused() {
    let world = world().await;
    let in_zone = |zone: &str| {
        let mut event = at_ten(10, zone);
        for name in ["start", "end"] {
            event[name]["timeZone"] = json!(zone);
        }
        event
    };
    for taken in ["FLE Standard Time", "Europe/Berlin", "UTC", "Alberta Standard Time"] {
        let made = world.create(in_zone(taken)).await;
        assert_eq!((made.status, made.text("originalStartTimeZone")), (201, taken));
    }
    for refused in ["Europe/Tallinn", "Europe/Kyiv", "", "Nowhere"] {
        let refused = world.create(in_zone(refused)).await;
        assert_eq!(refused.refusal(), (400, "TimeZoneNotSupportedException"));
    }
    world.graph.manners(|manners| {
        manners.zone_names = ZoneNames::All;
        manners.refused_zones.insert("Europe/Berlin".to_owned());
    });
    assert_eq!(world.create(in_zone("Europe/Tallinn")).await.status, 201);
    assert_eq!(world.create(in_zone("Europe/Berlin")).await.status, 400);
    world.clean();
}
