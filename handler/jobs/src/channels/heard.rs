//! A notification came in.

use engine::provider::ProviderKind;

use super::token;
use super::told::DebounceOutcome;
use crate::directory::{self, WatchRecord, WatchStatus};
use crate::{Result, Services};

/// What a notification says. Only the token is worth anything before it was checked.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// The channel's id.
    pub channel: &'a str,
    /// The channel's token.
    pub token: &'a str,
    /// The provider's name for what is watched.
    pub resource: &'a str,
    /// It is the greeting of a new channel, and tells of no change.
    pub greeting: bool,
}

/// What became of it. Whoever sent it is told the same in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is none of ours: forged, too late, or of a channel that is not wanted any more.
    Dropped,
    /// A channel has greeted us.
    Greeted,
    /// A calendar is going to be looked at.
    Nudged,
    /// It is going to be looked at anyway.
    Covered,
}

/// As [`hear`], from Google.
///
/// # Errors
/// As there.
pub async fn hear_google(services: &Services, notice: Notice<'_>) -> Result<Heard> {
    hear(services, ProviderKind::Google, notice).await
}

/// Hears it: a look at its token, one at the channel's row, a message.
///
/// # Errors
/// Where vault or storage fail: it is to be sent again.
pub async fn hear(services: &Services, kind: ProviderKind, notice: Notice<'_>) -> Result<Heard> {
    let Notice { channel: id, resource, greeting, .. } = notice;
    if !is_id(id) || resource.is_empty() || resource.len() > 1024 {
        return Ok(Heard::Dropped);
    }
    let Some(owner) = token::verify(services, kind, id, notice.token).await? else {
        return Ok(Heard::Dropped);
    };
    let now = services.clock.now();
    let services = &Services { owner, ..services.clone() };
    let channel = services.pace.channels.of(id);
    // Whoever waits for a turn may find that it has become needless meanwhile.
    let covered = || !greeting && channel.is_covered(now);
    if covered() {
        return Ok(Heard::Covered);
    }
    let mut turn = channel.turn().await;
    if covered() {
        return Ok(Heard::Covered);
    }
    let fits = |row: &WatchRecord| {
        row.is_live(now) && row.resource.as_deref().is_none_or(|known| known == resource)
    };
    // What this process wrote last will do: whether it still holds shows when the row is replaced.
    let mut known = turn.take().filter(|(row, _)| !greeting && fits(row));
    if known.is_none() {
        known = directory::channel_version(services, id).await?;
    }
    let Some((row, _)) = &known else { return Ok(Heard::Dropped) };
    if !fits(row) {
        // Not wanted any more, and nobody knew how to stop it.
        if row.state == WatchStatus::Ending && row.resource.is_none() {
            directory::change_channel(services, id, |row| row.resource = Some(resource.to_owned()))
                .await?;
        }
        return Ok(Heard::Dropped);
    }
    // It calls, so it is open, whatever became of the answer that should have said so.
    if row.resource.is_none() || row.state == WatchStatus::Asked || (greeting && !row.confirmed) {
        confirm(services, row, resource).await?;
        known = if greeting { None } else { directory::channel_version(services, id).await? };
    }
    let (false, Some(known)) = (greeting, known) else {
        return Ok(if greeting { Heard::Greeted } else { Heard::Dropped });
    };
    let (heard, left) = match channel.tell(services, known, now).await? {
        DebounceOutcome::Sent(left) => (Heard::Nudged, left),
        DebounceOutcome::Covered(left) => (Heard::Covered, Some(left)),
        DebounceOutcome::Gone => (Heard::Dropped, None),
    };
    *turn = left;
    Ok(heard)
}

async fn confirm(services: &Services, row: &WatchRecord, resource: &str) -> Result<()> {
    let confirmed = directory::change_channel(services, &row.id, |row| {
        row.confirmed = true;
        row.resource.get_or_insert_with(|| resource.to_owned());
        if row.state == WatchStatus::Asked {
            row.state = WatchStatus::Open;
            row.error = None;
        }
    });
    confirmed.await?;
    Ok(())
}

/// The form of our ids: nothing else is looked for in storage.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(
            |(at, b)| matches!((at, b), (8 | 13 | 18 | 23, b'-') | (_, b'0'..=b'9' | b'a'..=b'f')),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_could_have_given_is_an_id() {
        assert!(is_id(&super::super::id().unwrap()));
        for text in [
            "",
            "x",
            "../pair:p1",
            "0000000g-0000-4000-8000-000000000000",
            "00000000-0000-4000-8000-00000000000\0",
        ] {
            assert!(!is_id(text), "{text}");
        }
    }
}
