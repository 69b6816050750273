//! Switches in the position that is not the default, where no other test has them so.

use super::consent::pair;
use super::delta::RANGE;
use super::*;

#[tokio::test]
async fn a_deleted_series_may_be_an_entry_for_each_occurrence() {
    let world = world().await;
    let series = world.work.add(weekly(17, "Series", "tuesday"));
    let (_, link) = world.round(&world.within(RANGE)).await;
    world.graph.manners(|manners| manners.deleted_series_is_one = false);
    world.work.remove(&series);
    let page = world.get(&link).await;
    let ids: Vec<&Value> = page.items().iter().map(|item| &item["id"]).collect();
    let days = ["2026-03-17", "2026-03-24", "2026-03-31"];
    assert_eq!(ids, days.map(|day| world.work.occurrence(&series, day)).each_ref());
    world.clean();
}

#[tokio::test]
async fn masters_may_be_named_and_outsiders_passed_over() {
    let world = world().await;
    world.graph.manners(|manners| {
        (manners.names_masters, manners.removes_outsiders) = (true, false);
    });
    let series = world.work.add(weekly(24, "Series", "tuesday"));
    let page = world.get(&world.within(RANGE)).await;
    assert_eq!(page.titles(), ["Series", "03-24", "03-31"]);
    let master = &page.items()[0];
    assert_eq!((&master["id"], &master["type"]), (&json!(series), &json!("seriesMaster")));
    let link = page.text("@odata.deltaLink").to_owned();
    world.work.add(json!({
        "subject": "Outside",
        "start": {"dateTime": "2026-06-01T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-06-01T11:00:00", "timeZone": "UTC"},
    }));
    assert_eq!(world.round(&link).await.0, Vec::<String>::new());
    world.clean();
}

#[tokio::test]
async fn answers_may_have_less() {
    let world = world().await;
    let id = world.work.add(at_ten(10, "Lunch"));
    let event = world.event(&id).await;
    assert!(event.body.get("uid").is_some());
    assert_eq!(event.body["responseStatus"]["response"], "organizer");
    world.graph.manners(|manners| {
        (manners.extra_members, manners.organizer_responds) = (false, false);
    });
    let event = world.event(&id).await;
    assert!(event.body.get("uid").is_none());
    assert_eq!(event.body["responseStatus"]["response"], "none");
    assert!(world.get(&world.within("")).await.body.get("groupClassId").is_none());
    world.clean();
}

#[tokio::test]
async fn an_expanded_property_may_need_no_select() {
    let world = world().await;
    let mut event = at_ten(10, "Lunch");
    event["singleValueExtendedProperties"] = json!([{"id": MARK, "value": "h1"}]);
    let id = world.create(event).await.id();
    world.graph.manners(|manners| {
        (manners.expanded_needs_select, manners.presence_filter) = (false, true);
    });
    let expand = encode(&format!("singleValueExtendedProperties($filter=id eq '{MARK}')"));
    let path = format!("/me/events/{}?$select=subject&$expand={expand}", encode(&id));
    assert!(world.get(&path).await.body.get("singleValueExtendedProperties").is_some());
    world.work.add(at_ten(11, "Unmarked"));
    let filter =
        format!("singleValueExtendedProperties/Any(ep: ep/id eq '{MARK}' and ep/value ne null)");
    let found = world.get(&format!("/me/events?$filter={}", encode(&filter))).await;
    assert_eq!(found.titles(), ["Lunch"]);
    world.clean();
}

#[tokio::test]
async fn a_stale_etag_may_be_409() {
    let world = world().await;
    world.graph.manners(|manners| manners.stale_is_412 = false);
    let id = world.work.add(at_ten(10, "Lunch"));
    let path = format!("/me/events/{}", encode(&id));
    let refused = world.with("DELETE", &path, &[("if-match", "W/\"old\"")], None).await;
    assert_eq!(refused.refusal(), (409, "ErrorIrresolvableConflict"));
    world.clean();
}

