//! A series that is changed repeatedly at random becomes what is wanted each time.

use engine::event::Exception;
use engine::fingerprint::Fingerprinter;
use jiff::SignedDuration;
use simulators::rng::Rng;

use super::*;

const SEEDS: u64 = 24;
const STEPS: usize = 6;

/// The next form of a draft.
fn changed(draft: &Draft, rng: &mut Rng) -> Draft {
    let mut draft = draft.clone();
    match rng.below(8) {
        0 => draft.content.title = format!("Title {}", rng.below(1000)),
        1 => {
            draft.content.busy =
                if draft.content.busy == Busy::Free { Busy::Busy } else { Busy::Free }
        }
        2 => return series(rng),
        3 if rng.chance(0.5) => draft.series = None,
        _ => {
            let Some(starts) = starts(&draft) else { return series(rng) };
            for _ in 0..=rng.below(3) {
                let Some(start) = rng.pick(&starts).copied() else { break };
                let exception = exception(&draft.content, start, rng);
                let Some(series) = &mut draft.series else { break };
                match exception {
                    Some(exception) => drop(series.exceptions.insert(start, exception)),
                    None => drop(series.exceptions.remove(&start)),
                }
            }
        }
    }
    draft
}

/// A series of any kind without exceptions.
fn series(rng: &mut Rng) -> Draft {
    let all_day = rng.chance(0.3);
    let day = 9 + i8::try_from(rng.below(5)).unwrap();
    let span = match all_day {
        true => Span::AllDay { start: date(2026, 3, day), end: date(2026, 3, day + 1) },
        false => hour((2026, 3, day), 8 + i8::try_from(rng.below(9)).unwrap()),
    };
    let rules = [
        "FREQ=WEEKLY",
        "FREQ=DAILY;COUNT=30",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE",
        "FREQ=MONTHLY;COUNT=6",
    ];
    let rules = vec![(*rng.pick(&rules).unwrap()).to_owned()];
    Draft { content: content("Series", span), series: Some(Series { rules, ..Series::default() }) }
}

/// Some occurrences of a series, over a change of clocks.
fn starts(draft: &Draft) -> Option<Vec<OriginalStart>> {
    let series = Series { exceptions: BTreeMap::new(), ..draft.series.clone()? };
    let range = "2026-03-01T00:00:00Z".parse().unwrap().."2026-05-01T00:00:00Z".parse().unwrap();
    let found = engine::recurrence::occurrences(&draft.content, &series, range, None).ok()?;
    Some(found.into_iter().map(|occurrence| occurrence.original).collect())
}

/// What becomes of an occurrence: another day, another title, cancelled, or as its series has it.
fn exception(master: &Content, start: OriginalStart, rng: &mut Rng) -> Option<Exception> {
    let span = match (&master.span, start) {
        (Span::AllDay { .. }, OriginalStart::Day(day)) => {
            let start = day.saturating_add(jiff::Span::new().days(1));
            Span::AllDay { start, end: start.saturating_add(jiff::Span::new().days(2)) }
        }
        (Span::Timed { start: Moment { zone, .. }, .. }, OriginalStart::At(instant)) => {
            let rules = engine::zone::rules(zone, None);
            let moment = |hours| Moment {
                local: rules.to_datetime(instant + SignedDuration::from_hours(hours)),
                zone: zone.clone(),
            };
            Span::Timed { start: moment(26), end: moment(28) }
        }
        _ => return None,
    };
    match rng.below(3) {
        0 => None,
        1 => Some(Exception::Cancelled),
        _ => Some(Exception::Changed(Box::new(Content {
            span,
            title: format!("Once {}", rng.below(1000)),
            ..master.clone()
        }))),
    }
}

#[tokio::test]
async fn whatever_a_series_was_it_becomes_what_is_wanted() {
    let env = ClientEnv::new().await;
    let prints = Fingerprinter::new(&[7; 32], "pair");
    for seed in 0..SEEDS {
        let mut rng = Rng::new(seed);
        env.server.manners(|manners| manners.bare_tombstones = seed % 2 == 1);
        let mut now = series(&mut rng);
        let mut written = env.create(&format!("series-{seed}"), &now).await.unwrap();
        for step in 0..STEPS {
            let wanted = changed(&now, &mut rng);
            let mut whole = rng.chance(0.4);
            if now.series.is_some() && rng.chance(0.2) {
                // A person's hand in between: then nothing may be written unseen.
                env.calendar
                    .patch(written.id.as_str(), json!({ "location": format!("Room {step}") }));
                let stale = env.rewrite(&written, &wanted).await;
                assert!(
                    matches!(stale, Err(Error::ChangedMeanwhile)),
                    "seed {seed}, step {step}: {stale:?}"
                );
                let event = env.event(&written.id).await;
                written.etag.clone_from(&event.etag);
                now = Draft::from(&*event);
                whole = false;
            }
            let attempt = match whole {
                true => env.rewrite(&written, &wanted).await,
                false => {
                    let parts = prints.copy(&wanted).differences(&prints.copy(&now));
                    env.edit(&written.id, written.etag.as_deref(), parts, &wanted).await
                }
            };
            written = attempt.unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error:?}"));
            let event = env.event(&written.id).await;
            let found = prints.copy(&Draft::from(&*event)).differences(&prints.copy(&wanted));
            assert!(found.is_empty(), "seed {seed}, step {step}, whole {whole}: {found:?}");
            assert_eq!(event.etag, written.etag, "seed {seed}, step {step}");
            now = wanted;
        }
    }
    env.clean();
}
