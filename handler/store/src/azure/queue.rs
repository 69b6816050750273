//! Messages in Azure Storage Queues, by Microsoft's `azure_storage_queue`.
//!
//! * The text of a message is plain (`"messageEncoding": "none"` in `host.json`) and escaped for
//!   XML. A text that XML cannot hold is refused.
//! * A message never expires.
//! * A receipt is valid until the message is taken again, extended or deleted. It stays valid when
//!   the message becomes visible again.
//! * A queue is created when the first message is put into it; a missing queue is empty.
//!
//! Each call is one transaction, `poison` is three.

use std::time::Duration;

use async_trait::async_trait;
use azure_core::http::headers::HeaderName;
use azure_storage_queue::QueueClient;
use azure_storage_queue::models::{
    QueueClientGetPropertiesResultHeaders, QueueClientReceiveMessagesOptions,
    QueueClientSendMessageOptions, QueueMessage,
};

use super::Azure;
use super::fault::AzureFault;
use crate::limits::{check_delay, check_message};
use crate::{Error, Message, Queue, Result};

/// The most messages taken at once.
const MAX_TAKE: usize = 32;

/// The shortest time that a taken message is hidden.
const MIN_VISIBILITY: Duration = Duration::from_secs(1);

const POP_RECEIPT: HeaderName = HeaderName::from_static("x-ms-popreceipt");

#[async_trait]
impl Queue for Azure {
    async fn put(&self, queue: &str, body: &str, delay: Duration) -> Result<()> {
        check_message(body)?;
        check_delay(delay)?;
        if body.chars().any(is_no_xml) {
            return Err(Error::Failed(
                "a message holds a character that a queue cannot carry".into(),
            ));
        }
        let client = self.queue(queue)?;
        match send(&client, body, delay).await {
            Err(AzureFault::Refused(refusal)) if refusal.is_table_missing() => {
                create(&client).await?;
                send(&client, body, delay).await?;
            }
            outcome => outcome?,
        }
        if delay.is_zero() {
            self.arrivals.notify_one();
        }
        Ok(())
    }

    async fn take(&self, queue: &str, max: usize, visibility: Duration) -> Result<Vec<Message>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        check_delay(visibility)?;
        let options = QueueClientReceiveMessagesOptions {
            number_of_messages: i32::try_from(max.min(MAX_TAKE)).ok(),
            visibility_timeout: Some(seconds(visibility.max(MIN_VISIBILITY))),
            ..Default::default()
        };
        let answer = match self
            .queue(queue)?
            .receive_messages(Some(options))
            .await
            .map_err(AzureFault::from)
        {
            Err(AzureFault::Refused(refusal)) if refusal.is_table_missing() => {
                return Ok(Vec::new());
            }
            outcome => outcome?,
        };
        let items = answer.into_model().map_err(AzureFault::from)?.items.unwrap_or_default();
        let message = |item: azure_storage_queue::models::ReceivedMessage| {
            Some(Message {
                id: item.message_id?,
                receipt: item.pop_receipt?,
                body: item.message_text.unwrap_or_default(),
                dequeue_count: u32::try_from(item.dequeue_count?).ok()?,
            })
        };
        items
            .into_iter()
            .map(|item| {
                message(item).ok_or_else(|| {
                    Error::Failed("a message came without an id or a receipt".into())
                })
            })
            .collect()
    }

    async fn delete(&self, queue: &str, message: &Message) -> Result<()> {
        check_held(message)?;
        self.queue(queue)?
            .delete_message(&message.id, &message.receipt, None)
            .await
            .map_err(lost_message)?;
        Ok(())
    }

    async fn extend(
        &self,
        queue: &str,
        message: &Message,
        visibility: Duration,
    ) -> Result<Message> {
        check_held(message)?;
        check_delay(visibility)?;
        let answer = self
            .queue(queue)?
            .update_message(&message.id, &message.receipt, seconds(visibility), None)
            .await
            .map_err(lost_message)?;
        let receipt = answer.headers().get_optional_string(&POP_RECEIPT);
        let receipt = receipt.ok_or_else(|| {
            Error::Failed("a message was extended and no new receipt came".into())
        })?;
        Ok(Message { receipt, ..message.clone() })
    }

    /// The message is extended first, which checks the receipt, then put into the poison queue,
    /// then deleted here: if the process dies between the last two steps, the message is put into
    /// the poison queue a second time.
    async fn poison(&self, queue: &str, message: &Message) -> Result<()> {
        let ours = self.extend(queue, message, Duration::from_secs(60)).await?;
        self.put(&format!("{queue}-poison"), &ours.body, Duration::ZERO).await?;
        self.delete(queue, &ours).await
    }

    async fn len(&self, queue: &str) -> Result<u64> {
        let answer = match self.queue(queue)?.get_properties(None).await.map_err(AzureFault::from) {
            Err(AzureFault::Refused(refusal)) if refusal.is_table_missing() => return Ok(0),
            outcome => outcome?,
        };
        let count = answer.approximate_messages_count().map_err(AzureFault::from)?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }
}

impl Azure {
    /// Waits until a message that is visible at once was put through this value; returns
    /// immediately if that happened since the last wait. Messages of other processes do not wake
    /// the caller: use a time-out.
    pub async fn arrived(&self) {
        self.arrivals.notified().await;
    }

    fn queue(&self, name: &str) -> Result<QueueClient, AzureFault> {
        Ok(self.queues.queue_client(name)?)
    }
}

async fn send(client: &QueueClient, body: &str, delay: Duration) -> Result<(), AzureFault> {
    let message = QueueMessage { message_text: Some(body.to_owned()) };
    let options = QueueClientSendMessageOptions {
        // Never.
        message_time_to_live: Some(-1),
        visibility_timeout: Some(seconds(delay)),
        ..Default::default()
    };
    client.send_message(message.try_into()?, Some(options)).await?;
    Ok(())
}

async fn create(client: &QueueClient) -> Result<(), AzureFault> {
    match client.create(None).await.map_err(AzureFault::from) {
        // The queue exists with other metadata, which the program does not use.
        Err(AzureFault::Refused(refusal)) if refusal.already_exists() => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> i32 {
    let up = u64::from(time.subsec_nanos() > 0);
    i32::try_from(time.as_secs().saturating_add(up)).unwrap_or(i32::MAX)
}

/// Whether the service can have returned such a message: id and receipt become parts of a URL.
fn check_held(message: &Message) -> Result<()> {
    let id = !message.id.is_empty()
        && message.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if id && !message.receipt.is_empty() { Ok(()) } else { Err(Error::Conflict(0)) }
}

/// The refusals of a receipt that is no longer valid. The code depends on the state of the message
/// and on the form of the receipt.
fn lost_message(error: azure_core::Error) -> Error {
    match AzureFault::from(error) {
        AzureFault::Refused(refusal) if matches!(refusal.status, 400 | 404) => Error::Conflict(0),
        fault => fault.into(),
    }
}

/// Characters that XML 1.0 does not allow (section 2.2), and the carriage return, which every XML
/// parser turns into a line feed.
fn is_no_xml(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_second_is_a_second() {
        assert_eq!([0, 1, 1000, 1001].map(|ms| seconds(Duration::from_millis(ms))), [0, 1, 1, 2]);
    }

    #[test]
    fn what_xml_cannot_carry_is_known() {
        assert!(
            "a\u{0}".chars().any(is_no_xml)
                && "\r".chars().any(is_no_xml)
                && "\u{ffff}".chars().any(is_no_xml)
        );
        assert!(!"<&>\t\n \u{7f}é📅\u{fffd}".chars().any(is_no_xml));
    }
}
