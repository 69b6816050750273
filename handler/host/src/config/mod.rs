//! All settings, read once: from the environment, and for local use from `local.settings.json`
//! (`source.rs` finds it).
//!
//! The environment wins over the file. An empty value counts as none. An unknown name that begins
//! with `CALRELAY_` gives a warning with the most similar name; a value that cannot be used is an
//! error before anything else is done. Settings that this version does not use (`names.rs`) are
//! checked too, but give only findings (`check/`).

mod address;
mod check;
mod data_dir;
mod google;
mod local_settings;
mod microsoft;
mod names;
mod oauth_client;
mod source;
pub mod storage;
mod unknown_names;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jobs::Finding;
use providers::caldav::icloud;
use secrecy::SecretString;
use url::Url;

pub use self::google::GoogleSettings;
pub use self::microsoft::MicrosoftSettings;
use self::names::{FUNCTIONS_PORT, INSTANCE, SETTINGS_FILE};
use self::source::SettingsSource;
use self::storage::StorageSettings;
use crate::key_vault::KeyVaultSettings;

const POLL_SECONDS: std::ops::RangeInclusive<u64> = 1..=86_400;

/// The values of all settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The directory of embedded storage and of the vault's key file.
    pub data_dir: PathBuf,
    pub storage: StorageSettings,
    /// Apple's server, or a replacement: discovery begins here, and credentials are sent to its
    /// hosts only.
    pub icloud_url: Url,
    pub google: GoogleSettings,
    pub microsoft: MicrosoftSettings,
    /// The key in Azure Key Vault; `None` if the key is a file in the data directory.
    pub key_vault: Option<KeyVaultSettings>,
    /// Scheme and host under which providers reach the service, without a slash at the end; `None`
    /// if they do not.
    pub public_url: Option<String>,
    /// The polling interval.
    pub poll: Duration,
    /// Whether a CalDAV URL may name loopback or private addresses, with plain http.
    pub allow_private_hosts: bool,
    /// Whether a setting says so, and not the default.
    pub private_hosts_chosen: bool,
    /// The port of the loopback on which the Functions host expects the handler; `None` without the
    /// Functions host.
    pub functions_port: Option<u16>,
}

/// The settings as they were read, valid or not.
#[derive(Debug)]
pub struct LoadedSettings {
    /// The values, or all errors.
    pub config: Result<Config, Vec<String>>,
    /// Other findings: what should be corrected but prevents no start, and what the operator should
    /// know.
    pub remarks: Vec<Finding>,
    /// All known settings that have a value.
    pub values: BTreeMap<String, SecretString>,
    /// The name of the system's user, from the environment.
    pub user: Option<String>,
    /// `RUST_LOG`.
    pub log: Option<String>,
    /// Whether the Functions host started the program, even with invalid settings.
    pub under_functions_host: bool,
}

impl LoadedSettings {
    /// Reads the environment, and the file that `--settings` names or that is in the data
    /// directory.
    pub fn read(named: Option<&Path>) -> Self {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let environment: BTreeMap<String, String> = environment.collect();
        let source = match source::find(&environment, named) {
            Ok(source) => source,
            Err(wrong) => {
                return Self {
                    config: Err(vec![wrong]),
                    remarks: Vec::new(),
                    values: BTreeMap::new(),
                    user: None,
                    log: None,
                    under_functions_host: false,
                };
            }
        };
        let is_named = environment.contains_key("CALRELAY_DATA_DIR");
        let mut loaded = Self::from(environment, source.as_ref());
        if let Some(why) =
            data_dir::skipped_reason().filter(|_| !is_named && !loaded.under_functions_host)
        {
            loaded.remarks.push(Finding::bad(
                check::CHECK,
                why,
                "Run `chmod go-w .calrelay` if it is yours, or set CALRELAY_DATA_DIR.",
            ));
        }
        if let Some(source) = source {
            loaded.remarks.push(Finding::good(
                check::CHECK,
                format!("Settings were read from {}.", source.path.display()),
            ));
        } else if Path::new(SETTINGS_FILE).exists() {
            let why = format!(
                "{SETTINGS_FILE} of this directory is not read: put it into the data directory, \
                or name it \
                with --settings."
            );
            loaded.remarks.push(Finding::good(check::CHECK, why));
        }
        loaded
    }

    /// Reads the settings from these values.
    pub fn from(
        environment: impl IntoIterator<Item = (String, String)>,
        source: Option<&SettingsSource>,
    ) -> Self {
        let mut wrong = Vec::new();
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let user = ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| environment.get(name).cloned());
        let mut values: BTreeMap<String, String> =
            match source.map(SettingsSource::values).transpose() {
                Ok(values) => values.unwrap_or_default(),
                Err(why) => {
                    wrong.push(why);
                    BTreeMap::new()
                }
            };
        if let Some(source) = source {
            source::remove_untrusted(source, &mut values, &mut wrong);
        }
        values.extend(environment);
        values.retain(|_, value| !value.trim().is_empty());

