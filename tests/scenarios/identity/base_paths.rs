//! The base path of a server changes: every event has another address and keeps its identity. The
//! change costs one listing and no write.

use simulators::caldav::{Manners, OldBase};
use simulators::traffic::Kind;

use crate::support::accounts::USERS;
use crate::support::cli::{ONE_WAY, TWO_WAY, counts};
use crate::support::cli_checks::{all_but, check_at_rest, copied, delete, filled, rename, titles};
use crate::support::cli_env::CliEnv;
use crate::support::rows::hours_pass;

const WAYS: [OldBase; 3] = [OldBase::Answers, OldBase::Redirects(301), OldBase::Redirects(308)];

fn all_there(env: &CliEnv) {
    assert_eq!(
        (titles(&env.people[0]), titles(&env.people[1])),
        (all_but(15, &[]), all_but(15, &[]))
    );
}

/// Passes of every kind after the move, and none of them writes.
async fn moves_without_a_write(env: &CliEnv, case: &str) -> anyhow::Result<()> {
    env.reset_counts();
    for (hours, arguments) in [(0, &[][..]), (0, &["--full"]), (24, &[]), (1, &[])] {
        hours_pass(&env.cli, hours).await?;
        let (status, run) = env.cli.sync_with(arguments).await?;
        assert_eq!(
            (status, counts(&run), env.writes()),
            (0, [0; 4], [0, 0]),
            "{case} {arguments:?}: {run}"
        );
        all_there(env);
    }
    Ok(())
}

#[tokio::test]
async fn a_base_that_changes_doubles_nothing() -> anyhow::Result<()> {
    for (turn, terms) in [ONE_WAY, TWO_WAY].into_iter().enumerate() {
        for side in [0, 1] {
            // Each way with each side and with each sort of pair.
            for old in WAYS.into_iter().skip(usize::from(turn == side)).step_by(2) {
                let case = format!("{terms:?}, side {side}, {old:?}");
                let (env, pair) = copied(15, terms).await?;
                env.servers[side].move_base("/remote.php/dav", old);
                moves_without_a_write(&env, &case).await?;

                let [anna, ben] = &env.people;
                rename(anna, "Event 0", "Zero")?;
                delete(anna, "Event 1")?;
                assert_eq!(counts(&env.cli.sync().await?), [0, 1, 1, 0], "{case}");
                if terms == TWO_WAY {
                    rename(ben, "Event 2", "Two")?;
                    delete(ben, "Event 3")?;
                    assert_eq!(counts(&env.cli.sync().await?), [0, 1, 1, 0], "{case}");
                }
                assert_eq!(titles(anna), titles(ben), "{case}");
                for event in ["e4.ics", "/calendars/anna/main/e4.ics"] {
                    assert_eq!(env.cli.explain(&pair, event).await?["copied"], true, "{event}");
                }
                check_at_rest(&env).await?;
            }
        }
    }
    Ok(())
}

/// And back again; and while changes wait.
#[tokio::test]
async fn changes_made_while_the_base_changes_are_not_lost() -> anyhow::Result<()> {
    let (env, _) = copied(15, TWO_WAY).await?;
    let [anna, ben] = &env.people;
    for (n, base) in ["/dav", "/remote/dav", ""].into_iter().enumerate() {
        rename(anna, &format!("Event {n}"), &format!("Anna's {n}"))?;
        rename(ben, &format!("Event {}", n + 5), &format!("Ben's {n}"))?;
        delete(anna, &format!("Event {}", n + 10))?;
        env.servers.iter().for_each(|server| server.move_base(base, OldBase::Answers));
        let run = env.cli.sync().await?;
        assert_eq!(counts(&run), [0, 2, 1, 0], "{base}: {run}");
        assert_eq!((titles(anna).len(), titles(anna)), (14 - n, titles(ben)), "{base}");
    }
    check_at_rest(&env).await
}

/// The old addresses are gone: the owner connects the account again, and everything goes on.
#[tokio::test]
async fn an_old_base_that_is_gone_costs_a_connection_and_no_event() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = copied(15, terms).await?;
        env.servers[0].move_base("/remote.php/dav", OldBase::Gone);
        for hours in [0, 1, 24] {
            hours_pass(&env.cli, hours).await?;
            let (_, run) = env.cli.sync_with(&[]).await?;
            assert_eq!(
                (&counts(&run)[..3], env.people[1].len()),
                (&[0; 3][..], 15),
                "a calendar that is not there proves nothing: {run}"
            );
        }
        let (user, password) = USERS[0];
        let url = env.servers[0].url();
        assert_eq!(
            env.cli.connect(url.as_str(), user, password).await?,
            env.accounts[0],
            "it is the same account"
        );
        assert_eq!(
            env.cli.calendar(&env.accounts[0], "main").await?,
            env.calendars[0],
            "and the same calendar"
        );
        assert_eq!(env.cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pair.as_str());
        moves_without_a_write(&env, "connected again").await?;
        env.people[0].delete("e1.ics");
        assert_eq!(counts(&env.cli.sync().await?), [0, 0, 1, 0]);
        check_at_rest(&env).await?;
    }
    Ok(())
}

/// What it costs: the pass that meets the new base lists each window once, and the passes after it
/// cost what a quiet pass costs.
#[tokio::test]
async fn a_new_base_costs_one_listing() -> anyhow::Result<()> {
    let (env, _) = filled(Manners::generic(), 120, ONE_WAY).await?;
    env.cli.sync().await?;
    env.servers[0].move_base("/dav", OldBase::Answers);
    env.reset_counts();
    env.cli.sync().await?;
    let counted = env.servers[0].counts();
    let listings = counted.of(Kind::SyncCollection) + counted.of(Kind::CalendarQuery);
    assert!(listings <= 1 && counted.of(Kind::Multiget) + counted.of(Kind::Get) == 0, "{counted}");
    env.reset_counts();
    env.cli.sync().await?;
    assert!(env.servers[0].counts().total() <= 1, "{}", env.servers[0].counts());
    check_at_rest(&env).await
}
