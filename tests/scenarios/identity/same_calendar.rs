//! One calendar under two names: a share, or another account that sees it. A pair of it with itself
//! never grows, and a second pair doubles nothing.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use simulators::caldav::{CalDav, Calendar, Manners};

use crate::support::accounts::USERS;
use crate::support::builder::Builder;
use crate::support::cli::{Cli, ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{self, all_but, check_unchanged, delete, titles};
use crate::support::events::many;

/// One server, on which Ben sees Anna's calendar as `theirs`, and she herself sees it a second time
/// as `again`.
struct Remote {
    cli: Cli,
    _server: CalDav,
    /// Anna's calendar `main`.
    main: Calendar,
    /// Another calendar of hers.
    other: Calendar,
    /// Their ids: Anna's calendars under these names, and the two further names of the first.
    hers: [String; 2],
    names: [String; 2],
}

impl Remote {
    async fn new(shared_url: bool) -> anyhow::Result<Self> {
        let server = CalDav::start(Manners { shared_url, ..Manners::generic() }).await?;
        USERS.iter().for_each(|(user, password)| _ = server.account(user, password));
        let (main, other) = (server.calendar("anna", "main"), server.calendar("anna", "other"));
        main.share("ben", "theirs");
        let cli = Cli::new()?;
        let mut accounts = Vec::new();
        for (user, password) in USERS {
            accounts.push(cli.connect(server.url().as_str(), user, password).await?);
        }
        let hers =
            [cli.calendar(&accounts[0], "main").await?, cli.calendar(&accounts[0], "other").await?];
        // All names of a calendar have the title of the calendar: the further one is that which was
        // not there before.
        main.share("anna", "again");
        let listed = cli.json(&["calendars", "--account", &accounts[0]]).await?;
        let mut ids = listed["calendars"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row["id"].as_str());
        let again = ids
            .find(|id| !hers.iter().any(|known| known == id))
            .context("another name")?
            .to_owned();
        let names = [again, cli.calendar(&accounts[1], "main").await?];
        Ok(Self { cli, _server: server, main, other, hers, names })
    }

    /// `pair add` that may be refused with words.
    async fn pair(&self, from: &str, to: &str, terms: &[&str]) -> anyhow::Result<Option<String>> {
        let answer = self
            .cli
            .run(&[&["pair", "add", "--json", "--from", from, "--to", to], terms].concat())
            .await?;
        if answer.status == 0 {
            return Ok(answer.document()?["id"].as_str().map(str::to_owned));
        }
        ensure!(!answer.failure().1.is_empty(), "a refusal has words");
        Ok(None)
    }

    /// Some passes; the last runs.
    async fn passes(&self) -> anyhow::Result<Vec<Value>> {
        for arguments in [&[][..], &[], &["--full"], &[]] {
            self.cli.sync_all(arguments).await?;
        }
        self.cli.sync_all(&[]).await
    }
}

/// At the latest the first copy shows what this is: the pair stops with words before a second
/// write, and what was written can be cleaned up.
#[tokio::test]
async fn a_calendar_paired_with_itself_under_another_name_does_not_grow() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        for n in [0, 1] {
            let remote = Remote::new(false).await?;
            many(3).iter().for_each(|(name, object)| _ = remote.main.put(name, object));
            let ends = [remote.hers[0].clone(), remote.names[n].clone()];
            for ends in [[&ends[0], &ends[1]], [&ends[1], &ends[0]]] {
                let Some(pair) = remote.pair(ends[0], ends[1], terms).await? else { continue };
                let runs = remote.passes().await?;
                assert!(remote.main.len() <= 4, "{terms:?}, {n}: {:?}", titles(&remote.main));
                assert!(
                    runs[0]["error"]["message"].is_string() && runs[0]["state"] == "error",
                    "{runs:?}"
                );
                check_unchanged(&[&remote.cli], &[&remote.main]).await?;
                remote.cli.json(&["pair", "remove", &pair]).await?;
                remote.cli.json(&["clean-up", "--calendar", ends[1], "--yes"]).await?;
                assert_eq!(titles(&remote.main), all_but(3, &[]), "as before");
            }
            assert_eq!(titles(&remote.main), all_but(3, &[]));
        }
    }
    Ok(())
}

