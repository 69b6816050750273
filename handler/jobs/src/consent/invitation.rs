//! Invitations: a link that the operator sends to a person who cannot sign in, and that connects
//! one account.
//!
//! # Properties
//! * Only a process that can write to storage creates an invitation: the command line of the
//!   operator.
//! * Opening the link changes nothing. Accepting it, with a button, binds it to that browser. From
//!   then on the link is worthless, wherever it was logged, and only the secret in that browser's
//!   cookie is valid.
//! * One invitation connects one account. After a refusal, or an incomplete consent, that browser
//!   may try again.
//! * An invitation expires after half an hour, even if a consent was begun with it, and is deleted
//!   as consents are. At most [`MAX_INVITATIONS`] wait for a browser at once.
//! * Storage holds only hashes. The row of an accepted invitation is under the hash of the cookie,
//!   any other row under the hash of the link's secret.
//!
//! The rows are in [`Table::Secrets`], in a partition of their own, `invitation:OWNER`.

use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use records::consent::{self as rows, InvitationRecord};
use store::{Op, Row, Table};

use crate::random_secret::Token;
use crate::{Error, Result, Scope};

/// How long an invitation is valid.
const LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// The number of invitations that wait for a browser at once.
pub const MAX_INVITATIONS: usize = 20;
/// Rows read to find expired invitations.
const PAGE: usize = 1000;

/// A new invitation.
pub struct Invitation {
    /// The secret in the link.
    pub ticket: Token,
    pub ends: Timestamp,
}

fn is_expired(row: &InvitationRecord, now: Timestamp) -> bool {
    // A time far ahead is as wrong as one far behind: one of two clocks is wrong then.
    now.duration_since(row.made).abs() > LIFETIME
}

/// A valid invitation as it was read.
pub(super) struct StoredInvitation {
    row: Row,
    invited: InvitationRecord,
}

/// Creates an invitation.
///
/// # Errors
/// [`Error::Request`] where too many invitations are valid.
pub async fn invite(scope: &Scope, provider: ProviderKind) -> Result<Invitation> {
    let (standing, _) = sweep_expired(scope).await?;
    if standing >= MAX_INVITATIONS {
        return Err(Error::Request(
            "too many links are waiting to be used; no new link was made, try again in half an \
            hour"
                .into(),
        ));
    }
    let ticket = Token::random()?;
    let made = scope.clock.now();
    let invited = InvitationRecord { provider, made, bound: false };
    scope.store.commit(Table::Secrets, &partition(scope), &[insert(&ticket, &invited)?]).await?;
    Ok(Invitation { ticket, ends: made + LIFETIME })
}

/// Deletes expired invitations and returns their number.
pub(super) async fn delete_expired(scope: &Scope) -> Result<usize> {
    Ok(sweep_expired(scope).await?.1)
}

/// As [`delete_expired`]; returns the number of valid and of deleted invitations.
async fn sweep_expired(scope: &Scope) -> Result<(usize, usize)> {
    let (partition, now) = (partition(scope), scope.clock.now());
    let (mut over, mut standing) = (Vec::new(), 0);
    for row in scope.store.scan(Table::Secrets, &partition, "", None, PAGE).await? {
        match parse_row(&row) {
            // One that a browser has accepted does not wait any more.
            Some(invited) if !is_expired(&invited, now) => standing += usize::from(!invited.bound),
            _ => over.push(Op::Delete { key: row.key, etag: None }),
        }
    }
    for chunk in over.chunks(store::MAX_COMMIT) {
        scope.store.commit(Table::Secrets, &partition, chunk).await?;
    }
    Ok((standing, over.len()))
}

/// The invitation of this link, if no browser has accepted it yet.
pub(super) async fn find_unused(
    scope: &Scope,
    provider: ProviderKind,
    ticket: &Token,
) -> Result<Option<StoredInvitation>> {
    Ok(find(scope, provider, ticket).await?.filter(|standing| !standing.invited.bound))
}

/// The invitation that this browser has accepted.
pub(super) async fn find_accepted(
    scope: &Scope,
    provider: ProviderKind,
    browser: &Token,
) -> Result<Option<StoredInvitation>> {
    Ok(find(scope, provider, browser).await?.filter(|standing| standing.invited.bound))
}

impl StoredInvitation {
    /// Binds the invitation to a browser; `false` where another browser has accepted it.
    pub async fn bind_to(self, scope: &Scope, browser: &Token) -> Result<bool> {
        let bound = InvitationRecord { bound: true, ..self.invited };
        self.replace(scope, Some(insert(browser, &bound)?)).await
    }

    /// Deletes the invitation, so that no other request connects an account with it; `None` where
    /// another request has deleted it.
    pub async fn withdraw(self, scope: &Scope) -> Result<Option<WithdrawnInvitation>> {
        let taken = WithdrawnInvitation(Op::Insert {
            key: self.row.key.clone(),
            value: self.row.value.clone(),
        });
        Ok(self.replace(scope, None).await?.then_some(taken))
    }

    async fn replace(self, scope: &Scope, with: Option<Op>) -> Result<bool> {
        let mut ops = vec![Op::Delete { key: self.row.key, etag: Some(self.row.etag) }];
        ops.extend(with);
        match scope.store.commit(Table::Secrets, &partition(scope), &ops).await {
            Ok(_) => Ok(true),
            Err(store::Error::Conflict(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// An invitation that was deleted and can be restored.
pub(super) struct WithdrawnInvitation(Op);

impl WithdrawnInvitation {
    /// Restores the invitation, because no account was connected with it. If that fails, the
    /// operator has to create another link, which is safe.
    pub async fn restore(self, scope: &Scope) {
        let _ = scope.store.commit(Table::Secrets, &partition(scope), &[self.0]).await;
    }
}

async fn find(
    scope: &Scope,
    provider: ProviderKind,
    token: &Token,
) -> Result<Option<StoredInvitation>> {
    let Some(row) = scope.store.get(Table::Secrets, &partition(scope), &token.hash()).await? else {
        return Ok(None);
    };
    let now = scope.clock.now();
    let found =
        parse_row(&row).filter(|invited| invited.provider == provider && !is_expired(invited, now));
    Ok(found.map(|invited| StoredInvitation { row, invited }))
}

/// The content of a row; `None` where it cannot be read, which counts as no invitation.
fn parse_row(row: &Row) -> Option<InvitationRecord> {
    rows::decode(&row.value)
}

fn insert(token: &Token, invited: &InvitationRecord) -> Result<Op> {
    let value = rows::encode(invited)?;
    Ok(Op::Insert { key: token.hash(), value })
}

fn partition(scope: &Scope) -> String {
    format!("invitation:{}", scope.owner)
}
