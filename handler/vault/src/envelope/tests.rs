//! Sealed secrets: what opens, and what must not open.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::sealed::{DataKey, associated, open, random, seal};
use crate::{Error, Wrapped, version_of};

/// A wrapping key like that of a key service: its versions are URLs, and it counts calls.
#[derive(Default)]
struct Service {
    keys: Mutex<Vec<DataKey>>,
    unwraps: AtomicU32,
}

impl Service {
    fn rotate(&self) {
        self.keys.lock().unwrap().push(random().unwrap());
    }

    fn version(number: usize) -> String {
        format!("https://keys.example/keys/k.e.y/{number}")
    }
}

#[async_trait]
impl WrappingKey for Service {
    async fn current(&self) -> Result<String> {
        Ok(Self::version(self.keys.lock().unwrap().len()))
    }

    async fn wrap(&self, data_key: &[u8]) -> Result<Wrapped> {
        let keys = self.keys.lock().unwrap();
        let bytes = seal(&keys.last().unwrap()[..], b"", data_key)?;
        Ok(Wrapped { version: Self::version(keys.len()), key: BASE64URL_NOPAD.encode(&bytes) })
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        self.unwraps.fetch_add(1, Ordering::SeqCst);
        let keys = self.keys.lock().unwrap();
        let number = (1..=keys.len())
            .find(|n| Self::version(*n) == wrapped.version)
            .ok_or(Error::CannotOpen)?;
        open(
            &keys[number - 1][..],
            b"",
            &BASE64URL_NOPAD.decode(wrapped.key.as_bytes()).map_err(|_| Error::CannotOpen)?,
        )
    }

    async fn use_newest(&self) -> Result<String> {
        self.rotate();
        self.current().await
    }

