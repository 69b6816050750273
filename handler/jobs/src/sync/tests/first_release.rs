//! Rows of the first release, which have no UIDs.

use engine::event::{Event, EventId};
use engine::provider::ProviderKind;
use engine::reason::Reason;

use super::deletions::dentist;
use super::env::PairEnv;
use super::sample_events::april;
use super::{all, reasons};

#[tokio::test]
async fn an_origin_is_found_under_another_name_by_what_it_shows() {
    for two_way in [false, true] {
        for same in [true, false] {
            let (env, copy) = dentist(two_way).await;
            env.set_mapping("dentist.ics", |mapping| mapping.origin.uid = None).await;
            let event = env.from().remove("dentist.ics");
            let moved = if same { event } else { april("swimming", 9) };
            env.from().put(Event { id: EventId::new("moved.ics"), ..moved });
            let run = env.pass().await;
            assert_eq!(
                (run.created, run.deleted),
                if same { (0, 0) } else { (1, 1) },
                "{two_way} {same}"
            );
            assert_eq!((env.copy("moved.ics").await == copy, env.count()), (same, [5, 5]));
            env.rest().await;
        }
    }
}

#[tokio::test]
async fn what_began_as_the_same_event_is_not_copied_beside_it() {
    for side in [0, 1] {
        let mut env = PairEnv::two_way().await;
        env.from().put(april("dentist", 1));
        env.to().put(april("swimming", 2));
        env.pass().await;
        let third = env.connect("club", ProviderKind::Caldav).await;
        let ended =
            env.add(0, third, &engine::pair::Pair { two_way: false, ..env.pair.clone() }).await;
        let pair = std::mem::replace(&mut env.pair, ended.clone());
        env.pass().await;
        crate::pairs::remove_pair(&env.scope, &ended.id).await.unwrap();
        env.pair = pair;
        for origin in ["dentist.ics", "swimming.ics"] {
            env.set_mapping(origin, |mapping| (mapping.origin.uid, mapping.first) = (None, None))
                .await;
        }
        let left = env.one(third, "dentist");
        env.remotes[side].lock().put(Event { id: EventId::new("left.ics"), ..left });
        let run = env.pass().await;
        assert_eq!((run.created, reasons(&run)), (0, vec![Reason::AlreadyThere]), "{side}");
        assert_eq!(env.titles()[1 - side], all(["dentist", "swimming"]));
    }
}
