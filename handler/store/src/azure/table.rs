//! A client of Azure Tables: the four requests that the store needs.
//!
//! Written for this crate on `azure_core`'s pipeline: Microsoft's new crates for Rust cover queues,
//! identity and Key Vault, but not tables yet. The community's `azure_data_tables` 0.21 is
//! abandoned, brings a vulnerable XML parser, reports a failed transaction as a success, leaves
//! keys unescaped, and cannot take the credentials of `azure_identity` 1. An official crate can
//! replace this file and `batch`.
//!
//! Keys are passed in their encoded form (`keys`). Parts of a URL are percent-encoded, quotes are
//! doubled.

use std::collections::BTreeMap;

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{Context, Method, Pipeline, PipelineSendOptions, Request};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::batch::{self, BatchOperation, BatchOutcome};
use super::fault::{AzureFault, ServiceRefusal};
use super::keys;
use super::pipeline::UncertainWrites;
use crate::{Error, Op, Row};

/// The version of the protocol: the first in which tables accept tokens of Entra ID.
const VERSION: &str = "2020-12-06";

/// Characters that are not escaped in a URL.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
const NEXT_PARTITION: HeaderName = HeaderName::from_static("x-ms-continuation-nextpartitionkey");
const NEXT_ROW: HeaderName = HeaderName::from_static("x-ms-continuation-nextrowkey");
const DATE: HeaderName = HeaderName::from_static("date");

/// The tables of an account. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    pipeline: Pipeline,
    endpoint: Url,
}

/// An entity of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Entity {
    #[serde(rename = "RowKey")]
    pub key: String,
    #[serde(rename = "odata.etag")]
    pub etag: String,
    /// The time of the last write, by the clock of the service.
    #[serde(rename = "Timestamp")]
    pub timestamp: Timestamp,
    /// The id of the commit that wrote the row.
    #[serde(rename = "W", default)]
    pub by: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl Entity {
    /// The value of the row.
    pub fn value(&self) -> String {
        (0..).map_while(|index| self.rest.get(&batch::part_name(index))?.as_str()).collect()
    }

    /// Converts the entity.
    ///
    /// # Errors
    /// [`Error::Failed`] for a row that this program did not write.
    pub fn into_row(self) -> Result<Row, AzureFault> {
        let key = keys::read(&self.key).ok_or_else(|| {
            Error::Failed("a row was found in our tables that this program did not write".into())
        })?;
        Ok(Row { key, value: self.value(), etag: self.etag })
    }
}

/// One page of the result of a query.
#[derive(Debug)]
pub(super) struct TablePage {
    pub rows: Vec<Entity>,
    /// The token of the next page; `None` at the end.
    pub next: Option<Continuation>,
    /// The time of the answer, by the clock of the service.
    pub time: Option<Timestamp>,
}

/// The continuation token of a query.
#[derive(Clone, Debug)]
pub(super) struct Continuation {
    partition: String,
    row: Option<String>,
}

struct TableAnswer {
    status: u16,
    headers: Headers,
    body: String,
    doubt: bool,
}

impl Tables {
    pub fn new(pipeline: Pipeline, endpoint: Url) -> Self {
        Self { pipeline, endpoint }
    }

