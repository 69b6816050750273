//! Whether storing or deleting an object makes the server mail people (RFC 6638, section 3.2).
//!
//! Every write of an own meeting counts, even one that changes nothing of weight: the product must
//! not come near.

use crate::ics::{Component, Property};

/// How many mails go out when `before` becomes `after` in an account with these addresses.
pub(super) fn mails(
    before: Option<&Component>,
    after: Option<&Component>,
    own: &[String],
    heeds_agent: bool,
) -> u64 {
    let both = [before, after];
    let events = both.iter().flatten().flat_map(|calendar| calendar.inside("VEVENT"));
    let mut most = 0;
    for event in events {
        let Some(organizer) = event.get("ORGANIZER") else { continue };
        let guests: Vec<&Property> =
            event.all("ATTENDEE").filter(|a| !is_own(a, own) && mailed(a, heeds_agent)).collect();
        let count = if is_own(organizer, own) {
            guests.len() as u64
        } else {
            // An attendee's own copy: a change or a deletion sends one reply to the organizer.
            u64::from(
                event.all("ATTENDEE").any(|a| is_own(a, own)) && mailed(organizer, heeds_agent),
            )
        };
        most = most.max(count);
    }
    most
}

fn is_own(property: &Property, own: &[String]) -> bool {
    let address = property.value.to_lowercase();
    own.iter().any(|mine| address.strip_prefix("mailto:").unwrap_or(&address) == mine)
}

fn mailed(property: &Property, heeds_agent: bool) -> bool {
    !heeds_agent
        || property
            .parameter("SCHEDULE-AGENT")
            .is_none_or(|agent| agent.eq_ignore_ascii_case("SERVER"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ics::read;

    fn meeting(people: &str) -> Component {
        read(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\n{people}\nEND:VEVENT\nEND:VCALENDAR"))
            .unwrap()
    }

    #[test]
    fn who_is_mailed() {
        let own = ["me@calendars.example".to_owned()];
        let mine = meeting(
            "ORGANIZER:mailto:Me@calendars.example\nATTENDEE:mailto:me@calendars.example\nATTENDEE:mailto:a@x.example\nATTENDEE:mailto:b@x.example",
        );
        let theirs = meeting("ORGANIZER:mailto:a@x.example\nATTENDEE:mailto:me@calendars.example");
        let strangers = meeting("ORGANIZER:mailto:a@x.example\nATTENDEE:mailto:b@x.example");
        let alone = meeting("ATTENDEE:mailto:b@x.example");
        assert_eq!(mails(None, Some(&mine), &own, true), 2, "invitations");
        assert_eq!(mails(Some(&mine), None, &own, true), 2, "cancellations");
        assert_eq!(mails(Some(&theirs), None, &own, true), 1, "a reply");
        assert_eq!(mails(None, Some(&strangers), &own, true), 0);
        assert_eq!(mails(None, Some(&alone), &own, true), 0, "no organizer, no scheduling");
        let quiet = meeting(
            "ORGANIZER:mailto:me@calendars.example\nATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:a@x.example",
        );
        assert_eq!(
            (mails(None, Some(&quiet), &own, true), mails(None, Some(&quiet), &own, false)),
            (0, 1)
        );
    }
}