/// Where the server says whose calendar it is, the pair is refused at once.
#[tokio::test]
async fn a_share_that_names_its_owner_is_refused_at_set_up() -> anyhow::Result<()> {
    let remote = Remote::new(true).await?;
    many(3).iter().for_each(|(name, object)| _ = remote.main.put(name, object));
    let ([main, _], [again, theirs]) = (&remote.hers, &remote.names);
    for (from, to) in
        [(main, again), (again, main), (main, theirs), (theirs, main), (again, theirs)]
    {
        assert_eq!(remote.pair(from, to, TWO_WAY).await?, None, "{from} {to}");
    }
    assert!(remote.cli.sync_all(&[]).await?.is_empty());
    check_unchanged(&[&remote.cli], &[&remote.main]).await
}

/// Two pairs into one calendar that the user sees under two names.
#[tokio::test]
async fn two_pairs_into_one_calendar_double_nothing() -> anyhow::Result<()> {
    for shared_url in [true, false] {
        for terms in [ONE_WAY, TWO_WAY] {
            let remote = Remote::new(shared_url).await?;
            many(3).iter().for_each(|(name, object)| _ = remote.other.put(name, object));
            let [main, other] = &remote.hers;
            remote.pair(other, main, terms).await?.expect("the first pair is made");
            assert_eq!(counts(&remote.cli.sync().await?), [3, 0, 0, 0]);
            for second in &remote.names {
                remote.pair(other, second, terms).await?;
            }
            let runs = remote.passes().await?;
            let seen = (titles(&remote.main), titles(&remote.other));
            assert_eq!(
                seen,
                (all_but(3, &[]), all_but(3, &[])),
                "{shared_url}, {terms:?}: {runs:?}"
            );
            // The first pair works as it did.
            delete(&remote.other, "Event 1")?;
            remote.passes().await?;
            assert_eq!(
                (titles(&remote.main), titles(&remote.other)),
                (all_but(3, &[1]), all_but(3, &[1])),
                "{shared_url}, {terms:?}"
            );
            check_unchanged(&[&remote.cli], &[&remote.main, &remote.other]).await?;
        }
    }
    Ok(())
}

/// Two pairs out of one calendar that the user sees under two names.
#[tokio::test]
async fn two_pairs_out_of_one_calendar_double_nothing() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let remote = Remote::new(true).await?;
        many(3).iter().for_each(|(name, object)| _ = remote.main.put(name, object));
        let [main, other] = &remote.hers;
        remote.pair(main, other, terms).await?.expect("the first pair is made");
        for second in &remote.names {
            assert_eq!(remote.pair(second, other, terms).await?, None);
            assert_eq!(remote.pair(other, second, terms).await?, None);
        }
        remote.passes().await?;
        assert_eq!(
            (titles(&remote.main), titles(&remote.other)),
            (all_but(3, &[]), all_but(3, &[])),
            "{terms:?}"
        );
        check_unchanged(&[&remote.cli], &[&remote.main, &remote.other]).await?;
    }
    Ok(())
}

/// The account of a server is connected under two host names: it is one account, so its calendars
/// are not paired with themselves.
#[tokio::test]
async fn two_host_names_of_one_server_are_one_account() -> anyhow::Result<()> {
    let server = CalDav::start(Manners::generic()).await?;
    let (user, password) = USERS[0];
    let main = server.account(user, password).calendar(user, "main");
    many(4).iter().for_each(|(name, object)| _ = main.put(name, object));
    let cli = Cli::new()?;
    let urls = [server.url(), server.name_url(), server.url_below("/cloud")];
    let mut ids = Vec::new();
    for url in &urls {
        ids.push(cli.connect(url.as_str(), user, password).await?);
    }
    assert_eq!((&ids[0], &ids[0]), (&ids[1], &ids[2]));
    let calendar = cli.calendar(&ids[0], "main").await?;
    assert_eq!(
        cli.run(&["pair", "add", "--from", &calendar, "--to", &calendar, "--json"]).await?.status,
        1
    );
    assert_eq!(main.len(), 4);
    Ok(())
}