#[tokio::test]
async fn fewer_zones_and_shorter_recurrences() {
    let world = world().await;
    let in_zone = |zone: &str| {
        let mut event = at_ten(10, zone);
        for name in ["start", "end"] {
            event[name]["timeZone"] = json!(zone);
        }
        event
    };
    let british_columbia = "British Columbia Standard Time";
    assert_eq!(world.create(in_zone(british_columbia)).await.status, 201);
    world.graph.manners(|manners| {
        manners.newer_zone_names = false;
        manners.zone_names = ZoneNames::Windows;
    });
    assert_eq!(world.create(in_zone(british_columbia)).await.status, 400);
    assert_eq!(world.create(in_zone("Europe/Berlin")).await.status, 400);
    assert_eq!(world.create(in_zone("Pacific Standard Time")).await.status, 201);
    world.graph.manners(|manners| manners.zone_names = ZoneNames::UtcOnly);
    assert_eq!(world.create(in_zone("Pacific Standard Time")).await.status, 400);
    assert_eq!(world.create(in_zone("UTC")).await.status, 201);
    world.graph.manners(|manners| {
        manners.zone_names = ZoneNames::All;
        (manners.largest_interval, manners.largest_count) = (4, 10);
    });
    let repeated = |interval: u32, count: u32| {
        let mut event = weekly(10, "Series", "tuesday");
        event["recurrence"]["pattern"]["interval"] = json!(interval);
        event["recurrence"]["range"] =
            json!({"type": "numbered", "startDate": "2026-03-10", "numberOfOccurrences": count});
        event
    };
    assert_eq!(world.create(repeated(4, 10)).await.status, 201);
    assert_eq!(world.create(repeated(5, 10)).await.status, 400);
    assert_eq!(world.create(repeated(4, 11)).await.status, 400);
    world.clean();
}

#[tokio::test]
async fn subscriptions_may_be_doubled_and_are_not_without_end() {
    let world = world().await;
    world.graph.manners(|manners| {
        (manners.one_subscription, manners.subscriptions) = (false, 2);
    });
    let wanted = json!({
        "changeType": "updated", "notificationUrl": "https://calrelay.example.org/hook",
        "resource": "me/events", "expirationDateTime": "2026-03-12T12:00:00Z",
    });
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(world.ask("POST", "/subscriptions", Some(wanted.clone())).await.status);
    }
    assert_eq!(statuses, [201, 201, 403]);
    let one = world.graph.subscriptions()[0].0.clone();
    assert!(world.graph.subscription_expires(&one).is_some());
    assert!(world.graph.lose_subscription(&one));
    assert_eq!(world.get(&format!("/subscriptions/{one}")).await.status, 404);
    let calendar = format!("me/calendars/{}/events", encode(&world.work.id()));
    let mut of_one = wanted;
    of_one["resource"] = json!(calendar);
    assert_eq!(world.ask("POST", "/subscriptions", Some(of_one)).await.status, 201);
    world.anna.primary().add(at_ten(10, "Elsewhere"));
    world.work.add(at_ten(10, "Here"));
    let mut sizes: Vec<usize> = world
        .graph
        .subscriptions()
        .iter()
        .map(|(id, _)| world.graph.pushes().sent().iter().filter(|p| p.subscription == *id).count())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 4], "of the one calendar, and of all");
    world.clean();
}

