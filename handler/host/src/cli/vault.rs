//! `calrelay vault`: the keys over the stored secrets.

use clap::{Args, Subcommand};
use engine::calendar::AccountId;
use jobs::Rotation;
use jobs::Services;
use records::problem::Problem;
use serde::Serialize;
use vault::KEY_FILE;
use vault::key_vault::KeyIdentifier;

use super::outcome::{CommandOutcome, Result};
use crate::config::Config;
use crate::terminal::Output;

#[derive(Debug, Subcommand)]
pub enum VaultCommand {
    /// Seal with a new version of the key from now on, wrap all stored secrets with it, and sign
    /// channels with a new key. Nothing that is stored is lost, and a running calrelay continues.
    ///
    /// The key file in the data directory gets a new version. Old versions are removed when nothing
    /// has been wrapped with them for a while. A key in Azure Key Vault gets new versions there
    /// (`az keyvault key rotate`); this wraps all secrets with the newest one.
    Rotate(Rotate),
}

/// The arguments of `calrelay vault rotate`.
#[derive(Debug, Args)]
pub struct Rotate {
    /// Stop accepting notifications of existing channels, as if others knew their key: a running
    /// calrelay creates all channels again and syncs their calendars. Without this option, channels
    /// are signed with the new key when they are renewed, within six days.
    #[arg(long)]
    webhooks_now: bool,
}

impl Rotate {
    /// The action in the audit trail.
    pub fn audit_action(&self) -> &'static str {
        if self.webhooks_now { "vault.rotate_all" } else { "vault.rotate" }
    }
}

/// Runs the command.
pub async fn run(
    services: &Services,
    config: &Config,
    command: &VaultCommand,
    output: &Output,
) -> Result {
    let VaultCommand::Rotate(Rotate { webhooks_now }) = command;
    let done = jobs::rotate_keys(services, *webhooks_now)
        .await
        .map_err(|error| jobs::problem_keeping(&error, KEPT))?;
    let key = config.key_vault.as_ref().map(|wrapping| &wrapping.key);
    let answer = RotationReply::of(&done);
    output.set_subject(&answer.key);
    output.answer(&answer, || words(&answer, key.is_some(), *webhooks_now))?;
    output.note(&hint(key));
    for (account, error) in &done.failed {
        output.note(&format!(
            "The password of the account {account} was left as it is: {}",
            Problem::from(error).message
        ));
    }
    Ok(if done.failed.is_empty() { CommandOutcome::Done } else { CommandOutcome::Failed })
}

/// What was kept safe, if the rotation fails.
const KEPT: &str = "No secret was lost: all of them open as before. Run the command again.";

#[derive(Serialize)]
struct RotationReply<'a> {
    key: &'a str,
    rewrapped: usize,
    left: Vec<&'a AccountId>,
    removed: usize,
    webhook_key: &'a str,
    channels: usize,
}

impl<'a> RotationReply<'a> {
    fn of(done: &'a Rotation) -> Self {
        let Rotation {
            key,
            rewrapped,
            failed: left,
            removed,
            webhook_key,
            ended_watches: channels,
        } = done;
        let left = left.iter().map(|(account, _)| account).collect();
        Self {
            key,
            rewrapped: *rewrapped,
            left,
            removed: *removed,
            webhook_key,
            channels: *channels,
        }
    }
}

fn words(answer: &RotationReply<'_>, key_vault: bool, webhooks_now: bool) -> String {
    let RotationReply { key, rewrapped, removed, webhook_key, channels, .. } = answer;
    let whose = if key_vault {
        "The newest version of the key in Key Vault"
    } else {
        "A new version of the key"
    };
    let mut text = format!(
        "{whose}, {key}, seals from now on. Secrets that were wrapped anew with it: {rewrapped}.\n"
    );
    if *removed > 0 {
        text.push_str(&format!("Old versions that were removed from {KEY_FILE}: {removed}.\n"));
    }
    let before = match (webhooks_now, channels) {
        (true, _) => "Notifications of earlier channels are no longer accepted",
        (false, 0) => "Channels are signed with it as they are renewed, within six days",
        (false, _) => "Some channels are older than the key before it",
    };
    text.push_str(&format!("The key {webhook_key} signs channels. {before}"));
    match channels {
        0 => text.push_str(".\n"),
        _ => text.push_str(&format!("; a running calrelay opens {channels} anew.\n")),
    }
    text
}

/// What the operator still has to do.
fn hint(key: Option<&KeyIdentifier>) -> String {
    let Some(key) = key else {
        return format!(
            "An earlier copy of {KEY_FILE} does not open what is sealed from now on: make a new \
            one."
        );
    };
    let whole = key.to_string();
    let Some(version) = key.version() else {
        return format!(
            "Key Vault makes the versions of its keys: `az keyvault key rotate --id {whole}`. \
            After that, run this command again."
        );
    };
    let name = whole.strip_suffix(version).unwrap_or(&whole).trim_end_matches('/');
    format!(
        "CALRELAY_KEY_VAULT_KEY names the version {version}, which goes on wrapping although \
        there may be newer versions. Set it to {name} to wrap with the newest \
         version, and run this command again; `az keyvault key rotate --id {name}` makes one."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "https://name.vault.azure.net/keys/wrapping";
    const VERSION: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn the_hint_says_what_the_operator_has_to_do() {
        assert!(hint(None).contains("make a new one"));
        let newest = hint(Some(&NAME.parse().unwrap()));
        assert!(
            newest.contains(&format!("az keyvault key rotate --id {NAME}`"))
                && !newest.contains("names the version"),
            "{newest}"
        );
        let pinned = hint(Some(&format!("{NAME}/{VERSION}").parse().unwrap()));
        assert!(
            pinned.contains(&format!("names the version {VERSION}"))
                && pinned.contains(&format!("Set it to {NAME} to")),
            "{pinned}"
        );
        assert!(pinned.contains(&format!("--id {NAME}`")), "{pinned}");
    }

    #[test]
    fn what_was_done_is_said_in_words() {
        let mut answer = RotationReply {
            key: "k3x7q2ma",
            rewrapped: 2,
            left: Vec::new(),
            removed: 0,
            webhook_key: "abcd",
            channels: 0,
        };
        let plain = words(&answer, false, false);
        assert!(
            plain.contains("k3x7q2ma")
                && plain.contains("within six days.")
                && !plain.contains("removed"),
            "{plain}"
        );
        (answer.removed, answer.channels) = (1, 3);
        let emergency = words(&answer, true, true);
        assert!(
            emergency.contains("removed from vault.key: 1")
                && emergency.contains("no longer accepted; a running calrelay opens 3 anew"),
            "{emergency}"
        );
    }
}
