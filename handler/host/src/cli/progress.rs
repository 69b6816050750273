//! The progress bar: on stderr, and only where stderr is a terminal.

use std::io::{self, IsTerminal};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jobs::report::Progress;

/// The bar that is drawn now, if any: the log has to step aside for it.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A bar that counts steps. It is wiped when it is dropped.
pub struct Bar(ProgressBar);

impl Bar {
    /// Shows it, where somebody can see it.
    pub fn show() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        if !io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {wide_bar} {pos}/{len}  {elapsed}")
        {
            bar.set_style(style);
        }
        remember(Some(bar.clone()));
        Self(bar)
    }
}

impl Progress for Bar {
    fn expect(&self, steps: u64) {
        self.0.inc_length(steps);
    }
    fn step(&self, steps: u64) {
        self.0.inc(steps);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        remember(None);
        self.0.finish_and_clear();
    }
}

fn remember(bar: Option<ProgressBar>) {
    *DRAWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = bar;
}

/// Writes to stderr while the bar, if there is one, is out of the way.
pub fn beside_the_bar<T>(write: impl FnOnce() -> T) -> T {
    let bar = DRAWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
