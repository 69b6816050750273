//! The story under each behaviour that Microsoft's documents leave open, in the other position than
//! the simulator's default.

use futures::future::try_join_all;
use simulators::graph::{LostState, Manners, Repeated, ZoneNames};

use super::story::Story;

type Switch = (&'static str, fn(&mut Manners), bool);

async fn each(switches: &[Switch]) -> anyhow::Result<()> {
    let all = switches.iter().map(|(name, change, full)| async move {
        let story = Story::begin(|office| office.graph.manners(change)).await?;
        story.run(*full).await.map_err(|error| error.context(*name))
    });
    try_join_all(all).await.map(drop)
}

#[tokio::test]
async fn whatever_a_round_of_changes_leaves_out_or_repeats() -> anyhow::Result<()> {
    each(&[
        ("default", |_| (), false),
        ("empty pages", |manners| manners.empty_pages = true, false),
        ("repeated entries", |manners| manners.repeats_entries = true, false),
        ("endless rounds", |manners| manners.endless_round = true, true),
        ("silent occurrences", |manners| manners.silent_occurrences = true, true),
        ("a deleted series by its occurrences", |m| m.deleted_series_is_one = false, false),
        ("masters among the entries", |manners| manners.names_masters = true, false),
        ("no entry of outsiders", |manners| manners.removes_outsiders = false, false),
        ("small pages", |manners| manners.delta_page = 1, false),
    ])
    .await
}

#[tokio::test]
async fn whatever_is_shown_of_marks_and_ids() -> anyhow::Result<()> {
    each(&[
        ("expanded without select", |m| m.expanded_needs_select = false, false),
        ("occurrences without marks", |m| m.occurrences_inherit = false, false),
        (
            "a filter for presence",
            |m| (m.occurrences_inherit, m.presence_filter) = (false, true),
            false,
        ),
        ("regular ids", |m| m.regular_ids = true, false),
        ("no further members", |m| m.extra_members = false, false),
        ("no organizer", |m| m.organizer_responds = false, false),
        ("deleted is gone", |m| m.deleted_answers = false, false),
        ("deleted answers by itself", |m| m.deleted_answers_everywhere = false, false),
        ("UIDs of starts", |m| m.uids_of_starts = true, false),
        ("saved again", |m| m.saves_again = true, false),
    ])
    .await
}

#[tokio::test]
async fn whatever_a_write_is_answered_with() -> anyhow::Result<()> {
    each(&[
        ("409 for a stale version", |m| m.stale_is_412 = false, false),
        ("neutral members", |m| m.refuses_neutral = false, false),
        ("no clamping", |m| m.clamps_days = false, false),
        ("last of seven", |m| m.last_of_seven = false, false),
        ("deleted days are open", |m| m.boundary_counts_deleted = false, false),
        ("ids free again", |m| m.used_for_ever = false, false),
        ("all zones", |m| m.zone_names = ZoneNames::All, false),
        ("Windows zones", |m| m.zone_names = ZoneNames::Windows, false),
        ("subjects cut", |m| m.cuts_subjects = true, false),
    ])
    .await
}

#[tokio::test]
async fn whatever_a_lost_sync_state_is_refused_with() -> anyhow::Result<()> {
    let states = [LostState::Gone, LostState::Invalid, LostState::ResyncRequired];
    let all = states.into_iter().map(|state| async move {
        let story = Story::begin(|office| office.graph.manners(|m| m.lost_state = state)).await?;
        story.office.sync().await?;
        story.is_edited();
        story.there().forget_states();
        story.settle().await?;
        story.is_in_step(&format!("{state:?}")).await
    });
    try_join_all(all).await.map(drop)
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_again() -> anyhow::Result<()> {
    use simulators::faults::{Fault, On};
    use simulators::traffic::Kind;
    let refused = |status, names_it| Repeated::Refused { status, names_it };
    let answers = [
        Repeated::Event,
        refused(400, false),
        refused(400, true),
        refused(409, false),
        refused(409, true),
    ];
    let all = answers.into_iter().map(|answer| async move {
        let story = Story::begin(|office| {
            office.graph.manners(|m| (m.same_again, m.other_again) = (answer, answer));
            office.graph.faults().times(2, On::kind(Kind::Insert), Fault::DropAfter);
        })
        .await?;
        story.settle().await.map_err(|error| error.context(format!("{answer:?}")))?;
        story.is_in_step(&format!("{answer:?}")).await
    });
    try_join_all(all).await.map(drop)
}
