//! What the operator has to register at Microsoft.

/// Microsoft, as the findings name it.
pub const NAME: &str = "Microsoft 365";

/// The path of the redirect.
const CALLBACK: &str = "/oauth/microsoft/callback";

/// The registration that the settings need, as sentences without the last full stop.
pub fn registration(public_url: Option<&str>) -> String {
    let (command, redirect) = match public_url {
        Some(public) => (
            "calrelay account add microsoft --link",
            format!("{}{CALLBACK}", public.trim_end_matches('/')),
        ),
        None => ("calrelay account add microsoft", format!("http://localhost{CALLBACK}")),
    };
    format!(
        "`{command}` connects accounts with them. For that the app registration in the Microsoft \
        Entra admin center has the account types \"Accounts in any organizational directory and \
        personal Microsoft accounts\", the platform Web (not a single-page application) with the \
        redirect URI {redirect}, a client secret, and the delegated permission \
        Calendars.ReadWrite of Microsoft Graph. People of other organisations can agree only if \
        its publisher is verified; in most organisations their administrator has to agree first"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_registered_is_said_whole() {
        for part in [
            "platform Web",
            "any organizational directory and personal",
            "delegated permission Calendars.ReadWrite",
            "client secret",
            "publisher is verified",
            "administrator",
        ] {
            let said = registration(None);
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(registration(None).contains("URI http://localhost/oauth/microsoft/callback,"));
        for public in ["https://calendars.example.org", "https://calendars.example.org/"] {
            let said = registration(Some(public));
            assert!(
                said.contains(" https://calendars.example.org/oauth/microsoft/callback,")
                    && said.contains("--link"),
                "{said}"
            );
        }
    }
}
