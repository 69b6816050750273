//! Checks of storage: whether rows can be read and written, messages counted and deleted, and
//! leases taken. In Azure each needs a permission of its own.

use store::{Message, Op, Table};

use super::time_limit::{failed_check, with_timeout};
use crate::setup::{Finding, Setup};
use crate::{Result, Services, nudge};

/// The name of a partition, a row and a lease that nothing else uses.
const PROBE: &str = "doctor";

/// An id in the right form that no message has.
const NO_MESSAGE: &str = "00000000-0000-0000-0000-000000000000";

/// Checks all three.
pub async fn findings(services: &Services) -> Vec<Finding> {
    let (rows, messages, leases) = futures::join!(
        with_timeout(rows(services)),
        with_timeout(messages(services)),
        with_timeout(leases(services))
    );
    let azure = services.setup.azure_storage;
    let finding = |check: &str, outcome: Result<()>, well: &str, roles: &str| match outcome {
        Ok(()) => Finding::good(check, well),
        Err(error) => failed_check(check, &error, &Setup::storage_fix(azure, roles)),
    };
    vec![
        finding(
            "storage:rows",
            rows,
            "Rows can be read and written.",
            "the role Storage Table Data Contributor on the tables directory, secrets and pairs",
        ),
        finding(
            "storage:queue",
            messages,
            "Messages can be counted and deleted.",
            "the role Storage Queue Data Contributor on the queues sync-calendar and \
            sync-calendar-poison",
        ),
        finding(
            "storage:leases",
            leases,
            "Leases can be taken.",
            "the role Storage Table Data Contributor on the table leases",
        ),
    ]
}

/// Reads and deletes a row that does not exist.
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

/// Counts the messages, and deletes a message that does not exist. No message is sent, because it
/// would start a function.
async fn messages(services: &Services) -> Result<()> {
    let poison = format!("{}-poison", nudge::QUEUE);
    for queue in [nudge::QUEUE, &poison] {
        services.queue.len(queue).await?;
        // A receipt of Azure is base64. Azure refuses any other form before it looks for the
        // message.
        let absent = Message {
            id: NO_MESSAGE.into(),
            receipt: "AgAAAAMAAAAAAAAA".into(),
            body: String::new(),
            dequeue_count: 1,
        };
        match services.queue.delete(queue, &absent).await {
            Ok(()) | Err(store::Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Takes a lease and gives it back. A lease that is busy is held by another check.
async fn leases(services: &Services) -> Result<()> {
    if let Some(lease) = services.leases.acquire(PROBE, &[PROBE]).await?.taken() {
        lease.end().await;
    }
    Ok(())
}
