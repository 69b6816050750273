//! An attacker with write access to the rows, but without the vault's key, learns no password.

use serde_json::Value;
use simulators::caldav::{CalDav, Manners};
use store::{Op, Row, Table};

use crate::support::accounts::USERS;
use crate::support::builder::Builder;
use crate::support::cli_env::CliEnv;
use crate::support::events::hour;

const OWNER: &str = "local";

/// Rewrites the row of an account.
async fn edit(env: &CliEnv, account: &str, change: impl Fn(&mut Value)) -> anyhow::Result<()> {
    let opened = env.cli.storage().open(&env.cli.data_dir()).await?;
    let key = format!("account:{account}");
    let row: Row =
        opened.store().get(Table::Directory, OWNER, &key).await?.expect("the account's row");
    let mut value: Value = serde_json::from_str(&row.value)?;
    change(&mut value);
    opened
        .store()
        .commit(Table::Directory, OWNER, &[Op::Put { key, value: value.to_string() }])
        .await?;
    Ok(())
}

/// Every way in which the program talks to a server is tried with a row that names another server.
#[tokio::test]
async fn a_server_that_was_put_into_a_row_is_sent_no_password() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(&[]).await?;
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    env.cli.json(&["sync"]).await?;
    let (user, password) = USERS[0];
    let thief = CalDav::start(Manners::generic()).await?;
    thief.account(user, password).calendar(user, "main");
    let (own, foreign) = (env.servers[0].url().to_string(), thief.url().to_string());
    let swap = |field: &'static str| {
        let (own, foreign) = (own.clone(), foreign.clone());
        move |row: &mut Value| {
            row[field] = row[field].as_str().unwrap_or_default().replace(&own, &foreign).into()
        }
    };
    for field in ["endpoint", "url"] {
        edit(&env, &env.accounts[0], swap(field)).await?;
        env.people[0].put("two.ics", &hour("two", 4, 9, "Two"));
        for command in [
            &["sync", "--json"][..],
            &["sync", "--full", "--json"],
            &["calendars", "--json"],
            &["doctor", "--json"],
        ] {
            env.cli.run(command).await?;
        }
        let event = env.people[0].path() + "one.ics";
        env.cli.run(&["explain", "--pair", &pair, "--event", &event, "--json"]).await?;
        assert_eq!(thief.counts().total(), 0, "{field}: the server of the row was asked");
        let status = env.cli.json(&["status"]).await?;
        let account = status["accounts"]
            .as_array()
            .and_then(|all| all.iter().find(|account| account["id"] == *env.accounts[0]));
        let account = account.expect("the account");
        assert_eq!(
            (&account["state"], &account["error"]["code"]),
            (&"needs_reconnect".into(), &"credentials".into()),
            "{account}"
        );
        // Connected again, it goes on as before: nothing was lost, deleted or doubled.
        assert_eq!(env.cli.connect(&own, user, password).await?, env.accounts[0]);
        env.cli.json(&["sync"]).await?;
        assert_eq!(env.people[1].len(), 2);
    }
    env.check_at_rest().await
}
