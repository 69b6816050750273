//! The answer to a call that may hold notifications of many watches.
//!
//! It does not depend on whether a notification was genuine, so that a caller learns nothing.

use http::StatusCode;
use jobs::Services;
use jobs::watches::{DeliveryOutcome, receive_delivery};

use crate::trigger::{HttpTrigger, Response};

/// Answers a request to the webhook of the provider of this name.
pub async fn answer(services: &Services, provider: &str, request: &HttpTrigger) -> Response {
    let query = request.uri.query().unwrap_or_default();
    reply(receive_delivery(services, provider, query, &request.body).await)
}

fn reply(outcome: jobs::Result<DeliveryOutcome>) -> Response {
    match outcome {
        // Every answer forbids a browser to take it for anything but plain text.
        Ok(DeliveryOutcome::Echo(text)) => Response::text(StatusCode::OK, text),
        Ok(DeliveryOutcome::NoEcho) => {
            Response::text(StatusCode::BAD_REQUEST, "This text cannot be repeated.\n")
        }
        Ok(DeliveryOutcome::Unreadable) => {
            Response::text(StatusCode::BAD_REQUEST, "This is not JSON.\n")
        }
        Ok(DeliveryOutcome::Received(received)) => {
            tracing::debug!(?received, "notifications");
            Response::text(StatusCode::ACCEPTED, "")
        }
        Err(error) => {
            tracing::warn!(%error, "notifications were not stored; the provider will repeat them");
            Response::text(StatusCode::SERVICE_UNAVAILABLE, "")
        }
    }
}

#[cfg(test)]
mod tests {
    use jobs::watches::Received;

    use super::*;

    fn status(outcome: jobs::Result<DeliveryOutcome>) -> u16 {
        reply(outcome).status.as_u16()
    }

    #[test]
    fn a_try_is_answered_with_its_text_and_nothing_else() {
        let answer = reply(Ok(DeliveryOutcome::Echo("<b>a+b\r\n".into())));
        assert_eq!(answer.body, "<b>a+b\r\n");
        assert_eq!(
            (answer.status.as_u16(), answer.content_type),
            (200, "text/plain; charset=utf-8")
        );
        assert_eq!(status(Ok(DeliveryOutcome::NoEcho)), 400);
    }

    #[test]
    fn the_answer_does_not_say_whether_a_notification_was_genuine() {
        for received in [
            Received::default(),
            Received { dropped: 1000, ..Received::default() },
            Received { nudged: 1, failed: 3, ..Received::default() },
        ] {
            let answer = reply(Ok(DeliveryOutcome::Received(received)));
            assert_eq!((answer.status.as_u16(), &*answer.body), (202, ""));
        }
    }

    #[test]
    fn only_what_can_be_repeated_with_success_is_asked_for_again() {
        assert_eq!(status(Ok(DeliveryOutcome::Unreadable)), 400);
        assert_eq!(status(Err(jobs::Error::Request("no storage".into()))), 503);
    }
}
