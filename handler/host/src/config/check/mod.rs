//! Findings about settings that prevent no start: unknown names, incomplete pairs of settings, what
//! has to be registered at a provider, and problems that occur only in Azure. No value is quoted except the
//! public address, since it may be a secret.

mod microsoft;

use std::collections::BTreeMap;

use jobs::Finding;
use tracing_subscriber::filter::EnvFilter;

use super::address::{AllowedPath, is_cleartext, problem};
use super::names::{FUNCTIONS_PORT, INSTANCE, SETTINGS};
use super::unknown_names;

pub const CHECK: &str = "settings";

const GOOGLE: &str = "Google Calendar";

/// The settings that are not empty.
struct SettingValues<'a>(&'a BTreeMap<String, String>);

impl<'a> SettingValues<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|value| value.trim())
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.get(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
    }

    /// Whether the value is a reference to Key Vault that was not resolved.
    fn is_reference(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.starts_with("@Microsoft.KeyVault("))
    }

    /// Whether the program runs on an instance of an app in Azure.
    fn in_azure(&self) -> bool {
        self.has(INSTANCE)
    }

    /// Whether the Functions host started the program, in Azure or elsewhere.
    fn under_functions_host(&self) -> bool {
        self.has(FUNCTIONS_PORT)
    }
}

/// All findings.
pub fn remarks(values: &BTreeMap<String, String>) -> Vec<Finding> {
    let unknown = values.keys().filter_map(|name| unknown_names::warning(name));
    let mut found: Vec<Finding> =
        unknown.map(|why| bad(why, "Correct the name, or remove the setting.")).collect();
    let values = SettingValues(values);
    references(&values, &mut found);
    mode(&values, &mut found);
    addresses(&values, &mut found);
    for (owner, id, secret) in [
        (GOOGLE, "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
        (microsoft::NAME, "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET"),
    ] {
        found.extend(client_pair(&values, owner, id, secret));
    }
    log(&values, &mut found);
    storage(&values, &mut found);
    if values.under_functions_host() {
        functions_host(&values, &mut found);
    }
    if values.in_azure() {
        azure(&values, &mut found);
    }
    found
}

fn good(message: impl Into<String>) -> Finding {
    Finding::good(CHECK, message)
}

fn bad(message: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding::bad(CHECK, message, fix)
}

/// Azure replaces a reference by the secret before it starts the app. If it cannot, the reference
/// stays.
fn references(values: &SettingValues<'_>, found: &mut Vec<Finding>) {
    found.extend(SETTINGS.iter().filter(|(name, _)| values.is_reference(name)).map(|(name, _)| {
        bad(
            format!("{name} is a reference to Key Vault that was not resolved."),
            "In Azure, look under Environment variables for the reason: mostly the app's identity \
            lacks the role Key Vault Secrets User on the secret, \
             or there is no such secret. Elsewhere, give the value itself.",
        )
    }));
}

fn mode(values: &SettingValues<'_>, found: &mut Vec<Finding>) {
    if values.is("CALRELAY_MODE", "multi-user") {
        found.push(good(
            "CALRELAY_MODE is multi-user. Sign-in, and pages for several people, come with a \
            later version; until then all accounts and pairs \
             are those of the operator, who adds them with commands.",
        ));
    }
}

fn addresses(values: &SettingValues<'_>, found: &mut Vec<Finding>) {
    if values.get("ICLOUD_CALDAV_URL").is_some_and(is_cleartext) {
        found.push(bad(
            "ICLOUD_CALDAV_URL begins with http:// and is not on this machine: passwords would be \
            sent unencrypted.",
            "Begin it with https://, or remove it for Apple's own server.",
        ));
    }
}

fn client_pair(values: &SettingValues<'_>, owner: &str, id: &str, secret: &str) -> Option<Finding> {
    let (there, missing) = match (values.has(id), values.has(secret)) {
        (false, false) => return None,
        // Another finding reports this.
        (true, true) if values.is_reference(secret) => return None,
        (true, true) => {
            let what = match owner {
                GOOGLE => redirect(values),
                _ => microsoft::registration(public_url(values)),
            };
            return Some(good(format!("{id} and {secret} are set. {what}.")));
        }
        (true, false) => (id, secret),
        (false, true) => (secret, id),
    };
    Some(bad(
        format!("{there} is set and {missing} is not: one has no effect without the other."),
        format!(
            "Set {missing} as well, or remove {there}. Both belong to the OAuth app that you \
            registered for {owner}."
        ),
    ))
}

/// The public address, if it can be used.
fn public_url<'a>(values: &SettingValues<'a>) -> Option<&'a str> {
    values.get("CALRELAY_PUBLIC_URL").filter(|text| problem(text, AllowedPath::None).is_none())
}

/// The kind of OAuth client, and the redirect URI that it needs.
fn redirect(values: &SettingValues<'_>) -> String {
    match public_url(values) {
        Some(public) => format!(
            "`calrelay account add google --link` connects accounts with them. For that the \
            client at Google is a \"Web application\", and its one \
             authorized redirect URI is {}/oauth/google/callback",
            public.trim_end_matches('/')
        ),
        None => "`calrelay account add google` connects accounts with them. For that the client \
        at Google is a \"Desktop app\", and no redirect URI \
                 is entered"
            .to_owned(),
    }
}

