//! One person with equal edits as text, at Google.

use super::*;
use crate::person::Person;

const SERIES: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u1\nDTSTART;TZID=Europe/Berlin:20260310T100000\nDURATION:PT30M\nRRULE:FREQ=WEEKLY;COUNT=8\nEXDATE;TZID=Europe/Berlin:20260324T100000\nSUMMARY:Team\\, all\nLOCATION:Here\nEND:VEVENT\nBEGIN:VEVENT\nUID:u1\nRECURRENCE-ID;TZID=Europe/Berlin:20260317T100000\nDTSTART;TZID=Europe/Berlin:20260318T090000\nDTEND;TZID=Europe/Berlin:20260318T100000\nSUMMARY:Moved\nEND:VEVENT\nEND:VCALENDAR\n";

async fn lines(person: &Person) -> Vec<String> {
    person.agenda().await.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn an_object_reads_as_it_was_written() {
    let w = world().await;
    let person = Person::from(w.work.clone());
    person.put("a b.ics", SERIES).await.unwrap();
    person.put("day.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u2\nDTSTART;VALUE=DATE:20260311\nDTEND;VALUE=DATE:20260312\nCLASS:PRIVATE\nTRANSP:TRANSPARENT\nEND:VEVENT\nEND:VCALENDAR\n").await.unwrap();
    person.put("utc.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u3\nDTSTART:20260311T080000Z\nDTEND:20260311T090000Z\nSUMMARY:Call\nEND:VEVENT\nEND:VCALENDAR\n").await.unwrap();
    assert_eq!(
        lines(&person).await,
        [
            "20260310T100000 Europe/Berlin - 20260310T103000 Europe/Berlin  Team, all  @ Here  \
            (FREQ=WEEKLY;COUNT=8)  without 20260324T100000",
            "20260311 - 20260312    [PRIVATE]  [TRANSPARENT]",
            "20260311T080000Z - 20260311T090000Z  Call",
            "20260318T090000 Europe/Berlin - 20260318T100000 Europe/Berlin  Moved  instead of \
            20260317T100000 Europe/Berlin",
        ]
    );
    let names: Vec<String> =
        person.objects().await.unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a b.ics", "day.ics", "utc.ics"]);
    let seen = w.list("").await.ids();
    assert_eq!(
        (seen.len(), seen.iter().filter(|id| id.starts_with('-')).count()),
        (5, 1),
        "a gap is an occurrence that was cancelled"
    );
    w.clean();
}

#[tokio::test]
async fn an_edit_touches_what_it_changes_and_nothing_else() {
    let w = world().await;
    let person = Person::from(w.work.clone());
    person.put("a.ics", SERIES).await.unwrap();
    let id = w.list("").await.ids().remove(0);
    w.work.patch(&id, json!({"extendedProperties": {"private": {"mark": "1"}}, "reminders": {"useDefault": false}}));
    let before = lines(&person).await;
    w.work.patch(&id, json!({"visibility": "public"}));
    let before_public = lines(&person).await;
    assert_eq!(before_public, before, "the public class is not written");
    let revision = w.work.revision();
    assert!(person.edit("a.ics", str::to_owned).await.unwrap());
    assert_eq!(w.work.revision(), revision, "nothing is written that was there already");
    assert!(
        person
            .edit("a.ics", |ics| ics.replacen("LOCATION:Here", "LOCATION:There", 1))
            .await
            .unwrap()
    );
    assert_eq!(w.work.revision(), revision + 1);
    let event = w.work.get(&id).unwrap();
    assert_eq!(
        (&event["location"], &event["extendedProperties"]["private"]["mark"]),
        (&json!("There"), &json!("1"))
    );
    assert_eq!(lines(&person).await.len(), before.len());
    let another = |ics: &str| {
        ics.replacen("END:VEVENT", "EXDATE;TZID=Europe/Berlin:20260407T100000\nEND:VEVENT", 1)
    };
    assert!(person.edit("a.ics", another).await.unwrap());
    assert!(lines(&person).await[0].ends_with("without 20260324T100000  without 20260407T100000"));
    assert!(
        person
            .edit("a.ics", |ics| ics.replace("EXDATE;TZID=Europe/Berlin:20260324T100000\r\n", ""))
            .await
            .unwrap()
    );
    assert!(
        lines(&person).await[0].ends_with("(FREQ=WEEKLY;COUNT=8)  without 20260407T100000"),
        "an occurrence comes back"
    );
    assert!(
        person.edit("a.ics", |ics| ics.replacen("20260310T10", "20260310T11", 2)).await.unwrap()
    );
    assert_eq!(lines(&person).await.len(), 1, "another start discards the exceptions");
    assert!(person.delete("a.ics").await.unwrap() && !person.delete("a.ics").await.unwrap());
    assert!(!person.edit("a.ics", str::to_owned).await.unwrap());
    person.put("a.ics", SERIES).await.unwrap();
    assert_eq!(lines(&person).await, before, "and may be made again");
}

#[tokio::test]
async fn what_somebody_else_has_made_has_its_id_for_a_name() {
    let w = world().await;
    let mut event = weekly(10, "Copy", ";COUNT=3");
    event["id"] = json!("calr0123456789");
    event["recurrence"].as_array_mut().unwrap().push(json!("EXDATE:20260317T080000Z"));
    w.insert(event).await;
    let person = Person::from(w.work.clone());
    assert_eq!(person.objects().await.unwrap()[0].0, "calr0123456789.ics");
    assert!(lines(&person).await[0].ends_with("without 20260317T100000"));
    let revision = w.work.revision();
    assert!(person.edit("calr0123456789.ics", |ics| ics.replace("Copy", "Mine")).await.unwrap());
    assert_eq!(w.work.revision(), revision + 1, "gaps in the rule's lines stay there");
    let event = w.work.get("calr0123456789").unwrap();
    assert_eq!(
        (&event["summary"], &event["recurrence"][1]),
        (&json!("Mine"), &json!("EXDATE:20260317T080000Z"))
    );
    w.clean();
}
