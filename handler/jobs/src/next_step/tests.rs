use engine::provider::ProviderKind;
use providers::NotGranted;
use records::account::Suspended;
use records::problem::{Held, PairStatus};

use super::*;
use crate::problem::{
    problem_connecting, problem_keeping, problem_of_account, problem_of_accounts,
    problem_of_consent,
};

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn not_granted(step: ConsentStep, ended: bool) -> Error {
    let words = "the organisation has not agreed".into();
    let why = NotGranted { step, words, ended, claims: None };
    Error::Provider(providers::Error::NotGranted(Box::new(why)))
}

fn of_providers() -> Vec<Error> {
    use providers::Error as P;
    let text = || "it is `odd` -- and long".to_owned();
    [
        P::CursorExpired,
        P::ChangedMeanwhile,
        P::Exists,
        P::Gone,
        P::HasGuests,
        P::CalendarMissing,
        P::NoPush,
        P::Unauthorized,
        P::Consent(text()),
        P::Misconfigured(text()),
        P::Forbidden(text()),
        P::Refused(text()),
        P::NotRepresentable(text()),
        P::NameRefused(Box::new(P::Refused(text()))),
        P::RateLimited { retry_after: None },
        P::RateLimited { retry_after: Some(std::time::Duration::from_secs(90)) },
        P::Unreachable(text()),
        P::NoAnswer(text()),
        P::BadAnswer(text()),
        P::Address(text()),
        P::NotPublic(text()),
        P::Credentials(
            "the password of the account a1 is not stored any more; connect the account again \
            with `calrelay account add`"
                .into(),
        ),
    ]
    .into_iter()
    .map(Error::Provider)
    .collect()
}

/// An error of each kind.
fn errors() -> Vec<Error> {
    let text = || "it is odd".to_owned();
    let mut all = of_providers();
    all.extend([
        not_granted(ConsentStep::AskAdministrator, true),
        not_granted(ConsentStep::Again, true),
        not_granted(ConsentStep::SetUpWrongly, false),
        Error::Store(store::Error::Full),
        Error::Store(store::Error::NewerSchema { path: "x".into(), found: 2, known: 1 }),
        Error::Store(store::Error::Conflict(3)),
        Error::Store(store::Error::Unavailable(text())),
        Error::Store(store::Error::TooLarge(text())),
        Error::Store(store::Error::Failed(text())),
        Error::Vault(vault::Error::CannotOpen),
        Error::Vault(vault::Error::KeyFile(text())),
        Error::Vault(vault::Error::Unavailable(text())),
        Error::Request("--private-back is about what flows back; add --two-way".into()),
        Error::Request("these are paired already; remove it with `calrelay pair remove p1`".into()),
        Error::from(records::Error::NoPair(engine::calendar::PairId::new("p1"))),
        Error::from(records::Error::NoAccount(AccountId::new("a1"))),
        Error::SuspiciousEmpty,
        Error::SameCalendar,
        Error::CopiesUnrecognised,
        Error::Withheld { event: "e".into(), why: text() },
        Error::LeaseLost,
        Error::Damaged(text()),
    ]);
    all
}

const KINDS: [ProviderKind; 4] =
    [ProviderKind::Caldav, ProviderKind::Icloud, ProviderKind::Google, ProviderKind::Microsoft];

/// All problems that are made of an error.
fn problems(error: &Error) -> Vec<Problem> {
    let kept = "Nothing was stored.";
    let mut all = vec![
        Problem::from(error),
        problem_keeping(error, kept),
        problem_of_consent(error, kept),
        problem_of_accounts(error, true),
        problem_of_accounts(error, false),
    ];
    all.extend(KINDS.map(|kind| problem_connecting(error, kept, kind)));
    all.extend(KINDS.map(|kind| problem_of_account(error, kind)));
    all
}

fn account(id: &str, state: AccountStatus, error: Option<Problem>) -> Account {
    Account {
        id: AccountId::new(id),
        kind: ProviderKind::Google,
        name: "anna".into(),
        url: String::new(),
        user: "anna".into(),
        endpoint: "{}".into(),
        generation: 1,
        state,
        error,
        suspended: None,
    }
}

