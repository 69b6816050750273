//! What Microsoft's refusals mean, and what a person can do: one table.
//!
//! `error` and `suberror` are the interface; numbers (`AADSTS…`) only refine the words, because
//! Microsoft changes them. A number that the table does not have leads to the row of its `error`.

use crate::oauth::{OAuthRefusal, TokenRequest};
use crate::{ConsentStep, Error, NotGranted};

/// What a row leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// A person has to act.
    Person(ConsentStep),
    /// The operator has to act. No account changes.
    Operator,
    /// No action is needed.
    Wait,
}

use ConsentStep::{Again, AnotherAccount, AskAdministrator, BlockedByPolicy, Declined};
use Meaning::{Operator, Person, Wait};

/// A row: what it means, and a sentence.
type Row = (Meaning, &'static str);

const CONSENT_GONE: Row = (
    Person(Again),
    "the consent is not there any more: you, or an administrator of your organisation, have taken it \
    back. Connect the account again; if Microsoft then says no, an administrator has to allow \
    calrelay first",
);
const ADMINISTRATOR: Row = (
    Person(AskAdministrator),
    "in your organisation an administrator has to allow calrelay before anyone there can connect \
    an account. Send the link to the administrator of Microsoft 365 there, and connect the account \
    again afterwards",
);
const DECLINED: Row = (
    Person(Declined),
    "the answer was no. If you said no by mistake, connect the account again. If Microsoft asked \
    for an administrator, send the link to the administrator of Microsoft 365 in your \
    organisation, and connect the account again afterwards",
);
const NOT_ASSIGNED: Row = (
    Person(AskAdministrator),
    "your organisation lets only certain people use calrelay, and you are not among them. Ask \
    the administrator of Microsoft 365 there to add you, and connect the account again afterwards",
);
const WRONG_ACCOUNT: Row = (
    Person(AnotherAccount),
    "this account cannot be used here: it does not belong to the directory that was asked. Connect \
    again, and choose the account whose calendars are to be copied",
);
const NOT_KNOWN: Row = (
    Person(AnotherAccount),
    "this account cannot be used here: its directory does not know this program. Connect again, and \
    choose the account whose calendars are to be copied. Where every account is refused, the \
    operator has to correct MICROSOFT_CLIENT_ID",
);
const MORE_PROOF: Row = (
    Person(Again),
    "your organisation wants another proof that it is you (a code, or an approval on your \
    telephone). Connect the account again, and give it on Microsoft's page",
);
const BLOCKED: Row = (
    Person(BlockedByPolicy),
    "a policy of your organisation blocks the sign-in from here (Conditional Access: the device, \
    the place or the program). Ask the administrator of Microsoft 365 there; when the policy \
    allows it, connect the account again",
);
const REVOKED: Row = (
    Person(Again),
    "the consent has ended, because the password was changed or all sessions were ended. Connect \
    the account again",
);
const EXPIRED: Row = (
    Person(Again),
    "the consent has expired: it was not used for 90 days, or your organisation wants a new \
    sign-in from time to time. Connect the account again",
);
const CODE_USED: Row = (
    Person(Again),
    "Microsoft did not take the answer of its own page: it had been used, or it came too late. \
    Begin again",
);
const NO_ACCOUNT: Row = (
    Person(AnotherAccount),
    "Microsoft says that this account is disabled, or does not exist any more. Ask the \
    administrator of Microsoft 365 in your organisation, or connect another account",
);
const SOVEREIGN: Row = (
    Person(AnotherAccount),
    "this account is of one of Microsoft's separate clouds (for the government of the United \
    States, or for China), with which calrelay does not work. Connect an account of the worldwide \
    cloud",
);
const ENDED: Row = (Person(Again), "the consent has ended. Connect the account again");
const NOT_ADOPTED: Row = (
    Person(Again),
    "Microsoft does not accept this refresh token: it was given to another app registration, it has \
    ended, or it is none",
);
const SECRET_WRONG: Row = (
    Operator,
    "Microsoft does not accept this program's client secret. Compare MICROSOFT_CLIENT_SECRET with \
    the registration in the Microsoft Entra admin center: it is the value of the secret, and not \
    its id",
);
const SECRET_EXPIRED: Row = (
    Operator,
    "the client secret of this program has expired. Make a new one in the registration in the \
    Microsoft Entra admin center, and set MICROSOFT_CLIENT_SECRET to its value",
);
const CLIENT_WRONG: Row = (
    Operator,
    "Microsoft does not accept this program's registration. Compare MICROSOFT_CLIENT_ID and \
    MICROSOFT_CLIENT_SECRET with the registration in the Microsoft Entra admin center; its account \
    types have to be any directory and personal accounts",
);
const REDIRECT_WRONG: Row = (
    Operator,
    "the redirect URI of this program is not registered at Microsoft. `calrelay doctor` says which \
    one to enter, for the platform Web",
);
const LOGIN_URL_WRONG: Row = (
    Operator,
    "Microsoft does not know the directory that was asked. Correct MICROSOFT_LOGIN_URL, or remove \
    it",
);
const REQUEST_WRONG: Row = (
    Operator,
    "Microsoft refused a request of this program, which is a mistake in it or in its registration",
);
const FAILED: Row = (Wait, "failed");

/// The rows by number.
const BY_NUMBER: &[(&[u32], Row)] = &[
    (&[65_004], DECLINED),
    (&[65_001], CONSENT_GONE),
    (&[90_094, 90_093, 90_095, 90_097, 900_941, 90_008], ADMINISTRATOR),
    (&[50_105], NOT_ASSIGNED),
    (&[50_020, 90_072, 50_177, 50_178], WRONG_ACCOUNT),
    (&[700_016], NOT_KNOWN),
    (&[50_076, 50_079, 50_078, 50_158, 50_072, 50_074], MORE_PROOF),
    (&[53_000, 53_001, 53_002, 53_003, 53_004, 530_032, 530_034], BLOCKED),
    (&[50_173], REVOKED),
    (&[700_082, 70_008, 70_043, 700_084], EXPIRED),
    (&[54_005], CODE_USED),
    (&[50_057, 50_034, 500_341], NO_ACCOUNT),
    (&[900_439, 900_432, 900_382, 90_051], SOVEREIGN),
    (&[7_000_215, 7_000_218], SECRET_WRONG),
    (&[7_000_222], SECRET_EXPIRED),
    (&[50_011, 500_112, 500_113], REDIRECT_WRONG),
    (&[90_002, 900_023], LOGIN_URL_WRONG),
    (&[90_033], FAILED),
];

/// The rows by `suberror`.
const BY_SUBERROR: &[(&str, Row)] = &[
    ("client_mismatch", CLIENT_WRONG),
    ("consent_required", CONSENT_GONE),
    ("bad_token", ENDED),
    ("token_expired", EXPIRED),
    ("basic_action", MORE_PROOF),
    ("additional_action", MORE_PROOF),
    ("message_only", BLOCKED),
    ("protection_policy_required", BLOCKED),
];

/// The row of an `error`.
fn by_error(error: &str) -> Row {
    match error {
        "access_denied" => DECLINED,
        "consent_required" => CONSENT_GONE,
        "interaction_required" | "login_required" | "account_selection_required" => MORE_PROOF,
        "invalid_grant" => ENDED,
        "invalid_client" => CLIENT_WRONG,
        "temporarily_unavailable" | "server_error" => FAILED,
        _ => REQUEST_WRONG,
    }
}

fn row(request: Option<TokenRequest>, said: &OAuthRefusal) -> Row {
    let of_error = by_error(said.code());
    let by_number = said.numbers().iter().find_map(|number| {
        BY_NUMBER.iter().find(|(numbers, _)| numbers.contains(number)).map(|(_, row)| *row)
    });
    let found = match said.code() {
        // An account is not the reason, with any number.
        "invalid_client" => by_number.filter(|(meaning, _)| *meaning == Operator),
        "temporarily_unavailable" | "server_error" => None,
        // A grant of another client is the operator's mistake.
        _ if said.subcode() == Some("client_mismatch") => Some(CLIENT_WRONG),
        _ => by_number.or_else(|| {
            let subcode = said.subcode()?;
            BY_SUBERROR.iter().find(|(known, _)| *known == subcode).map(|(_, row)| *row)
        }),
    };
    let row = found.unwrap_or(of_error);
    match request {
        // The consent was given a moment ago: the person cannot give it alone.
        None | Some(TokenRequest::Code) if row == CONSENT_GONE => ADMINISTRATOR,
        Some(TokenRequest::Code) if row == ENDED || row == EXPIRED => CODE_USED,
        Some(TokenRequest::Adopt) if row == ENDED => NOT_ADOPTED,
        // No account has been chosen, so that it cannot be the reason.
        Some(TokenRequest::Adopt | TokenRequest::Check) if row == NOT_KNOWN => CLIENT_WRONG,
        _ => row,
    }
}

/// The error for a refusal by the token endpoint, or on the redirect (`None`), whose host is
/// `host`.
pub(super) fn error(request: Option<TokenRequest>, said: &OAuthRefusal, host: &str) -> Error {
    let (meaning, words) = row(request, said);
    match meaning {
        Wait => Error::Unreachable(format!("{host} {words}")),
        Operator => Error::Misconfigured(match said.numbers().first() {
            Some(number) => format!("{words} (AADSTS{number})"),
            None => format!("{words} ({})", said.code()),
        }),
        Person(step) => Error::NotGranted(Box::new(NotGranted {
            step,
            words: match said.numbers().first() {
                Some(number) => format!("{words} (AADSTS{number})"),
                None => words.to_owned(),
            },
            ended: !matches!(request, None | Some(TokenRequest::Code)),
            claims: said.claims().cloned(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::refusal_of;

    const REFRESH: Option<TokenRequest> = Some(TokenRequest::Refresh);
    const CODE: Option<TokenRequest> = Some(TokenRequest::Code);

    fn meaning(request: Option<TokenRequest>, said: &OAuthRefusal) -> ConsentStep {
        error(request, said, "login.example.org").consent_step()
    }

    #[test]
    fn a_token_that_is_adopted_was_not_accepted_before() {
        let said = refusal_of("invalid_grant", None, Some(70_000));
        let words = |request| error(Some(request), &said, "login.example.org").to_string();
        assert!(words(TokenRequest::Adopt).contains("this refresh token"));
        assert!(words(TokenRequest::Refresh).contains("the consent has ended"));
    }

    /// Every row of the table in microsoft.md, with the `error` that comes with it.
    #[test]
    fn every_number_leads_to_a_sentence_and_a_next_step() {
        use ConsentStep::{Later, SetUpWrongly};
        for (code, numbers, step) in [
            ("access_denied", &[65_004][..], Declined),
            ("invalid_grant", &[65_001], Again),
            ("access_denied", &[90_094, 90_093, 90_095, 90_097, 900_941], AskAdministrator),
            ("invalid_grant", &[50_105], AskAdministrator),
            ("invalid_request", &[50_020], AnotherAccount),
            ("unauthorized_client", &[700_016], AnotherAccount),
            ("interaction_required", &[50_076, 50_079, 50_078, 50_158], Again),
            ("invalid_grant", &[50_076, 50_079, 50_078, 50_158], Again),
            ("interaction_required", &[53_000, 53_001, 53_002, 53_003, 530_032], BlockedByPolicy),
            ("invalid_grant", &[50_173, 700_082, 70_008, 70_043, 54_005], Again),
            ("invalid_grant", &[50_057, 50_034, 500_341], AnotherAccount),
            ("invalid_client", &[7_000_215, 7_000_222, 7_000_218], SetUpWrongly),
            ("invalid_request", &[50_011, 90_002], SetUpWrongly),
            ("temporarily_unavailable", &[90_033], Later),
            ("server_error", &[90_033], Later),
            ("invalid_request", &[900_439, 900_432], AnotherAccount),
        ] {
            for number in numbers {
                let said = refusal_of(code, None, Some(*number));
                assert_eq!(meaning(REFRESH, &said), step, "{code} {number}");
                let words = error(REFRESH, &said, "login.example.org").to_string();
                assert!(words.len() > 30, "{number}: {words}");
                if let Error::NotGranted(why) = error(REFRESH, &said, "x") {
                    assert!(why.words.contains(&format!("AADSTS{number}")) && why.ended);
                }
            }
        }
    }

    #[test]
    fn an_unknown_program_is_a_wrong_registration_where_no_account_was_chosen() {
        let said = refusal_of("unauthorized_client", None, Some(700_016));
        for request in [TokenRequest::Adopt, TokenRequest::Check] {
            assert_eq!(meaning(Some(request), &said), ConsentStep::SetUpWrongly);
        }
        for request in [None, CODE, REFRESH] {
            assert_eq!(meaning(request, &said), AnotherAccount);
            let words = error(request, &said, "login.example.org").to_string();
            assert!(words.contains("MICROSOFT_CLIENT_ID"), "{words}");
        }
    }

    #[test]
    fn an_unknown_number_leads_to_the_row_of_its_error() {
        use ConsentStep::{Later, SetUpWrongly};
        for (code, step) in [
            ("access_denied", Declined),
            ("consent_required", Again),
            ("interaction_required", Again),
            ("login_required", Again),
            ("invalid_grant", Again),
            ("invalid_client", SetUpWrongly),
            ("invalid_request", SetUpWrongly),
            ("invalid_scope", SetUpWrongly),
            ("unauthorized_client", SetUpWrongly),
            ("unsupported_grant_type", SetUpWrongly),
            ("something_new", SetUpWrongly),
            ("", SetUpWrongly),
            ("temporarily_unavailable", Later),
            ("server_error", Later),
        ] {
            for number in [None, Some(99_999_999)] {
                let said = refusal_of(code, None, number);
                assert_eq!(meaning(REFRESH, &said), step, "{code}");
            }
        }
    }

    #[test]
    fn a_suberror_refines_what_a_number_does_not() {
        use ConsentStep::SetUpWrongly;
        for (suberror, step) in [
            ("bad_token", Again),
            ("token_expired", Again),
            ("consent_required", Again),
            ("basic_action", Again),
            ("additional_action", Again),
            ("message_only", BlockedByPolicy),
            ("protection_policy_required", BlockedByPolicy),
            ("client_mismatch", SetUpWrongly),
            ("something_new", Again),
        ] {
            let said = refusal_of("invalid_grant", Some(suberror), None);
            assert_eq!(meaning(REFRESH, &said), step, "{suberror}");
        }
        let said = refusal_of("invalid_grant", Some("client_mismatch"), Some(70_000));
        assert_eq!(meaning(REFRESH, &said), SetUpWrongly);
    }

    /// The secret is the operator's, and a server that fails concerns no account, with any number.
    #[test]
    fn neither_a_wrong_secret_nor_a_failing_server_marks_an_account() {
        for number in [None, Some(7_000_222), Some(50_173), Some(65_001)] {
            for request in [REFRESH, CODE] {
                let client = error(request, &refusal_of("invalid_client", None, number), "x");
                assert!(matches!(client, Error::Misconfigured(_)), "{number:?}: {client:?}");
                let failed =
                    error(request, &refusal_of("temporarily_unavailable", None, number), "x");
                assert!(failed.is_transient(), "{number:?}: {failed:?}");
            }
        }
        let words = |number| error(REFRESH, &refusal_of("invalid_client", None, number), "x");
        assert!(words(Some(7_000_222)).to_string().contains("expired"));
        assert!(words(Some(7_000_215)).to_string().contains("not its id"));
    }

    #[test]
    fn a_consent_that_is_missing_right_after_it_was_given_is_the_administrators() {
        let said = refusal_of("invalid_grant", Some("consent_required"), Some(65_001));
        assert_eq!(meaning(REFRESH, &said), Again);
        assert_eq!([meaning(CODE, &said), meaning(None, &said)], [AskAdministrator; 2]);
        let code = error(CODE, &refusal_of("invalid_grant", None, Some(70_008)), "x");
        assert!(code.to_string().contains("too late"), "{code}");
    }
}
