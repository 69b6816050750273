//! `GET /oauth/google/start`: sends the machine's own user to Google's consent page. Its answer comes to `oauth_callback`.
//!
//! Nobody can sign in yet, so nobody else may begin: an account that a stranger connects would be the operator's. Under the Functions host
//! everybody comes through the front, and the command line is the way.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode, header};
use jobs::{Services, consent};

use crate::cookie::{self, Origin};
use crate::page;
use crate::trigger::{Request, Response};

/// Answers.
pub fn run(services: &Services, request: Request) -> BoxFuture<'_, Response> {
    async move {
        if !request.operator {
            return page::page(
                StatusCode::FORBIDDEN,
                "Accounts are connected on the command line",
                &[
                    "Nobody can sign in here yet, so nobody is sent to Google from here. Nothing was changed.",
                    "Whoever runs this calrelay connects accounts with: calrelay account add google",
                    "For a calrelay in Azure the same command is run with its settings, CALRELAY_STORE=azure among them.",
                ],
            );
        }
        if !began_here(&request.headers) {
            return page::page(
                StatusCode::FORBIDDEN,
                "Another page sent you here",
                &["Nothing was begun. If you want to connect an account, open this address yourself, or run: calrelay account add google"],
            );
        }
        // An operator comes by one of the loopback's own names. The answer has to come by the same one: the cookie is its alone.
        let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
        let Some(kind) = consent::kind("google") else { return page::not_here() };
        match consent::begin(services, kind, &format!("http://{host}/oauth/google/callback")).await {
            Ok(begun) => page::away(&begun.location, cookie::set(Origin::Loopback, begun.browser.expose())),
            Err(error) => page::failed(&error),
        }
    }
    .boxed()
}

/// Not by a page of another site (Fetch Metadata). A browser that does not say is taken at the person's word: consent is asked for all the same.
fn began_here(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "none" || site == "same-origin")
}
