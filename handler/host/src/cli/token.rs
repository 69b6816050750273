//! `calrelay token`: access tokens for programs that use the API.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jobs::Scope;
use jobs::access::{self, NewToken, Permission, TokenState};
use serde::Serialize;

use super::outcome::{CommandOutcome, Result};
use super::output::table;
use crate::terminal::Output;

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token. It is shown once.
    Add(TokenAdd),
    /// List the tokens, without the tokens themselves.
    List,
    /// Remove a token: no program can use it any more.
    Remove {
        /// The token's id.
        id: String,
    },
}

/// The arguments of `calrelay token add`.
#[derive(Debug, Args)]
pub struct TokenAdd {
    /// What the token is for.
    #[arg(long)]
    name: String,
    /// What it may do: read, sync, write, separated by commas. None includes another.
    #[arg(long = "scope", value_name = "SCOPES", required = true, value_delimiter = ',')]
    scopes: Vec<Permission>,
    /// For how many days it is valid.
    #[arg(long, value_name = "DAYS", default_value_t = 90,
        value_parser = clap::value_parser!(u16).range(1..=366))]
    expires_days: u16,
}

#[derive(Serialize)]
struct AddedToken<'a> {
    id: &'a str,
    token: &'a str,
    expires: Option<Timestamp>,
}

#[derive(Serialize)]
struct TokensReply {
    tokens: Vec<TokenState>,
}

#[derive(Serialize)]
struct RemovedToken<'a> {
    id: &'a str,
}

/// Runs the command.
pub async fn run(scope: &Scope, command: TokenCommand, output: &Output) -> Result {
    match command {
        TokenCommand::Add(arguments) => add(scope, arguments, output).await,
        TokenCommand::List => list(scope, output).await,
        TokenCommand::Remove { id } => {
            access::remove(scope, &id).await?;
            output.answer(&RemovedToken { id: &id }, || {
                format!("Removed {id}. No program can use it any more.\n")
            })?;
            Ok(CommandOutcome::Done)
        }
    }
}

async fn add(scope: &Scope, arguments: TokenAdd, output: &Output) -> Result {
    let TokenAdd { name, scopes, expires_days } = arguments;
    let made = access::add(scope, NewToken { name, scopes, expires_days }).await?;
    output.set_subject(&made.state.id);
    let (id, token) = (made.state.id.as_str(), made.expose());
    output
        .answer(&AddedToken { id, token, expires: made.state.expires }, || format!("{token}\n"))?;
    output.note(&format!(
        "This is the token {id}. Copy it now: it is shown this once. A program sends it as \
        \"Authorization: Bearer\" to /api/v1."
    ));
    Ok(CommandOutcome::Done)
}

async fn list(scope: &Scope, output: &Output) -> Result {
    let answer = TokensReply { tokens: access::list(scope).await? };
    output.answer(&answer, || words(&answer.tokens))?;
    Ok(CommandOutcome::Done)
}

fn words(tokens: &[TokenState]) -> String {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    let rows: Vec<[String; 6]> = tokens
        .iter()
        .map(|token| {
            let scopes: Vec<_> = token.scopes.iter().map(|one| one.as_str()).collect();
            [
                token.id.clone(),
                token.name.clone(),
                scopes.join(","),
                token.expires.map(day).unwrap_or_default(),
                token.last_used.map_or("never".to_owned(), |day| day.to_string()),
                token.hint.clone(),
            ]
        })
        .collect();
    table(
        ["token", "name", "scopes", "valid until", "last used", "ends with"],
        &rows,
        "There are no tokens. Make one with `calrelay token add`.",
    )
}
