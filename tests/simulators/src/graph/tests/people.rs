use super::*;

#[tokio::test]
async fn a_shared_calendar_needs_its_own_permission_and_hides_private_events() {
    let world = world().await;
    let ben = world.graph.account("ben@example.org");
    let theirs = ben.calendar("Theirs");
    let mut private = at_ten(10, "Doctor");
    private["sensitivity"] = json!("private");
    theirs.add(private);
    world.anna.sees(&theirs, false, false);
    let all = world.get("/me/calendars?$top=100").await;
    assert_eq!(all.items()[2]["owner"]["address"], "ben@example.org");
    assert_eq!(all.items()[2]["canEdit"], false);
    let path = format!(
        "/me/calendars/{}/calendarView?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z",
        encode(&theirs.id())
    );
    assert_eq!(world.get(&path).await.refusal(), (403, "ErrorAccessDenied"));
    let token = world.anna.access_token_for(&["Calendars.ReadWrite", "Calendars.ReadWrite.Shared"]);
    let world = World { token, ..world };
    assert_eq!(world.get(&path).await.titles(), ["Private Appointment"]);
    let path_of_events = format!("/me/calendars/{}/events", encode(&theirs.id()));
    let made = world.ask("POST", &path_of_events, Some(at_ten(11, "Mine"))).await;
    assert_eq!(made.refusal(), (403, "ErrorAccessDenied"), "it cannot be edited");
    world.anna.loses(&theirs);
    assert_eq!(world.get(&path).await.status, 404);
    world.clean();
}

