//! Every setting, read once: from the environment, and for local use from `local.settings.json`
//! (`source.rs` says which).
//!
//! The environment wins over the file. An empty value counts as none. A name that begins with
//! `CALRELAY_` and is not known is a warning that names its nearest neighbour; a value that cannot
//! be used is an error, before anything else is done. What nothing depends on in this version
//! (`names.rs` says which) is checked all the same and hinders nothing: it is a finding
//! (`check.rs`).

mod address;
mod check;
mod file;
mod google;
mod names;
mod neighbour;
mod place;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jobs::doctor::Finding;
use providers::caldav::icloud;
use secrecy::SecretString;
use url::Url;

pub use self::google::GoogleSettings;
use self::source::SettingsSource;
use crate::key_vault::Wrapping;
use crate::storage::Choice;

/// The file for local use.
pub const FILE: &str = "local.settings.json";

/// Set by the Functions host.
const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// Set by Azure on every instance of an app.
const INSTANCE: &str = "WEBSITE_INSTANCE_ID";

const POLL_SECONDS: std::ops::RangeInclusive<u64> = 1..=86_400;

/// What the settings say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where embedded storage and the vault's key file live.
    pub data_dir: PathBuf,
    /// Which storage.
    pub storage: Choice,
    /// Apple's server, or what stands in for it: discovery begins here, and credentials stay within
    /// its hosts.
    pub icloud_url: Url,
    /// Google.
    pub google: GoogleSettings,
    /// The key in Azure Key Vault; `None` where it is a file in the data directory.
    pub key_vault: Option<Wrapping>,
    /// Scheme and host under which providers reach us, without a slash at the end; `None` where
    /// they do not.
    pub public_url: Option<String>,
    /// Cadence of polling.
    pub poll: Duration,
    /// A CalDAV address may point to loopback or private addresses, over plain http.
    pub allow_private_hosts: bool,
    /// That was said in so many words, and not assumed.
    pub private_hosts_chosen: bool,
    /// Started by the Functions host, which expects us on this port of the loopback.
    pub functions_port: Option<u16>,
}

/// The settings as they were found, good or not.
#[derive(Debug)]
pub struct Loaded {
    /// What they say, or everything that is wrong with them.
    pub config: Result<Config, Vec<String>>,
    /// What else there is to say: what is to be mended and hinders nothing, and what is well and
    /// should be known.
    pub remarks: Vec<Finding>,
    /// Every setting that is known and has a value.
    pub values: BTreeMap<String, SecretString>,
    /// The user of the system, as the session names it.
    pub user: Option<String>,
    /// `RUST_LOG`.
    pub log: Option<String>,
    /// Started by the Functions host, whether with settings that can be used or not.
    pub under_functions_host: bool,
}

impl Loaded {
    /// Reads the environment, and the file that was named or that belongs to the data directory.
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
            place::passed_over().filter(|_| !is_named && !loaded.under_functions_host)
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
        } else if Path::new(FILE).exists() {
            let why = format!(
                "{FILE} of this directory is not read: put it into the data directory, or name it \
                with --settings."
            );
            loaded.remarks.push(Finding::good(check::CHECK, why));
        }
        loaded
    }

    /// The same from values at hand.
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
            match source.map(|source| file::values(&source.bytes)).transpose() {
                Ok(values) => values.unwrap_or_default(),
                Err(why) => {
                    wrong.push(why);
                    BTreeMap::new()
                }
            };
        if let Some(source) = source {
            source::refuse_addresses(source, &mut values, &mut wrong);
        }
        values.extend(environment);
        values.retain(|_, value| !value.trim().is_empty());

        let remarks = check::remarks(&values);
        let log = values.get("RUST_LOG").cloned();
        let under_functions_host = values.contains_key(PORT);
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

    /// Everything that is to be said of the settings.
    pub fn findings(&self) -> Vec<Finding> {
        const FIX: &str = "Correct it in the environment, in local.settings.json, or in Azure \
        among the app's settings; nothing works before.";
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
    /// What is wrong is added to `wrong`, and its default stands in for it.
    fn from(values: &BTreeMap<String, String>, wrong: &mut Vec<String>) -> Self {
        let get = |name: &str| values.get(name).map(|value| value.trim());
        let functions_port =
            get(PORT).map(|port| port.parse::<u16>().ok().filter(|port| *port != 0));
        if functions_port == Some(None) {
            wrong.push(format!(
                "{PORT} must be a port; the Functions host sets it, so leave it out elsewhere"
            ));
        }
        let storage = Choice::from(get, functions_port.is_some()).unwrap_or_else(|why| {
            wrong.push(why);
            Choice::Embedded
        });
        if !matches!(get("CALRELAY_MODE"), None | Some("single-user" | "multi-user")) {
            wrong.push("CALRELAY_MODE must be single-user or multi-user".into());
        }
        let key_vault = Wrapping::from(get).unwrap_or_else(|why| {
            wrong.push(why);
            None
        });
        if storage == Choice::Embedded && get(INSTANCE).is_some() {
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
            // The command line and single-user mode on loopback are used by the machine's owner,
            // who can reach those hosts anyway.
            None => functions_port.is_none(),
            Some("true") => true,
            Some("false") => false,
            Some(_) => {
                wrong.push("CALRELAY_ALLOW_PRIVATE_HOSTS must be true or false".into());
                false
            }
        };
        Self {
            data_dir: get("CALRELAY_DATA_DIR").map_or_else(|| place::default(get), PathBuf::from),
            storage,
            icloud_url: icloud_url(get("ICLOUD_CALDAV_URL"), wrong),
            google: GoogleSettings::from(get, wrong),
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
    if let Some(why) = address::wrong(text, address::Path::None) {
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
