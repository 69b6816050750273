//! Identity on real servers: Radicale and Xandikos.

use anyhow::Context as _;
use serde_json::{Value, json};
use simulators::person::Person;
use simulators::servers::Kind::{self, Radicale, Xandikos};
use simulators::servers::Server;

use crate::support::cli::{Cli, ONE_WAY, PRIVATE, TWO_WAY, counts};
use crate::support::cli_checks::skipped;
use crate::support::cli_env::lines;
use crate::support::events::{at, hour, many, object};
use crate::support::rows::hours_pass;

const BOTH: [[Kind; 2]; 2] = [[Radicale, Xandikos], [Xandikos, Radicale]];

/// Two people on real servers, and a program that may be replaced.
struct RealEnv {
    servers: [Server; 2],
    people: [Person; 2],
    cli: Cli,
}

impl RealEnv {
    async fn new(kinds: [Kind; 2], events: usize) -> anyhow::Result<Self> {
        let (mut servers, mut people) = (Vec::new(), Vec::new());
        for (kind, name) in kinds.into_iter().zip(["desk", "kitchen"]) {
            let server = match kind {
                Radicale => {
                    Server::radicale(&[
                        ("anna@example.org", "anna-secret-7531"),
                        ("ben", "ben-secret-8642"),
                    ])
                    .await?
                }
                Xandikos => Server::xandikos().await?,
            };
            let (user, _) = server.users()[0].clone();
            people.push(server.account(&user).context("the user")?.calendar(name).await?);
            servers.push(server);
        }
        let two = "two of each";
        let env = Self {
            servers: servers.try_into().ok().context(two)?,
            people: people.try_into().ok().context(two)?,
            cli: Cli::new()?,
        };
        for (name, object) in many(events) {
            env.people[0].put(&name, &object).await?;
        }
        Ok(env)
    }

    /// Every address that leads to the account on a server.
    fn spellings(&self, side: usize) -> anyhow::Result<Vec<String>> {
        let server = &self.servers[side];
        let (user, _) = &server.users()[0];
        let mut by_name = server.url().clone();
        by_name.set_host(Some("localhost"))?;
        let mut all = vec![by_name.to_string()];
        for path in
            [format!("/{user}/"), format!("/{user}"), format!("/{}/", user.replace('@', "%40"))]
        {
            all.push(server.url().join(&path)?.to_string());
        }
        all.push(server.url().to_string());
        Ok(all)
    }

    /// Connects an account; the id of its calendar.
    async fn connect(&self, side: usize, url: &str) -> anyhow::Result<[String; 2]> {
        let (user, password) = self.servers[side].users()[0].clone();
        let account = self.cli.connect(url, &user, &password).await?;
        let calendar = self.cli.calendar(&account, ["desk", "kitchen"][side]).await?;
        Ok([account, calendar])
    }

    async fn pair(&self, terms: &[&str]) -> anyhow::Result<String> {
        let mut ends = Vec::new();
        for side in [0, 1] {
            ends.push(self.connect(side, self.servers[side].url().as_str()).await?[1].clone());
        }
        self.cli.pair_add(&ends[0], &ends[1], terms).await
    }

    async fn agendas(&self) -> anyhow::Result<[Vec<String>; 2]> {
        Ok([lines(&self.people[0]).await?, lines(&self.people[1]).await?])
    }

    async fn at_rest(&self) -> anyhow::Result<()> {
        let before = [self.people[0].objects().await?, self.people[1].objects().await?];
        for _ in 0..3 {
            for run in self.cli.sync_all(&[]).await? {
                assert_eq!(counts(&run)[..3], [0; 3], "{run}");
            }
        }
        assert_eq!(
            [self.people[0].objects().await?, self.people[1].objects().await?],
            before,
            "not a byte is written"
        );
        Ok(())
    }
}

