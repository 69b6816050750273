//! What the host knows about an installation, and the findings of checks.

use serde::Serialize;

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// The name of the check: `settings`, `vault`, `account:ID`…
    pub check: String,
    /// Nothing has to be repaired.
    pub ok: bool,
    /// What was found, in a sentence.
    pub message: String,
    /// How to repair it.
    pub fix: Option<String>,
}

impl Finding {
    /// A finding without a repair.
    pub fn good(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), ok: true, message: message.into(), fix: None }
    }

    /// A finding with its repair.
    pub fn bad(check: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check: check.to_owned(), ok: false, message: message.into(), fix: Some(fix.into()) }
    }
}

/// What the host knows about an installation at its start.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Findings about the settings.
    pub findings: Vec<Finding>,
    /// Storage is an Azure account, not a file.
    pub azure_storage: bool,
    pub key: WrappingKeyPlace,
    /// Scheme and host under which providers reach this installation; `None` where they cannot
    /// reach it, and then no watches are created.
    pub public_url: Option<String>,
    /// The address of iCloud's calendar server.
    pub icloud_url: String,
    /// Seconds between two polls.
    pub poll_seconds: u64,
}

/// Where the wrapping key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WrappingKeyPlace {
    #[default]
    File,
    KeyVault,
    /// A file that the first account creates.
    NotMade,
}

impl Setup {
    /// How to repair storage that fails; `roles` are the roles that an identity needs.
    pub fn storage_fix(azure: bool, roles: &str) -> String {
        if azure {
            format!(
                "Check the account's name and that its firewall lets this machine in. The \
                identity needs {roles}; a role that was just given \
                 takes some minutes to work. On a machine of your own, sign in with `az login`."
            )
        } else {
            "See data_dir, and that the directory can be written to; if a file is damaged, \
            restore the directory from a backup."
                .into()
        }
    }
}
