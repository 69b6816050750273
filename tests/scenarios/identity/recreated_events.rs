//! Events that are made again where they were deleted, by a pass that is cut off in that: what it
//! has made is known by its UID where the server drops its mark, and nothing is made twice.

use simulators::caldav::{Calendar, Manners, Names, Rewrite};
use simulators::faults::{Fault, Faults, On};
use simulators::traffic::Kind;

use crate::support::cli::{TWO_WAY, counts};
use crate::support::cli_checks::{check_at_rest, copied, delete, named, rename, titles};
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;

/// How a pass is cut off by a write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// The answer is lost, and all goes on.
    Answer,
    /// Nothing more comes through.
    Line,
}

fn cut(faults: &Faults, how: Cut) {
    faults.next(On::kind(Kind::Put), Fault::DropAfter);
    if how == Cut::Line {
        faults.after(1, 1_000, On::writes(), Fault::Status(503));
        faults.after(0, 1_000, On::kind(Kind::Get), Fault::Status(503));
    }
}

fn drops_marks(manners: &mut Manners, names: Names) {
    (manners.rewrite, manners.names) = (Rewrite::Plain, names);
}

/// Anna has deleted an event whose copy Ben has edited, or edits before the next pass.
#[tokio::test]
async fn an_origin_that_was_made_again_is_no_other_event() -> anyhow::Result<()> {
    for how in [Cut::Answer, Cut::Line] {
        for names in [Names::Asked, Names::Own { location: false }] {
            for edited_again in [false, true] {
                let (env, _) = copied(6, TWO_WAY).await?;
                let [anna, ben] = &env.people;
                env.servers[0].manners(|manners| drops_marks(manners, names));
                delete(anna, "Event 0")?;
                rename(ben, "Event 0", "Mine now")?;
                cut(env.servers[0].faults(), how);
                env.cli.sync_all(&[]).await?;
                env.servers[0].faults().clear();
                if edited_again {
                    rename(ben, "Mine now", "Mine still")?;
                }
                for _ in 0..3 {
                    env.cli.sync().await?;
                }
                let title = if edited_again { "Mine still" } else { "Mine now" };
                let expected =
                    [&["Event 1", "Event 2", "Event 3", "Event 4", "Event 5"][..], &[title]]
                        .concat();
                assert_eq!(
                    (titles(anna), titles(ben)),
                    (sorted(&expected), sorted(&expected)),
                    "{how:?} {names:?} {edited_again}"
                );
                rename(anna, title, "Given back")?;
                assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 1, 0]);
                check_at_rest(&env).await?;
            }
        }
    }
    Ok(())
}

fn sorted(titles: &[&str]) -> Vec<String> {
    let mut titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    titles.sort();
    titles
}

/// A calendar is emptied, and its owner has everything made again, which has to be said twice.
#[tokio::test]
async fn what_an_emptied_calendar_had_is_made_again_once() -> anyhow::Result<()> {
    for how in [Cut::Answer, Cut::Line] {
        for names in [Names::Asked, Names::Own { location: false }] {
            for side in [0, 1] {
                let (env, pair) = copied(8, TWO_WAY).await?;
                let [anna, ben] = &env.people;
                for n in 0..3 {
                    ben.put(
                        &format!("own{n}.ics"),
                        &hour(&format!("own-{n}"), 20 + n, 12, &format!("Own {n}")),
                    );
                }
                env.cli.sync().await?;
                let before = titles(ben);
                let server = &env.servers[side];
                server.manners(|manners| drops_marks(manners, names));
                env.people[side].clear();
                env.cli.sync_all(&[]).await?;
                cut(server.faults(), how);
                let answer = ["--pair", &pair, "--make-again"];
                env.cli.sync_with(&answer).await?;
                server.faults().clear();
                env.cli.sync_with(&answer).await?;
                for _ in 0..2 {
                    env.cli.sync_all(&[]).await?;
                }
                let shown = |calendar: &Calendar| (titles(calendar), calendar.len());
                let expected = (before.clone(), before.len());
                assert_eq!(
                    [shown(anna), shown(ben)],
                    [expected.clone(), expected],
                    "{how:?} {names:?} side {side}"
                );
                each_goes_with_its_copy(&env).await?;
                check_at_rest(&env).await?;
            }
        }
    }
    Ok(())
}

async fn each_goes_with_its_copy(env: &CliEnv) -> anyhow::Result<()> {
    let [anna, ben] = &env.people;
    rename(anna, "Event 3", "Event 3, renamed")?;
    rename(ben, "Own 1", "Own 1, renamed")?;
    assert_eq!(counts(&env.cli.sync().await?)[..3], [0, 2, 0]);
    assert!(named(ben, "Event 3, renamed").is_ok() && named(anna, "Own 1, renamed").is_ok());
    Ok(())
}