#[tokio::test]
async fn an_account_is_the_same_under_every_spelling() -> anyhow::Result<()> {
    for kinds in BOTH {
        let env = RealEnv::new(kinds, 4).await?;
        env.pair(TWO_WAY).await?;
        env.cli.sync().await?;
        for side in [0, 1] {
            let known = env.connect(side, env.servers[side].url().as_str()).await?;
            for url in env.spellings(side)? {
                assert_eq!(env.connect(side, &url).await?, known, "{url}");
                assert_eq!(counts(&env.cli.sync().await?), [0; 4], "{url}");
            }
        }
        // Removed and added under each, and paired as before.
        let before = env.agendas().await?;
        for url in env.spellings(1)? {
            let [account, _] = env.connect(1, &url).await?;
            env.cli.json(&["account", "remove", &account]).await?;
            let [_, to] = env.connect(1, &url).await?;
            let [_, from] = env.connect(0, env.servers[0].url().as_str()).await?;
            env.cli.pair_add(&from, &to, TWO_WAY).await?;
            let run = env.cli.sync().await?;
            assert_eq!((&run["created"], &run["deleted"]), (&json!(0), &json!(0)), "{url}: {run}");
            assert_eq!(env.agendas().await?, before, "{url}");
        }
        env.at_rest().await?;
    }
    Ok(())
}

