//! Several installations that do not know of each other, and one whose data directory was lost:
//! marks that this key cannot verify are never copied on, nothing is made beside them, and all come
//! to rest.

use std::time::Duration;

use serde_json::json;
use simulators::caldav::{CalDav, Calendar, Manners};
use simulators::faults::{Fault, On};

use crate::support::accounts::USERS;
use crate::support::cli::{Cli, ONE_WAY, PRIVATE, TWO_WAY, actions, counts};
use crate::support::cli_checks::{
    all_but, check_at_rest, check_unchanged, copied, delete, explained, named, rename, skipped,
    status_of, titles,
};
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;
use crate::support::rows::hours_pass;

/// A server with a calendar for each of these people, for several programs.
struct SharedServer {
    server: CalDav,
    calendars: Vec<Calendar>,
}

const PEOPLE: [&str; 3] = ["anna", "ben", "carol"];

impl SharedServer {
    async fn new() -> anyhow::Result<Self> {
        let server = CalDav::start(Manners::generic()).await?;
        let calendars =
            PEOPLE.map(|user| server.account(user, "secret-1").calendar(user, "main")).to_vec();
        Ok(Self { server, calendars })
    }

    /// Another installation, which pairs two of the calendars.
    async fn installation(&self, from: usize, to: usize, terms: &[&str]) -> anyhow::Result<Cli> {
        let cli = Cli::new()?;
        let mut ends = Vec::new();
        for n in [from, to] {
            let account = cli.connect(self.server.url().as_str(), PEOPLE[n], "secret-1").await?;
            ends.push(cli.calendar(&account, "main").await?);
        }
        cli.pair_add(&ends[0], &ends[1], terms).await?;
        Ok(cli)
    }

    fn all(&self) -> Vec<&Calendar> {
        self.calendars.iter().collect()
    }

    fn sizes(&self) -> Vec<usize> {
        self.calendars.iter().map(Calendar::len).collect()
    }
}

/// The data directory is lost: another program takes the place of the first, with the same accounts
/// and pair.
pub async fn replace_program(env: &mut CliEnv, terms: &[&str]) -> anyhow::Result<String> {
    env.cli = Cli::new()?;
    for side in [0, 1] {
        let (user, password) = USERS[side];
        env.accounts[side] =
            env.cli.connect(env.servers[side].url().as_str(), user, password).await?;
        env.calendars[side] = env.cli.calendar(&env.accounts[side], "main").await?;
    }
    env.pair(terms).await
}

#[tokio::test]
async fn after_the_data_are_lost_nothing_is_made_beside_the_copies() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (mut env, _) = copied(5, terms).await?;
        let pair = replace_program(&mut env, terms).await?;
        let [anna, ben] = env.people.clone();
        let preview = env.cli.dry_run().await?;
        let run = env.cli.sync().await?;
        assert_eq!(actions(&preview), actions(&run));
        assert_eq!(counts(&run)[..3], [0; 3], "{terms:?}: {run}");
        assert_eq!(skipped(&run, "copied_by_another").len(), 5, "{terms:?}: {run}");
        assert_eq!(preview["copied_by_another"], 5, "the preview counts them: {preview}");
        assert_eq!(status_of(&env.cli, &pair).await?["copied_by_another"], 5);
        let copy = named(&ben, "Event 1")?;
        for event in ["e1.ics", copy.as_str()] {
            assert_eq!(
                explained(&env.cli, &pair, event).await?,
                json!("copied_by_another"),
                "{event}"
            );
        }
        let words = env.cli.run(&["sync", "--full", "--dry-run"]).await?.stdout;
        assert!(
            words.contains("--take-over") || words.contains("take-over"),
            "the preview says what to do: {words}"
        );

        // New events are copied; edits and deletions do not touch the events beside a copy of
        // another installation.
        anna.put("new.ics", &hour("new", 3, 20, "New"));
        assert_eq!(counts(&env.cli.sync().await?)[..3], [1, 0, 0]);
        rename(&anna, "Event 1", "Renamed")?;
        delete(&anna, "Event 2")?;
        for arguments in [&[][..], &["--full"]] {
            let (_, run) = env.cli.sync_with(arguments).await?;
            assert_eq!(counts(&run)[..3], [0; 3], "{terms:?}: {run}");
        }
        hours_pass(&env.cli, 24).await?;
        check_at_rest(&env).await?;
        assert_eq!(
            (titles(&ben).len(), ben.find("SUMMARY:Event 1").is_some()),
            (6, true),
            "{terms:?}"
        );
    }
    Ok(())
}

