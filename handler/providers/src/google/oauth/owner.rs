//! The owner of a grant. Without the scopes of a sign-in no request names the owner; the id of the
//! primary calendar does.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::google::errors::GoogleRefusal;
use crate::http::{Credentials, Http, HttpRequest, RateLimits, RetryPolicy, SHORT_WAIT};
use crate::{Error, Result};

const LIMITS: RateLimits = RateLimits {
    parallel: 2,
    spacing: Duration::ZERO,
    doubling: false,
    patience: SHORT_WAIT,
    persistent: false,
};
/// The largest page that is read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;
/// More pages than any account has.
const PAGES: usize = 40;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CalendarPage {
    #[serde(default)]
    items: Vec<CalendarEntry>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct CalendarEntry {
    id: Option<String>,
    #[serde(default)]
    primary: bool,
}

/// The id of the primary calendar (`calendarList.list`), which is the account's e-mail address.
/// `api` is the part of the address before `/calendar/v3`.
///
/// # Errors
/// [`Error::Consent`] where calendars may not be listed, [`Error::Misconfigured`] where the API is
/// not switched on for this program's project, [`Error::BadAnswer`] where no calendar is the
/// primary one.
pub async fn owner(http: &Arc<Http>, api: &Url, access: &SecretString) -> Result<String> {
    let odd = |what: &str| Error::BadAnswer(format!("Google's list of calendars {what}"));
    let bearer = Credentials::bearer(access)?;
    let limit = http.rate_limit(&format!("owner {api}"), LIMITS);
    let list = format!("{}/calendar/v3/users/me/calendarList", api.as_str().trim_end_matches('/'));
    let mut token: Option<String> = None;
    for _ in 0..PAGES {
        let mut url = Url::parse(&list)
            .map_err(|_| Error::Address("GOOGLE_API_URL cannot be used".into()))?;
        // Hidden ones too: a primary calendar can be hidden.
        let rest = token.iter().map(|token| ("pageToken", token.as_str()));
        url.query_pairs_mut()
            .extend_pairs([("maxResults", "250"), ("showHidden", "true")].into_iter().chain(rest));
        let request = HttpRequest {
            method: Method::GET,
            url: &url,
            credentials: Some(&bearer),
            headers: HeaderMap::new(),
            body: Vec::new(),
            retry: RetryPolicy::Read,
            slow: false,
            single: false,
            units: 1,
        };
        let answer = http.send(&request, &limit).await?;
        let (status, host) = (answer.status(), answer.host().to_owned());
        let Some(body) = answer.bytes(LARGEST).await? else { return Err(odd("is too large")) };
        if !status.is_success() {
            return Err(GoogleRefusal::new(status, &host, &body).error());
        }
        let page: CalendarPage =
            serde_json::from_slice(&body).map_err(|_| odd("cannot be read"))?;
        if let Some(id) =
            page.items.into_iter().find(|entry| entry.primary).and_then(|entry| entry.id)
        {
            let plain = (1..=254).contains(&id.len())
                && !id.chars().any(|c| c.is_control() || c.is_whitespace());
            return if plain {
                Ok(id.to_lowercase())
            } else {
                Err(odd("has a primary calendar whose id is none"))
            };
        }
        match page.next_page_token {
            Some(next) => token = Some(next),
            None => break,
        }
    }
    Err(odd("has no primary calendar"))
}
