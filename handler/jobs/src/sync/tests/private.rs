//! Copies that show only "Busy".

use engine::event::Visibility;
use engine::reason::Reason;
use jiff::civil::date;

use super::env::{FULL, PairEnv};
use super::sample_events::{april, on};
use super::{all, reasons};

async fn dentist(two_way: bool) -> (PairEnv, String) {
    let env = PairEnv::private(two_way).await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    (env, copy)
}

#[tokio::test]
async fn a_private_copy_says_busy_and_when() {
    let (env, _) = dentist(false).await;
    let copy = env.one(1, "Busy").content;
    assert_eq!(
        (copy.description.as_str(), copy.location.as_str(), copy.visibility),
        ("", "", Visibility::Private)
    );
    assert_eq!(copy.span, on(date(2026, 4, 1)));
    env.rest().await;
    env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    env.pass().await;
    assert_eq!(env.writes(), all([]), "a title is no news");
    env.from().change("dentist.ics", |event| event.content.span = on(date(2026, 4, 2)));
    env.pass().await;
    assert_eq!(env.one(1, "Busy").content.span, on(date(2026, 4, 2)));
    env.rest().await;
}

#[tokio::test]
async fn two_way_only_the_time_flows_back() {
    let (env, copy) = dentist(true).await;
    env.to().change(&copy, |event| {
        (event.content.title, event.content.span) = ("my own words".into(), on(date(2026, 4, 3)));
    });
    env.pass().await;
    let origin = env.one(0, "dentist");
    assert_eq!(
        (origin.content.span, origin.content.location.as_str()),
        (on(date(2026, 4, 3)), "room 1")
    );
    env.run(FULL).await;
    assert_eq!(env.titles(), [all(["dentist"]), all(["Busy"])]);
    env.rest().await;
}

#[tokio::test]
async fn words_on_a_private_copy_are_put_right() {
    let (env, copy) = dentist(true).await;
    env.to().change(&copy, |event| event.content.title = "my own words".into());
    let run = env.pass().await;
    assert_eq!(
        (reasons(&run), env.titles()),
        (vec![Reason::CopyEdited], [all(["dentist"]), all(["my own words"])])
    );
    env.from().change("dentist.ics", |event| event.content.span = on(date(2026, 4, 2)));
    env.pass().await;
    assert_eq!(env.titles(), [all(["dentist"]), all(["Busy"])]);
    env.rest().await;
}

#[tokio::test]
async fn a_title_on_a_private_copy_does_not_outlive_its_origin() {
    let (env, copy) = dentist(true).await;
    env.from().put(april("other", 2));
    env.pass().await;
    env.from().remove("dentist.ics");
    env.to().change(&copy, |event| event.content.title = "my own words".into());
    let run = env.pass().await;
    assert_eq!((run.deleted, env.titles()), (1, [all(["other"]), all(["Busy"])]));
    env.rest().await;
}

#[tokio::test]
async fn what_began_in_the_other_calendar_is_copied_back_in_full() {
    let (env, _) = dentist(true).await;
    env.to().put(april("swimming", 2));
    env.pass().await;
    assert_eq!(env.titles(), [all(["dentist", "swimming"]), all(["Busy", "swimming"])]);
    env.rest().await;
}

#[tokio::test]
async fn a_private_copy_that_is_made_again_shows_no_more_than_before() {
    let (env, copy) = dentist(true).await;
    env.from().put(april("other", 2));
    env.pass().await;
    env.to().remove(&copy);
    env.from().change("dentist.ics", |event| event.content.title = "orthodontist".into());
    env.pass().await;
    assert_eq!(env.titles(), [all(["orthodontist", "other"]), all(["Busy", "Busy"])]);
    env.rest().await;
}
