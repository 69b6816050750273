//! Consent at Microsoft: by the command line's own port, by the pages of a running calrelay in a
//! real browser, and what ends it.

mod ended;
mod pages;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use simulators::client::Answer;
use simulators::graph::{Account, Consent, Graph, Mailbox};
use simulators::traffic::Kind;

use crate::support::cli::{self, Cli, TWO_WAY};
use crate::support::pending_command::{PendingCommand, visit};

pub(super) const ANNA: &str = "anna@example.org";

/// Microsoft, two people, and a program that is registered there.
pub(super) struct Registered {
    pub(super) graph: Graph,
    pub(super) anna: Account,
    pub(super) ben: Account,
    pub(super) cli: Cli,
}

impl Registered {
    pub(super) async fn new() -> anyhow::Result<Self> {
        let graph = Graph::start().await?;
        let cli = graph
            .settings()
            .into_iter()
            .fold(Cli::new()?, |cli, (name, value)| cli.with(name, &value));
        let (anna, ben) = (graph.account(ANNA), graph.account("ben@example.org"));
        Ok(Self { graph, anna, ben, cli })
    }

    /// With another setting.
    fn with(self, name: &str, value: &str) -> Self {
        Self { cli: self.cli.with(name, value), ..self }
    }

    /// `account add microsoft`: asked, answered like this, and back.
    pub(super) async fn consent(
        &self,
        who: &Account,
        consent: Consent<'_>,
    ) -> anyhow::Result<(Answer, cli::Answer)> {
        let pending = PendingCommand::start(&self.cli, "microsoft").await?;
        ensure!(pending.said.contains("an administrator has to allow calrelay first"));
        let (page, cookie) = pending.open().await?;
        let back = who.consents(&page, consent).await?;
        let page = visit(&back, &[("cookie", &cookie)]).await?;
        Ok((page, pending.end().await?))
    }

    pub(super) async fn adopt(&self, who: &Account) -> anyhow::Result<String> {
        cli::id(&self.cli.microsoft_add(&who.refresh_token()).await?.done()?)
    }

    /// Both connected and paired; the ids of the accounts.
    pub(super) async fn paired(&self) -> anyhow::Result<[String; 2]> {
        let accounts = [self.adopt(&self.anna).await?, self.adopt(&self.ben).await?];
        let mut ends = Vec::new();
        for account in &accounts {
            ends.push(self.cli.calendar(account, "Calendar").await?);
        }
        self.cli.pair_add(&ends[0], &ends[1], TWO_WAY).await?;
        self.cli.sync().await?;
        Ok(accounts)
    }

    pub(super) async fn accounts(&self) -> anyhow::Result<Vec<Value>> {
        let listed = self.cli.json(&["account", "list"]).await?;
        Ok(listed["accounts"].as_array().cloned().unwrap_or_default())
    }

    pub(super) async fn state(&self, id: &str) -> anyhow::Result<String> {
        let accounts = self.accounts().await?;
        let found = accounts.iter().find(|account| account["id"] == id).context("the account")?;
        Ok(found["state"].as_str().unwrap_or_default().to_owned())
    }

    #[track_caller]
    pub(super) fn assert_no_harm(&self) {
        assert_eq!(self.graph.violations(), [""; 0]);
        assert_eq!(self.graph.mails(), 0);
    }
}

