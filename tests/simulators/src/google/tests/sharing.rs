//! One calendar that two accounts see, and events that are duplicated with their extended
//! properties.

use super::*;
use crate::person::Person;

#[tokio::test]
async fn two_accounts_see_one_calendar() {
    let w = world().await;
    let ben = w.server.account("ben@example.org");
    ben.sees(&w.work, Role::Writer);
    let token = ben.access_token();
    let path = format!("calendars/{}/events", w.work.id().replace('@', "%40"));
    let ask = async |token: &str, path: &str| {
        let address = format!("/calendar/v3/{path}");
        let answer = w
            .client
            .send("GET", &address, &[("authorization", &format!("Bearer {token}"))], "")
            .await
            .unwrap();
        Said {
            status: answer.status,
            body: serde_json::from_slice(&answer.body).unwrap_or_default(),
        }
    };
    w.work.put(
        "lunch",
        json!({"summary": "Lunch", "start": {"date": "2026-03-11"}, "end": {"date": "2026-03-12"}}),
    );
    let (hers, his) = (ask(&w.token, &path).await, ask(&token, &path).await);
    assert_eq!(
        (hers.ids(), &hers.body["items"][0]["etag"]),
        (his.ids(), &his.body["items"][0]["etag"])
    );
    let news = format!("{path}?syncToken={}", hers.text("nextSyncToken").replace('=', "%3D"));
    w.work.remove("lunch");
    assert_eq!(
        ask(&token, &news).await.ids(),
        ["-lunch"],
        "a token of one account is valid for the other"
    );
    let list = ask(&token, "users/me/calendarList").await;
    assert!(list.ids().contains(&w.work.id().to_owned()), "{list:?}");
    w.clean();
}

#[tokio::test]
async fn a_duplicate_keeps_private_properties_and_gets_a_uid() -> anyhow::Result<()> {
    let w = world().await;
    let at = |hour: u8| json!({"dateTime": format!("2026-03-11T{hour}:00:00Z"), "timeZone": "UTC"});
    let series = json!({
        "summary": "Daily", "start": at(10), "end": at(11), "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"],
        "extendedProperties": {"private": {"calrelayOrigin": "mark"}},
    });
    w.work.put("daily", series);
    w.work.remove("daily_20260312T100000Z");
    w.work.patch("daily_20260313T100000Z", json!({"summary": "Moved"}));
    assert!(w.work.duplicate("daily", "again") && !w.work.duplicate("none", "never"));
    let (one, two) = (w.work.get("daily").unwrap(), w.work.get("again").unwrap());
    assert_eq!(
        (&two["extendedProperties"], &two["recurrence"]),
        (&one["extendedProperties"], &one["recurrence"])
    );
    assert_ne!(one["iCalUID"], two["iCalUID"]);
    assert_eq!(w.work.get("again_20260312T100000Z").unwrap()["status"], "cancelled");
    assert_eq!(w.work.get("again_20260313T100000Z").unwrap()["summary"], "Moved");

    let person = Person::from(w.work.clone());
    assert!(
        person
            .cut(
                "again.ics",
                "20260314T100000Z",
                crate::person::Ending::Count,
                ("rest.ics", "rest"),
                str::to_owned
            )
            .await?
    );
    let marked = |item: &&Value| {
        item["extendedProperties"]["private"]["calrelayOrigin"] == "mark"
            && item.get("recurringEventId").is_none()
    };
    assert_eq!(w.work.items().iter().filter(marked).count(), 3);
    let objects = person.objects().await?;
    let rest = &objects.iter().find(|(name, _)| name == "rest.ics").unwrap().1;
    assert!(rest.contains("RRULE:FREQ=DAILY;COUNT=2"), "{rest}");
    let primary = Person::from(w.anna.primary());
    assert!(person.move_to(&primary, "rest.ics").await?);
    assert_eq!((primary.objects().await?.len(), person.objects().await?.len()), (1, 2));
    Ok(())
}
