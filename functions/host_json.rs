//! Reads `host.json`, which both hosts follow.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::HOST_JSON;

/// The settings of `host.json` that the program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSettings {
    /// The Functions host kills the process if an invocation takes longer.
    pub timeout: Duration,
    /// How queues are processed.
    pub queues: QueueSettings,
}

/// How queues are processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueSettings {
    /// Messages that are taken at once.
    pub batch_size: usize,
    /// More messages are taken when at most this many are in progress.
    pub new_batch_threshold: usize,
    /// A message that failed this often goes to the poison queue.
    pub max_dequeue_count: u32,
    /// How long a message is hidden after a failure.
    #[serde(deserialize_with = "duration")]
    pub visibility_timeout: Duration,
    /// How long the host waits before it polls an empty queue again.
    #[serde(deserialize_with = "duration")]
    pub max_polling_interval: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostJson {
    #[serde(deserialize_with = "duration")]
    function_timeout: Duration,
    extensions: Extensions,
}

#[derive(Deserialize)]
struct Extensions {
    queues: QueueSettings,
}

impl HostSettings {
    /// Reads the `host.json` of this program.
    pub fn read() -> Result<Self, serde_json::Error> {
        let HostJson { function_timeout, extensions } = serde_json::from_str(HOST_JSON)?;
        Ok(Self { timeout: function_timeout, queues: extensions.queues })
    }

    /// The deadline of an invocation: well below the time-out, which ends the process and all other
    /// invocations in it.
    pub fn deadline(&self) -> Duration {
        self.timeout * 4 / 5
    }
}

/// `hh:mm:ss`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fields: Option<Vec<u64>> =
        text.split(':').map(|field| field.parse().ok().filter(|n| *n < 60)).collect();
    match fields.as_deref() {
        Some([hours, minutes, seconds]) if *hours < 24 => {
            Ok(Duration::from_secs(hours * 3600 + minutes * 60 + seconds))
        }
        _ => Err(serde::de::Error::custom("a span must be hh:mm:ss")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_host_json_says_what_the_plan_wants() {
        let host = HostSettings::read().unwrap();
        assert!(
            host.queues.max_polling_interval <= Duration::from_secs(1),
            "the default would cost up to a minute"
        );
        assert!(
            (1..=32).contains(&host.queues.batch_size),
            "32 is the most that storage gives at once"
        );
        assert_eq!(host.queues.max_dequeue_count, 5);
        assert_eq!(host.queues.visibility_timeout, Duration::from_secs(30));
        assert!(
            host.deadline() < host.timeout && host.deadline() >= 2 * jobs::CALL_BUDGET,
            "long work ends its turn in time"
        );
        let json: serde_json::Value = serde_json::from_str(HOST_JSON).unwrap();
        assert_eq!(
            json["customHandler"]["enableProxyingHttpRequest"], true,
            "bodies are streamed, chunked ones too"
        );
        assert_eq!(
            json["extensions"]["http"]["routePrefix"], "",
            "paths are those of the contract"
        );
        assert_eq!(json["extensions"]["queues"]["messageEncoding"], "none", "we write plain text");
    }

    #[test]
    fn a_span_has_three_fields() {
        #[derive(Deserialize)]
        struct HostRow(#[serde(deserialize_with = "duration")] Duration);
        let read = |text: &str| {
            serde_json::from_value::<HostRow>(text.into()).ok().map(|row| row.0.as_secs())
        };
        assert_eq!(read("01:02:03"), Some(3723));
        for text in ["", "10", "00:10", "00:60:00", "24:00:00", "1.00:00:00", "-1:00:00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
