use super::*;

impl World {
    async fn starts(&self, id: &str) -> Vec<String> {
        let path = format!(
            "/me/events/{}/instances?startDateTime=2026-01-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z&$top=400",
            encode(id)
        );
        let said = self.get(&path).await;
        let start = |item: &Value| item["start"]["dateTime"].as_str().unwrap()[5..16].to_owned();
        said.items().iter().map(start).collect()
    }
}

#[tokio::test]
async fn a_reshaping_patch_restores_every_occurrence() {
    let world = world().await;
    let mut event = weekly(3, "Series", "tuesday");
    event["recurrence"]["range"] =
        json!({"type": "numbered", "startDate": "2026-03-03", "numberOfOccurrences": 5});
    let made = world.create(event.clone()).await;
    let id = made.id();
    let before = ["03-03T09:00", "03-10T09:00", "03-17T09:00", "03-24T09:00", "03-31T08:00"];
    assert_eq!(world.starts(&id).await, before, "by the clocks of Berlin");
    let second = world.work.occurrence(&id, "2026-03-10");
    let third = world.work.occurrence(&id, "2026-03-17");
    let moved = json!({
        "start": {"dateTime": "2026-03-11T12:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-11T13:00:00", "timeZone": "UTC"},
    });
    let exception = world.patch(&second, moved).await;
    assert_eq!(
        (exception.text("type"), exception.text("originalStart")),
        ("exception", "2026-03-10T09:00:00Z")
    );
    assert_eq!(world.delete(&third).await.status, 204);
    assert_eq!(world.event(&third).await.status, 404);
    let after = ["03-03T09:00", "03-11T12:00", "03-24T09:00", "03-31T08:00"];
    assert_eq!(world.starts(&id).await, after);
    let master = world
        .get(&format!(
            "/me/events/{}?$select=subject,cancelledOccurrences,exceptionOccurrences&$expand=exceptionOccurrences",
            encode(&id)
        ))
        .await;
    assert_eq!(master.body["cancelledOccurrences"], json!([format!("OID.{id}.2026-03-17")]));
    assert_eq!(master.body["exceptionOccurrences"][0]["id"], second);
    assert_ne!(master.text("@odata.etag"), made.text("@odata.etag"), "the master's etag changed");

    world.patch(&id, json!({"subject": "Renamed", "recurrence": event["recurrence"]})).await;
    assert_eq!(world.starts(&id).await, after, "the same recurrence keeps them");
    let zone = json!({
        "start": {"dateTime": "2026-03-03T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-03T11:00:00", "timeZone": "UTC"},
    });
    let refused = world.patch(&id, zone).await;
    assert_eq!(refused.refusal(), (400, "ErrorPropertyValidationFailure"));
    let later = json!({
        "start": {"dateTime": "2026-03-03T11:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-03-03T12:00:00", "timeZone": "Europe/Berlin"},
    });
    assert_eq!(world.patch(&id, later).await.status, 200);
    assert_eq!(world.starts(&id).await.len(), 5, "all are there again");
    assert_eq!(world.graph.restored(), 2);
    assert_eq!(world.patch(&id, json!({"recurrence": null})).await.text("type"), "singleInstance");
    world.clean();
}

#[tokio::test]
async fn an_occurrence_keeps_away_from_its_neighbours() {
    let world = world().await;
    let id = world.create(weekly(3, "Series", "tuesday")).await.id();
    let to = |day: u8| {
        json!({
            "start": {"dateTime": format!("2026-03-{day:02}T10:00:00"), "timeZone": "UTC"},
            "end": {"dateTime": format!("2026-03-{day:02}T11:00:00"), "timeZone": "UTC"},
        })
    };
    let second = world.work.occurrence(&id, "2026-03-10");
    for day in [3, 17, 18] {
        let refused = world.patch(&second, to(day)).await;
        assert_eq!(refused.refusal(), (400, "ErrorOccurrenceCrossingBoundary"), "{day}");
    }
    world.delete(&world.work.occurrence(&id, "2026-03-17")).await;
    assert_eq!(world.patch(&second, to(17)).await.status, 400, "deleted ones count");
    world.graph.manners(|manners| manners.boundary_counts_deleted = false);
    assert_eq!(world.patch(&second, to(18)).await.status, 200);
    world.clean();
}

#[tokio::test]
async fn starts_are_moved_and_ranges_checked() {
    let world = world().await;
    let moved = world.create(weekly(4, "On Wednesday", "friday")).await;
    assert_eq!(moved.body["start"]["dateTime"], "2026-03-06T09:00:00.0000000");
    assert_eq!(moved.body["recurrence"]["range"]["startDate"], "2026-03-06");
    let mut wrong = weekly(4, "A", "wednesday");
    wrong["recurrence"]["range"]["startDate"] = json!("2026-03-05");
    assert_eq!(world.create(wrong).await.refusal(), (400, "ErrorInvalidRecurrenceRange"));
    let mut wrong = weekly(4, "A", "wednesday");
    wrong["recurrence"]["range"]["recurrenceTimeZone"] = json!("UTC");
    assert_eq!(world.create(wrong).await.status, 400);
    let mut spelt = weekly(4, "A", "wednesday");
    spelt["recurrence"]["range"]["recurrenceTimeZone"] = json!("W. Europe Standard Time");
    assert_eq!(world.create(spelt).await.status, 201, "another spelling of the zone");
    let mut neutral = weekly(4, "A", "wednesday");
    neutral["recurrence"]["pattern"]["month"] = json!(0);
    assert_eq!(world.create(neutral.clone()).await.status, 400);
    world.graph.manners(|manners| manners.refuses_neutral = false);
    assert_eq!(world.create(neutral).await.status, 201);
    world.clean();
}

#[tokio::test]
async fn short_months_and_last_days_are_as_the_switches_say() {
    let world = world().await;
    let monthly = |pattern: Value| {
        let mut event = at_ten(31, "Monthly");
        event["recurrence"] =
            json!({"pattern": pattern, "range": {"type": "noEnd", "startDate": "2026-03-31"}});
        event
    };
    let on_31st = monthly(json!({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}));
    let every = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let last = monthly(json!({
        "type": "relativeMonthly", "interval": 1, "daysOfWeek": every, "index": "last"}));
    let id = world.create(on_31st.clone()).await.id();
    assert_eq!(&world.starts(&id).await[..3], ["03-31T08:00", "04-30T08:00", "05-31T08:00"]);
    let id = world.create(last.clone()).await.id();
    assert_eq!(&world.starts(&id).await[..2], ["03-31T08:00", "04-30T08:00"]);
    world.graph.manners(|manners| (manners.clamps_days, manners.last_of_seven) = (false, false));
    let id = world.create(on_31st).await.id();
    assert_eq!(&world.starts(&id).await[..2], ["03-31T08:00", "05-31T08:00"]);
    let id = world.create(last).await.id();
    assert_eq!(&world.starts(&id).await[..2], ["04-24T08:00", "05-25T08:00"]);
    world.clean();
}
