//! Changes of both sides that met are recorded, by time and names of fields.

use engine::plan::Outcome;
use jiff::SignedDuration;
use jiff::civil::date;
use records::pair_state::conflicts::ConflictRow;

use super::env::{DRY, PairEnv};
use super::sample_events::{april, on};
use crate::conflicts::{self, ConflictPage};
use crate::{Error, status};

impl PairEnv {
    async fn conflicts(&self) -> Vec<ConflictRow> {
        let page = conflicts::list(&self.scope, &self.pair.id, None, 200).await.unwrap();
        let count = status(&self.scope, 60).await.unwrap().pairs[0].conflicts;
        assert_eq!((page.next, count), (None, page.conflicts.len() as u64));
        page.conflicts
    }

    fn both(&self, [origin, from]: [&str; 2], [copy, to]: [&str; 2]) {
        self.from().change(origin, |event| event.content.title = from.into());
        self.to().change(copy, |event| event.content.title = to.into());
    }
}

async fn dentist() -> (PairEnv, String) {
    let env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    (env, copy)
}

#[tokio::test]
async fn of_one_field_that_both_changed_the_side_that_wins_is_recorded() {
    let (env, copy) = dentist().await;
    assert_eq!(env.conflicts().await, []);
    env.both(["dentist.ics", "Dr Who"], [&copy, "Dr No"]);
    env.run(DRY).await;
    assert_eq!(env.conflicts().await, [], "a dry run writes nothing");
    env.pass().await;
    let found = env.conflicts().await;
    let row = ConflictRow {
        event: "dentist.ics".into(),
        calendar: env.pair.from.clone(),
        at: env.scope.clock.now(),
        start: Some("2026-04-01T09:00:00Z".into()),
        fields: vec!["title".into()],
        outcome: Outcome::FromWins,
    };
    assert_eq!(found, [row]);
    env.rest().await;
    assert_eq!(env.conflicts().await.len(), 1, "once");
    let text = serde_json::to_string(&found).unwrap();
    assert!(!text.contains("Dr") && text.contains("\"from_wins\""), "{text}");
}

#[tokio::test]
async fn an_event_of_the_second_calendar_wins_there() {
    let env = PairEnv::two_way().await;
    env.to().put(april("swim", 2));
    env.pass().await;
    let copy = env.copy("swim.ics").await;
    env.both([&copy, "Dive"], ["swim.ics", "Float"]);
    env.pass().await;
    let found = env.conflicts().await;
    assert_eq!((found[0].outcome, &found[0].calendar), (Outcome::ToWins, &env.pair.to));
}

#[tokio::test]
async fn different_fields_are_merged() {
    let (env, copy) = dentist().await;
    env.from().change("dentist.ics", |event| event.content.title = "Dr Who".into());
    env.to().change(&copy, |event| event.content.span = on(date(2026, 4, 5)));
    env.pass().await;
    let found = env.conflicts().await;
    assert_eq!((found.len(), found[0].outcome), (1, Outcome::Merged));
    assert_eq!(found[0].fields, ["time", "title"]);
    env.rest().await;
}

#[tokio::test]
async fn an_edit_wins_over_a_deletion() {
    let (env, copy) = dentist().await;
    env.from().put(april("walk", 2));
    env.pass().await;
    let walk = env.copy("walk.ics").await;
    env.from().change("dentist.ics", |event| event.content.title = "Dr Who".into());
    env.to().remove(&copy);
    env.to().change(&walk, |event| event.content.title = "Run".into());
    env.from().remove("walk.ics");
    env.pass().await;
    let found = env.conflicts().await;
    assert!(found.iter().all(|row| row.outcome == Outcome::EditWins && row.fields == ["title"]));
    let again = env.one(0, "Run").id.to_string();
    let mut events: Vec<_> = found.iter().map(|row| row.event.clone()).collect();
    events.sort();
    let mut wanted = vec!["dentist.ics".to_owned(), again];
    wanted.sort();
    assert_eq!(events, wanted, "by the names that they have now");
}

#[tokio::test]
async fn changes_of_one_side_are_no_conflict() {
    let (env, copy) = dentist().await;
    env.from().change("dentist.ics", |event| event.content.title = "Dr Who".into());
    env.pass().await;
    env.to().change(&copy, |event| event.content.title = "Dr No".into());
    env.pass().await;
    env.both(["dentist.ics", "Dr Strange"], [&copy, "Dr Strange"]);
    env.pass().await;
    env.from().remove("dentist.ics");
    env.pass().await;
    assert_eq!(env.conflicts().await, []);
}

#[tokio::test]
async fn conflicts_are_paged_and_end_after_thirty_days() {
    let env = PairEnv::two_way().await.filled(25).await;
    let origins: Vec<_> = env.from().all().iter().map(|event| event.id.to_string()).collect();
    for origin in &origins {
        let copy = env.copy(origin).await;
        env.both([origin, "one"], [&copy, "other"]);
    }
    env.pass().await;
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = conflicts::list(&env.scope, &env.pair.id, cursor.as_deref(), 10).await.unwrap();
        let ConflictPage { conflicts, next } = page;
        all.extend(conflicts.into_iter().map(|row| row.event));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    all.sort();
    let mut wanted = origins.clone();
    wanted.sort();
    assert_eq!(all, wanted);
    for cursor in ["", "x", "1", "-", "9-9", "00-1", "1-1-1", "-1-0", "99999999999999999999-0"] {
        let page = conflicts::list(&env.scope, &env.pair.id, Some(cursor), 10).await;
        assert!(matches!(page, Err(Error::NotFound(_))), "{cursor}: {page:?}");
    }
    let rows = async || {
        let (store, pair) = (&*env.scope.store, env.pair.id.as_str());
        store.scan(store::Table::Pairs, pair, "c:", None, 1000).await.unwrap().len()
    };
    assert_eq!(rows().await, 2);
    env.wait(SignedDuration::from_hours(24 * 32));
    env.pass().await;
    assert_eq!((env.conflicts().await.len(), rows().await), (0, 0), "deleted by the nightly pass");
}