        let remarks = check::remarks(&values);
        let log = values.get("RUST_LOG").cloned();
        let under_functions_host = values.contains_key(FUNCTIONS_PORT);
        let config = Config::from(&values, &mut wrong);
        let known = |(name, value): (String, String)| {
            names::is_known(&name).then(|| (name, SecretString::from(value)))
        };
        let values = values.into_iter().filter_map(known).collect();
        Self {
            config: if wrong.is_empty() { Ok(config) } else { Err(wrong) },
            remarks,
            values,
            user,
            log,
            under_functions_host,
        }
    }

    /// All findings about the settings.
    pub fn findings(&self) -> Vec<Finding> {
        const FIX: &str = "Correct it in the environment, in local.settings.json (or the file that \
        --settings names), or in Azure among the app's settings; until then calrelay does not work.";
        let wrong = self.config.as_ref().err().into_iter().flatten();
        let mut findings: Vec<Finding> =
            wrong.map(|why| Finding::bad(check::CHECK, format!("{why}."), FIX)).collect();
        findings.extend(self.remarks.iter().cloned());
        if findings.iter().all(|finding| finding.ok) {
            findings
                .insert(0, Finding::good(check::CHECK, "All settings are known and can be used."));
        }
        findings
    }
}

impl Config {
    /// Reads the values. Errors are added to `wrong`, and the default replaces such a value.
    fn from(values: &BTreeMap<String, String>, wrong: &mut Vec<String>) -> Self {
        let get = |name: &str| values.get(name).map(|value| value.trim());
        let functions_port =
            get(FUNCTIONS_PORT).map(|port| port.parse::<u16>().ok().filter(|port| *port != 0));
        if functions_port == Some(None) {
            wrong.push(format!(
                "{FUNCTIONS_PORT} must be a port; the Functions host sets it, so leave it out \
                elsewhere"
            ));
        }
        let storage = StorageSettings::from(get, functions_port.is_some()).unwrap_or_else(|why| {
            wrong.push(why);
            StorageSettings::Embedded
        });
        if !matches!(get("CALRELAY_MODE"), None | Some("single-user" | "multi-user")) {
            wrong.push("CALRELAY_MODE must be single-user or multi-user".into());
        }
        let key_vault = KeyVaultSettings::from(get).unwrap_or_else(|why| {
            wrong.push(why);
            None
        });
        if storage == StorageSettings::Embedded && get(INSTANCE).is_some() {
            wrong.push(
                "CALRELAY_STORE must be azure, or be left out: in Azure a file would vanish with \
                the instance that holds it, and every instance \
                 would have its own"
                    .into(),
            );
        }
        if key_vault.is_none() && get(INSTANCE).is_some() {
            wrong.push(
                "CALRELAY_KEY_VAULT_KEY is missing: in Azure a key file would vanish with the \
                instance that holds it, and all passwords with it. \
                 Set it to the identifier of a key in Key Vault"
                    .into(),
            );
        }
        let poll = get("CALRELAY_POLL_SECONDS").map_or(Some(60), |text| {
            text.parse().ok().filter(|seconds| POLL_SECONDS.contains(seconds))
        });
        if poll.is_none() {
            wrong.push(format!(
                "CALRELAY_POLL_SECONDS must be a whole number of seconds from {} to {}",
                POLL_SECONDS.start(),
                POLL_SECONDS.end()
            ));
        }
        let private_hosts = get("CALRELAY_ALLOW_PRIVATE_HOSTS");
        let allow_private_hosts = match private_hosts.map(str::to_ascii_lowercase).as_deref() {
            // Commands, and a service on the loopback, are used by the machine's owner, who can
            // reach those hosts anyway.
            None => functions_port.is_none(),
            Some("true") => true,
            Some("false") => false,
            Some(_) => {
                wrong.push("CALRELAY_ALLOW_PRIVATE_HOSTS must be true or false".into());
                false
            }
        };
        Self {
            data_dir: get("CALRELAY_DATA_DIR")
                .map_or_else(|| data_dir::default(get), PathBuf::from),
            storage,
            icloud_url: icloud_url(get("ICLOUD_CALDAV_URL"), wrong),
            google: GoogleSettings::from(get, wrong),
            microsoft: MicrosoftSettings::from(get, wrong),
            key_vault,
            public_url: public_url(get("CALRELAY_PUBLIC_URL"), wrong),
            poll: Duration::from_secs(poll.unwrap_or(60)),
            allow_private_hosts,
            private_hosts_chosen: private_hosts.is_some(),
            functions_port: functions_port.flatten(),
        }
    }
}

fn public_url(value: Option<&str>, wrong: &mut Vec<String>) -> Option<String> {
    let text = value?;
    if let Some(why) = address::problem(text, address::AllowedPath::None) {
        wrong.push(format!("CALRELAY_PUBLIC_URL {why}"));
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn icloud_url(value: Option<&str>, wrong: &mut Vec<String>) -> Url {
    let apple = || Url::parse(icloud::URL).expect("a literal address");
    let Some(text) = value else { return apple() };
    match Url::parse(text) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none() =>
        {
            url
        }
        _ => {
            wrong.push(
                "ICLOUD_CALDAV_URL must be an address such as https://caldav.icloud.com, \
            without a user name"
                    .into(),
            );
            apple()
        }
    }
}

#[cfg(test)]
mod tests;
