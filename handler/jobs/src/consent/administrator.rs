//! The request to the administrator of an organisation, who has to allow this program before anyone
//! in the organisation can connect an account.
//!
//! # Properties
//! * The request is a link that a person sends on. It has a state of its own, which is valid for a
//!   week and in any browser. Storage holds only the hash of the state.
//! * The answer grants nothing to anyone: afterwards each person connects an account as usual. So
//!   the answer may be repeated, and nothing that it names is believed.
//! * At most [`MAX_ASKED`] requests are valid at once: the oldest is deleted for a new one, and its
//!   link still works at the provider. A new one deletes those that have expired, too.
//!
//! The rows are in [`Table::Secrets`], in a partition of their own, `administrator:OWNER`.

use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use records::consent::{self as rows, AdministratorRecord};
use store::{Op, Table};
use url::{Url, form_urlencoded};

use super::query::AuthorizationResponse;
use crate::random_secret::Token;
use crate::{Error, Result, Scope};

/// How long the answer to a link is recognised.
const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The number of links whose answers are recognised at once.
pub const MAX_ASKED: usize = 50;
/// Rows read to find expired ones.
const PAGE: usize = 1000;

/// Reads a request; `None` for one that has expired.
fn read_valid(value: &str, now: Timestamp) -> Option<AdministratorRecord> {
    rows::decode::<AdministratorRecord>(value)
        .filter(|row| now.duration_since(row.asked).abs() <= LIFETIME)
}

/// What an administrator has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdministratorAnswer {
    /// The program is allowed, according to the answer.
    Allowed,
    /// It is not.
    Refused,
}

/// A link for an administrator, whose answer comes to `redirect`; `None` where the provider has no
/// such page.
///
/// # Errors
/// [`providers::Error::Misconfigured`] where the program is not registered with that provider;
/// storage failures.
pub async fn administrator_link(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &str,
) -> Result<Option<String>> {
    let redirect = Url::parse(redirect)
        .map_err(|_| Error::Request("this address cannot be used as a redirect address".into()))?;
    let state = Token::random()?;
    let Some(url) = scope.connect.consents(kind)?.administrator_url(&redirect, state.expose())
    else {
        return Ok(None);
    };
    let mut valid = sweep_expired(scope).await?;
    valid.sort_by_key(|(_, asked)| *asked);
    let over = (valid.len() + 1).saturating_sub(MAX_ASKED);
    remove(scope, valid.drain(..over).map(|(key, _)| key)).await?;
    let row = AdministratorRecord { provider: kind, asked: scope.clock.now() };
    let value = rows::encode(&row)?;
    let insert = Op::Insert { key: state.hash(), value };
    scope.store.commit(Table::Secrets, &partition(scope), &[insert]).await?;
    Ok(Some(url.into()))
}

/// The answer of an administrator in `query`, which arrived at the redirect address of `kind`;
/// `None` where it answers no link of this installation.
///
/// # Errors
/// Storage failures.
pub async fn administrator_answer(
    scope: &Scope,
    kind: ProviderKind,
    query: &str,
) -> Result<Option<AdministratorAnswer>> {
    let response = AuthorizationResponse::parse(query);
    let Some(state) = response.state() else { return Ok(None) };
    let has = |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(known, _)| known == name);
    if !has("admin_consent") || has("code") {
        return Ok(None);
    }
    let row = scope.store.get(Table::Secrets, &partition(scope), &state.hash()).await?;
    let asked = row.and_then(|row| read_valid(&row.value, scope.clock.now()));
    if asked.is_none_or(|asked| asked.provider != kind) {
        return Ok(None);
    }
    // A refusal has `admin_consent=True` too.
    let is_said = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "admin_consent" && value.eq_ignore_ascii_case("true"));
    let is_allowed = is_said && !has("error");
    Ok(Some(if is_allowed { AdministratorAnswer::Allowed } else { AdministratorAnswer::Refused }))
}

/// Deletes expired requests and returns the valid ones.
async fn sweep_expired(scope: &Scope) -> Result<Vec<(String, Timestamp)>> {
    let now = scope.clock.now();
    let (mut valid, mut over) = (Vec::new(), Vec::new());
    for row in scope.store.scan(Table::Secrets, &partition(scope), "", None, PAGE).await? {
        match read_valid(&row.value, now) {
            Some(asked) => valid.push((row.key, asked.asked)),
            None => over.push(row.key),
        }
    }
    remove(scope, over).await?;
    Ok(valid)
}

async fn remove(scope: &Scope, keys: impl IntoIterator<Item = String>) -> Result<()> {
    let ops: Vec<Op> = keys.into_iter().map(|key| Op::Delete { key, etag: None }).collect();
    for chunk in ops.chunks(store::MAX_COMMIT) {
        scope.store.commit(Table::Secrets, &partition(scope), chunk).await?;
    }
    Ok(())
}

fn partition(scope: &Scope) -> String {
    format!("administrator:{}", scope.owner)
}
