//! The addresses of the storage account, and how requests are authorized.

use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_identity::{
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};
use data_encoding::BASE64;
use url::Url;

use crate::{Error, Result};

/// The account and the key of every Azurite. They are printed in its manual and give access to
/// nothing else.
const EMULATOR: (&str, &str) = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
);

/// The domain of storage accounts in public Azure.
const PUBLIC: &str = "core.windows.net";

/// A storage account, and how to sign in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    pub(super) tables: Url,
    pub(super) queues: Url,
    pub(super) access: Credentials,
}

/// How requests are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    /// With the account's key.
    Key { account: String, key: Secret },
    /// With a token of Entra ID.
    Identity(EntraIdentity),
}

/// The identity that requests tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntraIdentity {
    /// The managed identity of the function app or virtual machine.
    Managed {
        /// The client id of a user-assigned identity (`AzureWebJobsStorage__clientId`); `None` for
        /// the system-assigned one.
        client_id: Option<String>,
    },
    /// The user who is signed in to the Azure CLI or the Azure Developer CLI on this machine.
    Developer,
}

impl AccountSettings {
    /// From a connection string: `UseDevelopmentStorage=true` (Azurite on its usual ports) or one
    /// with `AccountName` and `AccountKey`.
    ///
    /// # Errors
    /// [`Error::Failed`] says what is missing or wrong, and quotes nothing: the string holds a key.
    pub fn from_connection_string(text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(invalid("has a part without `=`"));
            };
            parts.push((name.trim().to_ascii_lowercase(), value.trim()));
        }
        let part =
            |name: &str| parts.iter().find(|(found, _)| found == name).map(|(_, value)| *value);
        if part("usedevelopmentstorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            let host = part("developmentstorageproxyuri")
                .unwrap_or("http://127.0.0.1")
                .trim_end_matches('/');
            let (account, key) = EMULATOR;
            return Ok(Self {
                tables: address(&format!("{host}:10002/{account}"))?,
                queues: address(&format!("{host}:10001/{account}"))?,
                access: Credentials::Key { account: account.into(), key: Secret::new(key) },
            });
        }
        if part("sharedaccesssignature").is_some() {
            return Err(invalid(
                "holds a shared access signature, which is not supported: use the account's key, \
                or a managed identity",
            ));
        }
        let Some(account) = part("accountname").filter(|name| !name.is_empty()) else {
            return Err(invalid("has no AccountName"));
        };
        let Some(key) = part("accountkey") else { return Err(invalid("has no AccountKey")) };
        if key.is_empty() || BASE64.decode(key.as_bytes()).is_err() {
            return Err(invalid("has an AccountKey that is not base64"));
        }
        let scheme = part("defaultendpointsprotocol").unwrap_or("https");
        let suffix = part("endpointsuffix").unwrap_or(PUBLIC);
        let service = |name: &str, service: &str| match part(name) {
            Some(given) => address(given),
            None => address(&format!("{scheme}://{account}.{service}.{suffix}")),
        };
        let (tables, queues) =
            (service("tableendpoint", "table")?, service("queueendpoint", "queue")?);
        Ok(Self {
            tables,
            queues,
            access: Credentials::Key { account: account.into(), key: Secret::new(key.to_owned()) },
        })
    }

    /// From the name of an account in public Azure, as in `AzureWebJobsStorage__accountName`.
    ///
    /// # Errors
    /// [`Error::Failed`] if it is not a valid name of an account.
    pub fn from_account(name: &str, identity: EntraIdentity) -> Result<Self> {
        let legal = (3..=24).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !legal {
            return Err(Error::Failed(
                "AzureWebJobsStorage__accountName is no name of a storage account: 3 to 24 \
                lower-case letters and digits"
                    .into(),
            ));
        }
        let service = |service: &str| format!("https://{name}.{service}.{PUBLIC}");
        Self::from_services(&service("table"), &service("queue"), identity)
    }

    /// From the URLs of both services, as in `AzureWebJobsStorage__tableServiceUri` and
    /// `AzureWebJobsStorage__queueServiceUri`.
    ///
    /// # Errors
    /// [`Error::Failed`] if one is not an `https` URL: tokens are sent only to those.
    pub fn from_services(tables: &str, queues: &str, identity: EntraIdentity) -> Result<Self> {
        let (tables, queues) = (address(tables)?, address(queues)?);
        if [&tables, &queues].iter().any(|url| url.scheme() != "https") {
            return Err(Error::Failed(
                "the addresses of a storage account must begin with https:// \
            where an identity signs in"
                    .into(),
            ));
        }
        Ok(Self { tables, queues, access: Credentials::Identity(identity) })
    }

    /// This account with other URLs, for tests with a proxy.
    ///
    /// # Errors
    /// [`Error::Failed`] if one is not a URL.
    pub fn at(mut self, tables: &str, queues: &str) -> Result<Self> {
        (self.tables, self.queues) = (address(tables)?, address(queues)?);
        Ok(self)
    }
}

