//! Pending consents: one row each.
//!
//! The rows are in [`Table::Secrets`], in a partition of their own, `consent:OWNER`, under the hash
//! of their state. A pass that reads the secrets of an owner does not read them, and an attacker
//! who reads storage cannot answer a consent.

use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use records::consent::{self as rows, PendingConsentRecord};
use secrecy::SecretString;
use store::{Op, Table};
use url::Url;
use vault::SealContext;

use crate::random_secret::Token;
use crate::{Error, Result, Scope};

/// How long a consent waits for its answer.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// The number of pending consents without an invitation, and the number of those with one.
pub const MAX_PENDING: usize = 20;
/// Rows read to find expired consents.
const PAGE: usize = 1000;

fn is_expired(row: &PendingConsentRecord, now: Timestamp) -> bool {
    // A time far ahead is as wrong as one far behind: one of two clocks is wrong then.
    now.duration_since(row.begun).abs() > LIFETIME
}

/// The provider, the address for the answer, and how the consent was begun.
pub(super) struct ConsentRoute<'a> {
    pub provider: ProviderKind,
    pub redirect: &'a Url,
    pub began: &'a Began,
}

/// How a consent was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Began {
    /// By the user of the machine, at the address of the consent.
    Directly,
    /// With an invitation of the operator.
    Invited,
    /// On a page of a visitor who is known.
    OnPage {
        /// The account that is to be connected again, and no other one.
        expected: Option<AccountId>,
    },
}

/// A consent whose row was deleted: only the holder of this value can complete it.
pub(super) struct TakenConsent {
    key: String,
    waiting: PendingConsentRecord,
}

/// Stores a consent after deleting expired ones. A browser has one consent: `earlier` is the hash
/// of the cookie that the browser held, and the consent of that cookie is deleted too. Where too
/// many consents without an invitation are pending, the oldest is deleted, so that no visitor
/// blocks another.
pub(super) async fn put(
    scope: &Scope,
    way: ConsentRoute<'_>,
    state: &Token,
    browser: &Token,
    earlier: Option<&str>,
    verifier: &SecretString,
) -> Result<()> {
    let (partition, now) = (partition(scope), scope.clock.now());
    let (waiting, _) = sweep_expired(scope, &partition, now).await?;
    let own = browser.hash();
    let is_replaced =
        |row: &PendingConsentRecord| row.browser == own || Some(row.browser.as_str()) == earlier;
    let (mut over, mut others): (Vec<_>, Vec<_>) =
        waiting.into_iter().partition(|(_, row)| is_replaced(row));
    let invited = *way.began == Began::Invited;
    others.retain(|(_, row)| row.invited == invited);
    if others.len() >= MAX_PENDING {
        if invited {
            return Err(Error::Request(
                "too many accounts are being connected at this moment; nothing was begun, try \
                again in ten minutes"
                    .into(),
            ));
        }
        others.sort_by_key(|(_, row)| row.begun);
        over.extend(others.drain(..=others.len() - MAX_PENDING));
    }
    remove(scope, &partition, over.into_iter().map(|(key, _)| key)).await?;
    let key = state.hash();
    let sealed = scope.vault.seal(seal_context(&partition, &key), verifier).await?;
    let ConsentRoute { provider, redirect, began } = way;
    let expected = match began {
        Began::OnPage { expected } => expected.clone(),
        Began::Directly | Began::Invited => None,
    };
    let row = PendingConsentRecord {
        provider,
        redirect: redirect.to_string(),
        browser: own,
        verifier: sealed,
        begun: now,
        invited,
        from_page: matches!(began, Began::OnPage { .. }),
        expected,
    };
    let value = rows::encode(&row)?;
    scope.store.commit(Table::Secrets, &partition, &[Op::Insert { key, value }]).await?;
    Ok(())
}

/// Deletes expired consents and returns their number.
pub(super) async fn delete_expired(scope: &Scope) -> Result<usize> {
    Ok(sweep_expired(scope, &partition(scope), scope.clock.now()).await?.1)
}

/// As [`delete_expired`]; returns the pending consents and the number of deleted ones. A row that
/// cannot be read counts as expired.
async fn sweep_expired(
    scope: &Scope,
    partition: &str,
    now: Timestamp,
) -> Result<(Vec<(String, PendingConsentRecord)>, usize)> {
    let (mut over, mut waiting) = (Vec::new(), Vec::new());
    for row in scope.store.scan(Table::Secrets, partition, "", None, PAGE).await? {
        match rows::decode::<PendingConsentRecord>(&row.value) {
            Some(known) if !is_expired(&known, now) => waiting.push((row.key, known)),
            _ => over.push(row.key),
        }
    }
    let cleared = over.len();
    remove(scope, partition, over).await?;
    Ok((waiting, cleared))
}

async fn remove(
    scope: &Scope,
    partition: &str,
    keys: impl IntoIterator<Item = String>,
) -> Result<()> {
    let ops: Vec<Op> = keys.into_iter().map(|key| Op::Delete { key, etag: None }).collect();
    for chunk in ops.chunks(store::MAX_COMMIT) {
        scope.store.commit(Table::Secrets, partition, chunk).await?;
    }
    Ok(())
}

/// Deletes and returns the consent of this state; `None` where there is none, or another request
/// has deleted it.
pub(super) async fn take(scope: &Scope, state: &Token) -> Result<Option<TakenConsent>> {
    let (partition, key) = (partition(scope), state.hash());
    let Some(row) = scope.store.get(Table::Secrets, &partition, &key).await? else {
        return Ok(None);
    };
    match scope
        .store
        .commit(
            Table::Secrets,
            &partition,
            &[Op::Delete { key: key.clone(), etag: Some(row.etag) }],
        )
        .await
    {
        Ok(_) => {}
        Err(store::Error::Conflict(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    // A row that cannot be read counts as no consent.
    let waiting = rows::decode::<PendingConsentRecord>(&row.value);
    Ok(waiting.map(|waiting| TakenConsent { key, waiting }))
}

impl TakenConsent {
    /// Whether this browser began the consent, for this provider, and the consent has not expired.
    pub fn is_for(&self, provider: ProviderKind, browser: &Token, now: Timestamp) -> bool {
        browser.has_hash(&self.waiting.browser)
            && self.waiting.provider == provider
            && !is_expired(&self.waiting, now)
    }

    /// Whether the consent was begun with an invitation.
    pub fn invited(&self) -> bool {
        self.waiting.invited
    }

    /// How the consent was begun.
    pub fn began(&self) -> Began {
        match (self.waiting.from_page, self.waiting.invited) {
            (true, _) => Began::OnPage { expected: self.waiting.expected.clone() },
            (false, true) => Began::Invited,
            (false, false) => Began::Directly,
        }
    }

    /// The account that is to be connected again, and no other one.
    pub fn expected(&self) -> Option<&AccountId> {
        self.waiting.expected.as_ref()
    }

    pub fn redirect(&self) -> Result<Url> {
        Url::parse(&self.waiting.redirect)
            .map_err(|_| Error::Damaged("the address of a consent cannot be read".into()))
    }

    pub async fn verifier(&self, scope: &Scope) -> Result<SecretString> {
        let partition = partition(scope);
        Ok(scope.vault.open(seal_context(&partition, &self.key), &self.waiting.verifier).await?)
    }
}

fn partition(scope: &Scope) -> String {
    format!("consent:{}", scope.owner)
}

fn seal_context<'a>(partition: &'a str, row: &'a str) -> SealContext<'a> {
    SealContext { table: Table::Secrets.name(), partition, row }
}
