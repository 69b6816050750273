//! Failures of the services and of connections to them.
//!
//! Only codes, statuses and the innermost cause are passed on: messages of the services may quote
//! keys, and URLs hold them.

use azure_core::error::ErrorKind;

use crate::Error;

/// A failure of a request.
#[derive(Debug)]
pub(super) enum AzureFault {
    /// An error of the store.
    Ours(Error),
    /// The service refused the request.
    Refused(ServiceRefusal),
}

/// A refusal of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code of the service; empty if there is none.
    pub code: String,
}

impl ServiceRefusal {
    /// Whether the table or queue does not exist (yet).
    pub fn is_table_missing(&self) -> bool {
        matches!(self.code.as_str(), "TableNotFound" | "QueueNotFound")
    }

    /// Whether the table, queue or row exists already.
    pub fn already_exists(&self) -> bool {
        self.status == 409 && self.code.ends_with("AlreadyExists")
    }

    /// Whether a row does not exist.
    pub fn is_row_missing(&self) -> bool {
        self.status == 404 && !self.is_table_missing()
    }

    /// Whether the condition of a write did not hold.
    pub fn conflicts(&self) -> bool {
        self.already_exists() || self.status == 412 || self.is_row_missing()
    }

    /// Whether a later attempt may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 429 | 500..) || self.code.ends_with("BeingDeleted")
    }
}

impl From<Error> for AzureFault {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<ServiceRefusal> for AzureFault {
    fn from(refusal: ServiceRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<azure_core::Error> for AzureFault {
    fn from(error: azure_core::Error) -> Self {
        Self::Ours(match error.kind() {
            ErrorKind::HttpResponse { status, error_code, .. } => {
                let code = error_code.clone().unwrap_or_default();
                return Self::Refused(ServiceRefusal { status: u16::from(*status), code });
            }
            ErrorKind::Connection | ErrorKind::Io => Error::Unavailable(format!(
                "no answer from the storage account ({})",
                innermost(&error)
            )),
            ErrorKind::Credential => Error::Unavailable(format!(
                "no token for the storage account ({}). Is an identity assigned to the app?",
                innermost(&error)
            )),
            _ => Error::Failed(format!(
                "the storage account's answer was not understood ({})",
                innermost(&error)
            )),
        })
    }
}

impl From<AzureFault> for Error {
    fn from(fault: AzureFault) -> Self {
        let ServiceRefusal { status, code } = match fault {
            AzureFault::Ours(error) => return error,
            AzureFault::Refused(refusal) if refusal.is_transient() => {
                return Error::Unavailable(format!(
                    "the storage account is busy (status {}, {})",
                    refusal.status, refusal.code
                ));
            }
            AzureFault::Refused(refusal) => refusal,
        };
        match status {
            401 | 403 => Error::Failed(format!(
                "the storage account refuses access (status {status}, {code}). Check the key, or \
                that the identity has the roles \
                 Storage Table Data Contributor and Storage Queue Data Contributor"
            )),
            413 => Error::TooLarge(format!("the storage account refuses the size ({code})")),
            _ if code.ends_with("TooLarge") => {
                Error::TooLarge(format!("the storage account refuses the size ({code})"))
            }
            _ => Error::Failed(format!(
                "the storage account refuses a request (status {status}, {code})"
            )),
        }
    }
}

/// The innermost cause: the error of the system, without the URLs of the outer errors.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, code: &str) -> Error {
        AzureFault::from(ServiceRefusal { status, code: code.into() }).into()
    }

    #[test]
    fn transient_faults_differ_from_permanent_ones() {
        for (status, code) in [
            (503, "ServerBusy"),
            (429, ""),
            (500, "InternalError"),
            (408, ""),
            (409, "TableBeingDeleted"),
        ] {
            assert!(matches!(fault(status, code), Error::Unavailable(_)), "{status} {code}");
        }
        assert!(matches!(fault(413, "RequestBodyTooLarge"), Error::TooLarge(_)));
        assert!(matches!(fault(400, "PropertyValueTooLarge"), Error::TooLarge(_)));
        assert!(
            fault(403, "AuthorizationPermissionMismatch")
                .to_string()
                .contains("Storage Table Data Contributor")
        );
    }

    #[test]
    fn a_lost_address_is_not_repeated() {
        let inner = std::io::Error::other("connection reset");
        let error = azure_core::Error::with_error(
            ErrorKind::Io,
            inner,
            "GET http://127.0.0.1/pairs(PartitionKey='secret')",
        );
        let converted = Error::from(AzureFault::from(error));
        assert!(
            matches!(&converted, Error::Unavailable(why) if why.contains("connection \
            reset") && !why.contains("secret")),
            "{converted}"
        );
    }
}
