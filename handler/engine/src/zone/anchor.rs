//! Floating times given a zone, for calendars that have none of them, and taken home again.

use crate::event::{Content, Draft, Exception, Moment, OriginalStart, Series, Span, Zone};

/// A draft whose floating times are put into a zone.
pub fn anchored(draft: &Draft, zone: &Zone) -> Draft {
    let moment = |moment: &Moment| match moment.zone {
        Zone::Floating => Moment { local: moment.local, zone: zone.clone() },
        _ => moment.clone(),
    };
    with_times(draft, moment, |start| anchored_start(start, zone))
}

/// A draft whose times are floating, as the clocks of this zone show them.
pub fn floating(draft: &Draft, zone: &Zone) -> Draft {
    let rules = super::rules(zone, None);
    let moment = |moment: &Moment| match &moment.zone {
        Zone::Floating => moment.clone(),
        there if there == zone => Moment { local: moment.local, zone: Zone::Floating },
        _ => {
            Moment { local: rules.to_datetime(super::instant(moment, None)), zone: Zone::Floating }
        }
    };
    with_times(draft, moment, |start| floating_start(start, zone))
}

fn with_times(
    draft: &Draft,
    moment: impl Fn(&Moment) -> Moment,
    original: impl Fn(OriginalStart) -> OriginalStart,
) -> Draft {
    let content = |content: &Content| match &content.span {
        Span::Timed { start, end } => Content {
            span: Span::Timed { start: moment(start), end: moment(end) },
            ..content.clone()
        },
        Span::AllDay { .. } => content.clone(),
    };
    let exception = |exception: &Exception| match exception {
        Exception::Cancelled => Exception::Cancelled,
        Exception::Changed(changed) => Exception::Changed(Box::new(content(changed))),
    };
    let series = draft.series.as_ref().map(|series| Series {
        rules: series.rules.clone(),
        extra: series.extra.iter().map(|start| original(*start)).collect(),
        exceptions: series
            .exceptions
            .iter()
            .map(|(start, value)| (original(*start), exception(value)))
            .collect(),
    });
    Draft { content: content(&draft.content), series }
}

/// The identity of an occurrence whose floating time is put into a zone.
pub fn anchored_start(start: OriginalStart, zone: &Zone) -> OriginalStart {
    match start {
        OriginalStart::Floating(local) => {
            OriginalStart::At(super::instant(&Moment { local, zone: zone.clone() }, None))
        }
        other => other,
    }
}

/// The identity of an occurrence in a floating series, from its identity in the zone of its copy.
pub fn floating_start(start: OriginalStart, zone: &Zone) -> OriginalStart {
    match start {
        OriginalStart::At(instant) => {
            OriginalStart::Floating(super::rules(zone, None).to_datetime(instant))
        }
        other => other,
    }
}
