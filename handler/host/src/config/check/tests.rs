//! The findings about settings that prevent no start.

use super::*;

fn found(settings: &[(&str, &str)]) -> Vec<Finding> {
    remarks(&settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
}

/// The only finding that is not good; it quotes no value.
fn to_mend(settings: &[(&str, &str)]) -> Finding {
    let ill: Vec<_> = found(settings).into_iter().filter(|finding| !finding.ok).collect();
    let [finding] = &ill[..] else { panic!("{settings:?}: {ill:?}") };
    assert!(
        finding.fix.as_ref().is_some_and(|fix| !fix.is_empty()) && finding.check == CHECK,
        "{finding:?}"
    );
    assert!(!format!("{finding:?}").contains("hunter2"), "{finding:?}");
    finding.clone()
}

/// The settings of an app in Azure as infra/ deploys it.
const AZURE: [(&str, &str); 12] = [
    ("WEBSITE_INSTANCE_ID", "i1"),
    ("FUNCTIONS_CUSTOMHANDLER_PORT", "40123"),
    ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=hunter2"),
    ("AzureWebJobsStorage__accountName", "relay"),
    ("AzureWebJobsStorage__credential", "managedidentity"),
    ("AzureWebJobsStorage__blobServiceUri", "https://relay.blob.core.windows.net"),
    ("AzureWebJobsStorage__queueServiceUri", "https://relay.queue.core.windows.net"),
    ("AzureWebJobsStorage__tableServiceUri", "https://relay.table.core.windows.net"),
    ("CALRELAY_PUBLIC_URL", "https://calendars.example.org"),
    ("CALRELAY_STORE", "azure"),
    ("CALRELAY_KEY_VAULT_KEY", "https://relay.vault.azure.net/keys/wrapping"),
    ("CALRELAY_ALLOW_PRIVATE_HOSTS", "false"),
];

fn in_azure(but: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let kept = AZURE.into_iter().filter(|(name, _)| but.iter().all(|(changed, _)| changed != name));
    kept.chain(but.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
}

#[test]
fn without_settings_there_is_nothing_to_say() {
    assert_eq!(found(&[]), []);
    assert_eq!(
        found(&[
            ("PATH", "/bin"),
            ("CALRELAY_DATA_DIR", "/srv"),
            ("FUNCTIONS_WORKER_RUNTIME", "custom")
        ]),
        []
    );
}

#[test]
fn what_infra_deploys_is_well() {
    assert!(found(&in_azure(&[])).iter().all(|finding| finding.ok), "{:?}", found(&in_azure(&[])));
}

#[test]
fn one_half_of_a_pair_is_of_no_use() {
    for (there, missing) in [
        ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
        ("GOOGLE_CLIENT_SECRET", "GOOGLE_CLIENT_ID"),
        ("MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET"),
        ("MICROSOFT_CLIENT_SECRET", "MICROSOFT_CLIENT_ID"),
    ] {
        let finding = to_mend(&[(there, "hunter2")]);
        assert!(
            finding.message.starts_with(there) && finding.message.contains(missing),
            "{finding:?}"
        );
        assert!(finding.fix.unwrap().contains(&format!("Set {missing}")));
        let both = found(&[(there, "hunter2"), (missing, "hunter2")]);
        assert!(both.len() == 1 && both[0].ok, "{both:?}");
        let expected = if there.starts_with("GOOGLE") { "google" } else { "microsoft" };
        let command = format!("`calrelay account add {expected}`");
        assert!(both[0].message.contains(&command), "{both:?}");
    }
}

#[test]
fn what_is_to_be_entered_at_google_is_said() {
    let client = [("GOOGLE_CLIENT_ID", "c1"), ("GOOGLE_CLIENT_SECRET", "hunter2")];
    let said = |public: &str| {
        found(&[client[0], client[1], ("CALRELAY_PUBLIC_URL", public)])[0].message.clone()
    };
    for public in ["https://calendars.example.org", "https://calendars.example.org/"] {
        let said = said(public);
        assert!(
            said.contains("\"Web application\"")
                && said.contains(" https://calendars.example.org/oauth/google/callback"),
            "{said}"
        );
    }
    for public in ["", "https://anna:hunter2@calendars.example.org", "calendars"] {
        let said = said(public);
        assert!(
            said.contains("\"Desktop app\"")
                && !said.contains("hunter2")
                && !said.contains("calendars"),
            "{said}"
        );
    }
}

#[test]
fn what_is_to_be_registered_at_microsoft_is_said() {
    let client = [("MICROSOFT_CLIENT_ID", "c1"), ("MICROSOFT_CLIENT_SECRET", "hunter2")];
    let said = |public: &str| {
        found(&[client[0], client[1], ("CALRELAY_PUBLIC_URL", public)])[0].message.clone()
    };
    let with = said("https://calendars.example.org");
    assert!(with.contains(" https://calendars.example.org/oauth/microsoft/callback"), "{with}");
    for public in ["", "https://anna:hunter2@calendars.example.org"] {
        let without = said(public);
        assert!(without.contains(" http://localhost/oauth/microsoft/callback"), "{without}");
        assert!(!without.contains("hunter2"), "{without}");
    }
}

#[test]
fn several_people_come_later_and_that_is_nothing_to_mend() {
    let said = found(&[("CALRELAY_MODE", "multi-user")]);
    assert!(said.len() == 1 && said[0].ok && said[0].message.contains("later version"), "{said:?}");
    assert_eq!(found(&[("CALRELAY_MODE", "single-user")]), []);
}

#[test]
fn a_reference_that_stayed_one_is_found() {
    let pair = [
        ("GOOGLE_CLIENT_ID", "id"),
        (
            "GOOGLE_CLIENT_SECRET",
            "@Microsoft.KeyVault(SecretUri=https://relay.vault.azure.net/secrets/hunter2)",
        ),
    ];
    assert!(to_mend(&in_azure(&pair)).message.contains("GOOGLE_CLIENT_SECRET is a reference"));
}

#[test]
fn which_storage_is_meant_is_asked_where_it_is_not_clear() {
    let both = [
        ("CALRELAY_STORE", "azure"),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
        ("AzureWebJobsStorage__accountName", "relay"),
    ];
    assert!(to_mend(&both).message.contains("the connection string is used"));
    let unused = found(&[("AzureWebJobsStorage__accountName", "relay")]);
    assert!(
        unused.len() == 1
            && unused[0].ok
            && unused[0].message.contains("CALRELAY_STORE has to say azure"),
        "{unused:?}"
    );
}

#[test]
fn a_key_file_beside_an_account_that_others_use_is_found() {
    let account = [("CALRELAY_STORE", "azure"), ("AzureWebJobsStorage__accountName", "relay")];
    assert!(to_mend(&account).fix.unwrap().contains("CALRELAY_KEY_VAULT_KEY"));
    let string = [
        ("CALRELAY_STORE", "azure"),
        ("AzureWebJobsStorage", "AccountName=relay;AccountKey=hunter2"),
    ];
    assert!(to_mend(&string).message.contains("cannot be opened on another machine"));
    for emulator in [
        "UseDevelopmentStorage=true",
        "AccountName=a;AccountKey=k;TableEndpoint=http://127.0.0.1:10002/a",
    ] {
        assert_eq!(
            found(&[("CALRELAY_STORE", "azure"), ("AzureWebJobsStorage", emulator)]),
            [],
            "{emulator}"
        );
    }
}

#[test]
fn what_goes_wrong_in_azure_only_is_found_there() {
    for (name, value, words) in [
        ("CALRELAY_PUBLIC_URL", "", "Google cannot send notifications"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "", "failures are not reported"),
        ("CALRELAY_ALLOW_PRIVATE_HOSTS", "true", "the app's identity"),
        ("FUNCTIONS_WORKER_RUNTIME", "node", "is not custom"),
    ] {
        let finding = to_mend(&in_azure(&[(name, value)]));
        assert!(finding.message.contains(words), "{finding:?}");
    }
    let blobs = in_azure(&[
        ("AzureWebJobsStorage__blobServiceUri", ""),
        ("AzureWebJobsStorage__accountName", ""),
    ]);
    assert!(to_mend(&blobs).message.contains("no timer would run"));
    let none = [
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage__tableServiceUri",
        "AzureWebJobsStorage__queueServiceUri",
    ];
    let string =
        |value| [(none[0], ""), (none[1], ""), (none[2], ""), ("AzureWebJobsStorage", value)];
    assert!(to_mend(&in_azure(&string("UseDevelopmentStorage=true"))).message.contains("emulator"));
    let key = found(&in_azure(&string("AccountName=relay;AccountKey=hunter2")));
    assert!(
        key.iter().all(|finding| finding.ok)
            && key.iter().any(|finding| finding.message.contains("a key of the account")),
        "{key:?}"
    );
}

#[test]
fn what_the_platform_sets_itself_is_no_slip() {
    let platform = [
        ("FUNCTIONS_WORKER_RUNTIME", "custom"),
        ("FUNCTIONS_EXTENSION_VERSION", "~4"),
        ("WEBSITE_SKU", "FlexConsumption"),
    ];
    assert!(found(&in_azure(&platform)).iter().all(|finding| finding.ok));
}

#[test]
fn a_cadence_below_the_hosts_is_said() {
    let said = found(&in_azure(&[("CALRELAY_POLL_SECONDS", "5")]));
    assert!(
        said.iter().any(|finding| finding.ok && finding.message.contains("once a minute")),
        "{said:?}"
    );
    assert_eq!(
        found(&[("CALRELAY_POLL_SECONDS", "5")]),
        [],
        "the standalone host polls as often as the setting says"
    );
}

#[test]
fn values_that_would_be_passed_over_are_found() {
    assert!(to_mend(&[("RUST_LOG", "jobs=loudly")]).message.starts_with("RUST_LOG"));
    assert!(
        to_mend(&[("ICLOUD_CALDAV_URL", "http://dav.example.org")]).message.contains("unencrypted")
    );
    assert!(
        to_mend(&in_azure(&[("AzureWebJobsStorage__credential", "hunter2")]))
            .message
            .contains("managedidentity")
    );
    for well in [
        ("RUST_LOG", "warn,jobs=debug"),
        ("ICLOUD_CALDAV_URL", "http://127.0.0.1:9000"),
        ("ICLOUD_CALDAV_URL", "https://caldav.icloud.com"),
    ] {
        assert_eq!(found(&[well]), [], "{well:?}");
    }
}

/// Every setting of the deployment is known, the deployment sets all that have a meaning in Azure,
/// and no finding is bad.
#[test]
fn the_deployment_sets_what_is_known() {
    let bicep = include_str!("../../../../../infra/modules/settings.bicep");
    let name = |line: &str| line.trim().split_once(": ").map(|(name, _)| name.to_owned());
    let is_setting = |name: &String| {
        name.contains('_') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let set: Vec<String> = bicep.lines().filter_map(name).filter(is_setting).collect();
    assert!(set.len() > 12, "{set:?}");
    // For the Functions host alone.
    let others = [
        "AzureWebJobsStorage__blobServiceUri",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    ];
    for name in &set {
        assert!(
            others.contains(&name.as_str()) || SETTINGS.iter().any(|(known, _)| known == name),
            "{name} is not known"
        );
    }
    // There is no directory to keep anything in.
    for name in super::super::names::own_names().filter(|name| *name != "CALRELAY_DATA_DIR") {
        assert!(set.iter().any(|found| found == name), "{name} is not set");
    }
    for (name, _) in AZURE.iter().skip(2) {
        assert!(
            set.iter().any(|found| found == name),
            "{name} is in the example of this test only"
        );
    }
}
