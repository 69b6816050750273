//! The values that settings give.

use super::names::{SETTINGS, SettingUse};
use super::*;

fn load(environment: &[(&str, &str)], file: Option<&str>) -> LoadedSettings {
    let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let source = |file: &str| named_file(SETTINGS_FILE, file);
    LoadedSettings::from(environment, file.map(source).as_ref())
}

fn named_file(path: &str, file: &str) -> SettingsSource {
    SettingsSource { path: path.into(), named: true, in_local_dir: false, bytes: file.into() }
}

fn config(environment: &[(&str, &str)]) -> Config {
    load(environment, None).config.unwrap()
}

fn wrong(environment: &[(&str, &str)]) -> Vec<String> {
    load(environment, None).config.unwrap_err()
}

#[test]
fn without_settings_everything_has_its_default() {
    let config = config(&[]);
    assert_eq!(config.data_dir, PathBuf::from("./.calrelay"));
    assert_eq!(config.poll, Duration::from_secs(60));
    assert_eq!(config.icloud_url.as_str(), "https://caldav.icloud.com/");
    assert!(config.allow_private_hosts && config.functions_port.is_none());
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = r#"{"IsEncrypted": false, "Values": {"CALRELAY_DATA_DIR": "/from/file", "CALRELAY_POLL_SECONDS": 5, "_CALRELAY_DATA_DIR": "where data lives"}}"#;
    let loaded = load(&[("CALRELAY_DATA_DIR", "/from/environment")], Some(file));
    assert!(loaded.remarks.is_empty(), "{:?}", loaded.remarks);
    let config = loaded.config.unwrap();
    assert_eq!(config.data_dir, PathBuf::from("/from/environment"));
    assert_eq!(config.poll, Duration::from_secs(5));
}

#[test]
fn an_empty_value_is_none() {
    assert_eq!(
        config(&[
            ("CALRELAY_DATA_DIR", " "),
            ("CALRELAY_POLL_SECONDS", ""),
            ("CALRELAY_KEY_VAULT_KEY", "")
        ]),
        config(&[])
    );
}

#[test]
fn values_that_cannot_be_used_are_all_named() {
    for (name, value) in [
        ("CALRELAY_POLL_SECONDS", "0"),
        ("CALRELAY_POLL_SECONDS", "-1"),
        ("CALRELAY_POLL_SECONDS", "1.5"),
        ("CALRELAY_POLL_SECONDS", "99999999999999999999"),
        ("CALRELAY_STORE", "sqlite"),
        ("CALRELAY_MODE", "single"),
        ("CALRELAY_KEY_VAULT_KEY", "https://name.vault.azure.cn/keys/k"),
        ("CALRELAY_ALLOW_PRIVATE_HOSTS", "maybe"),
        ("CALRELAY_PUBLIC_URL", "calendars.example.org"),
        ("CALRELAY_PUBLIC_URL", "http://calendars.example.org"),
        ("CALRELAY_PUBLIC_URL", "https://calendars.example.org/app"),
        ("CALRELAY_PUBLIC_URL", "https://anna:hunter2@calendars.example.org"),
        ("ICLOUD_CALDAV_URL", "caldav.icloud.com"),
        ("ICLOUD_CALDAV_URL", "ftp://caldav.icloud.com"),
        ("ICLOUD_CALDAV_URL", "https://anna:hunter2@caldav.icloud.com"),
    ] {
        let wrong = wrong(&[(name, value)]);
        assert!(wrong.len() == 1 && wrong[0].starts_with(name), "{value}: {wrong:?}");
        assert!(!wrong[0].contains("hunter2"));
    }
    assert_eq!(wrong(&[("CALRELAY_POLL_SECONDS", "x"), ("CALRELAY_MODE", "x")]).len(), 2);
}

#[test]
fn the_public_address_has_no_slash_at_its_end() {
    let url = |value| config(&[("CALRELAY_PUBLIC_URL", value)]).public_url;
    assert_eq!(
        url("https://calendars.example.org/").as_deref(),
        Some("https://calendars.example.org")
    );
    assert_eq!(url("http://127.0.0.1:7071").as_deref(), Some("http://127.0.0.1:7071"));
    assert_eq!(url(""), None);
}

