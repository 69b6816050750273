//! A pair that is added again beside the copies of an earlier pair, while the server withholds one
//! event.

use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::cli::{ONE_WAY, counts};
use crate::support::cli_checks::{check_at_rest, copied, problems, titles};
use crate::support::rows::hours_pass;

const COPIES: usize = 6;

/// The event is read in a pass without other changes: its earlier copy is still found.
#[tokio::test]
async fn an_event_that_is_read_later_finds_its_earlier_copy() -> anyhow::Result<()> {
    let (env, pair) = copied(COPIES, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    env.cli.json(&["pair", "remove", &pair]).await?;
    env.servers[0].manners(|manners| manners.multiget_withholds = Some("e1"));
    env.servers[0].faults().always(On::kind(Kind::Get).at("e1.ics"), Fault::Status(403));
    env.pair(ONE_WAY).await?;
    let run = env.cli.sync().await?;
    assert_eq!((counts(&run)[0], problems(&env).await?), (0, vec!["e1.ics".to_owned()]), "{run}");
    env.servers[0].faults().clear();
    hours_pass(&env.cli, 1).await?;
    let run = env.cli.sync().await?;
    assert_eq!((counts(&run)[0], ben.len()), (0, COPIES), "its copy is taken over: {run}");
    assert_eq!(titles(anna), titles(ben));
    assert!(problems(&env).await?.is_empty());
    check_at_rest(&env).await
}

/// The pair goes the other way, and the server does not give the original of a copy that is there.
#[tokio::test]
async fn a_left_copy_is_not_copied_back_beside_what_is_withheld() -> anyhow::Result<()> {
    let (env, pair) = copied(COPIES, ONE_WAY).await?;
    let [anna, ben] = &env.people;
    env.cli.json(&["pair", "remove", &pair]).await?;
    env.servers[0].manners(|manners| manners.multiget_withholds = Some("e1"));
    env.servers[0].faults().always(On::kind(Kind::Get).at("e1.ics"), Fault::Status(403));
    let [from, to] = [env.calendars[1].as_str(), env.calendars[0].as_str()];
    env.cli.json(&["pair", "add", "--from", from, "--to", to]).await?;
    for hours in [0, 0, 1, 24] {
        hours_pass(&env.cli, hours).await?;
        env.cli.sync_with(&[]).await?;
        assert_eq!(
            (anna.len(), ben.len()),
            (COPIES, COPIES),
            "after {hours} hours: {:?}",
            titles(anna)
        );
    }
    env.servers[0].faults().clear();
    env.cli.sync_with(&["--full"]).await?;
    assert_eq!((anna.len(), ben.len()), (COPIES, COPIES));
    assert!(problems(&env).await?.is_empty());
    check_at_rest(&env).await
}
