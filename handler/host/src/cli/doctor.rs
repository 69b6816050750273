//! `calrelay doctor`: looks at everything that can be wrong with an installation, and says how to mend it.
//!
//! Where there is no data directory yet, none is made. Accounts are asked once each.

mod accounts;
mod directory;

use jiff::Timestamp;
use jobs::Clock;
use serde::Serialize;

use super::{Outcome, Output, Result};
use crate::clock::SystemClock;
use crate::config::{Config, Loaded};
use crate::services;

/// A clock that shows an earlier time than this is wrong: the program did not exist then.
const FIRST_RELEASE: &str = "2026-01-01T00:00:00Z";

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
        findings.push(clock(SystemClock.now()));
        findings.extend(inside(config).await);
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

/// Storage, vault and accounts, where there are any yet.
async fn inside(config: &Config) -> Vec<Finding> {
    if !config.data_dir.exists() {
        return Vec::new();
    }
    let store = match services::open_store(config) {
        Ok(store) => store,
        Err(error) => {
            return vec![Finding::from_error(
                "storage",
                &error.into(),
                "See data_dir above; if the file is damaged, restore the data directory from a backup.",
            )];
        }
    };
    let mut findings = vec![match store.check().await {
        Ok(()) => Finding::good("storage", "Storage opens, has the schema of this version, and shows no damage."),
        Err(error) => Finding::from_error(
            "storage",
            &error.into(),
            "Stop every calrelay, keep a copy of the data directory, and restore it from a backup.",
        ),
    }];
    let vault = match services::open_vault(config, &store).await {
        Ok(vault) => vault,
        Err(error) => {
            findings.push(Finding::from_error(
                "vault",
                &error,
                "Put back the key file that belongs to this data directory, readable for you only (chmod 600).",
            ));
            return findings;
        }
    };
    findings.push(Finding::good("vault", "The key file is there, is yours only, and can be used."));
    match services::join(config, store, vault) {
        Ok(services) => findings.extend(accounts::findings(&services).await),
        Err(error) => findings.push(Finding::from_error("accounts", &error, "Check the system's TLS certificates.")),
    }
    findings
}

/// Only what can be known without asking anybody: the providers do not pass on their servers' time.
fn clock(now: Timestamp) -> Finding {
    let earliest: Timestamp = FIRST_RELEASE.parse().expect("a literal instant");
    if now < earliest {
        return Finding::bad(
            "clock",
            format!("The clock of this machine says {now:.0}, which is in the past."),
            "Set the clock, or switch on network time (timedatectl set-ntp true).",
        );
    }
    Finding::good("clock", format!("The clock of this machine says {now:.0}; that was not compared with a server's."))
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
    fn a_clock_from_before_the_program_is_wrong() {
        assert!(!clock(Timestamp::UNIX_EPOCH).ok);
        assert!(clock("2026-07-01T00:00:00Z".parse().unwrap()).ok);
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