#[test]
fn another_server_may_stand_in_for_apple() {
    let config = config(&[("ICLOUD_CALDAV_URL", "http://127.0.0.1:8080")]);
    assert_eq!(config.icloud_url.as_str(), "http://127.0.0.1:8080/");
}

#[test]
fn an_unknown_name_is_a_warning_and_no_error() {
    let loaded = load(&[("CALRELAY_DATADIR", "/elsewhere"), ("PATH", "/bin")], None);
    assert!(loaded.config.is_ok());
    let [remark] = &loaded.remarks[..] else { panic!("{:?}", loaded.remarks) };
    assert_eq!(
        remark.message,
        "The setting CALRELAY_DATADIR is not known and has no effect; did you mean \
        CALRELAY_DATA_DIR?"
    );
    assert!(!remark.ok && remark.fix.is_some());
}

#[test]
fn a_file_that_cannot_be_used_is_said_without_quoting_it() {
    let deep = format!("{{\"Values\": {}", "[".repeat(100_000));
    for file in [
        "",
        "hunter2",
        "[]",
        r#"{"Values": {"CALRELAY_MODE": ["hunter2"]}}"#,
        r#"{"Values": "hunter2"}"#,
        r#"{"IsEncrypted": true, "Values": {"CALRELAY_MODE": "hunter2"}}"#,
        &deep,
        &" ".repeat(2 * 1024 * 1024),
    ] {
        let wrong = load(&[], Some(file)).config.unwrap_err();
        assert!(wrong.len() == 1 && wrong[0].contains(SETTINGS_FILE), "{wrong:?}");
        assert!(!wrong[0].contains("hunter2"), "{wrong:?}");
    }
}