    /// One row. One transaction. A missing table has none.
    pub async fn get(
        &self,
        table: &str,
        partition: &str,
        row: &str,
    ) -> Result<Option<Entity>, AzureFault> {
        let answer = self.send(Method::Get, &self.row(table, partition, row), None).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(answer.json()?))
    }

    /// At most `top` rows that match a filter. One transaction.
    pub async fn query(
        &self,
        table: &str,
        filter: &str,
        top: usize,
        next: Option<&Continuation>,
    ) -> Result<TablePage, AzureFault> {
        #[derive(Deserialize)]
        struct TableEntity {
            value: Vec<Entity>,
        }
        let mut address =
            format!("{}/{table}()?$filter={}&$top={top}", self.base(), escaped(filter));
        if let Some(Continuation { partition, row }) = next {
            address.push_str(&format!("&NextPartitionKey={}", escaped(partition)));
            if let Some(row) = row {
                address.push_str(&format!("&NextRowKey={}", escaped(row)));
            }
        }
        let answer = self.send(Method::Get, &address, None).await?;
        if answer.status == 404 && answer.refusal().is_table_missing() {
            return Ok(TablePage { rows: Vec::new(), next: None, time: answer.time() });
        }
        let partition = answer.headers.get_optional_string(&NEXT_PARTITION);
        let next = partition.map(|partition| Continuation {
            partition,
            row: answer.headers.get_optional_string(&NEXT_ROW),
        });
        Ok(TablePage { rows: answer.json::<TableEntity>()?.value, next, time: answer.time() })
    }

    /// Several writes to one partition, all or none. One transaction. Also returns whether an
    /// earlier attempt may have done what is refused.
    pub async fn change(
        &self,
        table: &str,
        partition: &str,
        by: &str,
        ops: &[&Op],
    ) -> Result<(BatchOutcome, bool), AzureFault> {
        let changes: Vec<BatchOperation<'_>> =
            ops.iter().map(|op| self.written(table, partition, op)).collect();
        let body = batch::write(partition, by, &changes)?;
        let answer = self
            .send(
                Method::Post,
                &format!("{}/$batch", self.base()),
                Some((batch::CONTENT_TYPE, body)),
            )
            .await?;
        if answer.status >= 300 {
            return Err(answer.refusal().into());
        }
        Ok((batch::read(&answer.body, ops.len())?, answer.doubt))
    }

    fn written<'a>(&self, table: &str, partition: &str, op: &'a Op) -> BatchOperation<'a> {
        let key = keys::write(op.key());
        let address = match op {
            Op::Insert { .. } => format!("{}/{table}", self.base()),
            _ => self.row(table, partition, &key),
        };
        BatchOperation { op, key, address }
    }

    /// Creates a table if it is missing. One transaction.
    pub async fn create(&self, table: &str) -> Result<(), AzureFault> {
        let body = format!(r#"{{"TableName":"{table}"}}"#);
        let answer = self
            .send(
                Method::Post,
                &format!("{}/Tables", self.base()),
                Some(("application/json", body)),
            )
            .await?;
        if answer.status >= 300 && !answer.refusal().already_exists() {
            return Err(answer.refusal().into());
        }
        Ok(())
    }

    fn base(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }

    fn row(&self, table: &str, partition: &str, row: &str) -> String {
        let quoted = |key: &str| escaped(&key.replace('\'', "''"));
        format!(
            "{}/{table}(PartitionKey='{}',RowKey='{}')",
            self.base(),
            quoted(partition),
            quoted(row)
        )
    }

    async fn send(
        &self,
        method: Method,
        address: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<TableAnswer, AzureFault> {
        let address =
            Url::parse(address).map_err(|_| Error::Failed("a row has no address".into()))?;
        let mut request = Request::new(address, method);
        for (name, value) in [
            ("x-ms-version", VERSION),
            ("dataserviceversion", "3.0;"),
            ("maxdataserviceversion", "3.0;NetFx"),
        ] {
            request.insert_header(name, value);
        }
        request.insert_header("accept", "application/json;odata=minimalmetadata");
        if let Some((content_type, body)) = body {
            request.insert_header("content-type", content_type);
            request.insert_header("prefer", "return-no-content");
            request.set_body(body);
        }
        let context = Context::new().with_value(UncertainWrites::default());
        // A refusal is not an error here: its body says more than its status.
        let options = PipelineSendOptions { skip_checks: true, ..Default::default() };
        let answer = self.pipeline.send(&context, &mut request, Some(options)).await?;
        let (status, headers, body) = answer.deconstruct();
        let doubt = context.value::<UncertainWrites>().is_some_and(UncertainWrites::exists);
        Ok(TableAnswer { status: u16::from(status), headers, body: body.into_string()?, doubt })
    }
}

impl TableAnswer {
    fn refusal(&self) -> ServiceRefusal {
        let (code, _) = batch::error_message(&self.body);
        let code = if code.is_empty() {
            self.headers.get_optional_string(&ERROR_CODE).unwrap_or_default()
        } else {
            code
        };
        ServiceRefusal { status: self.status, code }
    }

    fn json<T: for<'a> Deserialize<'a>>(&self) -> Result<T, AzureFault> {
        if self.status >= 300 {
            return Err(self.refusal().into());
        }
        let fault = |_| Error::Failed("the storage account's answer was not understood".into());
        Ok(serde_json::from_str(&self.body).map_err(fault)?)
    }

    fn time(&self) -> Option<Timestamp> {
        let date = self.headers.get_optional_str(&DATE)?;
        jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