fn of_pair(error: Problem, accounts: [AccountStatus; 2]) -> Told {
    let state = StateRecord { error: Some(error), ..StateRecord::default() };
    let [from, to] = accounts;
    let accounts =
        PerSide { from: Some(account("a1", from, None)), to: Some(account("a2", to, None)) };
    Told::of_pair(&state, false, &accounts, now()).unwrap()
}

fn assert_neutral(text: &str) {
    assert!(!text.contains("`calrelay") && !text.contains("--"), "{text}");
    assert!(!names_command(text) && text.len() > 8, "{text:?}");
}

#[test]
fn no_problem_names_a_command() {
    let ok = AccountStatus::Ok;
    for error in errors() {
        let shown = |told: &Told| assert_neutral(&told.detail().replace("`odd` -- ", ""));
        shown(&Told::of_error(&error, None, now()));
        shown(&Told::of_error_keeping(&error, "Nothing was stored.", None, now()));
        for problem in problems(&error) {
            let told = of_pair(problem.clone(), [ok, ok]);
            assert_eq!(told.code, problem.code);
            shown(&told);
            let stored = account("a1", AccountStatus::Unreachable, Some(problem));
            shown(&Told::of_account(&stored, now()).unwrap());
        }
    }
}

#[test]
fn no_reason_names_a_command() {
    for reason in Reason::ALL {
        assert_neutral(&reason_in_words(reason));
        let mut event = EventProblem {
            event: "e1".into(),
            calendar: engine::calendar::CalendarId::new("c1"),
            reason,
            message: reason.in_words_about("it is full"),
            tries: 0,
            next_try: None,
        };
        assert_neutral(&Told::of_event(&event).detail());
        event.message = "It is lost; `calrelay sync --full` writes it once more.".into();
        (event.tries, event.next_try) = (2, Some(now()));
        assert_neutral(&Told::of_event(&event).detail());
        assert_neutral(&neutral(&event.in_words()));
    }
}

#[test]
fn what_happened_stays_and_the_command_goes() {
    for (text, left) in [
        ("There is no account a1; `calrelay account list` shows those.", "There is no account a1."),
        (
            "The pair waits for your answer: calrelay sync --pair p1 --make-again, or --leave-out.",
            "The pair waits for your answer.",
        ),
        (
            "It was tried twice, and is tried again at 09:00, or at once by `calrelay sync --full`.",
            "It was tried twice, and is tried again at 09:00.",
        ),
        (
            "Each poll of a running calrelay finds changes, and `calrelay sync` does. Set it.",
            "Each poll of a running calrelay finds changes. Set it.",
        ),
        ("See `calrelay doctor. It helps`. The other event stays.", "The other event stays."),
        ("--private-back needs --two-way.", "private-back needs two-way."),
        ("A running calrelay tries again.", "A running calrelay tries again."),
        ("The event a--b.ics is there.", "The event a--b.ics is there."),
    ] {
        assert_eq!(neutral(text), left);
    }
}

#[test]
fn the_step_follows_from_the_error() {
    use providers::Error as P;
    let anna = AccountId::new("a1");
    let of = |error: Error| Told::of_error(&error, Some(&anna), now()).next;
    let reconnect = NextStep::Reconnect { account: Some(anna.clone()) };
    assert_eq!(of(P::Unauthorized.into()), reconnect);
    assert_eq!(of(not_granted(ConsentStep::Again, true)), reconnect);
    assert_eq!(
        of(not_granted(ConsentStep::AskAdministrator, false)),
        NextStep::AskAdministrator { link: None }
    );
    let wait = std::time::Duration::from_secs(90);
    assert_eq!(
        of(P::RateLimited { retry_after: Some(wait) }.into()),
        NextStep::Wait { until: Some(now() + wait) }
    );
    assert_eq!(of(P::Unreachable("x".into()).into()), NextStep::Retry);
    assert_eq!(of(P::Misconfigured("x".into()).into()), NextStep::SetUp);
    assert_eq!(of(Error::Store(store::Error::Full)), NextStep::SetUp);
    assert_eq!(of(P::CalendarMissing.into()), NextStep::LookAtCalendar);
    assert_eq!(of(Error::SameCalendar), NextStep::EndPair);
    assert_eq!(of(P::NoPush.into()), NextStep::Nothing);
}

