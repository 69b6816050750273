//! Several pairs over the same calendars, pairs that are added again, and two installations that do
//! not know each other.

use anyhow::{Context as _, ensure};
use engine::calendar::CalendarId;
use engine::pair::Pair;
use jobs::report::{Run, Silent};
use records::problem::PairStatus;
use serde_json::json;
use simulators::google::Calendar;

use crate::support::accounts::Account;
use crate::support::google::GoogleSettings;
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::{Installation, ONE_WAY, TWO_WAY, Terms};
use crate::support::product::{self, NewPair};
use crate::support::servers::Provider;

impl GoogleEnv {
    /// What the program calls a calendar at Google.
    pub async fn id(&self, calendar: &Calendar) -> anyhow::Result<CalendarId> {
        let listing = product::calendars(&self.scope, None).await?;
        let found = listing.calendars.into_iter().find(|row| row.address == calendar.id());
        Ok(found.context("the calendar is listed")?.id)
    }

    /// Adds a pair, or the first pair again.
    pub async fn pair(
        &self,
        from: &CalendarId,
        to: &CalendarId,
        terms: Terms,
    ) -> jobs::Result<Pair> {
        let new = NewPair {
            from: from.clone(),
            to: to.clone(),
            two_way: terms.two_way,
            private: terms.private,
            private_back: terms.private_back,
            window_past: self.pair.window_past,
            window_future: self.pair.window_future,
            take_over: false,
            draft: false,
        };
        product::add_pair(&self.scope, new).await
    }

    /// A pass over these pairs: what was created, changed and deleted by each.
    pub async fn all(&self, pairs: &[&Pair]) -> anyhow::Result<Vec<[u64; 3]>> {
        let pairs: Vec<Pair> = pairs.iter().map(|pair| (*pair).clone()).collect();
        let report = jobs::sync(&self.scope, &pairs, jobs::SyncOptions::default(), &Silent).await;
        let well = |run: &Run| run.error.is_none() && run.state == PairStatus::Ok;
        ensure!(report.pairs.iter().all(well), "{:?}", report.pairs);
        Ok(report.pairs.iter().map(|run| [run.created, run.changed, run.deleted]).collect())
    }
}

/// The titles in a calendar, sorted.
fn titles(calendar: &Calendar) -> Vec<String> {
    let mut all: Vec<String> = calendar
        .items()
        .iter()
        .map(|item| item["summary"].as_str().unwrap_or_default().to_owned())
        .collect();
    all.sort();
    all
}

/// Anna's calendar, paired with Ben's, and a third one of Anna's.
async fn three(terms: Terms) -> anyhow::Result<(GoogleEnv, [Calendar; 3])> {
    let env = GoogleEnv::with(ENDS[0], terms, |server| {
        drop(server.account("anna@example.org").calendar("Club"))
    })
    .await?;
    let all = [
        env.google(0).clone(),
        env.google(1).clone(),
        env.server().account("anna@example.org").calendar("Club"),
    ];
    for (calendar, title) in all.iter().zip(["Anna's", "Ben's", "The club's"]) {
        calendar.put("event1", hour("2026-04-01", title, json!({})));
    }
    Ok((env, all))
}

