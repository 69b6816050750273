//! `calrelay doctor`: looks at everything that can be wrong with an installation, and says how to
//! mend it.
//!
//! Where there is no data directory or key yet, none is made. Accounts are asked once each.

mod directory;
mod no_key;
mod storage;

use std::sync::Arc;

use jobs::doctor::{self, AccountChecks, Finding, Setup, WrappingKey};
use jobs::{Clock, Services};
use serde::Serialize;
use store::Store;
use vault::Vault;

use super::{CommandOutcome, Output, Result};
use crate::clock::SystemClock;
use crate::config::{Config, Loaded};
use crate::services;
use crate::storage::{Choice, Storage};

/// What the identity needs on the storage account.
const ROLES: &str = "the roles Storage Table Data Contributor and Storage Queue Data Contributor";

#[derive(Serialize)]
struct DoctorReply {
    ok: bool,
    findings: Vec<Finding>,
}

/// Does it; the exit status is 1 where there is something to mend.
pub async fn run(settings: &Loaded, output: &Output) -> Result {
    let mut findings = settings.findings();
    if let Ok(config) = &settings.config {
        if uses_directory(config) {
            findings.extend(directory::findings(config));
        }
        findings.extend(inside(config).await);
    }
    let answer = DoctorReply { ok: findings.iter().all(|finding| finding.ok), findings };
    output.answer(&answer, || words(&answer))?;
    Ok(if answer.ok { CommandOutcome::Done } else { CommandOutcome::Failed })
}

/// Rows or the key are in the data directory.
fn uses_directory(config: &Config) -> bool {
    config.storage == Choice::Embedded || config.key_vault.is_none()
}

/// Storage, vault, accounts and clock, where there is anything to look at yet.
async fn inside(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.storage == Choice::Embedded && !config.data_dir.exists() {
        findings.push(Finding::good(
            "storage",
            "Nothing is stored yet, so there was nothing to look at.",
        ));
        findings.push(doctor::clock(SystemClock.now(), None));
        return findings;
    }
    match open(config, &mut findings).await {
        Ok((services, storage)) => {
            findings.extend(doctor::findings(&services, AccountChecks::Asked).await);
            storage.settle().await;
        }
        Err(finding) => findings.extend([finding, doctor::clock(SystemClock.now(), None)]),
    }
    findings
}

/// Opens everything; or says what cannot be opened.
async fn open(
    config: &Config,
    findings: &mut Vec<Finding>,
) -> std::result::Result<(Services, Storage), Finding> {
    let storage = storage::open(config)?;
    findings.extend(storage::finding(&storage).await);
    let vault = doctor::in_time(open_vault(config, storage.store())).await.map_err(|error| {
        let azure = matches!(config.storage, Choice::Azure(_));
        match (&error, &config.key_vault) {
            // What is sealed is looked up first, and storage is the first to be missed.
            (jobs::Error::Store(_), _) => {
                Finding::from_error("storage", &error, &Setup::mend_storage(azure, ROLES))
            }
            (_, None) => Finding::from_error(
                "vault",
                &error,
                "Put back the key file that belongs to this data directory, readable for you only \
                (chmod 600).",
            ),
            (_, Some(_)) => Finding::from_error(
                "vault",
                &error,
                "Do what is said there, then run \
            this again.",
            ),
        }
    })?;
    let services = services::join(config, &storage, vault, services::key(config), Vec::new())
        .map_err(|error| {
            Finding::from_error("accounts", &error, "Check the system's TLS certificates.")
        })?;
    Ok((services, storage))
}

/// The vault, without making one.
async fn open_vault(config: &Config, store: Arc<dyn Store>) -> jobs::Result<Arc<dyn Vault>> {
    if services::key(config) != WrappingKey::NotMade {
        return services::open_vault(config, store).await;
    }
    services::check_key_file(&config.data_dir, &*store).await?;
    Ok(Arc::new(no_key::NoKey))
}

fn words(answer: &DoctorReply) -> String {
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
    fn the_document_is_that_of_the_contract() {
        let answer = DoctorReply {
            ok: false,
            findings: vec![Finding::good("a", "b"), Finding::bad("c", "d", "e")],
        };
        assert_eq!(
            serde_json::to_value(&answer).unwrap(),
            serde_json::json!({"ok": false, "findings": [
                {"check": "a", "ok": true, "message": "b", "fix": null},
                {"check": "c", "ok": false, "message": "d", "fix": "e"},
            ]})
        );
    }
}
