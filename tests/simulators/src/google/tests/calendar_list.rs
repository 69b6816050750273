//! The list of calendars.

use super::*;

#[tokio::test]
async fn every_sort_of_calendar_is_listed_with_what_may_be_done_there() {
    let w = world().await;
    for (title, sort, role) in [
        ("Room 1", Sort::Resource, Role::Writer),
        ("Holidays", Sort::Holidays, Role::Owner),
        ("Club", Sort::Import, Role::Reader),
        ("Boss", Sort::Secondary, Role::FreeBusyReader),
    ] {
        w.anna.calendar_of(title, sort, role);
    }
    let list = w.ask("GET", "users/me/calendarList", None).await;
    let seen: Vec<(&str, &str)> = list.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["summary"].as_str().unwrap(), c["accessRole"].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ("anna@example.org", "owner"),
            ("Work", "owner"),
            ("Room 1", "writer"),
            ("Holidays", "reader"),
            ("Club", "reader"),
            ("Boss", "freeBusyReader")
        ]
    );
    assert_eq!(
        (&list.body["items"][0]["primary"], list.body["items"][1].get("primary")),
        (&json!(true), None)
    );
    for (n, end) in [
        "@example.org",
        "@group.calendar.google.com",
        "@resource.calendar.google.com",
        "@group.v.calendar.google.com",
        "@import.calendar.google.com",
    ]
    .iter()
    .enumerate()
    {
        assert!(list.ids()[n].ends_with(end), "{end}");
    }
    assert_eq!(
        w.ask("GET", "users/me/calendarList?minAccessRole=writer", None).await.ids().len(),
        3
    );
    assert_eq!(
        w.ask("GET", "users/me/calendarList/primary", None).await.text("id"),
        "anna@example.org"
    );
    w.clean();
}

#[tokio::test]
async fn it_comes_in_pages_and_then_by_what_changed() {
    let w = world().await;
    let private = w.anna.calendar("Private");
    w.anna.hides(&private, true);
    let first = w.ask("GET", "users/me/calendarList?maxResults=1", None).await;
    assert_eq!(
        (first.ids(), first.text("nextSyncToken")),
        (vec!["anna@example.org".to_owned()], "")
    );
    let rest =
        format!("users/me/calendarList?maxResults=1&pageToken={}", first.text("nextPageToken"));
    let rest = w.ask("GET", &rest, None).await;
    assert_eq!(rest.ids(), [w.work.id()], "hidden ones are not listed");
    assert_eq!(w.ask("GET", "users/me/calendarList?showHidden=true", None).await.ids().len(), 3);
    let since = format!("users/me/calendarList?syncToken={}", encode(rest.text("nextSyncToken")));
    assert_eq!(w.ask("GET", &since, None).await.ids(), Vec::<String>::new());
    w.anna.renames(&w.work, "Mine");
    w.anna.loses(&private);
    let changed = w.ask("GET", &since, None).await;
    assert_eq!(
        (&changed.body["items"][0]["summaryOverride"], &changed.body["items"][1]["deleted"]),
        (&json!("Mine"), &json!(true))
    );
    let refused = w.ask("GET", &format!("{since}&minAccessRole=writer"), None).await;
    assert_eq!(refused.refusal(), (400, "syncTokenWithRequestRestrictions"));
}

#[tokio::test]
async fn who_may_only_read_cannot_write_and_who_may_not_see_finds_nothing() {
    let w = world().await;
    w.work.put("lunch1", at_ten(11, "Lunch"));
    w.work.put("secret", {
        let mut event = at_ten(12, "Doctor");
        event["visibility"] = json!("private");
        event
    });
    let ben = w.server.account("ben@example.org");
    let w = World { token: ben.access_token(), ..w };
    assert_eq!(w.list("").await.refusal(), (404, "notFound"));
    ben.sees(&w.work, Role::Reader);
    let seen = w.list("").await;
    assert_eq!(
        (seen.text("accessRole"), &seen.body["items"][0]["summary"]),
        ("reader", &json!("Lunch"))
    );
    assert!(seen.body["items"][1].get("summary").is_none(), "private ones say when, and no more");
    assert_eq!(w.insert(at_ten(13, "Tea")).await.refusal(), (403, "requiredAccessLevel"));
    assert_eq!(
        w.patch("lunch1", json!({"summary": "Tea"})).await.refusal(),
        (403, "requiredAccessLevel")
    );
    assert_eq!(w.delete("lunch1").await.refusal(), (403, "requiredAccessLevel"));
    ben.sees(&w.work, Role::FreeBusyReader);
    assert!(w.list("").await.body["items"][0].get("summary").is_none());
    ben.sees(&w.work, Role::Writer);
    assert_eq!(w.insert(at_ten(13, "Tea")).await.status, 200);
    let token = encode(w.list("").await.text("nextSyncToken"));
    ben.sees(&w.work, Role::Writer);
    assert_eq!(w.list(&format!("syncToken={token}")).await.status, 200, "nothing has changed");
    ben.sees(&w.work, Role::Owner);
    assert_eq!(
        w.list(&format!("syncToken={token}")).await.refusal(),
        (410, "fullSyncRequired"),
        "other rights, other tokens"
    );
    ben.loses(&w.work);
    assert_eq!(w.list("").await.refusal(), (404, "notFound"));
    w.clean();
}