    async fn retire(&self, _: &BTreeSet<String>) -> Result<usize> {
        Ok(0)
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

fn vault() -> Envelope<Service> {
    let service = Service::default();
    service.rotate();
    Envelope::new(service, Root::random().unwrap())
}

const PLACE: SealContext<'_> = SealContext { table: "secrets", partition: "local", row: "a1" };

const SECRET: &str = "abcd-efgh-ijkl-mnop";

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn sealed(vault: &Envelope<Service>) -> String {
    run(vault.seal(PLACE, &SECRET.into())).unwrap()
}

/// Opens a sealed text.
fn opened(vault: &Envelope<Service>, place: SealContext<'_>, text: &str) -> Result<String> {
    run(vault.open(place, text)).map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn a_secret_comes_back() {
    let vault = vault();
    for secret in ["", SECRET, "geheim ✓ \0\n", &"x".repeat(10_000)] {
        let text = run(vault.seal(PLACE, &secret.into())).unwrap();
        assert_eq!(opened(&vault, PLACE, &text).unwrap(), secret);
        assert!(text.bytes().all(|b| b.is_ascii_graphic()), "printable: {text}");
        assert!(text.starts_with("v1.https://keys.example/keys/k.e.y/1."));
    }
    assert!(sealed(&vault).len() < 220, "compact: {}", sealed(&vault).len());
}

#[test]
fn it_says_which_version_it_needs() {
    let vault = vault();
    assert_eq!(version_of(&sealed(&vault)).unwrap(), "https://keys.example/keys/k.e.y/1");
    for text in ["", "v1", "v1.x", "v1.x.y", "v2.x.y.zzzz"] {
        assert!(matches!(version_of(text), Err(Error::CannotOpen)), "{text}");
    }
}

#[test]
fn nothing_of_it_can_be_seen() {
    let vault = vault();
    let (one, two) = (sealed(&vault), sealed(&vault));
    assert!(
        !one.contains("abcd") && !one.contains(&BASE64URL_NOPAD.encode(&SECRET.as_bytes()[..12]))
    );
    for (a, b) in one.rsplitn(3, '.').zip(two.rsplitn(3, '.')).take(2) {
        assert_ne!(a, b, "the same secret has another data key and another nonce each time");
    }
    assert_eq!(format!("{vault:?} {:?}", Root::new(&[7; 32])), "Envelope Root");
    assert!(!format!("{:?}", run(vault.open(PLACE, &one))).contains("abcd"));
}

#[test]
fn it_opens_in_its_place_only() {
    let vault = vault();
    let text = sealed(&vault);
    let elsewhere = [
        SealContext { table: "pairs", ..PLACE },
        SealContext { partition: "other", ..PLACE },
        SealContext { row: "a2", ..PLACE },
        SealContext { row: "", ..PLACE },
        // The same letters, divided elsewhere.
        SealContext { table: "secret", partition: "slocal", row: "a1" },
        SealContext { partition: "locala", row: "1", ..PLACE },
        SealContext { partition: "a1", row: "local", ..PLACE },
    ];
    for place in elsewhere {
        assert!(matches!(opened(&vault, place, &text), Err(Error::CannotOpen)), "{place:?}");
        assert!(
            run(vault.reseal(place, &text)).unwrap().is_none(),
            "of the current version: not looked at"
        );
    }
    vault.wrapping_key().rotate();
    for place in elsewhere {
        assert!(matches!(run(vault.reseal(place, &text)), Err(Error::CannotOpen)), "{place:?}");
    }
}

#[test]
fn another_key_does_not_open_it() {
    let (vault, other) = (vault(), vault());
    assert!(matches!(opened(&other, PLACE, &sealed(&vault)), Err(Error::CannotOpen)));
}

#[test]
fn parts_of_two_secrets_make_no_third() {
    let vault = vault();
    let (one, two) = (sealed(&vault), sealed(&vault));
    let (wrapping, _) = one.rsplit_once('.').unwrap();
    let (_, payload) = two.rsplit_once('.').unwrap();
    assert!(matches!(
        opened(&vault, PLACE, &format!("{wrapping}.{payload}")),
        Err(Error::CannotOpen)
    ));
}

#[test]
fn texts_that_are_none_do_not_open() {
    let vault = vault();
    let version = Service::version(1);
    let texts = [
        "",
        ".",
        "...",
        "v1",
        "v1...",
        "v2.x.y.z",
        "plain password",
        "v1.x.!.!",
        &format!("v1.{version}.AAAA.AAAA"),
    ];
    for text in texts {
        assert!(matches!(opened(&vault, PLACE, text), Err(Error::CannotOpen)), "{text:?}");
    }
    let newer = sealed(&vault).replacen("v1", "v2", 1);
    assert!(matches!(opened(&vault, PLACE, &newer), Err(Error::CannotOpen)));
}

#[test]
fn rotation_keeps_the_old_and_seals_the_new() {
    let vault = vault();
    let old = sealed(&vault);
    assert_eq!(run(vault.reseal(PLACE, &old)).unwrap(), None, "up to date");
    assert_eq!(
        vault.wrapping_key().unwraps.load(Ordering::SeqCst),
        0,
        "which costs the key service nothing"
    );
    vault.wrapping_key().rotate();
    assert_eq!(opened(&vault, PLACE, &old).unwrap(), SECRET);
    let new = run(vault.reseal(PLACE, &old)).unwrap().expect("an older version is wrapped anew");
    assert_eq!(opened(&vault, PLACE, &new).unwrap(), SECRET);
    assert!(new.contains(&Service::version(2)) && !new.contains(&Service::version(1)));
    assert_eq!(
        new.rsplit_once('.').unwrap().1,
        old.rsplit_once('.').unwrap().1,
        "the secret itself is not encrypted anew"
    );
    assert_eq!(run(vault.reseal(PLACE, &new)).unwrap(), None);
    assert!(sealed(&vault).contains(&Service::version(2)));
}

#[test]
fn a_damaged_secret_is_not_sealed_anew() {
    let vault = vault();
    let mut text = sealed(&vault);
    let last = if text.pop() == Some('A') { 'Q' } else { 'A' };
    text.push(last);
    vault.wrapping_key().rotate();
    assert!(matches!(run(vault.reseal(PLACE, &text)), Err(Error::CannotOpen)));
}

#[test]
fn hash_keys_are_of_one_purpose_and_stay() {
    let root = Root::new(&[7; 32]);
    let service = || {
        let service = Service::default();
        service.rotate();
        service
    };
    let (vault, again) = (Envelope::new(service(), root.clone()), Envelope::new(service(), root));
    let key = run(vault.hash_key("fingerprint")).unwrap();
    vault.wrapping_key().rotate();
    assert_eq!(run(vault.hash_key("fingerprint")).unwrap(), key, "after each rotation");
    assert_eq!(run(again.hash_key("fingerprint")).unwrap(), key, "and after a restart");
    assert_ne!(run(vault.hash_key("mark")).unwrap(), key);
    assert_ne!(run(vault.hash_key("")).unwrap(), key);
    assert_ne!(key[..], [7; 32], "the root itself is not given away");
    let other = Envelope::new(service(), Root::random().unwrap());
    assert_ne!(run(other.hash_key("fingerprint")).unwrap(), key);
    // Computed by another implementation of HKDF. A change would invalidate every stored
    // fingerprint and every mark.
    assert_eq!(data_encoding::HEXLOWER.encode(&key[..8]), "5935fa807917e260");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_secret_of_any_place(secret in ".*", table in ".*", partition in ".*", row in ".*") {
        let vault = vault();
        let place = SealContext { table: &table, partition: &partition, row: &row };
        let text = run(vault.seal(place, &secret.as_str().into())).unwrap();
        prop_assert_eq!(opened(&vault, place, &text).unwrap(), secret);
    }

    #[test]
    fn no_changed_bit_opens(at in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let vault = vault();
        let mut bytes = sealed(&vault).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let text = String::from_utf8(bytes).unwrap();
        prop_assert!(matches!(opened(&vault, PLACE, &text), Err(Error::CannotOpen)));
    }

    #[test]
    fn no_part_of_it_opens(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let vault = vault();
        let text = sealed(&vault);
        let (from, to) = (from.index(text.len()), to.index(text.len()));
        prop_assume!((from, to) != (0, text.len()));
        prop_assert!(matches!(opened(&vault, PLACE, &text[from.min(to)..from.max(to)]), Err(Error::CannotOpen)));
        let longer = format!("{text}{}", &text[from..]);
        prop_assert!(matches!(opened(&vault, PLACE, &longer), Err(Error::CannotOpen)));
    }

    #[test]
    fn no_other_text_opens(text in "(v1\\.)?[ -~é]{0,200}") {
        prop_assert!(matches!(opened(&vault(), PLACE, &text), Err(Error::CannotOpen)));
    }

    #[test]
    fn two_places_are_never_the_same_bytes(a in prop::array::uniform3("[a|]{0,3}"), b in prop::array::uniform3("[a|]{0,3}")) {
        let bytes = |p: &[String; 3]| associated(SealContext { table: &p[0], partition: &p[1], row: &p[2] });
        prop_assert_eq!(bytes(&a) == bytes(&b), a == b);
    }
}
