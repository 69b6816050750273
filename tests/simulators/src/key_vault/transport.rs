//! The connection to the stand-in for a client that signs in over https only, and to Azure's own
//! names.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, new_http_client};
use url::Url;

/// Carries requests for the vault's own host, and for the metadata service, to the stand-in. Any
/// other host is not reached.
#[derive(Debug)]
pub struct ToLoopback {
    host: String,
    to: Url,
    http: Arc<dyn HttpClient>,
}

impl ToLoopback {
    pub(super) fn new(host: String, to: Url) -> Self {
        Self { host, to, http: new_http_client(None) }
    }

    fn leads_here(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => url.host_str() == Some(&self.host) && url.port().is_none(),
            "http" => url.host_str() == Some("169.254.169.254"),
            _ => false,
        }
    }
}

#[async_trait]
impl HttpClient for ToLoopback {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        if !self.leads_here(request.url()) {
            return Err(azure_core::Error::with_message(
                ErrorKind::Connection,
                format!("there is no {}", request.url()),
            ));
        }
        let mut request = request.clone();
        let mut url = self.to.clone();
        url.set_path(request.url().path());
        url.set_query(request.url().query());
        *request.url_mut() = url;
        self.http.execute_request(&request).await
    }
}
