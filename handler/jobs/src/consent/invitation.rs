//! Invitations: a link by which somebody who cannot sign in may connect one account, because the
//! operator has sent it to them.
//!
//! # Properties
//! * Only who can write to storage makes one, which is the operator at the command line.
//! * Looking at the link changes nothing. Accepting it, which takes the press of a button, binds it
//!   to that browser; from then on the link is worth nothing, wherever it was logged, and the
//!   secret in that browser's cookie is what counts.
//! * One account is connected with it, and no second one. After a no, or half a yes, the same
//!   browser may try again.
//! * Half an hour after it was made it is worth nothing, whatever was begun with it, and is cleared
//!   away as consents are. No more than [`INVITED`] stand at once.
//! * Storage knows hashes alone. What is bound stands under the hash of the cookie, what is not
//!   under that of the link.
//!
//! They stand in [`Table::Secrets`], in a partition of their own, `invitation:OWNER`.

use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Op, Row, Table};

use crate::token::Token;
use crate::{Error, Result, Scope};

/// The version that is written, and the only one that is read: none of these rows outlives a
/// release.
const VERSION: u32 = 1;
/// How long one may be used.
const LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// How many stand at once.
pub const MAX_INVITATIONS: usize = 20;
/// Rows read to find those that are over.
const PAGE: usize = 1000;

/// A link that was made.
pub struct Invitation {
    /// The secret in it.
    pub ticket: Token,
    /// When it is over.
    pub ends: Timestamp,
}

#[derive(Clone, Serialize, Deserialize)]
struct InvitationRow {
    v: u32,
    provider: ProviderKind,
    made: Timestamp,
    /// A browser has accepted it.
    bound: bool,
}

impl InvitationRow {
    fn is_expired(&self, now: Timestamp) -> bool {
        // Far ahead is as wrong as far behind: then one of two clocks is off.
        now.duration_since(self.made).abs() > LIFETIME
    }
}

/// One that stands, as it was read.
pub(super) struct StoredInvitation {
    row: Row,
    invited: InvitationRow,
}

/// Makes one, for whoever is sent the link.
///
/// # Errors
/// [`Error::Request`] where too many stand already.
pub async fn invite(scope: &Scope, provider: ProviderKind) -> Result<Invitation> {
    let (standing, _) = sweep_expired(scope).await?;
    if standing >= MAX_INVITATIONS {
        return Err(Error::Request(
            "too many links wait to be used; no other was made, try again in half an hour".into(),
        ));
    }
    let ticket = Token::random()?;
    let made = scope.clock.now();
    let invited = InvitationRow { v: VERSION, provider, made, bound: false };
    scope.store.commit(Table::Secrets, &partition(scope), &[insert(&ticket, &invited)?]).await?;
    Ok(Invitation { ticket, ends: made + LIFETIME })
}

/// Clears those away that are over; how many.
pub(super) async fn delete_expired(scope: &Scope) -> Result<usize> {
    Ok(sweep_expired(scope).await?.1)
}

/// The same; how many stand still, and how many were cleared away.
async fn sweep_expired(scope: &Scope) -> Result<(usize, usize)> {
    let (partition, now) = (partition(scope), scope.clock.now());
    let (mut over, mut standing) = (Vec::new(), 0);
    for row in scope.store.scan(Table::Secrets, &partition, "", None, PAGE).await? {
        match parse_row(&row) {
            Some(invited) if !invited.is_expired(now) => standing += 1,
            _ => over.push(Op::Delete { key: row.key, etag: None }),
        }
    }
    for chunk in over.chunks(store::MAX_COMMIT) {
        scope.store.commit(Table::Secrets, &partition, chunk).await?;
    }
    Ok((standing, over.len()))
}

/// The one of this link that nobody has accepted yet.
pub(super) async fn find_unused(
    scope: &Scope,
    provider: ProviderKind,
    ticket: &Token,
) -> Result<Option<StoredInvitation>> {
    Ok(find(scope, provider, ticket).await?.filter(|standing| !standing.invited.bound))
}

/// The one that this browser has accepted.
pub(super) async fn find_accepted(
    scope: &Scope,
    provider: ProviderKind,
    browser: &Token,
) -> Result<Option<StoredInvitation>> {
    Ok(find(scope, provider, browser).await?.filter(|standing| standing.invited.bound))
}

impl StoredInvitation {
    /// Binds it to a browser; `false` where another one was faster.
    pub async fn bind_to(self, scope: &Scope, browser: &Token) -> Result<bool> {
        let bound = InvitationRow { bound: true, ..self.invited };
        self.replace(scope, Some(insert(browser, &bound)?)).await
    }

    /// Takes it away, so that nobody else connects an account with it; `None` where somebody was
    /// faster.
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

/// One that was taken away.
pub(super) struct WithdrawnInvitation(Op);

impl WithdrawnInvitation {
    /// Puts it back: nothing was connected with it. Where that fails, another link has to be made,
    /// which is safe.
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
        parse_row(&row).filter(|invited| invited.provider == provider && !invited.is_expired(now));
    Ok(found.map(|invited| StoredInvitation { row, invited }))
}

/// One that cannot be read is as good as none.
fn parse_row(row: &Row) -> Option<InvitationRow> {
    serde_json::from_str::<InvitationRow>(&row.value).ok().filter(|invited| invited.v == VERSION)
}

fn insert(token: &Token, invited: &InvitationRow) -> Result<Op> {
    let value = serde_json::to_string(invited)
        .map_err(|error| Error::Damaged(format!("a row cannot be written down: {error}")))?;
    Ok(Op::Insert { key: token.hash(), value })
}

fn partition(scope: &Scope) -> String {
    format!("invitation:{}", scope.owner)
}
