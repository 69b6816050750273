//! The root of hash keys of a vault without a key file: a sealed text in one row of the storage.
//!
//! # Properties
//! * Created once: of several processes that start together, the first to insert its row wins, and
//!   the others read that row.
//! * Never replaced by another root: a row that does not open is an error, and stays unchanged.
//! * Bound to its row like any sealed secret, and wrapped by the wrapping key: the row alone opens
//!   nothing.
//! * Read at the first use, not at the start: the program starts while its key service is
//!   unreachable, and the first use reports the failure.
//! * After a rotation the next process that reads the row wraps the root again. The new text
//!   replaces the old one only after it was opened.
//!
//! # How a host uses it
//! It implements [`RootRow`] over its storage, with a fixed key and with an insert that fails if
//! the row exists, and builds the vault with
//! [`Envelope::with_root_row`](crate::Envelope::with_root_row). It refuses to start if secrets are
//! stored and the row is missing: those secrets were sealed with another key, and with a new root
//! no stored fingerprint would match.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::sealed::{self, Root};
use crate::{Error, Result, SealContext, WrappingKey};

/// The row of the wrapped root. Failures of the storage are [`Error::Row`].
#[async_trait]
pub trait RootRow: Send + Sync {
    /// The keys of the row; they never change.
    fn context(&self) -> SealContext<'_>;
    /// The text of the row; `None` if there is no row.
    async fn read(&self) -> Result<Option<String>>;
    /// Inserts the row; `false` if the row exists, which is then unchanged.
    async fn insert(&self, text: &str) -> Result<bool>;
    /// Writes `new` if the row still holds `old`; otherwise `false`.
    async fn replace(&self, old: &str, new: &str) -> Result<bool>;
}

/// A root that is read from its row when it is first needed.
pub(crate) struct RootStore {
    row: Arc<dyn RootRow>,
    root: OnceLock<Root>,
}

impl RootStore {
    pub(crate) fn new(row: Arc<dyn RootRow>) -> Self {
        Self { row, root: OnceLock::new() }
    }

    /// The root. Two concurrent calls both read the row and find equal roots.
    pub(crate) async fn get(&self, key: &dyn WrappingKey) -> Result<&Root> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let root = match self.row.read().await? {
            Some(text) => {
                let root = open(key, self.row.context(), &text).await.map_err(row_error)?;
                self.refresh(key, &text, &root).await;
                root
            }
            None => self.create(key).await?,
        };
        Ok(self.root.get_or_init(|| root))
    }

    async fn create(&self, key: &dyn WrappingKey) -> Result<Root> {
        let place = self.row.context();
        let root = Root::random()?;
        let text = seal(key, place, &root).await?;
        // Every later fingerprint depends on this text, so it is opened once before it is stored.
        if !is_equal(&open(key, place, &text).await?, &root) {
            return Err(row_error(Error::CannotOpen));
        }
        if self.row.insert(&text).await? {
            return Ok(root);
        }
        let first =
            self.row.read().await?.ok_or_else(|| {
                Error::Row("the row of its root vanished while it was made".into())
            })?;
        open(key, place, &first).await.map_err(row_error)
    }

    /// Wraps the root again if the wrapping key was rotated. Returns whether this call replaced the
    /// row; another process may have replaced it at the same time.
    pub(crate) async fn reseal(&self, key: &dyn WrappingKey) -> Result<bool> {
        let Some(text) = self.row.read().await? else { return Ok(false) };
        let place = self.row.context();
        let root = open(key, place, &text).await.map_err(row_error)?;
        let Some(new) = sealed::reseal_with(key, place, &text).await? else { return Ok(false) };
        if !is_equal(&open(key, place, &new).await?, &root) {
            return Err(row_error(Error::CannotOpen));
        }
        self.row.replace(&text, &new).await
    }

    /// Wraps the root again if the wrapping key was rotated. A failure is ignored, since the old
    /// text still opens; the next process tries again.
    async fn refresh(&self, key: &dyn WrappingKey, text: &str, root: &Root) {
        let place = self.row.context();
        if let Ok(Some(new)) = sealed::reseal_with(key, place, text).await
            && let Ok(again) = open(key, place, &new).await
            && is_equal(&again, root)
        {
            let _ = self.row.replace(text, &new).await;
        }
    }
}

async fn seal(key: &dyn WrappingKey, place: SealContext<'_>, root: &Root) -> Result<String> {
    let text = Zeroizing::new(BASE64URL_NOPAD.encode(&root.0[..]));
    sealed::seal_with(key, place, &SecretString::from(text.as_str())).await
}

async fn open(key: &dyn WrappingKey, place: SealContext<'_>, text: &str) -> Result<Root> {
    let text = sealed::open_with(key, place, text).await?;
    let bytes = Zeroizing::new(
        BASE64URL_NOPAD.decode(text.expose_secret().as_bytes()).map_err(|_| Error::CannotOpen)?,
    );
    Ok(Root::new(bytes.as_slice().try_into().map_err(|_| Error::CannotOpen)?))
}

/// [`Error::CannotOpen`] would make callers ask the owner to connect an account again, although the
/// secret of the account is intact.
fn row_error(error: Error) -> Error {
    match error {
        Error::CannotOpen => Error::Row(
            "what it keeps was damaged or sealed with another key, and was left as it is. Restore \
            the storage from a backup, or set \
             CALRELAY_KEY_VAULT_KEY back to the key that sealed it"
                .into(),
        ),
        error => error,
    }
}

fn is_equal(a: &Root, b: &Root) -> bool {
    a.0[..] == b.0[..]
}

#[cfg(test)]
mod tests;