/// Two Radicale servers with the same user and paths.
#[tokio::test]
async fn two_servers_that_look_alike_stay_two() -> anyhow::Result<()> {
    for kind in [Radicale, Xandikos] {
        let env = RealEnv::new([kind, kind], 3).await?;
        env.pair(TWO_WAY).await?;
        let accounts = env.cli.json(&["account", "list"]).await?;
        assert_eq!(accounts["accounts"].as_array().map(Vec::len), Some(2), "{accounts}");
        assert_eq!(counts(&env.cli.sync().await?), [3, 0, 0, 0]);
        let [ours, theirs] = env.agendas().await?;
        assert_eq!((ours.len(), &ours), (3, &theirs));
        env.at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_duplicated_and_a_cut_copy_lose_nothing() -> anyhow::Result<()> {
    use simulators::person::Ending;
    for kinds in BOTH {
        let env = RealEnv::new(kinds, 2).await?;
        let [anna, ben] = &env.people;
        let lines = format!(
            "DTSTART:{}\nDTEND:{}\nRRULE:FREQ=DAILY;COUNT=6\nSUMMARY:Daily",
            at(3, 9),
            at(3, 10)
        );
        anna.put("daily.ics", &object("daily", &lines)).await?;
        env.pair(TWO_WAY).await?;
        assert_eq!(counts(&env.cli.sync().await?), [3, 0, 0, 0]);
        let name = |title: &str, agenda: &[simulators::agenda::Entry]| {
            agenda.iter().find(|entry| entry.summary() == title).map(|entry| entry.name.clone())
        };
        let agenda = ben.agenda().await?;
        let copy = name("Event 1", &agenda).context("a copy")?;
        assert!(ben.duplicate(&copy, "second.ics", "second").await?);
        ben.edit("second.ics", |ics| ics.replace("SUMMARY:Event 1", "SUMMARY:Second")).await?;
        let series = name("Daily", &agenda).context("a copy")?;
        let later = |ics: &str| ics.replace("SUMMARY:Daily", "SUMMARY:Later");
        assert!(ben.cut(&series, &at(6, 9), Ending::Count, ("rest.ics", "rest"), later).await?);
        let run = env.cli.sync().await?;
        assert_eq!((&run["created"], &run["deleted"]), (&json!(2), &json!(0)), "{run}");
        env.cli.sync().await?;
        let [ours, theirs] = env.agendas().await?;
        assert_eq!((ours.len(), &ours), (5, &theirs));
        assert!(ours.iter().filter(|line| line.contains("COUNT=3")).count() == 2, "{ours:?}");
        hours_pass(&env.cli, 24).await?;
        env.at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_was_lost_is_taken_over() -> anyhow::Result<()> {
    for kinds in BOTH {
        for (before, after) in [(ONE_WAY, ONE_WAY), (TWO_WAY, TWO_WAY), (ONE_WAY, PRIVATE)] {
            let mut env = RealEnv::new(kinds, 4).await?;
            env.pair(before).await?;
            env.cli.sync().await?;
            env.cli = Cli::new()?;
            let pair = env.pair(after).await?;
            let run = env.cli.sync().await?;
            assert_eq!(
                (&counts(&run)[..3], skipped(&run, "copied_by_another").len()),
                (&[0; 3][..], 4),
                "{run}"
            );
            env.at_rest().await?;
            env.cli.json(&["pair", "take-over", &pair]).await?;
            let run = env.cli.sync().await?;
            assert_eq!((&run["created"], &run["deleted"]), (&json!(0), &json!(0)), "{run}");
            env.people[0].delete("e1.ics").await?;
            assert_eq!(counts(&env.cli.sync().await?), [0, 0, 1, 0]);
            let [ours, theirs] = env.agendas().await?;
            if after == PRIVATE {
                assert!(
                    theirs.len() == 3 && theirs.iter().all(|line| line.contains("Busy")),
                    "{theirs:?}"
                );
            } else {
                assert_eq!(ours, theirs);
            }
            hours_pass(&env.cli, 24).await?;
            env.at_rest().await?;
        }
    }
    Ok(())
}

/// The calendar of the copies is deleted with all its events, and recreated.
#[tokio::test]
async fn a_calendar_made_anew_is_asked_about() -> anyhow::Result<()> {
    for kinds in BOTH {
        for answer in ["--make-again", "--leave-out"] {
            let mut env = RealEnv::new(kinds, 15).await?;
            let pair = env.pair(ONE_WAY).await?;
            env.cli.sync().await?;
            let (user, _) = env.servers[1].users()[0].clone();
            let account = env.servers[1].account(&user).context("the user")?;
            let path = env.people[1].path();
            let gone = account.client().send("DELETE", &path, &[], "").await?;
            assert!(matches!(gone.status, 200 | 204), "{}", gone.status);
            env.people[1] = account.calendar("kitchen").await?;
            for hours in [0, 1, 24, 1] {
                hours_pass(&env.cli, hours).await?;
                let (status, run) = env.cli.sync_with(&[]).await?;
                assert_eq!(
                    (status, &run["state"], &run["held"]["kind"]),
                    (0, &json!("held"), &json!("emptied")),
                    "{kinds:?}: {run}"
                );
            }
            let (_, run) = env.cli.sync_with(&["--pair", &pair, answer]).await?;
            let made = if answer == "--make-again" { 15 } else { 0 };
            assert_eq!(
                (counts(&run)[0], &run["held"]),
                (made, &Value::Null),
                "{kinds:?} {answer}: {run}"
            );
            assert_eq!(env.people[1].objects().await?.len() as u64, made);
            env.at_rest().await?;
        }
    }
    Ok(())
}

/// An object gets another name on either side, by DELETE and PUT, as a client does that moves it.
#[tokio::test]
async fn an_object_that_gets_another_name_is_the_same_event() -> anyhow::Result<()> {
    for kinds in BOTH {
        let env = RealEnv::new(kinds, 4).await?;
        env.pair(TWO_WAY).await?;
        env.cli.sync().await?;
        for person in &env.people {
            let (name, body) = person.objects().await?.remove(0);
            assert!(person.delete(&name).await?);
            person.put("moved.ics", &body).await?;
        }
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run)[..3], [0; 3], "{kinds:?}: {run}");
        let [ours, theirs] = env.agendas().await?;
        assert_eq!((ours.len(), &ours), (4, &theirs));
        env.people[0].put("new.ics", &hour("new", 3, 20, "New")).await?;
        assert_eq!(counts(&env.cli.sync().await?), [1, 0, 0, 0]);
        hours_pass(&env.cli, 24).await?;
        env.at_rest().await?;
    }
    Ok(())
}

/// A calendar that is emptied while its origins are deleted as well: nothing is left to ask about.
#[tokio::test]
async fn an_emptied_pair_of_calendars_is_at_rest() -> anyhow::Result<()> {
    let env = RealEnv::new([Radicale, Xandikos], 4).await?;
    env.pair(TWO_WAY).await?;
    env.cli.sync().await?;
    for person in &env.people {
        for (name, _) in person.objects().await? {
            person.delete(&name).await?;
        }
    }
    let (_, run) = env.cli.sync_with(&[]).await?;
    assert_eq!((&counts(&run)[..3], &run["held"]), (&[0; 3][..], &Value::Null), "{run}");
    env.at_rest().await
}
