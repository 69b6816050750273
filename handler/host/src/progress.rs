//! The progress bar: on stderr, and only if stderr is a terminal.

use std::io::{self, IsTerminal};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jobs::report::Progress;

/// The bar that is drawn now, if any: log lines must not overwrite it.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A bar that counts steps. Dropping it clears it.
pub struct Bar(ProgressBar);

impl Bar {
    /// Shows the bar, if stderr is a terminal.
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
        set_drawn(Some(bar.clone()));
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
        set_drawn(None);
        self.0.finish_and_clear();
    }
}

fn set_drawn(bar: Option<ProgressBar>) {
    *DRAWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = bar;
}

/// Hides the bar, if there is one, while `write` writes to stderr.
pub fn suspend_bar<T>(write: impl FnOnce() -> T) -> T {
    let bar = DRAWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}
