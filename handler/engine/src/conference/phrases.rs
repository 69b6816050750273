//! The lines that conference services put around a link, as far as they must be known by their
//! words.
//!
//! Apart from [`is_invitation`] a phrase counts only next to a link or inside a block, never by
//! itself: prose that happens to speak of a passcode stays. Patterns are anchored, so that a
//! sentence that begins with one of the phrases is no match.

use std::sync::LazyLock;

use regex::Regex;

/// The meaning of the line before, as far as it makes the next line a detail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Near {
    /// Nothing: prose.
    Prose,
    /// A link, or details of it.
    Link,
    /// The sentence that opens Zoom's text.
    Invitation,
    /// That numbers to dial follow.
    Dialling,
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static TEAMS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)microsoft\s+teams"));
static TEAMS_END: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)meeting options|reset dial-in pin|learn more|system reference"));
static INVITATION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)is inviting you to a scheduled zoom meeting"));
static INVITATION_DETAIL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)^(?:topic|time)\s*:"));
static WEBEX_MARK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^-- do not delete or change any of the following text\. ?--$"));
static WEBEX_OPENING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)^join (?:from )?(?:the )?(?:webex )?meeting(?: link| now)?(?: here)?[.:]?$")
});
static SEPARATOR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:[-–—]{3,}|[_.=*]{3,19})$"));

/// A name and a value: `Passcode: 1234`.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)^(?:
            (?:meeting|webinar)\ (?:id|number|password|passcode|link|url|key)
          | (?:pass|access|host|attendee|participant|audio|meeting)[\ -]?(?:code|key|pin|password)
          | password | pin
          | (?:phone\ |video\ )?(?:conference\ )?id | tenant\ key
          | dial(?:[-\ ]in)?(?:\ by\ phone|\ numbers?)? | or\ dial | call[-\ ]in(?:\ numbers?)?
        )(?:\s*\([^()]*\))?\s*[:：]",
    )
});

/// A line by itself, its links taken out.
static PHRASE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)^(?:
            join\ zoom(?:\ meeting)? | join\ (?:the\ )?(?:webex\ )?meeting(?:\ (?:now|here|link))?
          | join\ with\ google\ meet | join\ (?:here|now|online|instructions|on\ the\ web)
          | join\ by\ (?:sip|phone|h\.?323|meeting\ number|video(?:\ system)?|skype\ for\ business)
          | join\ from\ (?:the\ meeting\ link|an?\ video[\ \pL]{0,40}|pc[,\ \pL]{0,40})
          | join\ on\ (?:a|your)\ (?:video\ conferencing\ device|computer[,\ \pL]{0,40})
          | (?:please\ )?join\ my\ meeting\ from\ your\ computer,\ tablet\ or\ smartphone
          | or\ join\ by\ entering\ a\ meeting\ id | click\ here(?:\ to\ join(?:\ the\ meeting)?)?
          | more\ (?:ways\ to\ join|phone\ numbers|joining\ options)
          | tap\ to\ join\ from\ a\ mobile\ device(?:\ \(attendees\ only\))?
          | get\ the\ app\ now\ and\ be\ ready\ when\ your\ first\ meeting\ starts
          | need\ help\?? | for\ organi[sz]ers(?:\s*:\s*meeting\ options)? | meeting\ options | reset\ (?:dial-in\ )?pin | learn\ more
          | download\ (?:teams|zoom) | microsoft\ teams(?:\ meeting)?(?:\ need\ help\?)? | system\ reference
        )\s*[.:?]?$",
    )
});

/// A line after which numbers to dial follow.
static DIALLING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)^(?:
            one\ tap\ mobile | dial\ by\ your\ location | dial[-\ ]in(?:\ by\ phone)? | join\ by\ phone
          | or\ call\ in(?:\ \(audio\ only\)|\ by\ phone)? | (?:find\ (?:your|a)|more)\ local\ numbers?
          | (?:global|international)\ (?:call-in|dial-in)?\ ?numbers | you\ can\ also\ dial\ in\ using\ your\ phone
          | you\ can\ also\ dial\ [\d.]+\ and\ enter\ your\ meeting\ number
          | \(?toll[-\ ]free[^:]{0,60}\)?
        )\s*[.:]?$",
    )
});