#[test]
fn the_file_that_cannot_be_used_is_named_as_it_was_given() {
    for file in ["{", r#"{"Values": 1}"#, r#"{"IsEncrypted": true}"#, r#"{"Values": {"A": []}}"#] {
        let source = named_file("elsewhere/bad.json", file);
        let wrong = LoadedSettings::from([], Some(&source)).config.unwrap_err();
        assert!(
            wrong[0].contains("elsewhere/bad.json") && !wrong[0].contains("local.settings.json is"),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_byte_order_mark_is_no_obstacle() {
    let loaded = load(&[], Some("\u{feff}{\"Values\": {\"CALRELAY_POLL_SECONDS\": \"7\"}}"));
    assert_eq!(loaded.config.unwrap().poll, Duration::from_secs(7));
}

#[test]
fn the_example_file_is_valid_and_explains_each_setting() {
    let example = include_str!("../../../../local.settings.example.json");
    let loaded = load(&[], Some(example));
    assert!(loaded.remarks.is_empty(), "{:?}", loaded.remarks);
    assert_eq!(loaded.config.unwrap(), config(&[]));
    let json: serde_json::Value = serde_json::from_str(example).unwrap();
    let values = json["Values"].as_object().unwrap();
    for (name, used) in SETTINGS {
        assert!(values.contains_key(name), "{name} is not there");
        let word =
            values.get(&format!("_{name}")).and_then(|word| word.as_str()).unwrap_or_default();
        assert!(!word.is_empty(), "{name} has no word on it");
        assert_eq!(
            word.starts_with("For a later version"),
            used == SettingUse::Later,
            "{name}: {word}"
        );
    }
    // `func start` reads these settings, and not this program.
    let others = ["FUNCTIONS_WORKER_RUNTIME"];
    for name in values.keys().filter(|name| !name.starts_with('_')) {
        assert!(
            others.contains(&name.as_str()) || SETTINGS.iter().any(|(known, _)| known == name),
            "{name} is no setting"
        );
    }
}

/// Every setting that the code reads is in the list, so that it is checked, compared and
/// documented.
#[test]
fn no_name_is_read_that_is_not_in_the_list() {
    let sources = [
        include_str!("mod.rs"),
        include_str!("storage.rs"),
        include_str!("../key_vault/mod.rs"),
        include_str!("check/mod.rs"),
        include_str!("google.rs"),
        include_str!("microsoft.rs"),
    ];
    // What the platform sets, and what is for the Functions host alone.
    let others = [
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "AZURE_CLIENT_ID",
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        "FUNCTIONS_WORKER_RUNTIME",
        "IDENTITY_ENDPOINT",
        "WEBSITE_INSTANCE_ID",
    ];
    for source in sources {
        for name in source.split('"').filter(|text| text.len() > 4 && text.contains('_')) {
            let is_name = name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            assert!(
                !is_name
                    || others.contains(&name)
                    || SETTINGS.iter().any(|(known, _)| *known == name),
                "{name}"
            );
        }
    }
}

#[test]
fn under_the_functions_host_defaults_are_those_of_a_service() {
    let port = ("FUNCTIONS_CUSTOMHANDLER_PORT", "40123");
    let missing = wrong(&[port]);
    assert!(
        missing.len() == 1 && missing[0].starts_with("AzureWebJobsStorage is missing"),
        "{missing:?}"
    );
    let azure = config(&[port, ("AzureWebJobsStorage", "UseDevelopmentStorage=true")]);
    assert!(matches!(azure.storage, StorageSettings::Azure(_)));
    let config = config(&[port, ("CALRELAY_STORE", "embedded")]);
    assert_eq!((config.functions_port, config.storage), (Some(40123), StorageSettings::Embedded));
    assert!(!config.allow_private_hosts && !config.private_hosts_chosen);
    for value in ["0", "70000", "x"] {
        assert!(
            load(&[("FUNCTIONS_CUSTOMHANDLER_PORT", value), ("CALRELAY_STORE", "embedded")], None)
                .config
                .is_err(),
            "{value}"
        );
    }
}

#[test]
fn no_key_file_is_made_on_an_instance_that_comes_and_goes() {
    let azure = [
        ("WEBSITE_INSTANCE_ID", "i1"),
        ("CALRELAY_STORE", "azure"),
        ("AzureWebJobsStorage__accountName", "relay"),
    ];
    let wrong = wrong(&azure);
    assert!(
        wrong.len() == 1 && wrong[0].starts_with("CALRELAY_KEY_VAULT_KEY is missing"),
        "{wrong:?}"
    );
    let key = [("CALRELAY_KEY_VAULT_KEY", "https://relay.vault.azure.net/keys/wrap")];
    assert!(config(&[azure.as_slice(), key.as_slice()].concat()).key_vault.is_some());
}

#[test]
fn no_file_of_rows_is_made_on_an_instance_that_comes_and_goes() {
    let key = ("CALRELAY_KEY_VAULT_KEY", "https://relay.vault.azure.net/keys/wrap");
    let wrong = wrong(&[("WEBSITE_INSTANCE_ID", "i1"), ("CALRELAY_STORE", "embedded"), key]);
    assert!(wrong.len() == 1 && wrong[0].starts_with("CALRELAY_STORE must be azure"), "{wrong:?}");
}

#[test]
fn what_is_wrong_and_what_is_odd_are_findings() {
    let findings = load(
        &[("CALRELAY_POLL_SECONDS", "x"), ("CALRELAY_DATADIR", "y"), ("GOOGLE_CLIENT_ID", "z")],
        None,
    )
    .findings();
    assert_eq!(findings.len(), 3);
    assert!(
        findings
            .iter()
            .all(|finding| !finding.ok && finding.fix.is_some() && finding.check == "settings")
    );
    assert!(load(&[], None).findings()[0].ok);
    let later = load(&[("CALRELAY_MODE", "multi-user")], None);
    assert!(later.findings().len() == 2 && later.findings().iter().all(|finding| finding.ok));
    assert_eq!(later.config.unwrap(), config(&[]), "accepted, and nothing is different yet");
}
