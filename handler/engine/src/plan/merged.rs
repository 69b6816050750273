//! An origin and its copy that are both there: what is written to which, and on what they agree
//! then.

use super::{Change, Conflict, Decision, Planner, Write};
use crate::conflict::{self, Sides};
use crate::copy::project;
use crate::etag;
use crate::event::{Content, Draft, Event, Exception, Field, OriginalStart, Parts, Zone};
use crate::fingerprint::Fingerprint;
use crate::mapping::{MappedEvent, Mapping, MappingState, Times};
use crate::reason::Reason;
use crate::zone;

/// A copy that was read.
struct ReadCopy<'a> {
    event: &'a Event,
    /// In the words and the forms of its origin.
    home: Draft,
    /// What it shows, and what that means.
    raw: Fingerprint,
    meant: Fingerprint,
}

/// What the copy's owner has done, in the origin's forms.
struct Edits {
    parts: Parts,
    /// It shows only that something is there: another pair wrote that.
    busied: bool,
}

impl Planner<'_> {
    /// Both are there, and at least one has news.
    pub(super) fn write(
        &self,
        mapping: &Mapping,
        origin: &Event,
        changed: &Parts,
        copy: Option<&Event>,
    ) -> Decision {
        let target = mapping.side.other();
        let look = self.style(target);
        let anchor = look.anchor_of(&origin.content);
        let mut next = self.origin_seen(mapping, origin);
        let mut changed = changed.clone();
        let copy = copy.map(|copy| self.read(mapping, copy, anchor.as_ref()));
        let edits = copy
            .as_ref()
            .map(|copy| self.edits_of(mapping, origin, copy, &mut changed, anchor.as_ref()));
        let Edits { parts: edited, busied } =
            edits.unwrap_or(Edits { parts: Parts::default(), busied: false });
        if let Some(copy) = &copy {
            self.copy_seen(&mut next, copy.event);
        }
        if next.copy_guests {
            next.drifted = true;
            return Decision::Skip {
                reason: Reason::HasGuests,
                why: None,
                remember: Some(Box::new(next)),
            };
        }
        // What was found to lead nowhere once does not flow back when its origin changes.
        let judged = mapping.drifted
            && copy.as_ref().is_some_and(|copy| {
                etag::are_same(copy.event.etag.as_deref(), mapping.copy.etag.as_deref())
            });
        let flows = self.pair.two_way && !next.guests && !judged;
        let (merged, overruled, mut ignored) =
            match copy.as_ref().filter(|copy| flows && !edited.is_empty() && !copy.event.cancelled)
            {
                Some(copy) => {
                    let sides = Sides {
                        origin,
                        copy: &copy.home,
                        look,
                        keeps_less: mapping.copy.shown.is_some(),
                    };
                    let merge = conflict::merge(&sides, &changed, &edited);
                    (merge.origin, merge.overruled, busied || merge.ignored)
                }
                None => (Draft::from(origin), Parts::default(), busied || !edited.is_empty()),
            };
        // A guest's meeting is put right at once; other edits of a copy that count for nothing stay
        // until its origin changes.
        let restore = self.pair.two_way && next.guests;
        let draft = project(&merged, look);
        let raw = [Draft::from(origin), merged.clone()].map(|draft| self.prints.origin(&draft));
        let [now, then] = raw.each_ref().map(|raw| mapping.origin.meant(raw));
        let origin_parts = both(&then.differences(&now), &raw[1].differences(&raw[0]));
        // What the origin's provider has made of our own write is not what the copy is to show.
        let lossy = of_copy(&then.differences(&raw[1]), anchor.as_ref());
        let wanted = self.prints.copy(&draft).overlaid(&mapping.copy.base, &lossy);
        // Beyond the window both are left as they are, until they come into it.
        next.state = if self.is_beyond(mapping.side, &merged) {
            MappingState::Archived
        } else {
            MappingState::Live
        };
        // A write of ours that may have been cut off is not done yet, even where the copy was
        // edited since.
        let cut_off = mapping
            .copy
            .intent
            .as_ref()
            .is_some_and(|intent| !intent.differences(&mapping.copy.base).is_empty());
        // Then a copy that was to be taken over has its former mark, even where it shows what it
        // should.
        let to_mark = mapping.taken_over && mapping.copy.intent.is_some();
        let news =
            !changed.is_empty() || !origin_parts.is_empty() || restore || self.full || cut_off;
        let mut copy_parts = match &copy {
            Some(copy) => both(&wanted.differences(&copy.raw), &wanted.differences(&copy.meant)),
            None => unread(&wanted, &mapping.copy),
        };
        if !self.pair.private_towards(target) {
            // Guests stand in the copy's description, and the hash of a copy leaves them out.
            if changed.fields.contains(&Field::Attendees) {
                copy_parts.fields.insert(Field::Description);
            }
            copy_parts.exceptions.extend(
                of_copy(&changed, anchor.as_ref())
                    .exceptions
                    .into_iter()
                    .filter(|start| has_exception(&draft, start)),
            );
        }
        copy_parts.fields.retain(|field| !lossy.fields.contains(field));
        copy_parts.exceptions.retain(|start| !lossy.exceptions.contains(start));
        if !news && ignored {
            copy_parts = Parts::default();
        } else {
            ignored = false;
        }
        // Only who has read it can say that it is right again.
        next.drifted = ignored || (mapping.drifted && copy.is_none());
        next.times = Times::from(&merged.content.span);
        next.origin.agree(then);
        next.copy.agree(wanted.clone());
        if copy_parts.is_empty() && origin_parts.is_empty() && !to_mark {
            return match (ignored, next == *mapping) {
                (true, _) => Decision::Skip {
                    reason: Reason::CopyEdited,
                    why: None,
                    remember: Some(Box::new(next)),
                },
                (false, true) => Decision::Nothing,
                (false, false) => Decision::Remember(Box::new(next)),
            };
        }
        if !copy_parts.is_empty() && mapping.is_flapping(&wanted, self.now) {
            let mut remember = mapping.clone();
            remember.origin.etag.clone_from(&next.origin.etag);
            remember.copy.etag.clone_from(&next.copy.etag);
            return Decision::Skip {
                reason: Reason::Flapping,
                why: None,
                remember: Some(Box::new(remember)),
            };
        }
        let reason = match restore && !edited.is_empty() {
            true => Some(Reason::HasGuests),
            false => undoes(&copy_parts, &overruled).then_some(Reason::OriginWins),
        };
        let is_both = flows && !copy_parts.is_empty() && !origin_parts.is_empty();
        let conflict =
            Conflict::of_write(mapping.side, reason, [&changed, &edited, &overruled], is_both);
        let whole = mapping.pristine && copy.is_none() && !mapping.drifted && lossy.is_empty();
        let copy = (to_mark || !copy_parts.is_empty()).then_some(Change {
            draft,
            parts: copy_parts,
            whole,
        });
        if copy.is_some() {
            next.wrote(&wanted, self.now);
            next.pristine = whole;
        }
        let origin = (!origin_parts.is_empty()).then_some(Change {
            draft: merged,
            parts: origin_parts,
            whole: false,
        });
        Decision::Write(Box::new(Write {
            before: mapping.clone(),
            mapping: next,
            copy,
            origin,
            reason,
            conflict,
        }))
    }

    fn read<'a>(&self, mapping: &Mapping, event: &'a Event, anchor: Option<&Zone>) -> ReadCopy<'a> {
        let raw = self.prints.copy(&Draft::from(event));
        let home = self.in_origin_terms(mapping.side, event);
        let home = anchor.map_or_else(|| home.clone(), |zone| zone::floating(&home, zone));
        ReadCopy { event, home, meant: mapping.copy.meant(&raw), raw }
    }

    /// What the copy's owner has done. Of what we were cut off in writing, only what they can have
    /// done.
    fn edits_of(
        &self,
        mapping: &Mapping,
        origin: &Event,
        copy: &ReadCopy<'_>,
        changed: &mut Parts,
        anchor: Option<&Zone>,
    ) -> Edits {
        let (edited, busied) = self.edits(mapping, copy.event);
        let mut parts = of_origin(&edited, anchor);
        let ours = Draft::from(origin);
        let taken_back = of_origin(&self.taken_back(mapping, origin, copy, anchor), anchor);
        parts.fields.extend(taken_back.fields);
        // Where we were cut off in writing a series, changed occurrences that it lacks were not
        // written yet, and no person took them away: what the other side shows counts.
        if mapping.state == MappingState::Creating || is_half_moved(&mapping.copy) {
            parts.exceptions.retain(|start| has_exception(&copy.home, start));
        }
        if is_half_moved(&mapping.origin) {
            let lost = changed.exceptions.extract_if(.., |start| !has_exception(&ours, start));
            parts.exceptions.extend(lost.filter(|start| has_exception(&copy.home, start)));
        } else {
            parts.exceptions.extend(taken_back.exceptions);
        }
        // Where the copy had moved its series, the origin has got that, and the copy was to get
        // what the origin had changed meanwhile: it shows its exceptions, at their new starts, as
        // they were before.
        if mapping.copy.intent.is_some() && is_half_moved(&mapping.origin) {
            let [home, origin] = [&copy.home, &ours].map(|draft| self.prints.origin(draft));
            if !home.differences(&origin).fields.contains(&Field::Time) {
                parts.fields.remove(&Field::Time);
                parts.exceptions.clear();
            }
        }
        // How a provider shows what was just made was not seen: what it may have made of it is no
        // person's edit.
        let is_unseen = mapping.copy.etag.is_none() && !mapping.copy.is_seen;
        if mapping.state == MappingState::Creating || is_unseen {
            let written = self.shown_in_origin_terms(mapping, &ours);
            parts.fields.retain(|field| {
                !conflict::keeps_less(*field, &copy.home.content, &written.content)
            });
            parts.exceptions.retain(|start| {
                match (changed_to(&copy.home, start), changed_to(&written, start)) {
                    (Some(shown), Some(written)) => !conflict::is_made_of(shown, written),
                    _ => true,
                }
            });
        }
        Edits { parts, busied }
    }

    /// An origin as its copy would show it, in the form of the origin.
    fn shown_in_origin_terms(&self, mapping: &Mapping, origin: &Draft) -> Draft {
        let target = mapping.side.other();
        let look = self.style(target);
        let shown = crate::copy::in_origin_terms(&project(origin, look), look.target, look.source);
        look.anchor_of(&origin.content)
            .map_or_else(|| shown.clone(), |zone| zone::floating(&shown, &zone))
    }

    /// What a write of ours that was cut off has brought to the origin, and what the copy's owner
    /// has taken back since: the copy shows again what it showed before.
    fn taken_back(
        &self,
        mapping: &Mapping,
        origin: &Event,
        copy: &ReadCopy<'_>,
        anchor: Option<&Zone>,
    ) -> Parts {
        let Some(intent) = &mapping.origin.intent else { return Parts::default() };
        let now = mapping.origin.meant(&self.prints.origin(&Draft::from(origin)));
        let (written, missing) =
            (intent.differences(&mapping.origin.base), intent.differences(&now));
        let edited = copy.meant.differences(&mapping.copy.base);
        let mut parts = of_copy(&written, anchor);
        let missing = of_copy(&missing, anchor);
        parts
            .fields
            .retain(|field| !missing.fields.contains(field) && !edited.fields.contains(field));
        parts.exceptions.retain(|start| {
            !missing.exceptions.contains(start) && !edited.exceptions.contains(start)
        });
        parts
    }
}

