//! What is particular to Apple: the form of passwords, the hosts, the limits. Apple documents none
//! of it; this file follows what clients have observed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ical::ObjectStyle;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::http::{LONG_WAIT, RateLimits};
use crate::{Error, Result};

/// The address where discovery starts.
pub const URL: &str = "https://caldav.icloud.com";

/// At most four requests a second and 240 a minute, two at once; Apple enforces
/// longer pauses than its `Retry-After` asks for.
pub(super) const LIMITS: RateLimits = RateLimits {
    parallel: 2,
    spacing: Duration::from_millis(250),
    doubling: true,
    patience: LONG_WAIT,
    persistent: true,
};

/// Writes at once.
pub(super) const PARALLEL_WRITES: usize = 2;

/// An event without an alarm gets the account's default alerts.
pub(super) const OBJECT_STYLE: ObjectStyle = ObjectStyle { inert_alarm: true };

/// The error where Apple redirects an account to its Chinese operator.
pub(super) const CHINA: &str = "this Apple account belongs to the China mainland region, whose \
calendars are kept by another company; it cannot be connected";

const PASSWORD_HELP: &str = "this is not an app-specific password, and it was not sent to Apple. \
Make one at https://account.apple.com under \
    Sign-In and Security, App-Specific Passwords; it looks like abcd-efgh-ijkl-mnop (four groups \
    of four lower-case letters). \
    The main password of an Apple Account is never needed here";

/// Recognises an app-specific password: four groups of four lower-case letters. Blanks around and
/// hyphens between may be missing.
///
/// # Errors
/// [`Error::Credentials`] for anything else, a main password above all: it must not be sent
/// (requirement I1).
pub(super) fn app_password(given: &SecretString) -> Result<SecretString> {
    let given = given.expose_secret().trim();
    let letters = |text: &str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_lowercase());
    let groups: Vec<&str> = if given.len() == 16 && given.is_ascii() {
        (0..4).map(|n| &given[n * 4..n * 4 + 4]).collect()
    } else {
        given.split(['-', ' ']).collect()
    };
    if groups.len() != 4 || !groups.iter().all(|group| letters(group)) {
        return Err(Error::Credentials(PASSWORD_HELP.into()));
    }
    Ok(SecretString::from(groups.join("-")))
}

/// `caldav.icloud.com` and its partitions `p1-caldav.icloud.com` … `p999-caldav.icloud.com`, over
/// TLS on 443.
pub(super) fn is_apple(url: &Url) -> bool {
    if url.scheme() != "https" || url.port_or_known_default() != Some(443) {
        return false;
    }
    let Some(partition) = url.host_str().and_then(|host| host.strip_suffix("caldav.icloud.com"))
    else {
        return false;
    };
    if partition.is_empty() {
        return true;
    }
    let number =
        partition.strip_prefix('p').and_then(|rest| rest.strip_suffix('-')).unwrap_or_default();
    (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a host belongs to Apple's Chinese operator.
pub(super) fn is_china(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host == "icloud.com.cn" || host.ends_with(".icloud.com.cn"))
}

/// Which of Apple's hosts to talk to: all requests go to the common one, and to the account's
/// partition only once the common one has sent us there (a redirect, or 421 Misdirected Request).
#[derive(Debug)]
pub(super) struct PartitionRoute {
    common: Url,
    partition: Option<Url>,
    moved: Mutex<Option<Url>>,
}

impl PartitionRoute {
    pub(super) fn new(common: Url, partition: Option<Url>) -> Self {
        Self { common, partition, moved: Mutex::default() }
    }

    /// The host to request, independent of the host in the address.
    pub(super) fn direct(&self, url: &Url) -> Url {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut to = moved.as_ref().unwrap_or(&self.common).clone();
        to.set_path(url.path());
        to.set_query(url.query());
        to
    }

    /// Records that the server redirects to another host.
    pub(super) fn follow(&self, to: &Url) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(to.clone());
    }

    /// The address at the partition, after the server answered 421. `None` if the request was sent
    /// there already, or the partition is unknown.
    pub(super) fn misdirected(&self, asked: &Url) -> Option<Url> {
        let partition =
            self.partition.as_ref().filter(|partition| partition.origin() != asked.origin())?;
        self.follow(partition);
        Some(self.direct(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str) -> Option<String> {
        app_password(&SecretString::from(text))
            .ok()
            .map(|password| password.expose_secret().to_owned())
    }

    #[test]
    fn an_app_specific_password_is_known_by_its_form() {
        for good in ["abcd-efgh-ijkl-mnop", " abcdefghijklmnop\n", "abcd efgh ijkl mnop"] {
            assert_eq!(accepted(good).as_deref(), Some("abcd-efgh-ijkl-mnop"));
        }
        for bad in [
            "",
            "Summer2026!",
            "abcd-efgh-ijkl-mno",
            "Abcd-efgh-ijkl-mnop",
            "abcd-efgh-ijkl-mn0p",
            "abcd-efgh-ijkl-mnop-qrst",
            "äbcdefghijklmno",
        ] {
            assert_eq!(accepted(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_refusal_says_what_to_do_and_repeats_nothing() {
        let error = app_password(&SecretString::from("Summer2026!")).unwrap_err().to_string();
        assert!(
            error.contains("account.apple.com")
                && error.contains("not sent")
                && !error.contains("Summer")
        );
    }

    #[test]
    fn apples_hosts_and_no_others() {
        let is = |text: &str| is_apple(&Url::parse(text).unwrap());
        assert!(
            is("https://caldav.icloud.com/")
                && is("https://p62-caldav.icloud.com:443/1/")
                && is("https://p123-caldav.icloud.com")
        );
        for bad in [
            "http://caldav.icloud.com/",
            "https://caldav.icloud.com:8443/",
            "https://p-caldav.icloud.com/",
            "https://p1234-caldav.icloud.com/",
            "https://evil-caldav.icloud.com/",
            "https://caldav.icloud.com.evil.test/",
            "https://p62-caldav.icloud.com.cn/",
            "https://xcaldav.icloud.com/",
        ] {
            assert!(!is(bad), "{bad}");
        }
        assert!(is_china(&Url::parse("https://p62-caldav.icloud.com.cn/1/").unwrap()));
    }

    #[test]
    fn requests_stay_on_the_common_host_until_it_sends_them_away() {
        let partition = Url::parse("https://p62-caldav.icloud.com/").unwrap();
        let route = PartitionRoute::new(Url::parse(URL).unwrap(), Some(partition.clone()));
        let home = Url::parse("https://p62-caldav.icloud.com:443/17/calendars/").unwrap();
        assert_eq!(route.direct(&home).as_str(), "https://caldav.icloud.com/17/calendars/");
        let next = route.misdirected(&route.direct(&home)).unwrap();
        assert_eq!(next.as_str(), "https://p62-caldav.icloud.com/17/calendars/");
        assert_eq!(route.direct(&home), next);
        assert_eq!(route.misdirected(&next), None);
    }
}
