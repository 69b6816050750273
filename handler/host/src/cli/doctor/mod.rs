//! `calrelay doctor`: checks an installation, and says how to correct each problem.
//!
//! It creates no data directory and no key. Each account is asked once.

mod directory;
mod no_key;
mod storage;

use std::sync::Arc;

use jobs::Clock;
use jobs::Connect as _;
use jobs::Finding;
use jobs::Services;
use jobs::Setup;
use jobs::WrappingKeyPlace;
use jobs::doctor;
use jobs::doctor::AccountChecks;
use serde::Serialize;
use store::Store;
use vault::Vault;

use super::outcome::{CommandOutcome, Result};
use crate::clock::SystemClock;
use crate::config::storage::StorageSettings;
use crate::config::{Config, LoadedSettings};
use crate::registry::ProviderRegistry;
use crate::services;
use crate::storage::Storage;
use crate::terminal::Output;

/// The roles that the identity needs on the storage account.
const ROLES: &str = "the roles Storage Table Data Contributor and Storage Queue Data Contributor";

#[derive(Serialize)]
struct DoctorReply {
    ok: bool,
    findings: Vec<Finding>,
}

/// Runs the command; the exit status is 1 if there is a problem.
pub async fn run(settings: &LoadedSettings, output: &Output) -> Result {
    let mut findings = settings.findings();
    if let Ok(config) = &settings.config {
        if uses_directory(config) {
            findings.extend(directory::findings(config));
        }
        findings.extend(check_services(config).await);
    }
    let answer = DoctorReply { ok: findings.iter().all(|finding| finding.ok), findings };
    output.answer(&answer, || words(&answer))?;
    Ok(if answer.ok { CommandOutcome::Done } else { CommandOutcome::Failed })
}

/// Whether rows or the key are in the data directory.
fn uses_directory(config: &Config) -> bool {
    config.storage == StorageSettings::Embedded || config.key_vault.is_none()
}

/// Checks storage, vault, accounts and clock, if anything is stored.
async fn check_services(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.storage == StorageSettings::Embedded && !config.data_dir.exists() {
        findings.push(Finding::good(
            "storage",
            "Nothing is stored yet, so there was nothing to check.",
        ));
        let mut time = None;
        if let Ok(registry) = ProviderRegistry::new(config) {
            findings.extend(doctor::check_clients(&registry).await);
            findings.extend(doctor::clients(&registry));
            time = registry.server_time();
        }
        findings.push(doctor::clock(SystemClock.now(), time));
        return findings;
    }
    match open(config, &mut findings).await {
        Ok((services, storage)) => {
            findings.extend(doctor::findings(&services, AccountChecks::Live).await);
            storage.settle().await;
        }
        Err(finding) => findings.extend([finding, doctor::clock(SystemClock.now(), None)]),
    }
    findings
}

/// Opens storage and vault; the finding says what cannot be opened.
async fn open(
    config: &Config,
    findings: &mut Vec<Finding>,
) -> std::result::Result<(Services, Storage), Finding> {
    let storage = storage::open(config)?;
    findings.extend(storage::finding(&storage).await);
    let vault = doctor::with_timeout(open_vault(config, storage.store())).await.map_err(|error| {
        let azure = matches!(config.storage, StorageSettings::Azure(_));
        match (&error, &config.key_vault) {
            // The check of the key reads storage first.
            (jobs::Error::Store(_), _) => {
                jobs::doctor::failed_check("storage", &error, &Setup::storage_fix(azure, ROLES))
            }
            (_, None) => jobs::doctor::failed_check(
                "vault",
                &error,
                "Put back the key file that belongs to this data directory, readable for you only \
                (chmod 600).",
            ),
            (_, Some(_)) => {
                jobs::doctor::failed_check("vault", &error, "Follow the message, then run this again.")
            }
        }
    })?;
    let services =
        services::assemble(config, &storage, vault, services::wrapping_key(config), Vec::new())
            .map_err(|error| {
                jobs::doctor::failed_check(
                    "accounts",
                    &error,
                    "Check the system's TLS certificates.",
                )
            })?;
    Ok((services, storage))
}

/// Opens the vault without creating a key.
async fn open_vault(config: &Config, store: Arc<dyn Store>) -> jobs::Result<Arc<dyn Vault>> {
    if services::wrapping_key(config) != WrappingKeyPlace::NotMade {
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
    text.push_str(if answer.ok { "All is well.\n" } else { "There is something to correct.\n" });
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
