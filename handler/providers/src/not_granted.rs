//! Why a provider gives no access, and what a person can do about it.

use std::fmt;

use crate::claims_request::ClaimsRequest;

/// What a person can do after a consent that gave no grant, or after the end of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConsentStep {
    /// To give the consent again.
    Again,
    /// To give the consent again, and to allow all that this program needs.
    AllowMore,
    /// To choose another account on the provider's page.
    AnotherAccount,
    /// To give the consent again after all: the person said no, or went back from a page that
    /// wants an administrator.
    Declined,
    /// To ask the administrator of the organisation, who has to allow this program first.
    AskAdministrator,
    /// Nothing here: a policy of the organisation blocks the sign-in.
    BlockedByPolicy,
    /// Nothing: the operator of this program has to correct its registration or its settings.
    SetUpWrongly,
    /// To try again later.
    Later,
}

/// A provider gives no access to an account until a person has done something.
#[derive(Clone, PartialEq, Eq)]
pub struct NotGranted {
    /// What is to be done.
    pub step: ConsentStep,
    /// What happened, as a sentence for the owner. Quotes nothing of the provider's answer.
    pub words: String,
    /// Whether a grant that was valid has ended, and not a consent failed.
    pub ended: bool,
    /// What the next sign-in has to prove.
    pub claims: Option<ClaimsRequest>,
}

impl fmt::Display for NotGranted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl fmt::Debug for NotGranted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotGranted")
            .field("step", &self.step)
            .field("words", &self.words)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
