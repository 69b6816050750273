//! `calrelay sign-in`: a link that signs one browser in.

use jiff::{Timestamp, Unit};
use jobs::Scope;
use jobs::access;
use records::problem::Problem;
use serde::Serialize;

use super::outcome::{CommandOutcome, Result};
use crate::terminal::Output;

#[derive(Serialize)]
struct LinkReply<'a> {
    link: &'a str,
    ends: Timestamp,
}

/// Runs the command.
pub async fn run(scope: &Scope, output: &Output) -> Result {
    let Some(public) = scope.setup.public_url.as_deref() else {
        let message = "A link needs an address that browsers reach, and CALRELAY_PUBLIC_URL is not \
            set; none was made. On this machine no link is needed: the pages of a running Calrelay \
            are at http://localhost:7071/app/pairs, or at the address that it prints.";
        return Err(Problem { code: "settings".into(), message: message.into() });
    };
    let made = access::make_link(scope).await?;
    let public = public.trim_end_matches('/');
    let link = format!("{public}/app/sign-in?ticket={}", made.ticket.expose());
    let ends = made.ends.round(Unit::Second).unwrap_or(made.ends);
    output.answer(&LinkReply { link: &link, ends }, || {
        format!(
            "Open this link in the browser that is to be signed in, within half an hour; it works \
            once, and no other person should see it:\n\n{link}\n"
        )
    })?;
    Ok(CommandOutcome::Done)
}
