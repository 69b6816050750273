//! What the host knows of an installation, and what checks find.

use serde::Serialize;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `settings`, `vault`, `account:ID`…
    pub check: String,
    /// There is nothing to mend.
    pub ok: bool,
    /// What was found, in a sentence.
    pub message: String,
    /// How to mend it.
    pub fix: Option<String>,
}

impl Finding {
    /// Nothing to mend.
    pub fn good(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.to_owned(), ok: true, message: message.into(), fix: None }
    }

    /// Something to mend, and how.
    pub fn bad(check: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check: check.to_owned(), ok: false, message: message.into(), fix: Some(fix.into()) }
    }
}

/// What the host knows of an installation before anybody is asked.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// What was found in the settings at the start.
    pub findings: Vec<Finding>,
    /// Storage is an account in Azure, and no file.
    pub azure_storage: bool,
    /// Where the wrapping key is.
    pub key: WrappingKeyPlace,
    /// Scheme and host under which providers reach this installation; `None` where they do not, and
    /// then they are not asked to call.
    pub public_url: Option<String>,
}

/// Where the wrapping key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WrappingKeyPlace {
    /// In a file.
    #[default]
    File,
    /// In Azure Key Vault.
    KeyVault,
    /// In a file that is made with the first account.
    NotMade,
}

impl Setup {
    /// How to mend storage that cannot be used; `roles` is what an identity needs there.
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
