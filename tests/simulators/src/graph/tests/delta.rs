use super::*;

pub(super) const RANGE: &str =
    "/calendarView/delta?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z";

impl World {
    /// A round to its end: titles, and the link of the next.
    pub(super) async fn round(&self, link: &str) -> (Vec<String>, String) {
        let (mut titles, mut link) = (Vec::new(), link.to_owned());
        for _ in 0..50 {
            let page = self.get(&link).await;
            assert_eq!(page.status, 200, "{page:?}");
            titles.extend(page.titles());
            if let Some(end) = page.body["@odata.deltaLink"].as_str() {
                return (titles, end.to_owned());
            }
            link = page.text("@odata.nextLink").to_owned();
        }
        panic!("a round without an end");
    }
}

#[tokio::test]
async fn a_round_says_what_changed() {
    let world = world().await;
    let lunch = world.work.add(at_ten(10, "Lunch"));
    let series = world.work.add(weekly(3, "Series", "tuesday"));
    let (all, link) = world.round(&world.within(RANGE)).await;
    assert_eq!(all, ["Lunch", "03-03", "03-10", "03-17", "03-24", "03-31"]);
    assert_eq!(world.round(&link).await.0, Vec::<String>::new());

    world.work.patch(&lunch, json!({"subject": "Late lunch"}));
    let exception = world.work.occurrence(&series, "2026-03-17");
    world.work.patch(&exception, json!({"subject": "Changed"}));
    let (changed, link) = world.round(&link).await;
    assert_eq!(changed, ["Late lunch", "03-03", "03-10", "Changed", "03-24", "03-31"]);
    world.work.remove(&world.work.occurrence(&series, "2026-03-24"));
    let (changed, link) = world.round(&link).await;
    assert_eq!(changed, ["03-03", "03-10", "Changed", "03-31"], "the series without it");
    world.graph.manners(|manners| manners.silent_occurrences = true);
    world.work.remove(&world.work.occurrence(&series, "2026-03-31"));
    let (changed, link) = world.round(&link).await;
    assert_eq!(changed, Vec::<String>::new(), "no entry at all");
    world.work.remove(&series);
    world.work.add(json!({
        "subject": "Outside",
        "start": {"dateTime": "2026-06-01T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-06-01T11:00:00", "timeZone": "UTC"},
    }));
    let (changed, link) = world.round(&link).await;
    assert_eq!(changed, ["-", "-"], "the series, and what is outside the range");
    world.work.remove(&lunch);
    world.work.restore(&lunch);
    assert_eq!(world.round(&link).await.0, ["Late lunch"]);
    world.clean();
}

#[tokio::test]
async fn occurrences_are_sparse_and_nothing_shows_a_mark() {
    let world = world().await;
    let mut event = weekly(3, "Series", "tuesday");
    event["singleValueExtendedProperties"] = json!([{"id": MARK, "value": "h1"}]);
    let made = world.create(event).await;
    let page = world.get(&world.within(RANGE)).await;
    let entry = page.items()[0].as_object().unwrap();
    let mut names: Vec<&str> = entry.keys().map(String::as_str).collect();
    names.sort_unstable();
    let sparse = ["@odata.etag", "@odata.type", "end", "id", "seriesMasterId", "start", "type"];
    assert_eq!(names, sparse);
    assert_eq!(entry["seriesMasterId"], made.body["id"]);
    assert_ne!(entry["@odata.etag"], made.body["@odata.etag"]);
    assert!(!page.body.to_string().contains("CalrelayOrigin"));
    world.clean();
}

#[tokio::test]
async fn pages_may_be_empty_come_again_and_never_end() {
    let world = world().await;
    for day in 1..=5 {
        world.work.add(at_ten(day, &format!("{day}")));
    }
    world.graph.manners(|manners| {
        (manners.delta_page, manners.empty_pages, manners.repeats_entries) = (2, true, true);
    });
    let first = world.get(&world.within(RANGE)).await;
    assert_eq!(first.items().len(), 0);
    let (all, link) = world.round(first.text("@odata.nextLink")).await;
    assert_eq!(all, ["1", "2", "2", "3", "3", "4", "4", "5"]);
    world.work.add(at_ten(6, "6"));
    let (new, link) = world.round(&link).await;
    assert_eq!(new, ["6"]);
    assert_eq!(world.round(&link).await.0, ["6"], "the last comes again");

    world.graph.manners(|manners| manners.endless_round = true);
    world.work.add(at_ten(7, "7"));
    let mut link = link;
    for _ in 0..5 {
        let page = world.get(&link).await;
        assert_eq!(page.titles().last().unwrap(), "7");
        assert_ne!(page.text("@odata.nextLink"), link, "always another link");
        link = page.text("@odata.nextLink").to_owned();
    }
    world.clean();
}

#[tokio::test]
async fn a_state_that_is_forgotten_is_410() {
    let world = world().await;
    for day in 1..=5 {
        world.work.add(at_ten(day, &format!("{day}")));
    }
    let (_, link) = world.round(&world.within(RANGE)).await;
    world.graph.manners(|manners| manners.delta_page = 2);
    let page = world.get(&world.within(RANGE)).await;
    world.graph.forget_pages();
    assert_eq!(
        world.get(page.text("@odata.nextLink")).await.refusal(),
        (410, "SyncStateNotFound"),
        "in the middle of a round"
    );
    assert_eq!(world.get(&link).await.status, 200);
    world.work.forget_states();
    let gone = world.raw("GET", &link, &[], None).await;
    assert_eq!(gone.status, 410);
    assert!(gone.header("location").contains("startDateTime=2026-03-01T00:00:00Z"));
    world.graph.manners(|manners| manners.lost_state = LostState::ResyncRequired);
    assert_eq!(world.get(&link).await.refusal(), (400, "resyncRequired"));
    let other = world.within("/calendarView/delta?$deltatoken=Rabc");
    assert_eq!(world.get(&other).await.refusal(), (400, "BadRequest"));
    world.clean();
}
