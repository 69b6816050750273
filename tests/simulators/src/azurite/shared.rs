//! One emulator for many tests, and a storage account of its own for each.
//!
//! To start an emulator takes most of a second and 100 MiB; to have another account costs nothing,
//! and nothing that is in one can be seen or locked from another.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use aws_lc_rs::hmac;
use data_encoding::BASE64;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::Azurite;
use crate::client::Client;

/// Accounts of one emulator. Its search for a table takes longer the more there are, so then the
/// next one is started.
const ACCOUNTS: usize = 1_000;

/// Of each of them. Any key will do: it listens on the loopback, and holds what tests make up.
const KEY: &str = "bm90IGEgc2VjcmV0";

/// An empty storage account that no other test gets. All accounts are in one emulator of this
/// process, which ends with the process.
#[derive(Clone, Debug)]
pub struct Account {
    emulator: Arc<Azurite>,
    name: String,
}

/// The emulator that is not used up, and how many of its accounts were given out.
static SHARED: Mutex<Option<(Arc<Azurite>, usize)>> = Mutex::const_new(None);

impl Account {
    /// Takes the next one.
    ///
    /// # Errors
    /// As [`Azurite::start`].
    pub async fn take() -> anyhow::Result<Self> {
        let mut shared = SHARED.lock().await;
        let (emulator, number) = match &*shared {
            Some((emulator, given)) if *given < ACCOUNTS => (emulator.clone(), *given),
            _ => {
                let accounts: Vec<String> =
                    (0..ACCOUNTS).map(|number| format!("{}:{KEY}", name(number))).collect();
                (Arc::new(Azurite::start_new(false, Some(accounts.join(";"))).await?), 0)
            }
        };
        *shared = Some((emulator.clone(), number + 1));
        Ok(Self { emulator, name: name(number) })
    }

    /// Its connection string, for `AzureWebJobsStorage`.
    pub fn connection_string(&self) -> String {
        self.emulator.connection_string_of(&self.name, KEY)
    }

    /// The content of its tables, as the service returns it. Queues are left out.
    ///
    /// # Errors
    /// Where it does not answer, or a table has more rows than one answer holds.
    pub async fn tables(&self) -> anyhow::Result<String> {
        let listed: Value = serde_json::from_str(&self.get("/Tables").await?)?;
        let mut all = String::new();
        for table in listed["value"].as_array().into_iter().flatten() {
            let name = table["TableName"].as_str().context("a table without a name")?;
            all.push_str(&self.get(&format!("/{name}()")).await?);
        }
        Ok(all)
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        // It does not compare it with its clock.
        let date = "Tue, 10 Mar 2026 12:00:00 GMT";
        let path = format!("/{}{path}", self.name);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(KEY.as_bytes())?);
        let signature = hmac::sign(&key, format!("{date}\n/{}{path}", self.name).as_bytes());
        let signature =
            format!("SharedKeyLite {}:{}", self.name, BASE64.encode(signature.as_ref()));
        let headers = [
            ("authorization", signature.as_str()),
            ("x-ms-date", date),
            ("x-ms-version", "2020-12-06"),
            ("accept", "application/json"),
        ];
        let base =
            Url::parse(&format!("http://127.0.0.1:{}/", self.emulator.ports.table.number()))?;
        let answer = Client::new(&base).send("GET", &path, &headers, "").await?;
        ensure!(answer.status == 200, "{path}: {}", answer.status);
        ensure!(
            !answer.headers.contains_key("x-ms-continuation-nextpartitionkey"),
            "{path}: more than one answer holds"
        );
        Ok(String::from_utf8(answer.body.to_vec())?)
    }
}

fn name(number: usize) -> String {
    format!("calrelay{number:04}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_has_its_own() {
        let (one, two) = (Account::take().await.unwrap(), Account::take().await.unwrap());
        assert_ne!(one.connection_string(), two.connection_string());
        assert_eq!(
            (one.tables().await.unwrap(), two.tables().await.unwrap()),
            (String::new(), String::new())
        );
    }
}