async fn claimed(before: &[&str], after: &[&str], at_once: bool) -> anyhow::Result<()> {
    let case = format!("{before:?} {after:?}, at once: {at_once}");
    let (mut env, _) = copied(5, before).await?;
    let [anna, ben] = env.people.clone();
    if at_once {
        replace_program(&mut env, &[after, &["--take-over"]].concat()).await?;
    } else {
        let pair = replace_program(&mut env, after).await?;
        assert_eq!(counts(&env.cli.sync().await?)[..3], [0; 3]);
        env.cli.json(&["pair", "take-over", &pair]).await?;
    }
    rename(&anna, "Event 0", "Zero")?;
    let preview = env.cli.dry_run().await?;
    let run = env.cli.sync().await?;
    assert_eq!(actions(&preview), actions(&run), "{case}");
    assert_eq!((&run["created"], &run["deleted"]), (&json!(0), &json!(0)), "{case}: {run}");
    env.cli.sync().await?;
    let status = env.cli.status().await?;
    assert_eq!(
        (&status["pairs"][0]["copies"], &status["pairs"][0]["copied_by_another"]),
        (&json!(5), &json!(0)),
        "{case}"
    );
    let expected = ["Event 1", "Event 2", "Event 3", "Event 4", "Zero"];
    assert_eq!(
        titles(&ben),
        if after == PRIVATE { vec!["Busy"; 5] } else { expected.to_vec() },
        "{case}"
    );

    delete(&anna, "Event 1")?;
    rename(&anna, "Event 2", "Two")?;
    assert_eq!(counts(&env.cli.sync().await?), [0, u64::from(after != PRIVATE), 1, 0], "{case}");
    if after == TWO_WAY {
        rename(&ben, "Event 3", "Three")?;
        delete(&ben, "Event 4")?;
        assert_eq!(counts(&env.cli.sync().await?), [0, 1, 1, 0], "{case}");
        assert_eq!((titles(&anna), titles(&ben)), (titles(&ben), titles(&anna)), "{case}");
    }
    hours_pass(&env.cli, 24).await?;
    check_at_rest(&env).await
}

#[tokio::test]
async fn what_was_lost_is_taken_over_when_the_pair_is_made() -> anyhow::Result<()> {
    for (before, after) in [
        (ONE_WAY, ONE_WAY),
        (TWO_WAY, TWO_WAY),
        (ONE_WAY, TWO_WAY),
        (ONE_WAY, PRIVATE),
        (PRIVATE, ONE_WAY),
    ] {
        claimed(before, after, true).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_was_lost_is_taken_over_later() -> anyhow::Result<()> {
    for (before, after) in [(ONE_WAY, ONE_WAY), (TWO_WAY, TWO_WAY), (ONE_WAY, PRIVATE)] {
        claimed(before, after, false).await?;
    }
    Ok(())
}

/// In a two-way pair copies in both calendars are taken over, those of later generations and of
/// origins that were made again among them.
#[tokio::test]
async fn a_take_over_finds_copies_of_all_kinds() -> anyhow::Result<()> {
    let (mut env, _) = copied(4, TWO_WAY).await?;
    let [anna, ben] = env.people.clone();
    ben.put("own.ics", &hour("own", 3, 20, "Own"));
    env.cli.sync().await?;
    rename(&ben, "Event 1", "Edited")?;
    delete(&anna, "Event 1")?;
    anna.edit("e2.ics", |ics| ics.replace("SUMMARY", "LOCATION:Harbour\r\nSUMMARY"));
    delete(&ben, "Event 2")?;
    assert_eq!(env.cli.sync().await?["created"], 2, "an origin and a copy are made again");
    let before = [titles(&anna), titles(&ben)];
    let pair = replace_program(&mut env, &[TWO_WAY, &["--take-over"]].concat()).await?;
    for _ in 0..2 {
        let run = env.cli.sync().await?;
        assert_eq!((&run["created"], &run["deleted"]), (&json!(0), &json!(0)), "{run}");
    }
    assert_eq!([titles(&anna), titles(&ben)], before);
    rename(&anna, "Own", "Own, renamed")?;
    rename(&ben, "Edited", "Edited again")?;
    delete(&anna, "Event 2")?;
    let run = env.cli.sync().await?;
    assert_eq!(counts(&run), [0, 2, 1, 0], "{run} {:?} {:?}", titles(&anna), titles(&ben));
    assert_eq!((titles(&anna), titles(&ben)), (titles(&ben), titles(&anna)));
    check_at_rest(&env).await?;
    // What was taken over once needs no further word: no title of Anna's stays behind a pair that
    // is private.
    env.cli.json(&["pair", "remove", &pair]).await?;
    env.pair(PRIVATE).await?;
    assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 3, 0]);
    assert_eq!(titles(&ben), ["Busy", "Busy", "Busy", "Own, renamed"]);
    check_at_rest(&env).await
}

