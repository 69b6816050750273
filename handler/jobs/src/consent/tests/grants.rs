//! Grants of several owners and clients.

use super::*;

/// The person identifies the account, not the grant.
#[tokio::test]
async fn a_second_consent_of_a_person_keeps_the_account() {
    let world = world();
    let first = adopt(&world.scope, ProviderKind::Google, &"1//a".into()).await.unwrap();
    assert!(!first.was_connected_before());
    for token in ["1//b", "1//c@c2", "1//d"] {
        let again = adopt(&world.scope, ProviderKind::Google, &token.into()).await.unwrap();
        assert!(again.id == first.id && again.was_connected_before(), "{token}");
        assert_eq!(world.accounts().await, 1);
    }
}

#[tokio::test]
async fn a_grant_is_revoked_by_its_last_holder() {
    let world = world();
    let anna = adopt(&world.scope, ProviderKind::Google, &"1//a".into()).await.unwrap();
    let other = Services { ..world.scope.services.clone() }.scope("other");
    adopt(&other, ProviderKind::Google, &"1//b".into()).await.unwrap();
    assert!(
        crate::remove_account::remove_account(&world.scope, &anna.id)
            .await
            .unwrap()
            .grant_left
            .is_none()
    );
    assert!(world.provider.withdrawn.lock().unwrap().is_empty(), "the other one still needs it");
    crate::remove_account::remove_account(&other, &anna.id).await.unwrap();
    assert_eq!(*world.provider.withdrawn.lock().unwrap(), ["1//b"]);
}

#[tokio::test]
async fn a_consent_to_another_client_gives_up_the_first_grant() {
    let world = world();
    let other = Services { ..world.scope.services.clone() }.scope("other");
    adopt(&world.scope, ProviderKind::Google, &"1//a".into()).await.unwrap();
    let held = adopt(&other, ProviderKind::Google, &"1//b".into()).await.unwrap();
    adopt(&world.scope, ProviderKind::Google, &"1//c@c2".into()).await.unwrap();
    crate::remove_account::remove_account(&other, &held.id).await.unwrap();
    assert_eq!(*world.provider.withdrawn.lock().unwrap(), ["1//b"], "it was the last one");
}

#[tokio::test]
async fn an_account_is_removed_although_its_grant_cannot_be_revoked() {
    let world = world();
    let anna = adopt(&world.scope, ProviderKind::Google, &"1//a".into()).await.unwrap();
    *world.provider.refuse.lock().unwrap() = Some(providers::Error::Unreachable("x".into()));
    assert!(
        crate::remove_account::remove_account(&world.scope, &anna.id)
            .await
            .unwrap()
            .grant_left
            .is_some()
    );
    assert_eq!(world.accounts().await, 0);
    assert!(
        world.scope.store.scan(Table::Secrets, "local", "", None, 10).await.unwrap().is_empty()
    );
}

#[tokio::test]
async fn what_is_no_refresh_token_is_not_sent() {
    let world = world();
    for text in ["", "1//a b", "1//a\u{0}", "ä"] {
        let refused = adopt(&world.scope, ProviderKind::Google, &text.into()).await;
        assert!(
            matches!(refused, Err(Error::Provider(providers::Error::Credentials(_)))),
            "{text:?}"
        );
    }
}
