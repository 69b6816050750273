//! Whose settings are obeyed.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::cli::Cli;

fn write(path: &Path, values: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, format!(r#"{{"IsEncrypted": false, "Values": {{{values}}}}}"#))?)
}

async fn doctor(cli: &Cli, more: &[&str]) -> anyhow::Result<String> {
    let answer = cli.run_with(&[&["doctor", "--json"], more].concat(), "").await?;
    Ok(serde_json::from_str::<Value>(&answer.stdout)?.to_string())
}

/// The directory that a command is started in may contain files of another user.
#[tokio::test]
async fn a_file_of_the_working_directory_is_not_obeyed() -> anyhow::Result<()> {
    let cli = Cli::new()?;
    write(
        &cli.home().join("local.settings.json"),
        r#""CALRELAY_POLL_SECONDS": "never", "GOOGLE_TOKEN_URL": "https://192.0.2.1/""#,
    )?;
    let said = doctor(&cli, &[]).await?;
    assert!(
        !said.contains("CALRELAY_POLL_SECONDS must be")
            && said.contains("of this directory is not read"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn a_file_of_the_data_directory_is_obeyed_but_for_addresses() -> anyhow::Result<()> {
    let cli = Cli::new()?;
    let file = cli.data_dir().join("local.settings.json");
    write(&file, r#""CALRELAY_POLL_SECONDS": "never""#)?;
    assert!(doctor(&cli, &[]).await?.contains("CALRELAY_POLL_SECONDS must be"));
    write(&file, r#""CALRELAY_POLL_SECONDS": 30"#)?;
    assert!(doctor(&cli, &[]).await?.contains("Settings were read from"));
    let said = async |arguments: &[&str]| anyhow::Ok(cli.run_with(arguments, "").await?.stderr);
    assert!(
        said(&["status", "-v"]).await?.contains("Settings were read from")
            && !said(&["status"]).await?.contains("Settings were read")
    );
    write(&file, r#""GOOGLE_TOKEN_URL": "https://192.0.2.1/""#)?;
    let said = doctor(&cli, &[]).await?;
    assert!(
        said.contains("GOOGLE_TOKEN_URL is not taken from") && !said.contains("192.0.2.1"),
        "{said}"
    );
    let named = doctor(&cli, &["--settings", file.to_str().unwrap_or_default()]).await?;
    assert!(
        !named.contains("is not taken from") && named.contains("Settings were read from"),
        "{named}"
    );
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_may_write_is_refused() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let cli = Cli::new()?;
    let file = cli.data_dir().join("local.settings.json");
    write(&file, r#""CALRELAY_POLL_SECONDS": 30"#)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666))?;
    let said = doctor(&cli, &[]).await?;
    assert!(said.contains("others may write it"), "{said}");
    assert_eq!(
        cli.run_with(&["status"], "").await?.status,
        1,
        "nothing is done with settings that may be a stranger's"
    );
    Ok(())
}
