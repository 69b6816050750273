use super::*;

#[tokio::test]
async fn calendars_have_two_ids_and_may_get_others() {
    let world = world().await;
    let all = world.get("/me/calendars?$top=100&$select=id,name,canEdit,isDefaultCalendar").await;
    let names: Vec<&str> = all.items().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Calendar", "Work"]);
    assert_eq!(all.items()[1]["id"], world.work.id());
    assert_eq!(all.items()[1].as_object().unwrap().len(), 4);
    let one = world.get(&world.within("")).await;
    assert_eq!((one.status, one.text("name")), (200, "Work"));
    world.clean();

    let plain = [("prefer", "outlook.timezone=\"UTC\"")];
    let other = world.with("GET", "/me/calendars", &plain, None).await;
    assert_eq!(other.items()[1]["id"], world.work.regular_id());
    assert_ne!(other.items()[1]["id"], world.work.id());
    assert_eq!((world.graph.without_id_type(), world.graph.violations().len()), (1, 1));

    let before = world.within("");
    world.work.changes_id();
    assert_eq!(world.get(&before).await.refusal(), (404, "ErrorItemNotFound"));
    assert_eq!(world.get(&world.within("")).await.status, 200);
}

#[tokio::test]
async fn a_view_pages_and_has_no_masters() {
    let world = world().await;
    for day in 1..=12 {
        world.work.add(at_ten(day, &format!("Day {day}")));
    }
    world.work.add(weekly(10, "Weekly", "tuesday"));
    let path = "/calendarView?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-03-20T00:00:00Z&$count=true";
    let first = world.get(&world.within(path)).await;
    assert_eq!((first.items().len(), &first.body["@odata.count"]), (10, &json!(14)));
    let second = world.get(first.text("@odata.nextLink")).await;
    assert_eq!(second.titles(), ["Weekly", "Day 11", "Day 12", "Weekly"]);
    assert!(second.body.get("@odata.nextLink").is_none());
    let weekly = &second.items()[3];
    assert_eq!((&weekly["type"], &weekly["recurrence"]), (&json!("occurrence"), &Value::Null));
    assert_eq!(
        weekly["start"],
        json!({"dateTime": "2026-03-17T09:00:00.0000000", "timeZone": "UTC"})
    );
    assert_eq!(weekly["originalStart"], "2026-03-17T09:00:00Z");
    assert_eq!(weekly["originalStartTimeZone"], "Europe/Berlin");
    let instances = format!(
        "/me/events/{}/instances?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z",
        encode(weekly["seriesMasterId"].as_str().unwrap())
    );
    assert_eq!(world.get(&instances).await.titles(), ["Weekly"; 4]);
    let mut moment = at_ten(21, "Moment");
    moment["start"] = json!({"dateTime": "2026-03-21T00:00:00", "timeZone": "UTC"});
    moment["end"] = moment["start"].clone();
    world.work.add(moment);
    assert_eq!(world.view("2026-03-21", "2026-03-22").await.titles(), ["Moment"]);
    assert_eq!(world.view("2026-03-20", "2026-03-21").await.items().len(), 0);
    world.clean();
    let long = world.view("2026-01-01", "2031-01-02").await;
    assert_eq!(long.refusal(), (400, "ErrorInvalidRequest"), "1826 days");
    assert_eq!(world.view("2026-01-01", "2030-12-31").await.status, 200);
}

#[tokio::test]
async fn all_day_events_meet_a_view_as_days_of_utc() {
    let world = world().await;
    let day = json!({
        "subject": "Day", "isAllDay": true,
        "start": {"dateTime": "2026-03-10T00:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-03-11T00:00:00", "timeZone": "Europe/Berlin"},
    });
    let made = world.create(day.clone()).await;
    assert_eq!((made.status, made.text("originalStartTimeZone")), (201, "UTC"));
    assert_eq!(made.body["showAs"], "free");
    assert_eq!(world.view("2026-03-09", "2026-03-10").await.titles().len(), 0);
    assert_eq!(world.view("2026-03-10", "2026-03-11").await.titles(), ["Day"]);
    let mut half = day;
    half["end"]["dateTime"] = json!("2026-03-10T23:00:00");
    let refused = world.create(half).await;
    assert_eq!(refused.refusal(), (400, "ErrorInvalidRequest"));
    assert!(refused.body["error"]["message"].as_str().unwrap().contains("set to midnight"));
    world.clean();
}

#[tokio::test]
async fn what_the_description_does_not_have_is_refused() {
    let world = world().await;
    let mut event = at_ten(10, "A");
    event["uid"] = json!("x");
    assert_eq!(world.create(event).await.refusal(), (400, "RequestBodyRead"));
    let mut event = at_ten(10, "A");
    event["showAs"] = json!("Busy");
    assert_eq!(world.create(event).await.refusal(), (400, "RequestBodyRead"));
    let select = world.get("/me/events?$select=uid").await;
    assert_eq!(select.refusal(), (400, "RequestBroker--ParseUri"));
    assert_eq!(world.get("/me/mailboxSettings").await.refusal(), (400, "BadRequest"));
    let delta =
        "/calendarView/delta?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z";
    for option in ["$select=id", "$top=5", "$expand=calendar"] {
        assert_eq!(world.get(&world.within(&format!("{delta}&{option}"))).await.status, 400);
    }
    assert_eq!(world.graph.violations().len(), 6);
    assert!(world.graph.violations().iter().all(|words| !words.contains("own answer")));
}

#[tokio::test]
async fn five_at_once_are_one_too_many() {
    let world = world().await;
    world.graph.manners(|manners| {
        manners.latency = std::time::Duration::from_millis(300);
        manners.throttled_with = 503;
    });
    let all: Vec<_> = (0..6).map(|_| world.raw("GET", "/me/calendars", &[], None)).collect();
    let answers = futures::future::join_all(all).await;
    let throttled: Vec<&Answer> = answers.iter().filter(|a| a.status == 503).collect();
    assert_eq!((throttled.len(), throttled[0].header("retry-after")), (2, "1"));
    assert!(throttled[0].text().contains("MailboxConcurrency"));
    assert_eq!((world.graph.busiest(), world.graph.throttled()), (4, 2));
}