#[tokio::test]
async fn grants_end_and_refusals_have_other_words() {
    let world = world().await;
    let token = world.anna.refresh_token();
    world.graph.manners(|manners| manners.earlier_scopes = vec!["User.Read".to_owned()]);
    let given = world.refresh(&token).await;
    assert!(given.text("scope").split(' ').any(|scope| scope == "User.Read"));
    world.graph.manners(|manners| {
        manners.interaction_is_invalid_grant = true;
        manners.unknown_number = ("interaction_required", "additional_action");
    });
    world.anna.is_refused_with(Some(50_079));
    let refused = world.refresh(&token).await;
    let said = (refused.text("error"), refused.text("suberror"));
    assert_eq!(said, ("invalid_grant", "basic_action"));
    world.graph.manners(|manners| manners.interaction_is_invalid_grant = false);
    world.anna.is_refused_with(Some(99_999));
    let refused = world.refresh(&token).await;
    let said = (refused.text("error"), refused.text("suberror"));
    assert_eq!(said, ("interaction_required", "additional_action"));
    world.anna.is_refused_with(None);
    world.anna.withdraws_consent();
    assert_eq!(world.refresh(&token).await.body["error_codes"], json!([65_001]));
    world.graph.manners(|manners| manners.refresh_token_days = 1);
    let short = world.anna.refresh_token();
    world.graph.clock().advance(jiff::SignedDuration::from_hours(25));
    assert_eq!(world.refresh(&short).await.body["error_codes"], json!([700_082]));
    assert_eq!(world.get("/me/calendars").await.status, 401);
    world.clean();
}

#[tokio::test]
async fn an_id_token_may_be_wrong_in_every_way() {
    let world = world().await;
    let token = world.anna.refresh_token();
    let mut claims = Vec::new();
    for wrong in
        [IdToken::OtherAudience, IdToken::OtherNonce, IdToken::OtherIssuer, IdToken::Expired]
    {
        world.graph.manners(|manners| manners.id_token = wrong);
        let said = world.refresh(&token).await;
        claims.push(world.claims(said.text("id_token")).await.expect("well signed"));
    }
    assert_ne!(claims[0]["aud"], CLIENT_ID);
    assert_eq!(claims[1]["nonce"], "the nonce of another sign-in");
    assert!(!claims[2]["iss"].as_str().unwrap().contains(world.anna.tenant().id()));
    assert!(claims[3]["exp"].as_i64().unwrap() < world.graph.clock().now().as_second());
    for (wrong, dots) in [(IdToken::Missing, 0), (IdToken::Unsigned, 2)] {
        world.graph.manners(|manners| manners.id_token = wrong);
        let said = world.refresh(&token).await;
        assert_eq!(said.text("id_token").matches('.').count(), dots, "{wrong:?}");
    }
    world.graph.manners(|manners| {
        (manners.id_token, manners.issuer) =
            (IdToken::Right, "https://login.example.org".to_owned());
    });
    let said = world.refresh(&token).await;
    let claims = world.claims(said.text("id_token")).await.unwrap();
    assert!(claims["iss"].as_str().unwrap().starts_with("https://login.example.org/"));
    world.clean();
}

#[tokio::test]
async fn a_code_is_for_its_verifier_its_address_and_ten_minutes() {
    let world = world().await;
    let address = world.authorize("common", |_| {});
    let back = world.anna.consents(&address, Consent::All).await.unwrap();
    let code = pair(&back, "code");
    let grant = ("grant_type", "authorization_code");
    let redirect = "http://127.0.0.1:8080/oauth/microsoft/callback";
    let other = "another-verifier-of-forty-three-characters-00";
    let wrong = [grant, ("code", &code), ("redirect_uri", redirect), ("code_verifier", other)];
    assert_eq!(world.token(&wrong).await.body["error_codes"], json!([501_481]));
    let wrong = [grant, ("code", &code), ("redirect_uri", "http://127.0.0.1/x")];
    assert_eq!(world.token(&wrong).await.body["error_codes"], json!([500_112]));
    world.graph.clock().advance(jiff::SignedDuration::from_mins(10));
    assert_eq!(world.redeem(&code).await.body["error_codes"], json!([70_008]));
    world.clean();
    let unknown = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("resource", "y")];
    assert_eq!(world.token(&unknown).await.body["error_codes"], json!([70_000]));
    assert_eq!(world.graph.violations(), ["token: unknown parameter resource"]);
}
