//! The body of an object, read within bounds.

use tokio::io::AsyncBufReadExt;

use super::super::attachments::Sieve;
use super::super::multistatus::MAX_OBJECT;
use crate::http::HttpAnswer;
use crate::{Error, Result};

/// The largest object that is read with its attachments, which are dropped on the way.
const MAX_ATTACHED: u64 = 64 << 20;
/// The longest attachment that is read as part of its object; longer lines are not read at all.
const LONGEST_ATTACHMENT: usize = 200 << 10;

/// An object as it is, and where its attachments make it too large, without them; `None` where the
/// rest is too large.
pub(super) async fn read(answer: HttpAnswer) -> Result<Option<(Vec<u8>, bool)>> {
    let host = answer.host().to_owned();
    let mut reader = answer.reader(MAX_ATTACHED);
    let (mut whole, mut kept, mut sieve) = (Some(Vec::new()), Vec::new(), Sieve::default());
    loop {
        let chunk = match reader.fill_buf().await {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => return Ok(None),
            Err(_) => {
                return Err(Error::Unreachable(format!(
                    "{host} broke off in the middle of its answer"
                )));
            }
        };
        let length = chunk.len();
        if length == 0 {
            break;
        }
        whole = whole.filter(|whole| whole.len() + length <= MAX_OBJECT);
        if let Some(whole) = &mut whole {
            whole.extend_from_slice(chunk);
        }
        sieve.push(chunk, &mut kept);
        if kept.len() > MAX_OBJECT {
            return Ok(None);
        }
        reader.consume(length);
    }
    sieve.finish(&mut kept);
    let whole = whole.filter(|_| sieve.longest() <= LONGEST_ATTACHMENT);
    Ok(Some(match whole {
        Some(whole) => (whole, false),
        None => (kept, sieve.has_dropped()),
    }))
}
