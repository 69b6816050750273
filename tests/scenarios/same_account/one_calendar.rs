//! One calendar that two accounts see: what `pair add` refuses, and what it makes (property 9).

use serde_json::{Value, json};
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::google::{Quotas, Role, Server};
use simulators::proxy::Proxy;
use simulators::traffic::Kind;

use super::accounts;
use super::server::{MAKES, Make, Remote};
use crate::support::builder::Builder;
use crate::support::cli::{self, Cli, ONE_WAY, TWO_WAY, counts};
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, many};

/// Why a pair is not made.
async fn refused(cli: &Cli, from: &str, to: &str, terms: &[&str]) -> anyhow::Result<String> {
    let answer =
        cli.run(&[&["pair", "add", "--from", from, "--to", to, "--json"], terms].concat()).await?;
    let (code, words) = answer.failure();
    assert_eq!(code, "request", "{words}");
    Ok(words)
}

/// The ids of all pairs.
async fn pairs(cli: &Cli) -> anyhow::Result<Vec<String>> {
    let listed = cli.json(&["pair", "list"]).await?;
    Ok(listed["pairs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|pair| pair["id"].as_str().map(str::to_owned))
        .collect())
}

/// A calendar through two accounts, which were connected while there was nothing to know them by;
/// and Ben's.
struct Twice {
    env: CliEnv,
    remote: Remote,
    door: Proxy,
    work: [String; 2],
    ben: String,
}

async fn twice(make: Make) -> anyhow::Result<Twice> {
    let remote = Remote::new(make, 0).await?;
    let door = Proxy::start(&remote.url).await?;
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    let mut work = Vec::new();
    for url in [remote.url.as_str(), door.url().as_str()] {
        let account = cli::id(&remote.add(&env.cli, url).await?.done()?)?;
        work.push(env.cli.calendar(&account, "work").await?);
    }
    assert_eq!(accounts(&env.cli).await?.len(), 4, "nothing proves that they are one");
    for (name, object) in many(70) {
        remote.work.put(&name, &object).await?;
    }
    let ben = env.calendars[1].clone();
    let [one, two] = work.try_into().map_err(|_| anyhow::anyhow!("two of them"))?;
    Ok(Twice { env, remote, door, work: [one, two], ben })
}

#[tokio::test]
async fn a_server_under_two_addresses_is_seen_by_what_it_holds() -> anyhow::Result<()> {
    for make in MAKES {
        let twice = twice(make).await?;
        let (cli, [one, two], ben) = (&twice.env.cli, &twice.work, &twice.ben);
        let words = refused(cli, one, two, ONE_WAY).await?;
        assert!(
            words.contains("one and the same calendar")
                && words.contains("name two different calendars"),
            "{make:?}: {words}"
        );
        let pair = cli.pair_add(one, ben, ONE_WAY).await?;
        let to_do = format!("calrelay pair remove {pair}");
        for (from, to, terms, problem) in [
            (two, ben, ONE_WAY, "are paired in this direction already, by the pair"),
            (two, ben, TWO_WAY, "make it two-way instead"),
            (ben, two, ONE_WAY, "make it two-way instead"),
        ] {
            let words = refused(cli, from, to, terms).await?;
            for part in
                [problem, pair.as_str(), to_do.as_str(), "reached in another way", two.as_str()]
            {
                assert!(words.contains(part), "{make:?} {part}: {words}");
            }
        }
        assert_eq!(pairs(cli).await?, std::slice::from_ref(&pair));
        assert_eq!(twice.door.counts().writes(), 0, "{make:?}: {}", twice.door.counts());
        assert_eq!(twice.remote.work.objects().await?.len(), 70);
        // Another calendar of one person is another calendar.
        let account = accounts(cli)
            .await?
            .into_iter()
            .find(|(_, name)| *name == twice.remote.name_at(twice.door.url().as_str()));
        let spare = cli.calendar(&account.expect("it is listed").0, "spare").await?;
        let other = cli.pair_add(&spare, ben, ONE_WAY).await?;
        assert_eq!(pairs(cli).await?.len(), 2);
        cli.json(&["pair", "remove", &other]).await?;
        assert_eq!(counts(&cli.sync().await?), [70, 0, 0, 0]);
    }
    Ok(())
}

/// An account that cannot be compared can be paired, and nothing is refused because of it.
#[tokio::test]
async fn what_cannot_be_compared_is_taken_for_two() -> anyhow::Result<()> {
    let twice = twice(Make::Simulated).await?;
    let (cli, [one, two], ben) = (&twice.env.cli, &twice.work, &twice.ben);
    cli.pair_add(one, ben, ONE_WAY).await?;
    for fault in [Fault::Status(500), Fault::DropBefore, Fault::Truncated, Fault::Status(401)] {
        twice.door.faults().always(On::any(), fault);
        let pair = cli.pair_add(two, ben, ONE_WAY).await?;
        twice.door.faults().clear();
        cli.json(&["pair", "remove", &pair]).await?;
    }
    let states = cli.json(&["account", "list"]).await?;
    assert!(
        states["accounts"].as_array().unwrap().iter().all(|row| row["state"] == "ok"),
        "{states}"
    );
    refused(cli, two, ben, ONE_WAY).await?;
    Ok(())
}

/// A server that is slow keeps its owner waiting for twenty seconds, and no longer.
#[tokio::test]
async fn a_slow_server_does_not_keep_a_pair_from_being_made() -> anyhow::Result<()> {
    let twice = twice(Make::Simulated).await?;
    let (cli, [one, two], ben) = (&twice.env.cli, &twice.work, &twice.ben);
    cli.pair_add(one, ben, ONE_WAY).await?;
    twice
        .door
        .faults()
        .always(On::kind(Kind::CalendarQuery), Fault::Delay(std::time::Duration::from_secs(60)));
    let begun = std::time::Instant::now();
    cli.pair_add(two, ben, ONE_WAY).await?;
    let took = begun.elapsed().as_secs();
    assert!((19..40).contains(&took), "{took}");
    Ok(())
}

/// Two accounts of one server with equal homes: the addresses identify them, also where there is
/// nothing to read.
#[tokio::test]
async fn one_address_is_one_calendar_for_whoever_sees_it() -> anyhow::Result<()> {
    // Xandikos asks for no user name.
    let remote = Remote::new(Make::Xandikos, 0).await?;
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    let (cli, ben) = (&env.cli, &env.calendars[1]);
    let mut work = Vec::new();
    for user in ["user", "guest"] {
        let account = cli::id(&cli.account_add(remote.url.as_str(), user, "any").await?.done()?)?;
        work.push(cli.calendar(&account, "work").await?);
    }
    assert!(work[0] != work[1]);
    assert!(refused(cli, &work[0], &work[1], ONE_WAY).await?.contains("one and the same calendar"));
    let pair = cli.pair_add(ben, &work[0], TWO_WAY).await?;
    for (from, to) in [(ben, &work[1]), (&work[1], ben)] {
        let words = refused(cli, from, to, ONE_WAY).await?;
        assert!(words.contains(&pair) && words.contains("reached in another way"), "{words}");
    }
    // With an event for comparison, the other name is the same account.
    remote.work.put("lunch.ics", &hour("lunch", 2, 12, "Lunch")).await?;
    let known: Vec<String> = accounts(cli).await?.into_iter().map(|(id, _)| id).collect();
    let third = cli.account_add(remote.url.as_str(), "a-third-name", "any").await?;
    assert!(
        third.stderr.contains(super::AGAIN) && known.contains(&cli::id(&third.done()?)?),
        "{}",
        third.stderr
    );
    assert_eq!(counts(&cli.sync().await?), [1, 0, 0, 0]);
    Ok(())
}

/// Anna's calendar that Ben sees as well, both of them at Google; and Carla's.
#[tokio::test]
async fn a_google_calendar_is_one_through_two_accounts() -> anyhow::Result<()> {
    let google = Server::start().await?;
    google.manners(|manners| manners.quotas = Quotas::NONE);
    let team = google.account("anna@example.org").calendar("Team");
    google.account("ben@example.org").sees(&team, Role::Writer);
    let cli =
        google.settings().iter().fold(Cli::new()?, |cli, (name, value)| cli.with(name, value));
    let [anna, ben, carla] = ["anna", "ben", "carla"].map(|who| format!("{who}@example.org"));
    let mut accounts = Vec::new();
    for who in [&anna, &ben, &carla] {
        accounts.push(cli::id(&connect(&cli, &google, who).await?)?);
    }
    let [one, two] =
        [cli.calendar(&accounts[0], "Team").await?, cli.calendar(&accounts[1], "Team").await?];
    let theirs = cli.calendar(&accounts[2], &carla).await?;
    assert_ne!(one, two);
    assert!(refused(&cli, &one, &two, TWO_WAY).await?.contains("one and the same calendar"));
    let pair = cli.pair_add(&one, &theirs, ONE_WAY).await?;
    for (from, to, terms) in
        [(&two, &theirs, ONE_WAY), (&two, &theirs, TWO_WAY), (&theirs, &two, ONE_WAY)]
    {
        let words = refused(&cli, from, to, terms).await?;
        assert!(words.contains(&pair) && words.contains("reached in another way"), "{words}");
    }
    // What is Ben's own is another calendar.
    let own = cli.calendar(&accounts[1], &ben).await?;
    cli.pair_add(&own, &theirs, ONE_WAY).await?;
    assert_eq!(pairs(&cli).await?.len(), 2);

    // Connected again, Anna keeps her account.
    team.put_object("meeting.ics", &hour("meeting", 2, 9, "Meeting"));
    let token = google.account(&anna).refresh_token();
    let again = cli
        .run_with(
            &["account", "add", "google", "--refresh-token-stdin", "--json"],
            &format!("{token}\n"),
        )
        .await?;
    assert_eq!(again.done()?, json!({"id": accounts[0], "provider": "google", "name": anna}));
    let words = format!(
        "This account is connected already, as {} ({anna}): its consent was replaced; its pairs \
        go on.",
        accounts[0]
    );
    assert!(again.stderr.contains(&words), "{}", again.stderr);
    let done = cli.json(&["sync"]).await?;
    let made: u64 = done["pairs"].as_array().unwrap().iter().map(|run| counts(run)[0]).sum();
    assert_eq!(made, 1, "{done}");
    assert!(google.violations().is_empty(), "{:?}", google.violations());
    Ok(())
}

async fn connect(cli: &Cli, google: &Server, who: &str) -> anyhow::Result<Value> {
    let token = format!("{}\n", google.account(who).refresh_token());
    let answer = cli
        .run_with(&["account", "add", "google", "--refresh-token-stdin", "--json"], &token)
        .await?;
    assert!(!answer.stderr.contains(super::AGAIN), "{}", answer.stderr);
    answer.done()
}
