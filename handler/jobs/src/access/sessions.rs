//! Sessions of browsers, and the links that begin them. Their rows: [`records::session`].

use jiff::{SignedDuration, Timestamp, Unit};
use records::session::{SessionRecord, SignInLinkRecord, decode, encode, links, sessions};
use serde::de::DeserializeOwned;
use store::{Op, Table};

use crate::random_secret::Token;
use crate::{Error, Result, Scope};

/// How long a link is valid.
const LINK_LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// How long a session lasts.
pub const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(14 * 24);
/// The most links that wait, and the most sessions, of an owner.
const MOST: usize = 100;
const PAGE: usize = 1000;

/// A link that signs one browser in.
pub struct SignInLink {
    /// The secret in the link.
    pub ticket: Token,
    pub ends: Timestamp,
}

/// Makes a link.
///
/// # Errors
/// [`Error::Request`] where too many links wait.
pub async fn make_link(scope: &Scope) -> Result<SignInLink> {
    let (partition, made) = (links(&scope.owner), scope.clock.now());
    let waiting =
        sweep(scope, &partition, |row: &SignInLinkRecord| is_over(row.made, made, LINK_LIFETIME));
    if waiting.await? >= MOST {
        return Err(Error::Request(
            "too many links are waiting to be used; no new link was made, try again in half an \
            hour"
                .into(),
        ));
    }
    let ticket = Token::random()?;
    let insert = Op::Insert { key: ticket.hash(), value: encode(&SignInLinkRecord { made })? };
    scope.store.commit(Table::Secrets, &partition, &[insert]).await?;
    Ok(SignInLink { ticket, ends: made + LINK_LIFETIME })
}

/// Signs the browser in that has opened a link: the secret of its session; `None` where the link is
/// not valid, or was used.
///
/// # Errors
/// [`Error::Request`] where there are too many sessions; storage failures.
pub async fn sign_in(scope: &Scope, ticket: &str) -> Result<Option<Token>> {
    let (partition, now) = (links(&scope.owner), scope.clock.now());
    let Some(ticket) = Token::parse(ticket) else { return Ok(None) };
    let Some(row) = scope.store.get(Table::Secrets, &partition, &ticket.hash()).await? else {
        return Ok(None);
    };
    let link: Option<SignInLinkRecord> = decode(&row.value);
    if link.is_none_or(|link| is_over(link.made, now, LINK_LIFETIME)) {
        return Ok(None);
    }
    let (own, over) =
        (sessions(&scope.owner), |row: &SessionRecord| is_over(row.created, now, SESSION_LIFETIME));
    if sweep(scope, &own, over).await? >= MOST {
        return Err(Error::Request(
            "too many browsers are signed in; this one was not, and the link stays valid".into(),
        ));
    }
    let used = Op::Delete { key: row.key, etag: Some(row.etag) };
    match scope.store.commit(Table::Secrets, &partition, &[used]).await {
        Ok(_) => {}
        Err(store::Error::Conflict(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let secret = Token::random()?;
    let session = SessionRecord { created: now, last_seen: to_hour(now) };
    let insert = Op::Insert { key: secret.hash(), value: encode(&session)? };
    scope.store.commit(Table::Secrets, &own, &[insert]).await?;
    Ok(Some(secret))
}

/// Whether a session with this secret is valid.
///
/// # Errors
/// Storage failures.
pub async fn is_session(scope: &Scope, secret: &str) -> Result<bool> {
    let Some(secret) = Token::parse(secret) else { return Ok(false) };
    let (partition, now) = (sessions(&scope.owner), scope.clock.now());
    let Some(row) = scope.store.get(Table::Secrets, &partition, &secret.hash()).await? else {
        return Ok(false);
    };
    let Some(session) = decode::<SessionRecord>(&row.value) else { return Ok(false) };
    if is_over(session.created, now, SESSION_LIFETIME) {
        return Ok(false);
    }
    let last_seen = to_hour(now);
    if session.last_seen != last_seen {
        let value = encode(&SessionRecord { last_seen, ..session })?;
        let replace = Op::Replace { key: row.key, etag: row.etag, value };
        // Another request has stored it, or the session has ended meanwhile.
        if let Err(error) = scope.store.commit(Table::Secrets, &partition, &[replace]).await {
            tracing::debug!(%error, "when a session was last seen could not be stored");
        }
    }
    Ok(true)
}

/// Ends a session. One that is over counts as ended.
///
/// # Errors
/// Storage failures.
pub async fn end_session(scope: &Scope, secret: &str) -> Result<()> {
    let Some(secret) = Token::parse(secret) else { return Ok(()) };
    let delete = Op::Delete { key: secret.hash(), etag: None };
    scope.store.commit(Table::Secrets, &sessions(&scope.owner), &[delete]).await?;
    Ok(())
}

/// Deletes the rows of a partition that are over, and returns the number of the others.
async fn sweep<T: DeserializeOwned>(
    scope: &Scope,
    partition: &str,
    is_over: impl Fn(&T) -> bool,
) -> Result<usize> {
    let (mut over, mut valid) = (Vec::new(), 0);
    for row in scope.store.scan(Table::Secrets, partition, "", None, PAGE).await? {
        match decode::<T>(&row.value) {
            Some(record) if !is_over(&record) => valid += 1,
            _ => over.push(Op::Delete { key: row.key, etag: None }),
        }
    }
    for chunk in over.chunks(store::MAX_COMMIT) {
        scope.store.commit(Table::Secrets, partition, chunk).await?;
    }
    Ok(valid)
}

fn is_over(begun: Timestamp, now: Timestamp, lifetime: SignedDuration) -> bool {
    // A time far ahead is as wrong as one far behind: one of two clocks is wrong then.
    now.duration_since(begun).abs() > lifetime
}

fn to_hour(now: Timestamp) -> Timestamp {
    let hour = jiff::TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc);
    now.round(hour).unwrap_or(now)
}