/// A number to dial, or the address of a room system.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:\+?\d[\d ,*#]{7,}|\+\d[\d ().,*#-]{6,}|\d{1,3}(?:\.\d{1,3}){3}(?:\s*\([^()]*\))?$)",
    )
});

/// A number to dial behind the name of its country.
static NAMED_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\pL[^:\d]{1,60}:\s*\+?\d[\d ().,*#-]{6,}$"));

/// What introduces a link on its line or the one above.
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)^(?:
            join | link | url | here | call | online | phone | web | or | where
          | (?:meeting|conference|video|video\ ?call|call)(?:\ (?:link|url))
          | video\ ?(?:call|conference)?
          | (?:zoom|teams|webex|meet|google\ meet|microsoft\ teams|goto(?:\ ?meeting)?|whereby|jitsi|skype|facetime)(?:\ (?:meeting|link|call|url))?
        )\s*[:：>→-]*$",
    )
});

/// Characters of a label that is not in the list but ends with a colon.
const LABEL_LENGTH: usize = 40;

fn bare(line: &str) -> &str {
    line.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '•' | '*' | '·' | '-' | '–' | '—' | '◦' | '▪')
    })
}

/// Speaks of Teams, in any language.
pub(super) fn names_teams(line: &str) -> bool {
    TEAMS.is_match(line)
}

/// May be the last line of a Teams block that has no closing rule.
pub(super) fn ends_teams(line: &str) -> bool {
    TEAMS_END.is_match(line)
}

/// The sentence that opens Zoom's text.
pub(super) fn is_invitation(line: &str) -> bool {
    INVITATION.is_match(line)
}

/// The line with which Webex guards its text.
pub(super) fn is_do_not_change(line: &str) -> bool {
    WEBEX_MARK.is_match(line.trim())
}

/// May be the first line of Webex's text.
pub(super) fn opens_webex(line: &str) -> bool {
    WEBEX_OPENING.is_match(line.trim())
}

/// A short rule, as services draw between paragraphs.
pub(super) fn is_separator(line: &str) -> bool {
    SEPARATOR.is_match(line.trim())
}

/// Introduces a link of the same line: nothing at all, a known label, or a few words and
/// a colon.
pub(super) fn is_label_of_link(rest: &str) -> bool {
    let every = |part: &str| {
        bare(part).trim_matches([':', '<', '>', '(', ')', '[', ']', ',', ';', '.']).is_empty()
            || is_label(part)
    };
    let short = rest.trim_end().ends_with([':', '：']) && rest.chars().nth(LABEL_LENGTH).is_none();
    short || rest.split('|').all(every)
}

/// Introduces a link, on a line of its own.
pub(super) fn is_label(line: &str) -> bool {
    LABEL.is_match(bare(line))
}

/// Belongs to a link nearby.
pub(super) fn is_detail(line: &str) -> bool {
    after(Near::Link, line).is_some()
}

/// If a line is a detail after what came `near` before it: its meaning for the next one.
pub(super) fn after(near: Near, line: &str) -> Option<Near> {
    if near == Near::Prose {
        return None;
    }
    let mut kind = None;
    for part in line.split('|').map(bare).filter(|part| !part.is_empty()) {
        kind = Some(if DIALLING.is_match(part) {
            Near::Dialling
        } else if NUMBER.is_match(part) || (near == Near::Dialling && NAMED_NUMBER.is_match(part)) {
            if near == Near::Dialling { Near::Dialling } else { Near::Link }
        } else if VALUE.is_match(part) || PHRASE.is_match(part) {
            Near::Link
        } else if near == Near::Invitation && INVITATION_DETAIL.is_match(part) {
            Near::Invitation
        } else {
            return None;
        });
    }
    kind
}
