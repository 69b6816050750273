//! Azure Storage Queues by REST, signed with the account's key (`SharedKeyLite`): what a host does
//! with them, on Azurite.
//!
//! <https://learn.microsoft.com/rest/api/storageservices/queue-service-rest-api>

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws_lc_rs::hmac;
use data_encoding::BASE64;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::queue::{Received, Source};
use crate::client::{Answer, Client};
use crate::xml::Node;

const VERSION: &str = "2021-12-02";

/// The queues of a storage account.
pub struct StorageQueues {
    client: Client,
    account: String,
    key: hmac::Key,
    /// The path of the service: empty in Azure, the account's name on Azurite.
    root: String,
}

impl StorageQueues {
    /// Those of the account that a connection string names.
    ///
    /// # Errors
    /// Where it lacks the endpoint of the queues, the account's name or its key.
    pub fn new(connection_string: &str) -> anyhow::Result<Self> {
        let parts: BTreeMap<&str, &str> =
            connection_string.split(';').filter_map(|part| part.split_once('=')).collect();
        let part = |name: &str| {
            parts.get(name).copied().with_context(|| format!("the connection string has no {name}"))
        };
        let endpoint = Url::parse(part("QueueEndpoint")?)?;
        Ok(Self {
            client: Client::new(&endpoint),
            account: part("AccountName")?.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(part("AccountKey")?.as_bytes())?),
            root: endpoint.path().trim_end_matches('/').to_owned(),
        })
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        query: &str,
        body: String,
    ) -> anyhow::Result<Answer> {
        #[expect(clippy::disallowed_methods, reason = "a signature carries the system's time")]
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let path = format!("{}{path}", self.root);
        let kind = if body.is_empty() { "" } else { "application/xml" };
        // No call here has a `comp`, the one part of the query that is signed.
        let signed = format!(
            "{method}\n\n{kind}\n\nx-ms-date:{date}\nx-ms-version:{VERSION}\n/{}{path}",
            self.account
        );
        let signature = BASE64.encode(hmac::sign(&self.key, signed.as_bytes()).as_ref());
        let authorization = format!("SharedKeyLite {}:{signature}", self.account);
        let mut headers = vec![
            ("x-ms-date", date.as_str()),
            ("x-ms-version", VERSION),
            ("authorization", authorization.as_str()),
        ];
        if !kind.is_empty() {
            headers.push(("content-type", kind));
        }
        self.client.send(method, &format!("{path}{query}"), &headers, body).await
    }

    /// Those that are visible; an empty list where the queue is not there.
    async fn list(&self, queue: &str, query: &str) -> anyhow::Result<Vec<Node>> {
        let answer = self.ask("GET", &format!("/{queue}/messages"), query, String::new()).await?;
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        let list = expect(answer, 200)?.xml()?;
        Ok(list.all("", "QueueMessage").cloned().collect())
    }
}

impl Source for StorageQueues {
    async fn receive(
        &self,
        queue: &str,
        most: usize,
        hide: Duration,
    ) -> anyhow::Result<Vec<Received>> {
        let query = format!("?numofmessages={most}&visibilitytimeout={}", hide.as_secs());
        self.list(queue, &query).await?.iter().map(read).collect()
    }

    async fn delete(&self, queue: &str, message: &Received) -> anyhow::Result<()> {
        let query = format!("?popreceipt={}", escaped(&message.receipt));
        expect(
            self.ask("DELETE", &format!("/{queue}/messages/{}", message.id), &query, String::new())
                .await?,
            204,
        )?;
        Ok(())
    }

    async fn hide(
        &self,
        queue: &str,
        message: &Received,
        time: Duration,
    ) -> anyhow::Result<String> {
        let query = format!(
            "?popreceipt={}&visibilitytimeout={}",
            escaped(&message.receipt),
            time.as_secs()
        );
        let answer = expect(
            self.ask("PUT", &format!("/{queue}/messages/{}", message.id), &query, String::new())
                .await?,
            204,
        )?;
        Ok(answer.header("x-ms-popreceipt").to_owned())
    }

    async fn send(&self, queue: &str, text: &str) -> anyhow::Result<()> {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>");
        let path = format!("/{queue}/messages");
        let mut answer = self.ask("POST", &path, "?messagettl=-1", body.clone()).await?;
        if answer.status == 404 {
            self.ask("PUT", &format!("/{queue}"), "", String::new()).await?;
            answer = self.ask("POST", &path, "?messagettl=-1", body).await?;
        }
        expect(answer, 201)?;
        Ok(())
    }

    async fn waiting(&self, queue: &str) -> anyhow::Result<usize> {
        Ok(self.list(queue, "?peekonly=true&numofmessages=32").await?.len())
    }
}

fn read(node: &Node) -> anyhow::Result<Received> {
    let text = |name: &str| {
        node.find("", name)
            .map(|node| node.text.clone())
            .with_context(|| format!("a message without {name}"))
    };
    Ok(Received {
        id: text("MessageId")?,
        receipt: text("PopReceipt")?,
        text: text("MessageText")?,
        dequeue_count: text("DequeueCount")?.parse()?,
    })
}

fn expect(answer: Answer, status: u16) -> anyhow::Result<Answer> {
    ensure!(answer.status == status, "the queues answered {}: {}", answer.status, answer.text());
    Ok(answer)
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