/// `doctor` finds it while nothing is stored yet, and the person who connects is not blamed.
#[tokio::test]
async fn a_wrong_registration_is_found_before_an_account_is_connected() -> anyhow::Result<()> {
    let fine = Registered::new().await?;
    let answer = fine.cli.run(&["doctor"]).await?;
    ensure!(answer.status == 0, "{answer:?}");
    let wrong = [
        ("MICROSOFT_CLIENT_ID", "99999999-2222-4333-8444-555555555555", "MICROSOFT_CLIENT_ID"),
        ("MICROSOFT_CLIENT_SECRET", "another-secret", "MICROSOFT_CLIENT_SECRET"),
        ("MICROSOFT_LOGIN_URL", "http://127.0.0.1:1", "127.0.0.1"),
    ];
    for (name, value, words) in wrong {
        let env = Registered::new().await?.with(name, value);
        let answer = env.cli.run(&["doctor"]).await?;
        let found = answer.stdout.lines().find(|line| line.contains("client:microsoft"));
        let found = found.with_context(|| format!("{name}: {answer:?}"))?;
        ensure!(answer.status == 1 && found.contains(words), "{name}: {found}");
        let answer = env.cli.microsoft_add(&env.anna.refresh_token()).await?;
        let said = format!("{}{}", answer.stdout, answer.stderr);
        ensure!(answer.status != 0 && !said.contains("choose the account"), "{name}: {said}");
        ensure!(env.accounts().await?.is_empty(), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn an_account_without_calendars_is_not_stored() -> anyhow::Result<()> {
    let connect = async |env: &Registered| {
        let answer = env.cli.microsoft_add(&env.anna.refresh_token()).await?;
        ensure!(answer.status != 0 && env.accounts().await?.is_empty(), "{answer:?}");
        Ok(format!("{}{}", answer.stdout, answer.stderr))
    };
    for status in [404, 403] {
        let env = Registered::new().await?;
        env.anna.set_mailbox(Mailbox::None(status));
        let said = connect(&env).await?;
        ensure!(said.contains("not in Exchange Online"), "{status}: {said}");
        let (page, answer) = env.consent(&env.anna, Consent::All).await?;
        ensure!(page.text().contains("not in Exchange Online"), "{}", page.text());
        ensure!(answer.status != 0, "{answer:?}");
        ensure!(env.accounts().await?.is_empty(), "{status}");
        env.anna.set_mailbox(Mailbox::Here);
        env.adopt(&env.anna).await?;
    }
    let env = Registered::new().await?;
    let elsewhere = env.graph.settings().into_iter().find(|(name, _)| *name == "GRAPH_URL");
    let (_, url) = elsewhere.context("the address of Graph")?;
    let env = env.with("GRAPH_URL", &format!("{url}/nothing"));
    let said = connect(&env).await?;
    ensure!(!said.contains("not there any more"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_person_gives_consent_at_a_terminal() -> anyhow::Result<()> {
    let env = Registered::new().await?;
    let (page, answer) = env.consent(&env.anna, Consent::All).await?;
    assert!(page.status == 200 && page.text().contains("Your account is connected"));
    let added = answer.done()?;
    assert_eq!((&added["provider"], &added["name"]), (&json!("microsoft"), &json!(ANNA)));
    let id = cli::id(&added)?;
    let listed = env.cli.json(&["calendars", "--account", &id]).await?;
    assert_eq!(listed["calendars"][0]["name"], "Calendar", "{listed}");
    let (_, again) = env.consent(&env.anna, Consent::All).await?;
    assert_eq!(cli::id(&again.done()?)?, id, "the same person keeps the account");
    let personal = env.graph.personal("carol@example.com");
    let (_, other) = env.consent(&personal, Consent::All).await?;
    assert_ne!(cli::id(&other.done()?)?, id);
    assert_eq!(env.accounts().await?.len(), 2);
    // Removed: it is said where the grant itself is ended, and no word is of a password.
    let removed = env.cli.run(&["account", "remove", &id]).await?;
    let words = format!("{}{}", removed.stdout, removed.stderr);
    for part in ["myapps.microsoft.com", "account.live.com/consent/Manage", "with its tokens"] {
        assert!(removed.status == 0 && words.contains(part), "{part}: {words}");
    }
    assert!(!words.contains("password"), "{words}");
    env.assert_no_harm();
    Ok(())
}

/// A guest has another id in each directory, and no mailbox there: nothing is mistaken for the
/// account at home.
#[tokio::test]
async fn a_guest_is_not_the_person_at_home() -> anyhow::Result<()> {
    let env = Registered::new().await?;
    let home = env.adopt(&env.anna).await?;
    let guest = env.anna.guest_in(&env.graph.tenant("other.example"));
    let (page, answer) = env.consent(&guest, Consent::All).await?;
    match answer.status {
        0 => {
            let id = cli::id(&answer.done()?)?;
            assert_ne!(id, home);
            let listed = env.cli.run(&["calendars", "--account", &id, "--json"]).await?;
            let said = format!("{}{}", listed.stdout, listed.stderr);
            assert!(said.contains("mailbox"), "{said}");
        }
        _ => assert!(page.text().contains("mailbox"), "{}", page.text()),
    }
    assert_eq!(env.state(&home).await?, "ok");
    assert_eq!(cli::id(&env.consent(&env.anna, Consent::All).await?.1.done()?)?, home);
    env.assert_no_harm();
    Ok(())
}

/// Every row of the table of errors, and a number that no table has: a sentence, a next step, and
/// nothing of Microsoft's own text.
#[tokio::test]
async fn every_refusal_leads_to_a_sentence_and_a_next_step() -> anyhow::Result<()> {
    let env = Registered::new().await?;
    let cases = [
        (65_004, 403, "You did not agree", "Link for your administrator"),
        (90_094, 403, "Your organisation has to agree first", "Link for your administrator"),
        (50_105, 403, "Your organisation has to agree first", "certain people"),
        (53_003, 403, "Your organisation does not allow this", "policy"),
        (50_020, 403, "The account was not connected", "choose the account"),
        (50_076, 403, "The account was not connected", "another proof"),
        (900_439, 403, "The account was not connected", "separate clouds"),
        (90_033, 503, "The account was not connected", "try again"),
        (50_011, 503, "This calrelay is not set up for Microsoft yet", "platform Web"),
        (99_999_999, 403, "The account was not connected", "Connect the account again"),
    ];
    for (number, status, title, part) in cases {
        let (page, answer) = env.consent(&env.anna, Consent::Number(number)).await?;
        let text = page.text();
        assert_eq!(page.status, status, "{number}: {text}");
        assert!(text.contains(&format!("<h1>{title}</h1>")), "{number}: {text}");
        let (_, words) = answer.failure();
        let said = format!("{text}{words}");
        assert!(said.contains(part), "{number} {part}: {said}");
        for wrong in ["CalDAV", "password", "internal error", "Trace ID"] {
            assert!(!said.contains(wrong), "{number} {wrong}: {said}");
        }
    }
    assert_eq!((env.accounts().await?.len(), env.anna.living_refresh_tokens()), (0, 0));
    Ok(())
}

/// A wrong or expired secret, before the first account and after it: one finding of `doctor`, which
/// the running program shows too, and no account changes its state.
#[tokio::test]
async fn a_wrong_secret_is_one_finding_and_changes_no_account() -> anyhow::Result<()> {
    for (expired, number) in [(true, "AADSTS7000222"), (false, "AADSTS7000215")] {
        let env = Registered::new().await?;
        let break_secret = |yes: bool| match expired {
            true => env.graph.expire_secret(yes),
            false => env.graph.change_secret(match yes {
                true => "another",
                false => simulators::graph::CLIENT_SECRET,
            }),
        };
        let findings = async || {
            let report = env.cli.run(&["doctor", "--json"]).await?;
            let found = report.document()?;
            let all = found["findings"].as_array().cloned().unwrap_or_default();
            let bad = all.into_iter().filter(|one| {
                one["ok"] == false
                    && one["message"].as_str().is_some_and(|it| it.contains("AADSTS"))
            });
            anyhow::Ok((report.status, bad.collect::<Vec<_>>()))
        };
        assert_eq!(findings().await?.1.len(), 0);
        for accounts in 0..3 {
            break_secret(true);
            let (status, found) = findings().await?;
            assert!(status != 0 && found.len() == 1, "{accounts}: {found:?}");
            assert_eq!(found[0]["check"], "client:microsoft");
            assert!(found[0]["message"].as_str().is_some_and(|it| it.contains(number)));
            if accounts == 0 {
                health_shows(&env.cli, number).await?;
            }
            break_secret(false);
            for account in env.accounts().await? {
                assert_eq!(account["state"], "ok", "{account}");
            }
            let next = [&env.anna, &env.ben][accounts.min(1)];
            env.adopt(next).await?;
        }
        env.assert_no_harm();
    }
    Ok(())
}

/// The health of a program that has just started, without an account, shows the finding.
async fn health_shows(cli: &Cli, part: &str) -> anyhow::Result<()> {
    let running = crate::support::running::Running::start(cli).await?;
    for _ in 0..100 {
        let (_, found) = running.get("/health/detail", &[]).await?;
        if found["findings"].to_string().contains(part) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("/health/detail does not show {part}")
}

/// At rest nothing is asked in order to know whether the secret is accepted.
#[tokio::test]
async fn a_client_that_was_accepted_is_not_asked_about_again() -> anyhow::Result<()> {
    let env = Registered::new().await?;
    let running = crate::support::running::Running::start(&env.cli).await?;
    for _ in 0..100 {
        if env.graph.counts().of(Kind::Token) > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(env.graph.counts().of(Kind::Token), 1);
    let (status, found) = running.get("/health/detail", &[]).await?;
    assert!(status == 200 && !found["findings"].to_string().contains("AADSTS"), "{found}");
    env.assert_no_harm();
    Ok(())
}