#[tokio::test]
async fn meetings_are_cancelled_and_declined() {
    let world = world().await;
    let guests: Vec<String> = (0..500).map(|n| format!("guest{n}@example.org")).collect();
    let guests: Vec<&str> = guests.iter().map(String::as_str).collect();
    let id = world.work.add_invited(at_ten(10, "All hands"), "chief@example.org", &guests);
    let read = world.event(&id).await;
    assert_eq!(read.body["attendees"].as_array().unwrap().len(), 500);
    assert_eq!(
        (&read.body["isOrganizer"], &read.body["isCancelled"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(read.body["organizer"]["emailAddress"]["address"], "chief@example.org");
    assert_eq!(read.body["responseStatus"]["response"], "notResponded");
    assert!(read.text("transactionId").starts_with("localevent:"));
    world.work.is_cancelled(&id);
    assert_eq!(world.event(&id).await.body["isCancelled"], true);
    assert!(world.work.responds(&id, "declined"));
    assert!(world.work.is_empty());
    world.clean();
}

#[tokio::test]
async fn events_are_moved_duplicated_and_their_calendar_deleted() {
    let world = world().await;
    let mut event = at_ten(10, "Lunch");
    event["singleValueExtendedProperties"] = json!([{"id": MARK, "value": "h1"}]);
    let id = world.create(event).await.id();
    let copy = world.work.duplicate(&id).unwrap();
    assert_eq!(world.work.mark(&copy, MARK).as_deref(), Some("h1"));
    assert_ne!(world.work.get(&copy).unwrap()["iCalUId"], world.work.get(&id).unwrap()["iCalUId"]);
    let other = world.anna.calendar("Other");
    assert!(world.work.move_to(&other, &id));
    assert_eq!(world.event(&id).await.status, 200, "the immutable id stays");
    let within = world.within(&format!("/events/{}", encode(&id)));
    assert_eq!(world.get(&within).await.status, 404);
    let path = format!("/me/events/{}/calendar", encode(&id));
    assert_eq!(world.get(&path).await.text("name"), "Other");
    let plain = [("prefer", "outlook.timezone=\"UTC\", outlook.body-content-type=\"text\"")];
    let list = format!("/me/events/{}", encode(&id));
    let regular = world.with("GET", &list, &plain, None).await.id();
    assert!(other.move_to(&world.work, &id));
    assert_eq!(world.event(&regular).await.status, 404, "a move costs the regular id");
    assert_eq!(world.event(&id).await.status, 200);
    world.anna.deletes(&world.work);
    assert_eq!(world.get(&world.within("")).await.refusal(), (404, "ErrorItemNotFound"));
    assert_eq!(world.graph.without_id_type(), 1);
}

#[tokio::test]
async fn regular_ids_come_although_immutable_ones_are_asked_for() {
    let world = world().await;
    let id = world.create(at_ten(10, "Lunch")).await.id();
    let before = world.event(&id).await;
    world.graph.manners(|manners| manners.regular_ids = true);
    let list = format!("/me/calendars/{}", encode(&world.work.id()));
    assert_eq!(world.get(&list).await.id(), world.work.regular_id());
    let after = world.event(&id).await;
    assert_ne!(after.id(), id);
    assert_eq!(after.text("iCalUId"), before.text("iCalUId"), "the event is the same");
    world.clean();
}

#[tokio::test]
async fn bodies_are_text_or_html_as_it_is_asked() {
    let world = world().await;
    let mut html = String::from("<html><body><p>Agenda &amp; more</p>");
    for _ in 0..12_000 {
        html.push_str("<p>________________________________________________________________________________</p>");
    }
    html.push_str("<a href=\"https://teams.microsoft.com/l/meetup-join/x\">Join the meeting</a></body></html>");
    assert!(html.len() > 1_000_000);
    let mut event = at_ten(10, "Big");
    event["body"] = json!({"contentType": "html", "content": html});
    let id = world.work.add(event);
    let read = world.event(&id).await;
    assert_eq!(read.body["body"]["contentType"], "text");
    let text = read.body["body"]["content"].as_str().unwrap();
    assert!(text.starts_with("Agenda & more\r\n____"));
    assert!(text.ends_with("Join the meeting<https://teams.microsoft.com/l/meetup-join/x>"));
    assert_eq!(read.text("bodyPreview").chars().count(), 255);
    let made = world.create(at_ten(11, "Text")).await.id();
    world.patch(&made, json!({"body": {"contentType": "text", "content": "a\nb <c>"}})).await;
    assert_eq!(world.event(&made).await.body["body"]["content"], "a\r\nb <c>");
    world.clean();
    let plain = [("prefer", "IdType=\"ImmutableId\", outlook.timezone=\"UTC\"")];
    let path = format!("/me/events/{}", encode(&made));
    let html = world.with("GET", &path, &plain, None).await;
    assert!(html.body["body"]["content"].as_str().unwrap().contains("a<br>\r\nb &lt;c&gt;"));
    assert_eq!(world.graph.violations().len(), 1, "text is not asked for");
}

#[tokio::test]
async fn long_subjects_are_refused_or_cut() {
    let world = world().await;
    let long = "x".repeat(300);
    let refused = world.create(at_ten(10, &long)).await;
    assert_eq!(refused.refusal(), (400, "ErrorPropertyValidationFailure"));
    world.graph.manners(|manners| manners.cuts_subjects = true);
    assert_eq!(world.create(at_ten(10, &long)).await.text("subject").len(), 255);
    world.clean();
}

#[tokio::test]
async fn a_mailbox_may_be_elsewhere() {
    let world = world().await;
    for status in [404, 403, 401] {
        world.anna.set_mailbox(Mailbox::None(status));
        let said = world.get("/me/calendars").await;
        assert_eq!(said.refusal(), (status, "MailboxNotEnabledForRESTAPI"));
    }
    world.anna.set_mailbox(Mailbox::Here);
    assert_eq!(world.get("/me/calendars").await.status, 200);
    world.clean();
}

#[tokio::test]
async fn the_properties_of_a_series_are_those_of_its_occurrences_or_not() {
    let world = world().await;
    let mut event = weekly(3, "Series", "tuesday");
    event["singleValueExtendedProperties"] = json!([{"id": MARK, "value": "h1"}]);
    world.create(event).await;
    let expand = format!("singleValueExtendedProperties($filter=id eq '{MARK}')");
    let path = world.within(&format!(
        "/calendarView?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-03-06T00:00:00Z&$expand={}",
        encode(&expand)
    ));
    let marks = |said: &Said| said.items()[0].get("singleValueExtendedProperties").is_some();
    assert!(marks(&world.get(&path).await));
    world.graph.manners(|manners| manners.occurrences_inherit = false);
    assert!(!marks(&world.get(&path).await));
    world.clean();
}