#[tokio::test]
async fn copies_are_not_copied_on_in_a_chain_or_in_a_ring() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, [anna, ben, club]) = three(terms).await?;
        let [a, b, c] = [env.id(&anna).await?, env.id(&ben).await?, env.id(&club).await?];
        let pairs =
            [env.pair.clone(), env.pair(&b, &c, terms).await?, env.pair(&c, &a, terms).await?];
        let every = [&pairs[0], &pairs[1], &pairs[2]];
        let back = u64::from(terms.two_way);
        assert_eq!(env.all(&every).await?, [[1 + back, 0, 0]; 3]);
        for _ in 0..2 {
            assert_eq!(env.all(&every).await?, [[0; 3]; 3], "{terms:?}");
        }
        let all = ["Anna's", "Ben's", "The club's"].map(str::to_owned);
        if terms.two_way {
            assert_eq!(
                [titles(&anna), titles(&ben), titles(&club)],
                [(); 3].map(|()| all.to_vec())
            );
        } else {
            let two = |one: usize, other: usize| vec![all[one].clone(), all[other].clone()];
            assert_eq!(
                [titles(&anna), titles(&ben), titles(&club)],
                [two(0, 2), two(0, 1), two(1, 2)]
            );
        }
        // A change goes as far as its copies, and no further.
        anna.patch("event1", json!({"summary": "Anna's, moved", "location": "Harbour"}));
        let changes: u64 = env.all(&every).await?.iter().map(|done| done[1]).sum();
        assert_eq!(changes, 1 + back);
        anna.remove("event1");
        let deletions: u64 = env.all(&every).await?.iter().map(|done| done[2]).sum();
        assert_eq!(deletions, 1 + back);
        assert_eq!(env.all(&every).await?, [[0; 3]; 3]);
        env.check_servers()?;
    }
    Ok(())
}

#[tokio::test]
async fn two_calendars_flow_into_one_and_none_into_itself() -> anyhow::Result<()> {
    let (env, [anna, ben, club]) = three(ONE_WAY).await?;
    let [a, b, c] = [env.id(&anna).await?, env.id(&ben).await?, env.id(&club).await?];
    // Both were invited to one meeting: two calendars, two copies.
    for calendar in [&anna, &club] {
        calendar.put(
            "party1",
            hour("2026-04-02", "Party", json!({"iCalUID": "party@example.net", "attendees": [{"email": "zoe@example.net"}]})),
        );
    }
    let into = [env.pair.clone(), env.pair(&c, &b, ONE_WAY).await?];
    assert_eq!(env.all(&[&into[0], &into[1]]).await?, [[2, 0, 0]; 2]);
    assert_eq!(titles(&ben), ["Anna's", "Ben's", "Party", "Party", "The club's"]);
    let untouched = [anna.revision(), club.revision()];
    // What one of them deletes is deleted for it alone.
    club.remove("party1");
    assert_eq!(env.all(&[&into[0], &into[1]]).await?, [[0; 3], [0, 0, 1]]);
    assert_eq!(titles(&ben), ["Anna's", "Ben's", "Party", "The club's"]);
    assert_eq!(anna.revision(), untouched[0]);
    for (from, to, terms) in [
        (&b, &a, ONE_WAY),
        (&a, &b, ONE_WAY),
        (&a, &b, TWO_WAY),
        (&b, &c, TWO_WAY),
        (&a, &a, ONE_WAY),
    ] {
        let refused = env.pair(from, to, terms).await;
        assert!(
            matches!(refused, Err(jobs::Error::NotPaired { .. })),
            "{from:?} to {to:?}: {refused:?}"
        );
    }
    env.check_servers()
}

