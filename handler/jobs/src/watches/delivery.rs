//! Receiving calls that hold notifications of many watches.
//!
//! # Properties
//! * Each notification is checked by itself: a forged or malformed one has no effect on the others,
//!   and the answer does not say that it was one.
//! * The MACs of all secrets are checked before storage is used, each secret once. Forged
//!   notifications cost no storage.
//! * The notifications of one watch count as one, and a calendar gets at most one nudge that is
//!   visible at once. Each watch is limited as if it had sent one notification
//!   ([`debounce`](super::debounce)).
//! * The provider has one answer for the whole call, and repeats a call that failed. So a call
//!   fails only where nothing of it could be stored. What could not be stored beside others is
//!   tried once more, and otherwise left to the next notification and to the nightly pass.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine::provider::ProviderKind;
use futures::StreamExt;
use futures::future::try_join_all;
use providers::{Handshake, NotificationItem, NotificationKind};

use super::call::Call;
use super::keys;
use super::notification::{NoticeOutcome, is_resource, take};
use super::secret::{Proof, prove};
use crate::{Result, Services};

/// Watches worked on at once: the records of one call are read and written side by side.
const AT_ONCE: usize = 32;

/// How often it is tried to store a notification beside others that were stored.
const ATTEMPTS: usize = 2;

/// MACs checked before other work of the process goes on.
const WITHOUT_A_BREAK: usize = 256;

/// What happened to a call.
#[derive(Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The provider tries the address: this text is the answer.
    Echo(String),
    /// The text of the provider's try cannot be an answer.
    NoEcho,
    /// The body is not JSON.
    Unreadable,
    /// Everything that could be used was used.
    Received(Received),
}

/// What a call came to, in watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Forged, late, or not needed any more.
    pub dropped: usize,
    /// A nudge that was sent before covers them.
    pub covered: usize,
    pub nudged: usize,
    /// Their nudges could not be stored.
    pub failed: usize,
}

/// What the notifications of one watch say, by resource.
type Said<'a> = BTreeMap<Cow<'a, str>, NotificationKind>;

/// A watch whose secret has a valid MAC.
struct ProvenWatch<'a> {
    proof: Proof,
    said: Said<'a>,
}

/// Receives a call to the webhook of the provider of this name.
///
/// # Errors
/// Nothing of it could be stored: the provider has to send it again.
pub async fn receive_delivery(
    services: &Services,
    provider: &str,
    query: &str,
    body: &[u8],
) -> Result<DeliveryOutcome> {
    let Some(kind) = ProviderKind::from_name(provider) else {
        return Ok(DeliveryOutcome::Received(Received::default()));
    };
    match providers::read_handshake(kind, query) {
        Some(Handshake::Echo(text)) => return Ok(DeliveryOutcome::Echo(text)),
        Some(Handshake::Refused) => return Ok(DeliveryOutcome::NoEcho),
        None => {}
    }
    let Some(items) = providers::read_notifications(kind, body) else {
        return Ok(DeliveryOutcome::Unreadable);
    };
    let (proven, forged) = prove_all(services, kind, items).await?;
    let accepted = accepted_keys(services, &proven).await?;
    let is_accepted = |watch: &&ProvenWatch<'_>| accepted.contains(&watch.proof.key);
    let mut left: Vec<&ProvenWatch<'_>> = proven.iter().filter(is_accepted).collect();
    let dropped = forged + proven.len() - left.len();
    let mut received = Received { dropped, ..Received::default() };
    let (call, mut failure) = (&Call::default(), None);
    for _ in 0..ATTEMPTS {
        let works: Vec<_> = std::mem::take(&mut left)
            .into_iter()
            .map(|watch| receive_watch(services, call, watch))
            .collect();
        let mut taken = futures::stream::iter(works).buffer_unordered(AT_ONCE);
        while let Some((watch, outcome)) = taken.next().await {
            match outcome {
                Ok(outcome) => received.count(outcome),
                Err(error) => {
                    left.push(watch);
                    failure = Some(error);
                }
            }
        }
        if left.is_empty() || received.stored() == 0 {
            break;
        }
    }
    received.failed = left.len();
    match failure.filter(|_| received.failed > 0) {
        Some(error) if received.stored() == 0 => Err(error),
        Some(error) => {
            tracing::warn!(watches = received.failed, %error, "notifications could not be stored \
            beside others that were; the next one, or the nightly pass, finds what they reported");
            Ok(DeliveryOutcome::Received(received))
        }
        None => Ok(DeliveryOutcome::Received(received)),
    }
}

impl Received {
    fn count(&mut self, outcome: NoticeOutcome) {
        match outcome {
            NoticeOutcome::Dropped => self.dropped += 1,
            NoticeOutcome::Covered => self.covered += 1,
            NoticeOutcome::Nudged | NoticeOutcome::Confirmed => self.nudged += 1,
        }
    }

    /// What is in the queue, or in the record of a watch.
    fn stored(self) -> usize {
        self.covered + self.nudged
    }
}

/// Checks the MAC of each secret, without storage. Returns the watches with a valid one, and the
/// number of secrets without.
async fn prove_all<'a>(
    services: &Services,
    kind: ProviderKind,
    items: Vec<NotificationItem<'a>>,
) -> Result<(Vec<ProvenWatch<'a>>, usize)> {
    let mut by_secret: HashMap<Cow<'a, str>, Said<'a>> = HashMap::new();
    for NotificationItem { secret, resource, kind } in items {
        if is_resource(&resource) {
            let said = by_secret.entry(secret).or_default().entry(resource).or_insert(kind);
            *said = kind.max(*said);
        }
    }
    let (mut proven, mut forged) = (Vec::new(), 0);
    for (number, (secret, said)) in by_secret.into_iter().enumerate() {
        if number % WITHOUT_A_BREAK == WITHOUT_A_BREAK - 1 {
            tokio::task::yield_now().await;
        }
        match prove(services, kind, None, &secret).await? {
            Some(proof) => proven.push(ProvenWatch { proof, said }),
            None => forged += 1,
        }
    }
    Ok((proven, forged))
}

/// The keys of these watches that are valid. All are looked up at once, so that secrets with a key
/// that is not valid any more share one read.
async fn accepted_keys(
    services: &Services,
    proven: &[ProvenWatch<'_>],
) -> Result<BTreeSet<Option<String>>> {
    let keys: BTreeSet<&Option<String>> = proven.iter().map(|watch| &watch.proof.key).collect();
    let looked_up = keys.into_iter().map(|key| async move {
        let is_accepted = keys::is_accepted(services, key.as_deref()).await?;
        Ok(is_accepted.then(|| key.clone()))
    });
    try_join_all(looked_up).await.map(|keys| keys.into_iter().flatten().collect())
}

async fn receive_watch<'a, 'b>(
    services: &Services,
    call: &Call,
    watch: &'b ProvenWatch<'a>,
) -> (&'b ProvenWatch<'a>, Result<NoticeOutcome>) {
    let ProvenWatch { proof, said } = watch;
    let said: Vec<(&str, NotificationKind)> =
        said.iter().map(|(resource, what)| (&**resource, *what)).collect();
    (watch, take(&services.scope(&proof.owner), call, &proof.watch, &said).await)
}
