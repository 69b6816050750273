//! Servers that ask for Digest, and servers that ask for methods that the program does not know
//! (I9).

use simulators::caldav::{Manners, SignIn};

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, counts};
use crate::support::events::hour;

#[tokio::test]
async fn a_server_that_takes_digest_only_works_as_any_other() -> anyhow::Result<()> {
    for (algorithm, uses) in [("MD5", 1_000), ("SHA-256", 1_000), ("SHA-256", 3)] {
        let env = Builder::caldav(Manners {
            sign_in: SignIn::Digest(algorithm, uses),
            ..Manners::generic()
        })
        .build_cli()
        .await?;
        let _pair = env.pair(ONE_WAY).await?;
        let [anna, ben] = &env.people;
        for n in 0..20 {
            anna.put(&format!("e{n}.ics"), &hour(&format!("e{n}"), n + 1, 9, "Lunch"));
        }
        let run = env.cli.sync().await?;
        assert_eq!((counts(&run), ben.len()), ([20, 0, 0, 0], 20), "{algorithm}: {run}");
        if uses > 100 {
            // One pass that finds nothing new: the question, the challenge, and the answer.
            env.reset_counts();
            env.cli.sync().await?;
            for server in &env.servers {
                assert_eq!(
                    server.counts().total(),
                    2,
                    "{algorithm}: one request more, in each process: {}",
                    server.counts()
                );
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_refused_after_one_digest() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners {
        sign_in: SignIn::Digest("SHA-256", 1_000),
        ..Manners::generic()
    })
    .build_cli()
    .await?;
    env.reset_counts();
    let answer = env.cli.account_add(env.servers[0].url().as_str(), "anna", "wrong").await?;
    let (code, words) = answer.failure();
    assert_eq!(code, "unauthorized", "{words}");
    assert!(!words.contains("wrong"));
    assert_eq!(env.servers[0].counts().total(), 2);
    Ok(())
}

#[tokio::test]
async fn methods_that_nobody_knows_are_named() -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    env.servers[0].manners(|manners| {
        manners.sign_in = SignIn::Other("Negotiate, Bearer realm=\"calendars\"")
    });
    let answer = env.cli.account_add(env.servers[0].url().as_str(), "anna", "secret").await?;
    let (code, words) = answer.failure();
    assert_eq!(code, "credentials", "{words}");
    assert!(
        words.contains("it offers Negotiate, Bearer, and Calrelay knows Basic and Digest"),
        "{words}"
    );
    Ok(())
}