/// A calendar that was empty when its second name was connected proves nothing then; the first copy
/// proves it at the latest.
#[tokio::test]
async fn an_empty_calendar_under_two_host_names_does_not_grow() -> anyhow::Result<()> {
    let server = CalDav::start(Manners::generic()).await?;
    let (user, password) = USERS[0];
    let main = server.account(user, password).calendar(user, "main");
    let cli = Cli::new()?;
    let mut ends = Vec::new();
    for url in [server.url(), server.name_url()] {
        ends.push(cli.calendar(&cli.connect(url.as_str(), user, password).await?, "main").await?);
    }
    let added = cli
        .run(&["pair", "add", "--from", &ends[0], "--to", &ends[1], "--two-way", "--json"])
        .await?;
    many(3).iter().for_each(|(name, object)| _ = main.put(name, object));
    for arguments in [&[][..], &[], &["--full"], &[]] {
        cli.sync_all(arguments).await?;
    }
    assert!(main.len() <= 4, "{added:?}: {:?}", titles(&main));
    assert!(all_but(3, &[]).iter().all(|title| titles(&main).contains(title)));
    check_unchanged(&[&cli], &[&main]).await?;
    drop(server);
    Ok(())
}

/// A copy that was put into the calendar of its original under one name, on a server whose ETags
/// follow from the content of an object: one object in both calendars does not make the calendars
/// one.
#[tokio::test]
async fn one_object_in_both_calendars_stops_no_pair() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = cli_checks::copied(4, terms).await?;
        let [anna, ben] = &env.people;
        let name = cli_checks::named(ben, "Event 1")?;
        let body = ben.get(&name).unwrap_or_default();
        let tag = ben.etag(&name).context("an ETag")?;
        anna.plant(&name, &body);
        anna.set_etag(&name, &tag);
        cli_checks::rename(anna, "Event 2", "Two")?;
        let run = env.cli.sync().await?;
        assert_eq!((run["error"].clone(), counts(&run)[1]), (Value::Null, 1), "{terms:?}: {run}");
        assert_eq!(
            env.cli.explain(&pair, &format!("/calendars/anna/main/{name}")).await?["reason"],
            "own_copy"
        );
        cli_checks::check_at_rest(&env).await?;
    }
    Ok(())
}

/// Both ends of a pair are reached by other addresses than before, which were connected while both
/// were empty: their events now identify them.
#[tokio::test]
async fn a_pair_of_which_both_ends_have_other_names_is_refused() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let env = Builder::caldav(Manners::generic()).build_cli().await?;
        let mut others = Vec::new();
        for side in [0, 1] {
            let (user, password) = USERS[side];
            let by_name = env.servers[side].url().as_str().replace("127.0.0.1", "localhost");
            let account = env.cli.connect(&by_name, user, password).await?;
            ensure!(account != env.accounts[side], "two empty calendars prove nothing");
            others.push(env.cli.calendar(&account, "main").await?);
        }
        env.pair(terms).await?;
        for (name, object) in many(5) {
            env.people[0].put(&name, &object);
        }
        env.cli.sync().await?;
        for [from, to] in [[0, 1], [1, 0]] {
            let answer = env
                .cli
                .run(&["pair", "add", "--json", "--from", &others[from], "--to", &others[to]])
                .await?;
            ensure!(answer.status != 0, "{terms:?}: {}", answer.stdout);
        }
        cli_checks::check_at_rest(&env).await?;
    }
    Ok(())
}
