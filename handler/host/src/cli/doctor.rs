//! `calrelay doctor`: looks at everything that can be wrong with an installation, and says how to mend it.
//!
//! Where there is no data directory yet, none is made. Accounts are asked once each.

mod accounts;
mod directory;
mod storage;

use jiff::Timestamp;
use jobs::{Clock, Services};
use serde::Serialize;

use super::{Outcome, Output, Result};
use crate::clock::SystemClock;
use crate::config::{Config, Loaded};
use crate::services;
use crate::storage::Choice;

/// A clock that shows an earlier time than this is wrong: the program did not exist then.
const FIRST_RELEASE: &str = "2026-01-01T00:00:00Z";

/// Seconds by which two clocks that are right may differ.
const LARGEST_SKEW: u64 = 120;

#[derive(Serialize)]
struct Answer {
    ok: bool,
    findings: Vec<Finding>,
}

/// What one check found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: String,
    ok: bool,
    message: String,
    fix: Option<String>,
}

impl Finding {
    fn good(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), ok: true, message: message.into(), fix: None }
    }
    fn bad(check: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check: check.to_owned(), ok: false, message: message.into(), fix: Some(fix.into()) }
    }
    /// From an error; what to do about it is said by the check, which knows where to look.
    fn from_error(check: &str, error: &jobs::Error, fix: &str) -> Self {
        Self::bad(check, sentence(error), fix)
    }
}

fn sentence(error: &jobs::Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(chars).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

/// Does it; the exit status is 1 where there is something to mend.
pub async fn run(settings: &Loaded, output: &Output) -> Result {
    let mut findings = settings_findings(settings);
    if let Ok(config) = &settings.config {
        findings.extend(directory::findings(config));
        let (inner, server_time) = inside(config).await;
        findings.extend(inner);
        findings.push(clock(SystemClock.now(), server_time));
    }
    let answer = Answer { ok: findings.iter().all(|finding| finding.ok), findings };
    output.answer(&answer, || words(&answer))?;
    Ok(if answer.ok { Outcome::Done } else { Outcome::Failed })
}

fn settings_findings(settings: &Loaded) -> Vec<Finding> {
    let wrong = settings.config.as_ref().err().into_iter().flatten();
    let wrong = wrong.map(|why| {
        Finding::bad("settings", why.clone(), "Correct it in the environment or in local.settings.json; nothing else was checked.")
    });
    let odd = settings.warnings.iter().map(|why| Finding::bad("settings", why.clone(), "Correct the name, or remove the setting."));
    let mut findings: Vec<Finding> = wrong.chain(odd).collect();
    if findings.is_empty() {
        findings.push(Finding::good("settings", "All settings are known and can be used."));
    }
    findings
}

/// Storage, vault and accounts, where there are any yet; and the time by the last server that answered.
async fn inside(config: &Config) -> (Vec<Finding>, Option<Timestamp>) {
    let mut findings = Vec::new();
    let services = match open(config, &mut findings).await {
        Some(Ok(services)) => services,
        Some(Err(finding)) => {
            findings.push(finding);
            return (findings, None);
        }
        None => return (findings, None),
    };
    findings.extend(accounts::findings(&services).await);
    (findings, services.connect.server_time())
}

/// Opens everything; `None` where there is nothing to open yet.
async fn open(config: &Config, findings: &mut Vec<Finding>) -> Option<std::result::Result<Services, Finding>> {
    if config.storage == Choice::Embedded && !config.data_dir.exists() {
        return None;
    }
    let opened = async {
        let storage = storage::open(config)?;
        findings.push(storage::finding(&storage).await);
        let vault = services::open_vault(config, storage.store()).await.map_err(|error| {
            Finding::from_error(
                "vault",
                &error,
                "Put back the key file that belongs to this data directory, readable for you only (chmod 600).",
            )
        })?;
        findings.push(match (vault.check().await, &config.key_vault) {
            (Ok(()), None) => Finding::good("vault", "The key file is there, is yours only, and can be used."),
            (Ok(()), Some(_)) => Finding::good("vault", "The key in Azure Key Vault can be used."),
            (Err(error), _) => Finding::from_error("vault", &error.into(), "Do what is said there, then run this again."),
        });
        services::join(config, &storage, vault)
            .map_err(|error| Finding::from_error("accounts", &error, "Check the system's TLS certificates."))
    };
    Some(opened.await)
}

/// The system's clock against that of a server, where one has answered, and against common sense.
fn clock(now: Timestamp, server: Option<Timestamp>) -> Finding {
    const FIX: &str = "Set the clock, or switch on network time (timedatectl set-ntp true).";
    let earliest: Timestamp = FIRST_RELEASE.parse().expect("a literal instant");
    let Some(server) = server else {
        return if now < earliest {
            Finding::bad("clock", format!("The clock of this machine says {now:.0}, which is in the past."), FIX)
        } else {
            Finding::good(
                "clock",
                format!("The clock of this machine says {now:.0}; no server has answered that it could be compared with."),
            )
        };
    };
    let off = now.as_second().abs_diff(server.as_second());
    if off > LARGEST_SKEW {
        let message = format!("The clock of this machine says {now:.0}, and that of the server {server:.0}: {off} seconds apart.");
        return Finding::bad("clock", message, FIX);
    }
    Finding::good("clock", format!("The clock of this machine says {now:.0}, as that of the server does."))
}

fn words(answer: &Answer) -> String {
    let mut text = String::new();
    for finding in &answer.findings {
        let sign = if finding.ok { "ok   " } else { "MEND " };
        text.push_str(&format!("{sign}{}: {}\n", finding.check, finding.message));
        if let Some(fix) = &finding.fix {
            text.push_str(&format!("     -> {fix}\n"));
        }
    }
    text.push_str(if answer.ok { "All is well.\n" } else { "There is something to mend.\n" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_wrong_and_names_that_are_unknown_are_findings() {
        let values = [("CALRELAY_POLL_SECONDS", "x"), ("CALRELAY_DATADIR", "y")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let findings = settings_findings(&Loaded::from(values, None));
        assert_eq!(findings.len(), 2);
        assert!(findings.iter().all(|finding| !finding.ok && finding.fix.is_some() && finding.check == "settings"));
        let none: [(String, String); 0] = [];
        assert!(settings_findings(&Loaded::from(none, None))[0].ok);
    }

    #[test]
    fn a_clock_is_held_against_that_of_a_server() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-07-01T12:00:00Z");
        assert!(clock(now, None).ok);
        assert!(!clock(Timestamp::UNIX_EPOCH, None).ok, "the program did not exist then");
        assert!(clock(now, Some(at("2026-07-01T12:02:00Z"))).ok);
        assert!(clock(now, Some(at("2026-07-01T11:58:00Z"))).ok);
        assert!(!clock(now, Some(at("2026-07-01T12:02:01Z"))).ok);
        assert!(!clock(now, Some(at("2026-07-01T09:00:00Z"))).ok);
    }

    #[test]
    fn the_document_is_that_of_the_contract() {
        let answer = Answer { ok: false, findings: vec![Finding::good("a", "b"), Finding::bad("c", "d", "e")] };
        assert_eq!(
            serde_json::to_value(&answer).unwrap(),
            serde_json::json!({"ok": false, "findings": [
                {"check": "a", "ok": true, "message": "b", "fix": null},
                {"check": "c", "ok": false, "message": "d", "fix": "e"},
            ]})
        );
    }
}