#[test]
fn a_stored_problem_has_its_step() {
    use AccountStatus::{NeedsReconnect, Ok, Unreachable};
    use providers::Error as P;
    let of = |error: P, accounts| of_pair(Problem::from(&error.into()), accounts).next;
    let reconnect = |id: &str| NextStep::Reconnect { account: Some(AccountId::new(id)) };
    assert_eq!(of(P::Unauthorized, [Ok, NeedsReconnect]), reconnect("a2"));
    assert_eq!(of(P::Unauthorized, [Ok, Ok]), NextStep::Reconnect { account: None });
    assert_eq!(of(P::Forbidden("x".into()), [Ok, Ok]), NextStep::LookAtCalendar);
    assert_eq!(of(P::Unreachable("x".into()), [Unreachable, Ok]), NextStep::Wait { until: None });
    let vault =
        |error: vault::Error, state| of_pair(Problem::from(&error.into()), [state, Ok]).next;
    assert_eq!(vault(vault::Error::CannotOpen, NeedsReconnect), reconnect("a1"));
    assert_eq!(vault(vault::Error::KeyFile("x".into()), Ok), NextStep::SetUp);
    assert_eq!(vault(vault::Error::Unavailable("x".into()), Ok), NextStep::Wait { until: None });
    let former = Problem { code: "of_another_release".into(), message: "It failed.".into() };
    let told = of_pair(former, [Ok, Ok]);
    assert_eq!(told.detail(), "It failed. It is tried again by itself.");
}

#[test]
fn a_failure_is_tried_again_when_the_account_is_open_and_the_streak_says_so() {
    let unreachable = Problem::from(&providers::Error::Unreachable("x".into()).into());
    let state = StateRecord {
        error: Some(unreachable),
        failing: Some(FailureStreak { times: 1, at: now() }),
        ..StateRecord::default()
    };
    let mut accounts = PerSide { from: Some(account("a1", AccountStatus::Ok, None)), to: None };
    let told = |accounts: &_| Told::of_pair(&state, false, accounts, now()).unwrap();
    let minute = SignedDuration::from_mins(1);
    assert_eq!(told(&accounts).next, NextStep::Wait { until: Some(now() + minute) });
    let closed = Suspended::for_at_least(std::time::Duration::from_secs(3600), now());
    if let Some(account) = &mut accounts.from {
        account.suspended = Some(closed);
    }
    let until = Some(now() + minute * 60);
    assert_eq!(told(&accounts).next, NextStep::Wait { until });
    let account = accounts.from.as_ref().unwrap();
    let of_account = Told::of_account(account, now()).unwrap();
    assert_eq!(of_account.next, NextStep::Wait { until });
    assert!(of_account.detail().ends_with("at 2026-03-10 13:00 UTC."), "{}", of_account.detail());
}

#[test]
fn a_pair_that_holds_or_is_paused_says_what_its_owner_can_do() {
    let pair = engine::calendar::PairId::new("p1");
    let held = records::pair_state::HeldRow {
        held: Held::new(&pair, 24, 40),
        since: now(),
        by_owner: false,
        emptied: Vec::new(),
    };
    let state =
        StateRecord { status: Some(PairStatus::Held), held: Some(held), ..StateRecord::default() };
    let none = PerSide::default();
    let told = Told::of_pair(&state, false, &none, now()).unwrap();
    assert_eq!(told.next, NextStep::LookAtHeld);
    assert_neutral(&told.detail());
    assert_eq!(Told::of_pair(&state, true, &none, now()).unwrap().next, NextStep::Resume);
    assert_eq!(Told::of_pair(&StateRecord::default(), false, &none, now()), None);
}

#[test]
fn a_step_is_data() {
    let step = NextStep::Reconnect { account: Some(AccountId::new("a1")) };
    assert_eq!(
        serde_json::to_value(step).unwrap(),
        serde_json::json!({"step": "reconnect", "account": "a1"})
    );
}
