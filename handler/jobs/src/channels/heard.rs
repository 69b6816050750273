//! A notification came in.

use std::time::Duration;

use engine::calendar::ProviderKind;

use super::token;
use crate::directory::{self, ChannelRow, ChannelState};
use crate::nudge::{self, Cause, Nudge};
use crate::pace::Go;
use crate::{Result, Services};

/// A calendar is nudged so often at most, for each channel and process.
pub const PAUSE: Duration = Duration::from_secs(5);

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
    let Notice { channel, resource, greeting, .. } = notice;
    if !is_id(channel) || resource.is_empty() || resource.len() > 1024 {
        return Ok(Heard::Dropped);
    }
    let Some(owner) = token::verify(services, kind, channel, notice.token).await? else { return Ok(Heard::Dropped) };
    let now = services.clock.now();
    if !greeting && services.pace.is_covered(channel, now, PAUSE) {
        return Ok(Heard::Covered);
    }
    let services = &Services { owner, ..services.clone() };
    let row = directory::channel(services, channel).await?;
    let Some(row) = row.filter(|row| row.is_live(now) && row.resource.as_deref().is_none_or(|known| known == resource)) else {
        return Ok(Heard::Dropped);
    };
    // It calls, so it is open, whatever became of the answer that should have said so.
    if row.resource.is_none() || row.state == ChannelState::Asked || (greeting && !row.confirmed) {
        confirm(services, &row, resource).await?;
    }
    if greeting {
        return Ok(Heard::Greeted);
    }
    let nudge = Nudge { calendar_id: row.calendar, cause: Cause::Webhook };
    let delay = match services.pace.ask(channel, now, PAUSE) {
        Go::Covered => return Ok(Heard::Covered),
        Go::Now => Duration::ZERO,
        Go::After(delay) => delay,
    };
    if let Err(error) = nudge::send_after(services, &nudge, delay).await {
        services.pace.forget(channel);
        return Err(error);
    }
    Ok(Heard::Nudged)
}

async fn confirm(services: &Services, row: &ChannelRow, resource: &str) -> Result<()> {
    let confirmed = directory::change_channel(services, &row.id, |row| {
        row.confirmed = true;
        row.resource.get_or_insert_with(|| resource.to_owned());
        if row.state == ChannelState::Asked {
            row.state = ChannelState::Open;
            row.error = None;
        }
    });
    confirmed.await?;
    Ok(())
}

/// The form of our ids: nothing else is looked for in storage.
fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().enumerate().all(|(at, b)| matches!((at, b), (8 | 13 | 18 | 23, b'-') | (_, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_could_have_given_is_an_id() {
        assert!(is_id(&super::super::id().unwrap()));
        for text in ["", "x", "../pair:p1", "0000000g-0000-4000-8000-000000000000", "00000000-0000-4000-8000-00000000000\0"] {
            assert!(!is_id(text), "{text}");
        }
    }
}
