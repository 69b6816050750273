//! The pipeline of every request to the account: retries, a time-out for each attempt, a signature,
//! a counter.
//!
//! The pipeline is that of `azure_core`. An attempt that gets 408, 429, 5xx or no answer is
//! repeated with growing pauses, not before `Retry-After`, for half a minute; what then still fails
//! is [`Error::Unavailable`](crate::Error::Unavailable).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use azure_core::credentials::Secret;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::CONTENT_TYPE;
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{
    ClientOptions, Context, ExponentialRetryOptions, Pipeline, Request, RetryOptions, Transport,
    new_http_client,
};
use azure_core::time::{Duration as Span, OffsetDateTime, to_rfc7231};
use azure_storage_queue::{QueueServiceClient, QueueServiceClientOptions};
use data_encoding::BASE64;

use super::fault::AzureFault;
use super::settings::{AccountSettings, Credentials};

/// The time-out of one attempt, from the connection to the end of the answer. The services end an
/// operation after 30 s.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(40);

/// The scope of the tokens.
const SCOPE: &str = "https://storage.azure.com/.default";

/// The pipeline of the tables and the client of the queues.
pub(super) struct StoragePipelines {
    pub tables: Pipeline,
    pub queues: QueueServiceClient,
}

/// Builds both. No request is sent.
pub(super) fn build(
    settings: &AccountSettings,
    tables: &Arc<TransactionMeter>,
    queues: &Arc<TransactionMeter>,
) -> Result<StoragePipelines, AzureFault> {
    // One client, and so one pool of connections, for both.
    let transport = Transport::new(new_http_client(None));
    let options = |meter: &Arc<TransactionMeter>, service: StorageService| {
        let mut per_try: Vec<Arc<dyn Policy>> = vec![meter.clone()];
        if let Credentials::Key { account, key } = &settings.access {
            per_try.push(Arc::new(SharedKeyLite {
                service,
                account: account.clone(),
                key: key.clone(),
            }));
        }
        let retry = RetryOptions::exponential(ExponentialRetryOptions {
            initial_delay: Span::milliseconds(200),
            max_retries: 6,
            max_total_elapsed: Span::seconds(30),
            max_delay: Span::seconds(8),
        });
        ClientOptions {
            per_try_policies: per_try,
            retry,
            transport: Some(transport.clone()),
            ..Default::default()
        }
    };
    let credential = match &settings.access {
        Credentials::Identity(identity) => Some(identity.credential()?),
        Credentials::Key { .. } => None,
    };
    let bearer = credential.clone().map(|credential| {
        Arc::new(BearerTokenAuthorizationPolicy::new(credential, [SCOPE])) as Arc<dyn Policy>
    });
    let (name, version) = (option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"));
    let pipeline = Pipeline::new(
        name,
        version,
        options(tables, StorageService::Tables),
        Vec::new(),
        bearer.into_iter().collect(),
        None,
    );
    let options = QueueServiceClientOptions {
        client_options: options(queues, StorageService::Queues),
        ..Default::default()
    };
    Ok(StoragePipelines {
        tables: pipeline,
        queues: QueueServiceClient::new(settings.queues.clone(), credential, Some(options))?,
    })
}

/// Counts attempts, each of which is billed as a transaction, and ends those that take too long.
#[derive(Debug, Default)]
pub(super) struct TransactionMeter(AtomicU64);

impl TransactionMeter {
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Put into the context of a request. Records whether an attempt may have been carried out although
/// it got no answer or no success: the next attempt then finds what the first one wrote.
#[derive(Debug, Default)]
pub(super) struct UncertainWrites(AtomicBool);

impl UncertainWrites {
    pub fn exists(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Policy for TransactionMeter {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        self.0.fetch_add(1, Ordering::Relaxed);
        let outcome =
            match tokio::time::timeout(ATTEMPT_TIMEOUT, next[0].send(ctx, request, &next[1..]))
                .await
            {
                Ok(outcome) => outcome,
                Err(_) => Err(Error::with_message(
                    ErrorKind::Io,
                    format!("no answer within {} s", ATTEMPT_TIMEOUT.as_secs()),
                )),
            };
        let doubtful = match &outcome {
            Ok(answer) => answer.status().is_server_error(),
            // Without a connection nothing was sent.
            Err(error) => !matches!(error.kind(), ErrorKind::Connection),
        };
        if doubtful && let Some(doubt) = ctx.value::<UncertainWrites>() {
            doubt.0.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

#[derive(Clone, Copy, Debug)]
enum StorageService {
    Tables,
    Queues,
}

/// Signs with the account's key ("Authorize with Shared Key", the section on the Lite form). For
/// Azurite; in Azure the account accepts no keys.
#[derive(Debug)]
struct SharedKeyLite {
    service: StorageService,
    account: String,
    key: Secret,
}

impl SharedKeyLite {
    /// The text that is signed.
    fn text(&self, request: &Request, date: &str) -> String {
        let url = request.url();
        let mut resource = format!("/{}{}", self.account, url.path());
        if let Some((_, component)) = url.query_pairs().find(|(name, _)| name == "comp") {
            resource.push_str("?comp=");
            resource.push_str(&component);
        }
        match self.service {
            StorageService::Tables => format!("{date}\n{resource}"),
            StorageService::Queues => {
                let headers = request
                    .headers()
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str().trim()));
                let mut headers: Vec<String> = headers
                    .filter(|(name, _)| name.starts_with("x-ms-"))
                    .map(|(name, value)| format!("{name}:{value}\n"))
                    .collect();
                headers.sort_unstable();
                let content = request.headers().get_optional_str(&CONTENT_TYPE).unwrap_or_default();
                format!(
                    "{}\n\n{content}\n\n{}{resource}",
                    request.method().as_ref(),
                    headers.concat()
                )
            }
        }
    }
}

#[async_trait]
impl Policy for SharedKeyLite {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        // The service compares the date with its own clock, so the store needs the real time here,
        // and only here.
        let date = to_rfc7231(&OffsetDateTime::now_utc());
        request.insert_header("x-ms-date", date.clone());
        let key = BASE64.decode(self.key.secret().as_bytes());
        let key = key.map_err(|_| {
            Error::with_message(ErrorKind::Credential, "the account's key is not base64")
        })?;
        let signature = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &key),
            self.text(request, &date).as_bytes(),
        );
        request.insert_header(
            "authorization",
            format!("SharedKeyLite {}:{}", self.account, BASE64.encode(signature.as_ref())),
        );
        next[0].send(ctx, request, &next[1..]).await
    }
}
