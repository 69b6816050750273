//! Connecting an account with a password, for the API and the pages.

use engine::provider::ProviderKind;
use jobs::access::count_try;
use records::account::Account;
use secrecy::SecretString;

use crate::visitor::Visitor;

/// Passwords that are tried within a minute, for a user at a host.
const TRIES_OF_USER: usize = 5;
/// Passwords that one visitor tries within a minute.
const TRIES_OF_VISITOR: usize = 20;

/// An account to be connected.
pub struct PasswordAccount<'a> {
    pub kind: ProviderKind,
    pub url: &'a str,
    pub user: &'a str,
    pub password: SecretString,
}

/// Why no account was connected.
pub enum ConnectError {
    /// Passwords are not guessed here: the right one is refused, too, once there were too many
    /// tries.
    TooManyTries {
        seconds: u64,
    },
    Failed(jobs::Error),
}

impl<E: Into<jobs::Error>> From<E> for ConnectError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl PasswordAccount<'_> {
    /// Tries the password and stores the account. Its calendars are listed, too; a failure of that
    /// is an error of the account.
    ///
    /// # Errors
    /// Nothing was stored.
    pub async fn connect(self, visitor: &Visitor) -> Result<Account, ConnectError> {
        self.limit_tries(visitor).await?;
        let connect = async {
            let Self { kind, url, user, password } = &self;
            let connect =
                jobs::accounts::connect_account(&visitor.scope, *kind, url, user, password);
            let account = connect.await?;
            jobs::accounts::calendars(&visitor.scope, Some(&account.id)).await?;
            Ok(account)
        };
        let id = |account: &Account| Some(account.id.to_string());
        Ok(visitor.audited("account.add", self.kind.as_str(), connect, id).await?)
    }

    async fn limit_tries(&self, visitor: &Visitor) -> Result<(), ConnectError> {
        let url = self.url.trim();
        let url = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
        let host = url::Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let user = self.user.trim().to_lowercase();
        let user = format!("password {user}@{}", host.unwrap_or_default());
        let of_visitor = format!("passwords of {}", visitor.scope.owner);
        for (name, most) in [(user, TRIES_OF_USER), (of_visitor, TRIES_OF_VISITOR)] {
            if let Some(wait) = count_try(&visitor.scope, &name, most).await? {
                let seconds = wait.as_secs().unsigned_abs().max(1);
                return Err(ConnectError::TooManyTries { seconds });
            }
        }
        Ok(())
    }
}