#[tokio::test]
async fn a_pair_that_is_made_anew_finds_its_copies() -> anyhow::Result<()> {
    let private = Terms { private: true, ..TWO_WAY };
    for ends in [ENDS[0], ENDS[1], ENDS[2]] {
        for (before, after) in
            [(ONE_WAY, TWO_WAY), (TWO_WAY, ONE_WAY), (TWO_WAY, private), (private, TWO_WAY)]
        {
            let env = GoogleEnv::new(ends, before).await?;
            for n in 1..=6 {
                let time = format!(
                    "DTSTART:2026040{n}T090000Z\nDTEND:2026040{n}T100000Z\nSUMMARY:Event \
                    {n}\nLOCATION:Room {n}"
                );
                let series = if n == 6 {
                    "\nRRULE:FREQ=WEEKLY;COUNT=5\nEXDATE:20260413T090000Z"
                } else {
                    ""
                };
                let object =
                    crate::support::events::object(&format!("uid-{n}"), &format!("{time}{series}"));
                env.people[0].put(&format!("e{n}.ics"), &object).await?;
            }
            env.sync_ok().await?;
            let names: Vec<String> =
                env.people[1].objects().await?.into_iter().map(|(name, _)| name).collect();
            let scope = &env.scope;
            product::remove_pair(scope, &env.pair.id).await?;
            // Meanwhile one is renamed, one deleted, and of one the copy.
            env.people[0]
                .edit("e1.ics", |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:First"))
                .await?;
            env.people[0].delete("e2.ics").await?;
            let again = env.pair(&env.pair.from, &env.pair.to, after).await?;
            let [done] = env.all(&[&again]).await?[..] else { panic!("one pair") };
            // The copy without its event is an event like any other now: it stays as it was, and a
            // two-way pair copies it.
            let like_any_other = u64::from(after.two_way);
            assert_eq!(
                (done[0], done[2]),
                (like_any_other, 0),
                "{ends:?}: nothing else is made, nothing deleted"
            );
            let now: Vec<String> =
                env.people[1].objects().await?.into_iter().map(|(name, _)| name).collect();
            assert_eq!(
                (now, env.people[0].objects().await?.len()),
                (names, 5 + like_any_other as usize),
                "{ends:?}: the same, and none twice"
            );
            let shown = env.people[1].agenda().await?;
            let busy = shown.iter().filter(|entry| entry.summary() == "Busy").count();
            let first = shown.iter().filter(|entry| entry.summary() == "First").count();
            let left = usize::from(before.private);
            assert_eq!(
                (busy, first),
                if after.private { (5, 0) } else { (left, 1) },
                "{ends:?} {before:?} {after:?}"
            );
            for _ in 0..2 {
                assert_eq!(env.all(&[&again]).await?, [[0; 3]]);
            }
            env.people[0].delete("e3.ics").await?;
            assert_eq!(env.all(&[&again]).await?, [[0, 0, 1]], "a copy like any other");
            env.check_servers()?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_account_that_is_connected_anew_finds_its_copies() -> anyhow::Result<()> {
    let env = GoogleEnv::new(ENDS[0], TWO_WAY).await?;
    for n in 1..=5 {
        env.google(0).put(
            &format!("event{n}"),
            hour(&format!("2026-04-0{n}"), &format!("Event {n}"), json!({})),
        );
    }
    env.sync_ok().await?;
    let scope = &env.scope;
    let (from, to) = (env.pair.from.clone(), env.pair.to.clone());
    for side in [1, 0] {
        let user = env.google(side).id().to_owned();
        let accounts = product::accounts(scope).await?;
        let account =
            accounts.iter().find(|account| account.user == user).context("the account")?.clone();
        product::remove_account(scope, &account.id).await?;
        assert!(product::pairs(scope).await?.is_empty(), "it takes its pairs with it");
        assert_eq!((env.google(0).len(), env.google(1).len()), (5, 5), "and nothing else");
        let token = env.server().account(&user).refresh_token();
        let again =
            product::connect_account(scope, account.kind, &account.url, &user, &token.into())
                .await?;
        assert_eq!(again.id, account.id);
        let pair = env.pair(&from, &to, TWO_WAY).await?;
        assert_eq!(env.all(&[&pair]).await?, [[0; 3]]);
        env.google(0).patch(&format!("event{}", side + 1), json!({"summary": "Renamed"}));
        assert_eq!(env.all(&[&pair]).await?, [[0, 1, 0]]);
    }
    env.check_servers()
}

/// Two people with an installation each meet in a calendar of the one: what one brings there is an
/// ordinary event to the other.
#[tokio::test]
async fn two_installations_meet_in_one_calendar() -> anyhow::Result<()> {
    let env = GoogleEnv::new(ENDS[0], ONE_WAY).await?;
    let server = env.server();
    let account = |who: &str| {
        let account = server.account(who);
        Account {
            kind: engine::provider::ProviderKind::Google,
            url: server.url().to_string(),
            user: account.address().to_owned(),
            password: account.refresh_token(),
        }
    };
    let theirs = [account("ben@example.org"), account("carl@example.org")];
    let other =
        Box::pin(Installation::between(theirs, Some(GoogleSettings::of(server)?), ONE_WAY)).await?;
    let carl = server.account("carl@example.org").primary();
    env.google(0).put("lunch1", hour("2026-04-01", "Lunch", json!({"visibility": "private"})));
    env.google(1).put("own1", hour("2026-04-02", "Ben's own", json!({})));
    for (created, title) in [(2, "Lunch"), (0, "Late lunch")] {
        env.google(0).patch("lunch1", json!({"summary": title}));
        env.sync_ok().await?;
        let run = other.sync().await;
        assert_eq!((run.error.is_none(), run.created), (true, created), "{run:?}");
        assert_eq!(titles(&carl), ["Ben's own", title]);
        assert_eq!(
            carl.find(title).context("there")?["visibility"],
            "private",
            "as strict as it was"
        );
    }
    for _ in 0..2 {
        env.check_at_rest().await?;
        assert_eq!(other.sync().await.actions, Vec::new());
    }
    env.google(0).remove("lunch1");
    env.sync_ok().await?;
    assert_eq!((other.sync().await.deleted, titles(&carl)), (1, vec!["Ben's own".to_owned()]));
    assert_eq!(env.providers, [Provider::Google; 2]);
    env.check_servers()
}

/// Each part of a copy says what it is; and what only looks like one says it in vain.
#[tokio::test]
async fn marks_stand_on_every_part_and_count_where_they_were_put() -> anyhow::Result<()> {
    let marked = |item: &serde_json::Value| {
        item["extendedProperties"]["private"]["calrelayOrigin"].is_string()
    };
    for ends in [ENDS[0], ENDS[1], ENDS[2]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let time = "DTSTART:20260401T090000Z\nDTEND:20260401T100000Z\nSUMMARY:Tea";
        let moved = "RECURRENCE-ID:20260402T090000Z\nDTSTART:20260402T120000Z\nDTEND:20260402T130000Z\nSUMMARY:Late tea";
        let [whole, part] = [format!("{time}\nRRULE:FREQ=DAILY;COUNT=5"), moved.to_owned()]
            .map(|lines| crate::support::events::vevent("tea", &lines));
        env.people[0]
            .put("tea.ics", &crate::support::events::calendar(&format!("{whole}{part}")))
            .await?;
        assert_eq!(env.sync_ok().await?, [1, 0, 0]);
        if ends[1] == Provider::Google {
            let items = env.google(1).items();
            assert!(items.len() == 2 && items.iter().all(marked), "{ends:?}: {items:?}");
        } else {
            let text = env.text(1).await?;
            assert_eq!(text.matches("X-CALRELAY-ORIGIN:h2.").count(), 2, "{ends:?}: {text}");
        }
        assert!(!env.text(0).await?.contains("X-CALRELAY"), "an origin bears no mark");
        env.check_at_rest().await?;
    }
    let env = GoogleEnv::new(ENDS[0], TWO_WAY).await?;
    let (anna, ben) = (env.google(0).clone(), env.google(1).clone());
    anna.put("lunch1", hour("2026-04-01", "Lunch", json!({})));
    env.sync_ok().await?;
    let mut copy = ben.find("Lunch").context("a copy")?;
    assert!(anna.items().iter().all(|item| !marked(item)) && marked(&copy));
    // Ben duplicates the copy: the duplicate is an event of his own and is copied. A duplicate in
    // Anna's calendar is a copy in the wrong place.
    ben.put("double1", copy.clone());
    copy["summary"] = json!("Pasted");
    anna.put("pasted1", copy);
    assert_eq!(env.sync_ok().await?, [1, 0, 0]);
    assert_eq!(
        (titles(&anna), titles(&ben)),
        (
            vec!["Lunch".into(), "Lunch".into(), "Pasted".into()],
            vec!["Lunch".into(), "Lunch".into()]
        )
    );
    env.check_at_rest().await?;
    anna.remove("lunch1");
    env.sync_ok().await?;
    // With the mapping ends what its mark meant: what was pasted is an event like any other.
    let left: Vec<String> = vec!["Lunch".into(), "Pasted".into()];
    assert_eq!((titles(&anna), titles(&ben)), (left.clone(), left), "Ben's own is left");
    env.check_at_rest().await
}