/// Whether a write of the copy undoes any of these edits of it. Where both sides have become equal,
/// there is nothing to undo.
fn undoes(written: &Parts, edits: &Parts) -> bool {
    let times = !written.exceptions.is_empty() || written.fields.contains(&Field::Time);
    edits.fields.iter().any(|field| written.fields.contains(field))
        || (times && !edits.exceptions.is_empty())
}

/// What is to be written to a copy that was not read: also what a write that was cut off may have
/// brought.
fn unread(wanted: &Fingerprint, copy: &MappedEvent) -> Parts {
    let mut parts = wanted.differences(&copy.base);
    if let Some(intent) = &copy.intent {
        let Parts { fields, exceptions } = wanted.differences(intent);
        parts.fields.extend(fields);
        parts.exceptions.extend(exceptions);
    }
    parts
}

fn both(one: &Parts, other: &Parts) -> Parts {
    Parts {
        fields: one.fields.intersection(&other.fields).copied().collect(),
        exceptions: one.exceptions.intersection(&other.exceptions).copied().collect(),
    }
}

/// Parts of an origin, as those of its copy: floating starts have a zone there.
fn of_copy(parts: &Parts, anchor: Option<&Zone>) -> Parts {
    let Some(zone) = anchor else { return parts.clone() };
    let exceptions =
        parts.exceptions.iter().map(|start| zone::anchored_start(*start, zone)).collect();
    Parts { fields: parts.fields.clone(), exceptions }
}

/// Parts of a copy, as those of its origin.
fn of_origin(parts: &Parts, anchor: Option<&Zone>) -> Parts {
    let Some(zone) = anchor else { return parts.clone() };
    let exceptions =
        parts.exceptions.iter().map(|start| zone::floating_start(*start, zone)).collect();
    Parts { fields: parts.fields.clone(), exceptions }
}

/// Whether a write of ours that moves it or gives it another rule may have been cut off: exceptions
/// are written after that.
fn is_half_moved(mapped: &MappedEvent) -> bool {
    mapped
        .intent
        .as_ref()
        .is_some_and(|intent| intent.differences(&mapped.base).fields.contains(&Field::Time))
}

fn has_exception(draft: &Draft, start: &OriginalStart) -> bool {
    draft.series.as_ref().is_some_and(|series| series.exceptions.contains_key(start))
}

fn changed_to<'a>(draft: &'a Draft, start: &OriginalStart) -> Option<&'a Content> {
    match draft.series.as_ref()?.exceptions.get(start)? {
        Exception::Changed(content) => Some(content),
        Exception::Cancelled => None,
    }
}
