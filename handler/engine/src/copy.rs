//! Origin and rules to the copy as it should be, in values that its provider can give back unchanged.
//!
//! Stripping happens here, before anything is hashed, logged or sent: what a copy may not show never leaves this function.

use crate::calendar::ProviderKind;
use crate::event::{Busy, Content, Draft, Exception, Series, Visibility};
use crate::{attendees, conference};

/// The one thing that a private copy says. A fixed word: it is no translation and no setting.
pub const BUSY: &str = "Busy";

/// How copies in one calendar are to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Only "Busy" and the time.
    pub private: bool,
    /// Who keeps the calendar.
    pub target: ProviderKind,
}

/// The copy of an origin.
pub fn project(origin: &Draft, look: Look) -> Draft {
    Draft { content: content(&origin.content, look), series: origin.series.as_ref().map(|series| self::series(series, look)) }
}

fn series(series: &Series, look: Look) -> Series {
    let exception = |exception: &Exception| match exception {
        Exception::Cancelled => Exception::Cancelled,
        Exception::Changed(changed) => Exception::Changed(Box::new(content(changed, look))),
    };
    Series {
        rules: series.rules.clone(),
        extra: series.extra.clone(),
        exceptions: series.exceptions.iter().map(|(start, value)| (*start, exception(value))).collect(),
    }
}

fn content(origin: &Content, look: Look) -> Content {
    let busy = busy_on(look.target, origin.busy);
    if look.private {
        return Content {
            span: origin.span.clone(),
            title: BUSY.to_owned(),
            description: String::new(),
            location: String::new(),
            attendees: Vec::new(),
            visibility: Visibility::Private,
            busy,
        };
    }
    Content {
        span: origin.span.clone(),
        title: cut(&origin.title),
        description: attendees::append(&conference::strip(&origin.description).kept, &origin.attendees),
        location: cut(&conference::strip_location(&origin.location)),
        attendees: Vec::new(),
        visibility: visibility_on(look.target, origin.visibility),
        busy,
    }
}

/// Titles and places longer than this are cut in a copy: no calendar shows them, and servers refuse them.
const LONGEST_LINE: usize = 4 * 1024;

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_LINE)].to_owned()
}

/// The visibility that a provider shows for ours. Never weaker than it was.
fn visibility_on(target: ProviderKind, visibility: Visibility) -> Visibility {
    match (target, visibility) {
        // CLASS knows no default: absent and PUBLIC are the same (RFC 5545 section 3.8.1.3).
        (ProviderKind::Caldav | ProviderKind::Icloud, Visibility::Default) => Visibility::Public,
        (_, visibility) => visibility,
    }
}

/// The free/busy value that a provider shows for ours.
fn busy_on(target: ProviderKind, busy: Busy) -> Busy {
    match (target, busy) {
        // None of them has more than busy and free in the ordinary events that we write.
        (ProviderKind::Caldav | ProviderKind::Icloud | ProviderKind::Google, Busy::Oof) => Busy::Busy,
        (ProviderKind::Caldav | ProviderKind::Icloud | ProviderKind::Google, Busy::WorkingElsewhere) => Busy::Free,
        (_, busy) => busy,
    }
}
