//! The root of hash keys where there is no key file to keep it in: a sealed text in one row of the
//! storage.
//!
//! # Properties
//! * Made once: of several processes that begin together, the first to write its row wins, and the
//!   others take what it wrote.
//! * Never made anew where there is one: a row that does not open is an error, and stays as it is.
//! * Bound to its place like any sealed secret, and wrapped by the wrapping key: the row alone is
//!   worth nothing.
//! * Read at the first use, not at the start: a program whose key service is away starts, and says
//!   so when it is asked.
//! * After a rotation it is wrapped anew by whoever reads it next, and is seen to open before it
//!   replaces the old text.
//!
//! # How a host uses it
//! It implements [`RootRow`] over its storage, with a fixed place and with an insert that fails
//! where the row exists, and builds the vault with
//! [`Envelope::with_root_row`](crate::Envelope::with_root_row). It refuses to begin where secrets
//! are stored and the row is missing: those were sealed with another key, and a new root would know
//! no copy and no fingerprint of before.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::envelope::{self, Root};
use crate::{Error, Result, SealContext, WrappingKey};

/// One row that keeps the wrapped root. Failures of the storage are [`Error::Row`].
#[async_trait]
pub trait RootRow: Send + Sync {
    /// Where the row is: always the same.
    fn place(&self) -> SealContext<'_>;
    /// Its text, or `None` where there is no row yet.
    async fn read(&self) -> Result<Option<String>>;
    /// Writes it where there is none yet; `false` where somebody was first, whose row is untouched.
    async fn insert(&self, text: &str) -> Result<bool>;
    /// Writes `new` where the row still says `old`; `false` where it no longer does.
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

    /// The root. Asked by two at once, both read it: they find the same.
    pub(crate) async fn get(&self, key: &dyn WrappingKey) -> Result<&Root> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let root = match self.row.read().await? {
            Some(text) => {
                let root = open(key, self.row.place(), &text).await.map_err(of_the_row)?;
                self.refresh(key, &text, &root).await;
                root
            }
            None => self.create(key).await?,
        };
        Ok(self.root.get_or_init(|| root))
    }

    async fn create(&self, key: &dyn WrappingKey) -> Result<Root> {
        let place = self.row.place();
        let root = Root::random()?;
        let text = seal(key, place, &root).await?;
        // For ever after everything hangs on this text: it is opened once before it is kept.
        if !same(&open(key, place, &text).await?, &root) {
            return Err(of_the_row(Error::CannotOpen));
        }
        if self.row.insert(&text).await? {
            return Ok(root);
        }
        let first =
            self.row.read().await?.ok_or_else(|| {
                Error::Row("the row of its root vanished while it was made".into())
            })?;
        open(key, place, &first).await.map_err(of_the_row)
    }

    /// Wraps the row anew if the wrapping key was rotated, and says whether it was. Where somebody
    /// else has done so meanwhile, it is as well.
    pub(crate) async fn reseal(&self, key: &dyn WrappingKey) -> Result<bool> {
        let Some(text) = self.row.read().await? else { return Ok(false) };
        let place = self.row.place();
        let root = open(key, place, &text).await.map_err(of_the_row)?;
        let Some(new) = envelope::reseal_with(key, place, &text).await? else { return Ok(false) };
        if !same(&open(key, place, &new).await?, &root) {
            return Err(of_the_row(Error::CannotOpen));
        }
        self.row.replace(&text, &new).await
    }

    /// Wraps it anew if the wrapping key was rotated. What fails here is tried again by the next
    /// process: the old text still opens.
    async fn refresh(&self, key: &dyn WrappingKey, text: &str, root: &Root) {
        let place = self.row.place();
        if let Ok(Some(new)) = envelope::reseal_with(key, place, text).await
            && let Ok(again) = open(key, place, &new).await
            && same(&again, root)
        {
            let _ = self.row.replace(text, &new).await;
        }
    }
}

async fn seal(key: &dyn WrappingKey, place: SealContext<'_>, root: &Root) -> Result<String> {
    let text = Zeroizing::new(BASE64URL_NOPAD.encode(&root.0[..]));
    envelope::seal_with(key, place, &SecretString::from(text.as_str())).await
}

async fn open(key: &dyn WrappingKey, place: SealContext<'_>, text: &str) -> Result<Root> {
    let text = envelope::open_with(key, place, text).await?;
    let bytes = Zeroizing::new(
        BASE64URL_NOPAD.decode(text.expose_secret().as_bytes()).map_err(|_| Error::CannotOpen)?,
    );
    Ok(Root::new(bytes.as_slice().try_into().map_err(|_| Error::CannotOpen)?))
}

/// No secret of an account is at fault: whoever sees [`Error::CannotOpen`] would ask to connect it
/// again, in vain.
fn of_the_row(error: Error) -> Error {
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

fn same(a: &Root, b: &Root) -> bool {
    a.0[..] == b.0[..]
}

#[cfg(test)]
mod tests;
