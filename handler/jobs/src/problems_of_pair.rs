//! The events of a pair that could not be copied.

use engine::calendar::PairId;
use records::pair_state::problems_page;
use records::problem::EventProblem;

use crate::{Error, Result, Scope};

/// A page of problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemPage {
    pub problems: Vec<EventProblem>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<String>,
}

/// Events that could not be copied, at most `limit` of them, after a cursor ([`ProblemPage::next`]).
/// From storage alone.
///
/// # Errors
/// [`Error::NotFound`] where the pair is not known, or the cursor is none of this function's.
pub async fn problems(
    scope: &Scope,
    pair: &PairId,
    cursor: Option<&str>,
    limit: usize,
) -> Result<ProblemPage> {
    let pair = scope.directory().pair(pair).await?.id;
    let page = problems_page(&*scope.store, &pair, cursor, limit).await?;
    let Some((rows, next)) = page else {
        return Err(Error::NotFound("this cursor is over; begin with the first page".into()));
    };
    let problems = rows.into_iter().map(|row| row.problem).collect();
    Ok(ProblemPage { problems, next })
}