/// Two installations in opposite directions: each leaves the copies of the other alone.
#[tokio::test]
async fn two_installations_in_opposite_directions_come_to_rest() -> anyhow::Result<()> {
    for terms in [[ONE_WAY, ONE_WAY], [TWO_WAY, ONE_WAY], [TWO_WAY, TWO_WAY]] {
        let shared = SharedServer::new().await?;
        shared.calendars[0].put("hers.ics", &hour("hers", 2, 9, "Hers"));
        shared.calendars[1].put("his.ics", &hour("his", 3, 9, "His"));
        let clis = [
            shared.installation(0, 1, terms[0]).await?,
            shared.installation(1, 0, terms[1]).await?,
        ];
        for round in 0..6 {
            for cli in &clis {
                cli.sync_all(if round % 2 == 0 { &[] } else { &["--full"] }).await?;
            }
            assert!(
                shared.sizes().iter().all(|size| *size <= 2),
                "{terms:?}, round {round}: {:?}",
                shared.sizes()
            );
        }
        for calendar in &shared.calendars[..2] {
            assert_eq!(titles(calendar), ["Hers", "His"], "{terms:?}");
        }
        check_unchanged(&[&clis[0], &clis[1]], &shared.all()).await?;
    }
    Ok(())
}

/// Two installations with the same pair: each event has one copy.
#[tokio::test]
async fn two_installations_with_the_same_pair_come_to_rest() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let shared = SharedServer::new().await?;
        let clis =
            [shared.installation(0, 1, terms).await?, shared.installation(0, 1, terms).await?];
        for n in 0..6 {
            shared.calendars[0].put(
                &format!("e{n}.ics"),
                &hour(&format!("uid-{n}"), n + 1, 9, &format!("Event {n}")),
            );
            for cli in &clis {
                cli.sync_all(&[]).await?;
            }
            let wanted = usize::try_from(n)? + 1;
            assert_eq!(shared.sizes()[..2], [wanted, wanted], "{terms:?}");
        }
        // The installation that made the copies keeps them; the other has nothing to say.
        rename(&shared.calendars[0], "Event 1", "Renamed")?;
        delete(&shared.calendars[0], "Event 2")?;
        for cli in clis.iter().rev().chain(&clis) {
            cli.sync_all(&[]).await?;
        }
        assert_eq!(
            (titles(&shared.calendars[0]), shared.sizes()[1]),
            (titles(&shared.calendars[1]), 5),
            "{terms:?}"
        );
        check_unchanged(&[&clis[0], &clis[1]], &shared.all()).await?;
    }
    Ok(())
}

/// A ring of three: no event comes back to where it was made, and none is there twice.
#[tokio::test]
async fn a_ring_of_three_installations_comes_to_rest() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let shared = SharedServer::new().await?;
        for (n, calendar) in shared.calendars.iter().enumerate() {
            calendar
                .put("own.ics", &hour(&format!("own-{n}"), 2 + n as i64, 9, &format!("Event {n}")));
        }
        let mut clis = Vec::new();
        for n in 0..3 {
            clis.push(shared.installation(n, (n + 1) % 3, terms).await?);
        }
        for round in 0..6 {
            for cli in &clis {
                cli.sync_all(if round % 2 == 0 { &[] } else { &["--full"] }).await?;
            }
            assert!(
                shared.sizes().iter().all(|size| *size <= 3),
                "{terms:?}, round {round}: {:?}",
                shared.sizes()
            );
        }
        for calendar in &shared.calendars {
            let mut once = titles(calendar);
            once.dedup();
            assert_eq!(once, titles(calendar), "{terms:?}: none is there twice");
        }
        if terms == TWO_WAY {
            // Each pair of calendars has a pair: everything is everywhere.
            assert!(
                shared.calendars.iter().all(|calendar| titles(calendar) == all_but(3, &[])),
                "{:?}",
                shared.sizes()
            );
        }
        check_unchanged(&[&clis[0], &clis[1], &clis[2]], &shared.all()).await?;
    }
    Ok(())
}