fn log(values: &SettingValues<'_>, found: &mut Vec<Finding>) {
    if values.get("RUST_LOG").is_some_and(|filter| EnvFilter::try_new(filter).is_err()) {
        found.push(bad(
            "RUST_LOG cannot be understood and has no effect.",
            "Write a level (warn), or levels by module (warn,jobs=debug).",
        ));
    }
}

fn storage(values: &SettingValues<'_>, found: &mut Vec<Finding>) {
    const STRING: &str = "AzureWebJobsStorage";
    const CREDENTIAL: &str = "AzureWebJobsStorage__credential";
    if values.has(CREDENTIAL) && !values.is(CREDENTIAL, "managedidentity") {
        found.push(bad(
            format!("{CREDENTIAL} is not managedidentity, the only accepted value."),
            "Set it to managedidentity in Azure; remove it on a machine of your own.",
        ));
    }
    let identity = ["accountName", "tableServiceUri", "queueServiceUri"]
        .map(|part| format!("{STRING}__{part}"));
    let by_identity = identity.iter().any(|name| values.has(name));
    if values.has(STRING) && by_identity {
        found.push(bad(
            format!(
                "{STRING} is set, and so are names that begin with {STRING}__: the connection \
            string is used, the others are not."
            ),
            format!("Remove {STRING} where an identity is to sign in, or else the others."),
        ));
    }
    if !values.under_functions_host()
        && !values.has("CALRELAY_STORE")
        && (values.has(STRING) || by_identity)
    {
        found.push(good(
            "A storage account is named, and storage is the data directory: here CALRELAY_STORE \
            has to say azure for the account to be used.",
        ));
    }
    // Secrets in the account that are sealed with a key file open on this machine only. An emulator
    // is on this machine too.
    let emulator = values.get(STRING).map(str::to_ascii_lowercase).is_some_and(|text| {
        ["usedevelopmentstorage=true", "://127.0.0.1", "://localhost"]
            .iter()
            .any(|sign| text.contains(sign))
    });
    let shared = values.is("CALRELAY_STORE", "azure") && !emulator;
    if shared && !values.has("CALRELAY_KEY_VAULT_KEY") && !values.in_azure() {
        found.push(bad(
            "Storage is an account in Azure, and the key is a file on this machine: a password \
            that is added here cannot be opened on another machine.",
            "Set CALRELAY_KEY_VAULT_KEY to the key that the function app uses (the output keyUri \
            of the deployment), before any account is added.",
        ));
    }
}

fn functions_host(values: &SettingValues<'_>, found: &mut Vec<Finding>) {
    if values.get("FUNCTIONS_WORKER_RUNTIME").is_some_and(|runtime| runtime != "custom") {
        found.push(bad(
            "FUNCTIONS_WORKER_RUNTIME is not custom: the Functions host would look for functions \
            in another language.",
            "Remove it in Azure (Flex Consumption takes the runtime from functionAppConfig, as \
            infra/ sets it); for `func start` set it to custom.",
        ));
    }
    let part = |name: &str| values.has(&format!("AzureWebJobsStorage__{name}"));
    if part("tableServiceUri") && !part("accountName") && !part("blobServiceUri") {
        found.push(bad(
            "AzureWebJobsStorage__blobServiceUri is missing: the Functions host keeps the state \
            of timers in blobs, and no timer would run.",
            "Set it to the account's blob endpoint, or set AzureWebJobsStorage__accountName.",
        ));
    }
    if values
        .get("CALRELAY_POLL_SECONDS")
        .and_then(|text| text.parse::<u64>().ok())
        .is_some_and(|seconds| seconds < 60)
    {
        found.push(good(
            "CALRELAY_POLL_SECONDS is less than 60, and 60 is used: the timer of the Functions \
            host ticks once a minute.",
        ));
    }
}

fn azure(values: &SettingValues<'_>, found: &mut Vec<Finding>) {
    const DEPLOY: &str =
        "Deploy infra/main.bicep again, which sets it, or set it among the app's settings";
    for (name, why) in [
        (
            "CALRELAY_PUBLIC_URL",
            "without it Google cannot send notifications, and changes are copied only once a night",
        ),
        (
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
            "without it failures are not reported: no log, no alert",
        ),
    ] {
        if !values.has(name) {
            found.push(bad(format!("{name} is missing: {why}."), format!("{DEPLOY}.")));
        }
    }
    if values.is("CALRELAY_ALLOW_PRIVATE_HOSTS", "true") {
        found.push(bad(
            "CALRELAY_ALLOW_PRIVATE_HOSTS is true: in Azure the private addresses are the \
            platform's own, and hand out the app's identity.",
            "Set it to false, or remove it.",
        ));
    }
    let string = values.get("AzureWebJobsStorage").map(str::to_ascii_lowercase);
    if string.as_deref().is_some_and(|text| text.contains("usedevelopmentstorage=true")) {
        found.push(bad(
            "AzureWebJobsStorage is the emulator's, and there is none in Azure.",
            format!("Remove it and set AzureWebJobsStorage__accountName. {DEPLOY}."),
        ));
    } else if string.is_some() {
        found.push(good(
            "AzureWebJobsStorage holds a key of the account. That works; with \
            AzureWebJobsStorage__accountName and the app's identity there is no key \
             to keep.",
        ));
    }
}

#[cfg(test)]
mod tests;
