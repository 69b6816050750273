//! A process that is killed in the middle of its work.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that is given up after so many polls, as when its process is killed.
pub struct KillAfter<'a, T> {
    pub polls: usize,
    pub inner: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
}

impl<T> Future for KillAfter<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(context).map(Some)
    }
}