impl EntraIdentity {
    /// The credential, which caches tokens until shortly before they expire.
    pub(super) fn credential(&self) -> Result<Arc<dyn TokenCredential>> {
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match self {
            Self::Managed { client_id } => {
                let user_assigned_id = client_id.clone().map(UserAssignedId::ClientId);
                let options =
                    ManagedIdentityCredentialOptions { user_assigned_id, ..Default::default() };
                ManagedIdentityCredential::new(Some(options)).map(|made| made as _)
            }
            Self::Developer => DeveloperToolsCredential::new(None).map(|made| made as _),
        };
        made.map_err(|error| Error::Failed(format!("no identity to sign in with: {error}")))
    }
}

fn invalid(what: &str) -> Error {
    Error::Failed(format!("the connection string in AzureWebJobsStorage {what}"))
}

/// The URL of a service, without a slash at its end.
fn address(text: &str) -> Result<Url> {
    let no_address =
        || Error::Failed("an address of the storage account is no http or https address".into());
    let mut url = Url::parse(text).map_err(|_| no_address())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some() {
        return Err(no_address());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> (String, String) {
        let settings = AccountSettings::from_connection_string(text).unwrap();
        (settings.tables.to_string(), settings.queues.to_string())
    }

    #[test]
    fn the_usual_forms_of_a_connection_string_are_understood() {
        let emulator = (
            "http://127.0.0.1:10002/devstoreaccount1".into(),
            "http://127.0.0.1:10001/devstoreaccount1".into(),
        );
        assert_eq!(places("UseDevelopmentStorage=true"), emulator);
        assert_eq!(places(" usedevelopmentstorage = True ; "), emulator);
        assert_eq!(
            places("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite").0,
            "http://azurite:10002/devstoreaccount1"
        );
        let azure = "DefaultEndpointsProtocol=https;AccountName=relay;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net";
        assert_eq!(
            places(azure),
            (
                "https://relay.table.core.windows.net/".into(),
                "https://relay.queue.core.windows.net/".into()
            )
        );
        let own = "AccountName=a;AccountKey=c2VjcmV0;TableEndpoint=http://127.0.0.1:7/a/;QueueEndpoint=http://127.0.0.1:8/a";
        assert_eq!(places(own), ("http://127.0.0.1:7/a".into(), "http://127.0.0.1:8/a".into()));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_key() {
        for text in [
            "",
            "x",
            "AccountName=a",
            "AccountKey=c2VjcmV0",
            "AccountName=a;AccountKey=sec ret!",
            "SharedAccessSignature=sv=c2VjcmV0",
        ] {
            let error = AccountSettings::from_connection_string(text).unwrap_err().to_string();
            assert!(
                error.contains("connection string")
                    && !error.contains("c2VjcmV0")
                    && !error.contains("sec ret"),
                "{error}"
            );
        }
        let settings =
            AccountSettings::from_connection_string("AccountName=relay;AccountKey=c2VjcmV0")
                .unwrap();
        assert!(!format!("{settings:?}").contains("c2VjcmV0"), "{settings:?}");
    }

    #[test]
    fn an_identity_signs_in_over_tls_only() {
        let managed = EntraIdentity::Managed { client_id: None };
        let settings = AccountSettings::from_account("relay", managed.clone()).unwrap();
        assert_eq!(settings.tables.as_str(), "https://relay.table.core.windows.net/");
        assert!(AccountSettings::from_account("Not A Name", managed.clone()).is_err());
        assert!(
            AccountSettings::from_services(
                "http://relay.table.example",
                "https://relay.queue.example",
                managed.clone()
            )
            .is_err()
        );
        assert!(
            AccountSettings::from_services(
                "https://relay.table.example",
                "https://relay.queue.example",
                managed
            )
            .is_ok()
        );
    }
}
