//! The description over itself, and the simulator against it.

use std::collections::BTreeSet;

use super::*;
use crate::graph::schema::{SCHEMA, Schema};

fn file() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

#[test]
fn every_type_that_the_file_names_is_in_it() {
    let file = file();
    let known = |kind: &str| {
        kind.starts_with("Edm.")
            || ["entities", "complex", "enums"].iter().any(|part| file[part].get(kind).is_some())
    };
    // Their members are skipped there, and no answer of a calendar has them.
    let skipped = ["changeNotificationEncryptedContent"];
    for part in ["entities", "complex"] {
        for (name, kind) in file[part].as_object().unwrap() {
            let all = [&kind["properties"], &kind["navigation"]];
            for (member, said) in all.iter().filter_map(|m| m.as_object()).flatten() {
                let text = said["type"].as_str().unwrap();
                let inner = text.trim_start_matches("Collection(").trim_end_matches(')');
                assert!(known(inner) || skipped.contains(&inner), "{name}.{member}: {text}");
            }
        }
    }
}

#[test]
fn every_operation_of_the_file_is_found_by_its_path() {
    for name in file()["operations"].as_object().unwrap().keys() {
        let (verb, pattern) = name.split_once(' ').unwrap();
        let path = pattern.replace(['{', '}'], "");
        let found = Schema::get().route(verb, &path).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(found.name, name);
        assert_eq!(found.ids.len(), pattern.matches('{').count());
    }
    assert!(Schema::get().route("GET", "/me/events/delta").is_none_or(|o| o.ids == ["delta"]));
    assert!(Schema::get().route("PUT", "/me/calendars").is_none());
    assert!(Schema::get().route("GET", "/me/messages").is_none());
}

#[test]
fn what_is_not_of_a_type_is_named_and_not_quoted() {
    let schema = Schema::get();
    let wrong = |event: Value| schema.check_sent("event", &event);
    assert_eq!(wrong(json!({"subject": "x", "start": {"dateTime": "d"}})), Vec::<String>::new());
    assert_eq!(wrong(json!({"secretive": "words"})), ["event.secretive does not exist"]);
    assert_eq!(wrong(json!({"subject": 5})), ["event.subject: not a Edm.String"]);
    assert_eq!(wrong(json!({"showAs": "words"})), ["event.showAs: no value of freeBusyStatus"]);
    assert_eq!(wrong(json!({"categories": "words"})), ["event.categories: not a collection"]);
    assert_eq!(wrong(json!({"start": {"zone": 1}})), ["event.start.zone does not exist"]);
    assert_eq!(wrong(json!({"id": null})), ["event.id: null"]);
    assert_eq!(wrong(json!({"uid": "words"})).len(), 1, "only answers have it");
    let answer =
        json!({"@odata.context": "x", "value": [{"id": "1", "uid": "x", "type": "other"}]});
    assert_eq!(schema.check_answer("event", &answer), ["event.type: no value of eventType"]);
    let body = json!({"id": "x", "changeKey": "x", "subject": "x"});
    assert_eq!(schema.read_only("event", body.as_object().unwrap()).len(), 2);
}

/// Answers of every kind have every member that the file has, and no other.
#[tokio::test]
async fn answers_have_every_member_of_their_type() {
    let world = world().await;
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut note = |kind: &'static str, value: &Value| {
        let members = value.as_object().unwrap().keys().cloned();
        seen.extend(members.map(|member| (kind, member)));
    };
    let mut event = weekly(3, "Series", "tuesday");
    event["singleValueExtendedProperties"] = json!([{"id": MARK, "value": "h1"}]);
    let id = world.create(event).await.id();
    let exception = world.work.occurrence(&id, "2026-03-10");
    note("event", &world.patch(&exception, json!({"subject": "Other"})).await.body);
    world.delete(&world.work.occurrence(&id, "2026-03-17")).await;
    let expand =
        format!("singleValueExtendedProperties($filter=id eq '{MARK}'),exceptionOccurrences");
    let select = "singleValueExtendedProperties,cancelledOccurrences,exceptionOccurrences";
    let path = format!("/me/events/{}?$select={select}&$expand={}", encode(&id), encode(&expand));
    note("event", &world.get(&path).await.body);
    note("calendar", &world.get(&world.within("")).await.body);
    let path = format!("/me/events/{}/calendar", encode(&id));
    assert_eq!(world.get(&path).await.id(), world.work.id());
    let subscription = json!({
        "changeType": "updated", "notificationUrl": "https://calrelay.example.org/hook",
        "resource": "me/events", "expirationDateTime": "2026-03-12T12:00:00Z",
    });
    let made = world.ask("POST", "/subscriptions", Some(subscription)).await;
    assert_eq!(made.status, 201, "{made:?}");
    note("subscription", &made.body);
    world.clean();
    for kind in ["event", "calendar", "subscription"] {
        for member in Schema::get().properties(kind).unwrap().keys() {
            assert!(seen.contains(&(kind, member.clone())), "{kind}.{member} is in no answer");
        }
    }
    for member in file()["absentInV1"]["event"].as_array().unwrap() {
        let name = member.as_str().unwrap();
        assert!(!Schema::get().has("event", name), "{name}");
    }
}

#[tokio::test]
async fn every_value_of_the_enums_is_taken_and_comes_back() {
    let world = world().await;
    for (member, kind) in
        [("showAs", "freeBusyStatus"), ("sensitivity", "sensitivity"), ("importance", "importance")]
    {
        for value in Schema::get().values(kind) {
            let mut event = at_ten(10, value);
            event[member] = json!(value);
            assert_eq!(world.create(event).await.text(member), value);
        }
    }
    world.clean();
}

#[test]
fn the_readme_names_every_switch() {
    let manners = include_str!("../manners.rs");
    let readme = include_str!("../README.md");
    let (_, fields) = manners.split_once("pub struct Manners {").unwrap();
    let (fields, _) = fields.split_once("\n}").unwrap();
    let switches: Vec<&str> = fields
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next())
        .collect();
    assert!(switches.len() > 40);
    for switch in switches {
        assert!(readme.contains(&format!("| `{switch}` |")), "{switch} is not in the README");
    }
}