/// One that was cut off before its first copy was made, and another one that made it meanwhile.
#[tokio::test]
async fn a_copy_that_another_installation_made_meanwhile_is_not_made_beside_it()
-> anyhow::Result<()> {
    let shared = SharedServer::new().await?;
    for n in 0..3 {
        shared.calendars[0]
            .put(&format!("e{n}.ics"), &hour(&format!("e{n}"), 2 + n, 9, &format!("Event {n}")));
    }
    let (first, second) =
        (shared.installation(0, 1, ONE_WAY).await?, shared.installation(0, 1, ONE_WAY).await?);
    let faults = shared.server.faults();
    faults.next(On::writes(), Fault::Delay(Duration::from_secs(600)));
    let mut child = first.start(&["sync"], "").await?;
    while faults.waiting() {
        assert!(child.try_wait()?.is_none(), "it ended before it was killed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    child.kill().await?;
    faults.clear();
    let before = shared.sizes()[1];
    second.sync().await?;
    first.sync().await?;
    assert_eq!(
        titles(&shared.calendars[1]),
        all_but(3, &[]),
        "{before} copies were made by the first one"
    );
    check_unchanged(&[&first, &second], &shared.all()).await
}

/// Copies of another installation are there for every pair.
#[tokio::test]
async fn a_copy_of_another_installation_is_there_already() -> anyhow::Result<()> {
    let shared = SharedServer::new().await?;
    shared.calendars[2].put("own.ics", &hour("own", 2, 9, "Event 0"));
    let other = shared.installation(2, 0, ONE_WAY).await?;
    other.sync().await?;
    let this = shared.installation(0, 1, TWO_WAY).await?;
    this.sync().await?;
    let account = this.connect(shared.server.url().as_str(), PEOPLE[2], "secret-1").await?;
    let from = this.calendar(&account, "main").await?;
    let pairs = this.status().await?;
    let first = pairs["pairs"][0]["id"].as_str().unwrap_or_default().to_owned();
    let to = this.json(&["pair", "list"]).await?["pairs"][0]["to"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let second = this.pair_add(&from, &to, ONE_WAY).await?;
    this.sync_with(&["--pair", &second]).await?;
    this.json(&["pair", "remove", &second]).await?;
    this.sync_with(&["--pair", &first]).await?;
    assert_eq!(shared.sizes(), [1, 1, 1]);
    check_unchanged(&[&this, &other], &shared.all()).await
}

/// The old installation goes on after the new one has taken its copies over: it writes nothing of
/// theirs back, and its clean-up deletes none of them.
#[tokio::test]
async fn copies_that_a_second_installation_has_taken_over_are_left_to_it() -> anyhow::Result<()> {
    for theirs in [&["--two-way", "--take-over"][..], &["--two-way", "--private", "--take-over"]] {
        let (mut env, old_pair) = copied(6, TWO_WAY).await?;
        let old = std::mem::replace(&mut env.cli, Cli::new()?);
        let pair = replace_program(&mut env, theirs).await?;
        let [anna, ben] = &env.people;
        env.cli.sync().await?;
        let written = titles(ben);
        let run = old.sync().await?;
        assert_eq!(
            (counts(&run)[..3].to_vec(), skipped(&run, "copied_by_another").len()),
            (vec![0; 3], 6),
            "{theirs:?}: {run}"
        );
        let report = old.json(&["pair", "clean-up", &old_pair, "--include-edited"]).await?;
        assert_eq!(report["pairs"][0]["deleted"], 0, "{theirs:?}: {report}");
        assert_eq!((titles(anna), titles(ben)), (all_but(6, &[]), written), "{theirs:?}");
        rename(anna, "Event 1", "One")?;
        old.json(&["pair", "remove", &old_pair]).await?;
        env.cli.sync().await?;
        assert!(env.cli.explain(&pair, "e1.ics").await?["copied"] == true, "{theirs:?}");
        check_at_rest(&env).await?;
    }
    Ok(())
}
