//! Pictures of pages, for a person who wants to look at them.

use std::path::Path;

use simulators::browser::{Look, Window};

/// The ways in which pages are looked at.
pub const LOOKS: [(&str, Look); 4] = [
    ("desk-light", Look { width: 1280, height: 800, dark: false }),
    ("desk-dark", Look { width: 1280, height: 800, dark: true }),
    ("phone-light", Look { width: 375, height: 667, dark: false }),
    ("phone-dark", Look { width: 375, height: 667, dark: true }),
];

/// Keeps a picture, where `CALRELAY_TEST_PICTURES` names a directory.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
pub async fn keep(window: &Window, name: &str) -> anyhow::Result<()> {
    if let Some(directory) = std::env::var_os("CALRELAY_TEST_PICTURES") {
        let file = Path::new(&directory).join(format!("{name}.png"));
        std::fs::write(file, window.picture().await?)?;
    }
    Ok(())
}

/// The page is legible in every look, and not wider than the screen.
pub async fn is_legible(window: &Window, name: &str) -> anyhow::Result<()> {
    for (how, look) in LOOKS {
        window.look(look).await?;
        assert_eq!(window.hard_to_read().await?, [""; 0], "{name}, {how}");
        let wide = window.ask("document.documentElement.scrollWidth > innerWidth").await?;
        assert_eq!(wide, false, "{name}, {how}: it is wider than the screen");
        let dark = window.ask("getComputedStyle(document.documentElement).colorScheme").await?;
        assert_eq!(dark, "light dark", "the style is not applied");
        keep(window, &format!("{name}-{how}")).await?;
    }
    Ok(())
}
