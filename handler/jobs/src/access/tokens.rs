//! Access tokens: made, listed, removed and checked. Their rows: [`records::token`].

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use records::token::{BY_HASH, Permission, TokenRecord, decode, encode, list_partition};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use store::{Op, Table};

use crate::random_secret::Token;
use crate::{Error, Result, Scope, Services, ids};

/// What every token begins with, so that programs that look for leaked secrets find it.
pub const PREFIX: &str = "calrelay_";
/// The most tokens of an owner.
const MAX_TOKENS: usize = 100;
/// The longest name, in characters.
const MAX_NAME: usize = 100;
/// Characters of a token that lists show.
const HINT: usize = 4;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub name: String,
    pub scopes: Vec<Permission>,
    /// 1 to 366.
    pub expires_days: u16,
}

/// A token as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TokenState {
    pub id: String,
    pub name: String,
    /// What the token may do.
    pub scopes: Vec<Permission>,
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// The day of the last request, in UTC.
    #[schema(value_type = Option<String>, format = Date)]
    pub last_used: Option<Date>,
    /// The last four characters.
    pub hint: String,
}

/// A new token, which cannot be shown again.
pub struct MadeToken {
    pub state: TokenState,
    pub token: SecretString,
}

/// Whose token it is, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    pub owner: String,
    pub scopes: Vec<Permission>,
}

impl From<TokenRecord> for TokenState {
    fn from(row: TokenRecord) -> Self {
        let TokenRecord { id, name, scopes, created, expires, last_used, hint, .. } = row;
        Self { id, name, scopes, created, expires, last_used, hint: format!("…{hint}") }
    }
}

/// Makes a token.
///
/// # Errors
/// [`Error::Request`] for a name, scopes or a number of days that cannot be used, or where there
/// are too many tokens.
pub async fn add(scope: &Scope, new: NewToken) -> Result<MadeToken> {
    let name = checked_name(&new.name)?;
    let scopes = checked_scopes(new.scopes)?;
    if !(1..=366).contains(&new.expires_days) {
        return Err(refused("a token is valid for 1 to 366 days"));
    }
    if list(scope).await?.len() >= MAX_TOKENS {
        return Err(refused("there are 100 tokens; remove one first"));
    }
    let random = Token::random()?;
    let token = format!("{PREFIX}{}", random.expose());
    let now = scope.clock.now();
    let created = now.round(Unit::Second).unwrap_or(now);
    let days = SignedDuration::from_hours(24 * i64::from(new.expires_days));
    let row = TokenRecord {
        id: ids::token()?,
        owner: scope.owner.clone(),
        name,
        scopes,
        created,
        expires: created.checked_add(days).ok(),
        last_used: None,
        hint: token[token.len() - HINT..].to_owned(),
        hash: hash(&token),
    };
    let value = encode(&row)?;
    // The list first: a token that works is in the list.
    let insert = |key: &str| [Op::Insert { key: key.to_owned(), value: value.clone() }];
    let list = list_partition(&scope.owner);
    scope.store.commit(Table::Secrets, &list, &insert(&row.id)).await?;
    scope.store.commit(Table::Secrets, BY_HASH, &insert(&row.hash)).await?;
    Ok(MadeToken { state: row.into(), token: token.into() })
}

/// All tokens of the owner, those that have expired included, the oldest first.
///
/// # Errors
/// Storage failures.
pub async fn list(scope: &Scope) -> Result<Vec<TokenState>> {
    let rows = rows(scope).await?;
    Ok(rows.into_iter().map(TokenState::from).collect())
}

async fn rows(scope: &Scope) -> Result<Vec<TokenRecord>> {
    let partition = list_partition(&scope.owner);
    let found = scope.store.scan(Table::Secrets, &partition, "", None, 1000).await?;
    let mut rows: Vec<TokenRecord> = found.iter().filter_map(|row| decode(&row.value)).collect();
    rows.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    Ok(rows)
}

/// Removes a token: from now on no request is answered with it.
///
/// # Errors
/// [`Error::NotFound`] where the owner has no token with this id.
pub async fn remove(scope: &Scope, id: &str) -> Result<()> {
    let partition = list_partition(&scope.owner);
    let row = scope.store.get(Table::Secrets, &partition, id).await?;
    let Some(row) = row.and_then(|row| decode::<TokenRecord>(&row.value)) else {
        return Err(Error::NotFound("there is no token with this id".into()));
    };
    let delete = |key: String| [Op::Delete { key, etag: None }];
    // The row that requests read goes first: a token that is not in the list does not work.
    scope.store.commit(Table::Secrets, BY_HASH, &delete(row.hash)).await?;
    scope.store.commit(Table::Secrets, &partition, &delete(row.id)).await?;
    Ok(())
}

/// Whose token this is; `None` for any text that is no valid token.
///
/// # Errors
/// Storage failures.
pub async fn verify(services: &Services, text: &str) -> Result<Option<TokenOwner>> {
    if text.strip_prefix(PREFIX).and_then(Token::parse).is_none() {
        return Ok(None);
    }
    let hash = hash(text);
    let Some(stored) = services.store.get(Table::Secrets, BY_HASH, &hash).await? else {
        return Ok(None);
    };
    let (Some(row), now) = (decode::<TokenRecord>(&stored.value), services.clock.now()) else {
        return Ok(None);
    };
    if row.hash != hash || row.expires.is_some_and(|expires| expires <= now) {
        return Ok(None);
    }
    note_use(services, &row, now).await;
    Ok(Some(TokenOwner { owner: row.owner, scopes: row.scopes }))
}

/// Stores the day of the last use, once a day. A failure is no reason to refuse the request.
async fn note_use(services: &Services, row: &TokenRecord, now: Timestamp) {
    let today = now.to_zoned(TimeZone::UTC).date();
    if row.last_used == Some(today) {
        return;
    }
    let Ok(value) = encode(&TokenRecord { last_used: Some(today), ..row.clone() }) else { return };
    for (partition, key) in
        [(list_partition(&row.owner), row.id.clone()), (BY_HASH.to_owned(), row.hash.clone())]
    {
        // A token that is removed meanwhile does not come back.
        let Ok(Some(before)) = services.store.get(Table::Secrets, &partition, &key).await else {
            return;
        };
        let replace = Op::Replace { key, etag: before.etag, value: value.clone() };
        if let Err(error) = services.store.commit(Table::Secrets, &partition, &[replace]).await {
            tracing::debug!(%error, "the last use of a token could not be stored");
            return;
        }
    }
}

fn hash(token: &str) -> String {
    BASE64URL_NOPAD.encode(digest(&SHA256, token.as_bytes()).as_ref())
}

fn checked_name(name: &str) -> Result<String> {
    let is_long = name.chars().count() > MAX_NAME;
    if name.is_empty() || is_long || name.chars().any(char::is_control) {
        return Err(refused("the name of a token has 1 to 100 characters, in one line"));
    }
    Ok(name.to_owned())
}

fn checked_scopes(mut scopes: Vec<Permission>) -> Result<Vec<Permission>> {
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(refused("a token needs at least one scope: read, sync or write"));
    }
    Ok(scopes)
}

fn refused(words: &str) -> Error {
    Error::Request(format!("{words}; no token was made"))
}

impl MadeToken {
    /// The token, to be shown once.
    pub fn expose(&self) -> &str {
        self.token.expose_secret()
    }
}
