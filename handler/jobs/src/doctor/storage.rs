//! Storage: can rows be read and written, messages counted and taken away, leases had? In Azure
//! each is a right of its own.

use store::{Message, Op, Table};

use super::time_limit::{failed_check, with_timeout};
use crate::setup::{Finding, Setup};
use crate::{Result, Services, nudge};

/// A partition, a row, a message and a lease that nothing else uses.
const PROBE: &str = "doctor";

/// What no message is called: it looks like the id of one.
const NO_MESSAGE: &str = "00000000-0000-0000-0000-000000000000";

/// Looks at all three.
pub async fn findings(services: &Services) -> Vec<Finding> {
    let (rows, messages, leases) = futures::join!(
        with_timeout(rows(services)),
        with_timeout(messages(services)),
        with_timeout(leases(services))
    );
    let azure = services.setup.azure_storage;
    let told = |check: &str, outcome: Result<()>, well: &str, roles: &str| match outcome {
        Ok(()) => Finding::good(check, well),
        Err(error) => failed_check(check, &error, &Setup::storage_fix(azure, roles)),
    };
    vec![
        told(
            "storage:rows",
            rows,
            "Rows can be read and written.",
            "the role Storage Table Data Contributor on the tables directory, secrets and pairs",
        ),
        told(
            "storage:queue",
            messages,
            "Messages can be counted and taken away.",
            "the role Storage Queue Data Contributor on the queues sync-calendar and \
            sync-calendar-poison",
        ),
        told(
            "storage:leases",
            leases,
            "Leases can be had.",
            "the role Storage Table Data Contributor on the table leases",
        ),
    ]
}

/// Reads a row that is not there, and removes it.
async fn rows(services: &Services) -> Result<()> {
    let nothing = [Op::Delete { key: PROBE.into(), etag: None }];
    let (store, nothing) = (&services.store, &nothing);
    let looks = Table::ALL.map(|table| async move {
        store.get(table, PROBE, PROBE).await?;
        store.commit(table, PROBE, nothing).await
    });
    futures::future::try_join_all(looks).await?;
    Ok(())
}

/// Counts, and removes a message that is not there. None is sent: a function would be started by
/// it.
async fn messages(services: &Services) -> Result<()> {
    let poison = format!("{}-poison", nudge::QUEUE);
    for queue in [nudge::QUEUE, &poison] {
        services.queue.len(queue).await?;
        // A receipt of Azure's is base64, and nothing else gets as far as the question whether
        // there is such a message.
        let nobody = Message {
            id: NO_MESSAGE.into(),
            receipt: "AgAAAAMAAAAAAAAA".into(),
            body: String::new(),
            dequeue_count: 1,
        };
        match services.queue.delete(queue, &nobody).await {
            Ok(()) | Err(store::Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Takes one and gives it back. Somebody else who has it is looking at the same moment.
async fn leases(services: &Services) -> Result<()> {
    if let Some(lease) = services.leases.acquire(PROBE, &[PROBE]).await?.taken() {
        lease.end().await;
    }
    Ok(())
}
