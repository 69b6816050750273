//! The settings of storage: embedded, or a storage account in Azure.

use store::azure::{AccountSettings, EntraIdentity};

/// The storage that the settings choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageSettings {
    /// One file in the data directory.
    Embedded,
    /// Tables and queues of a storage account.
    Azure(Box<AccountSettings>),
}

impl StorageSettings {
    /// Reads `CALRELAY_STORE`, and for Azure the names of `AzureWebJobsStorage`, which the
    /// Functions host reads as well.
    ///
    /// # Errors
    /// A text that says what is wrong; it quotes no value.
    pub fn from<'a>(
        get: impl Fn(&str) -> Option<&'a str>,
        under_functions_host: bool,
    ) -> Result<Self, String> {
        match get("CALRELAY_STORE") {
            Some("embedded") => Ok(Self::Embedded),
            None if !under_functions_host => Ok(Self::Embedded),
            None | Some("azure") => account(get).map(|settings| Self::Azure(Box::new(settings))),
            Some(_) => Err("CALRELAY_STORE must be embedded or azure".into()),
        }
    }
}

fn account<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<AccountSettings, String> {
    let part = |name: &str| get(&format!("AzureWebJobsStorage__{name}"));
    let settings = match (
        get("AzureWebJobsStorage"),
        part("accountName"),
        part("tableServiceUri"),
        part("queueServiceUri"),
    ) {
        (Some(text), ..) => AccountSettings::from_connection_string(text),
        (None, _, Some(tables), Some(queues)) => {
            AccountSettings::from_services(tables, queues, identity(&get, part))
        }
        (None, _, Some(_), None) | (None, _, None, Some(_)) => {
            return Err("AzureWebJobsStorage__tableServiceUri and \
            AzureWebJobsStorage__queueServiceUri belong together; set both, or the account's name \
            alone"
                .into());
        }
        (None, Some(name), ..) => AccountSettings::from_account(name, identity(&get, part)),
        (None, None, None, None) => {
            return Err("AzureWebJobsStorage is missing, and storage has to be in Azure. Set it \
            (UseDevelopmentStorage=true for Azurite), \
                        or AzureWebJobsStorage__accountName, or set CALRELAY_STORE to embedded"
                .into());
        }
    };
    settings.map_err(|error| error.to_string())
}

/// The identity of the program if Azure gives it one, or else the user who is signed in on this
/// machine.
fn identity<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    part: impl Fn(&str) -> Option<&'a str>,
) -> EntraIdentity {
    let managed =
        part("credential").is_some_and(|kind| kind.eq_ignore_ascii_case("managedidentity"));
    if managed || get("IDENTITY_ENDPOINT").is_some() {
        EntraIdentity::Managed { client_id: part("clientId").map(str::to_owned) }
    } else {
        EntraIdentity::Developer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AccountName=relay;AccountKey=c2VjcmV0";

    fn choose(
        values: &[(&str, &str)],
        under_functions_host: bool,
    ) -> Result<StorageSettings, String> {
        StorageSettings::from(
            |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value),
            under_functions_host,
        )
    }

    #[test]
    fn the_functions_host_brings_azure_with_it() {
        assert_eq!(
            choose(&[("AzureWebJobsStorage", KEY)], false),
            Ok(StorageSettings::Embedded),
            "the account may belong to the host alone"
        );
        assert!(matches!(
            choose(&[("AzureWebJobsStorage", KEY)], true),
            Ok(StorageSettings::Azure(_))
        ));
        assert_eq!(choose(&[("CALRELAY_STORE", "embedded")], true), Ok(StorageSettings::Embedded));
        assert!(matches!(
            choose(
                &[
                    ("CALRELAY_STORE", "azure"),
                    ("AzureWebJobsStorage", "UseDevelopmentStorage=true")
                ],
                false
            ),
            Ok(StorageSettings::Azure(_))
        ));
    }

    #[test]
    fn an_identity_signs_in_where_there_is_no_connection_string() {
        let azure = ("CALRELAY_STORE", "azure");
        let named = choose(&[azure, ("AzureWebJobsStorage__accountName", "relay")], false).unwrap();
        assert_eq!(
            named,
            StorageSettings::Azure(Box::new(
                AccountSettings::from_account("relay", EntraIdentity::Developer).unwrap()
            ))
        );
        let managed = choose(
            &[
                azure,
                ("AzureWebJobsStorage__accountName", "relay"),
                ("AzureWebJobsStorage__credential", "managedidentity"),
                ("AzureWebJobsStorage__clientId", "c1"),
            ],
            false,
        );
        assert_eq!(
            managed,
            Ok(StorageSettings::Azure(Box::new(
                AccountSettings::from_account(
                    "relay",
                    EntraIdentity::Managed { client_id: Some("c1".into()) }
                )
                .unwrap()
            )))
        );
        let places = [
            ("AzureWebJobsStorage__tableServiceUri", "https://t.example.org"),
            ("AzureWebJobsStorage__queueServiceUri", "https://q.example.org"),
        ];
        let own = choose(
            &[azure, places[0], places[1], ("IDENTITY_ENDPOINT", "http://localhost/token")],
            false,
        )
        .unwrap();
        let expected = AccountSettings::from_services(
            places[0].1,
            places[1].1,
            EntraIdentity::Managed { client_id: None },
        )
        .unwrap();
        assert_eq!(own, StorageSettings::Azure(Box::new(expected)));
        assert!(choose(&[azure, places[0]], false).unwrap_err().contains("belong together"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_without_a_secret() {
        assert!(choose(&[], true).unwrap_err().starts_with("AzureWebJobsStorage is missing"));
        for text in
            ["AccountName=relay;AccountKey=sec ret", "c2VjcmV0", "SharedAccessSignature=c2VjcmV0"]
        {
            let why = choose(&[("AzureWebJobsStorage", text)], true).unwrap_err();
            assert!(
                why.contains("AzureWebJobsStorage")
                    && !why.contains("sec ret")
                    && !why.contains("c2VjcmV0"),
                "{why}"
            );
        }
        assert!(choose(&[("CALRELAY_STORE", "sqlite")], false).is_err());
    }
}
