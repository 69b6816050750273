//! The people of an event (RFC 5545 sections 3.8.4.1 and 3.8.4.3). Read, never written.

use engine::event::Organizer;

use crate::context::ObjectContext;
use crate::property::Property;
use crate::tree::Component;

/// The addresses of one ATTENDEE or ORGANIZER: the value, and the EMAIL parameter that Apple's
/// server adds where the value is one of its own principals.
struct Person {
    addresses: Vec<String>,
}

impl Person {
    fn of(property: &Property<'_>) -> Self {
        let value = address(property.value);
        let email = property.parameter("EMAIL").map(|email| address(&email));
        Self {
            addresses: email
                .into_iter()
                .chain([value])
                .filter(|address| !address.is_empty())
                .collect(),
        }
    }

    fn is_me(&self, context: ObjectContext<'_>) -> bool {
        self.addresses.iter().any(|address| (context.is_me)(address))
    }

    fn email(&self) -> Option<&String> {
        self.addresses
            .iter()
            .find(|address| address.contains('@') && !address.contains(char::is_whitespace))
    }
}

/// Lower-cased, without `mailto:`.
fn address(value: &str) -> String {
    let value = value.trim().to_lowercase();
    value.strip_prefix("mailto:").map(|rest| rest.trim().to_owned()).unwrap_or(value)
}

/// The guests: sorted, no doubles, no rooms, without the account's own.
pub(crate) fn attendees(event: &Component, context: ObjectContext<'_>) -> Vec<String> {
    let people = event
        .properties("ATTENDEE")
        .filter(|property| !property.has("CUTYPE", "ROOM") && !property.has("CUTYPE", "RESOURCE"));
    let people =
        people.map(|property| Person::of(&property)).filter(|person| !person.is_me(context));
    let mut emails: Vec<String> = people.filter_map(|person| person.email().cloned()).collect();
    emails.sort_unstable();
    emails.dedup();
    emails
}

/// The organizer of the meeting.
pub(crate) fn organizer(event: &Component, context: ObjectContext<'_>) -> Option<Organizer> {
    let person = Person::of(&event.property("ORGANIZER")?);
    let is_me = person.is_me(context);
    let email = person.email().or(person.addresses.first())?.clone();
    Some(Organizer { email, is_me })
}

/// Whether the account's owner declined.
pub(crate) fn declined(event: &Component, context: ObjectContext<'_>) -> bool {
    event.properties("ATTENDEE").any(|property| {
        property.has("PARTSTAT", "DECLINED") && Person::of(&property).is_me(context)
    })
}

/// Whether a write to this component could reach other people: rooms and addresses of any kind
/// count.
pub(crate) fn has_others(event: &Component, context: ObjectContext<'_>) -> bool {
    let mut people = event.properties("ATTENDEE").chain(event.properties("ORGANIZER"));
    people.any(|property| !Person::of(&property).is_me(context))
}
