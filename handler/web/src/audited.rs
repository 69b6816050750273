//! What visitors change, in the audit trail.

use jobs::audit::{self, Actor};

use crate::visitor::Visitor;

impl Visitor {
    /// Does something that belongs in the audit trail. `subject` is an id, or empty where the id is
    /// known only afterwards; then `id` takes it from the result.
    ///
    /// # Errors
    /// Those of the work; the trail has the outcome `refused` then.
    pub async fn audited<T>(
        &self,
        action: &str,
        subject: &str,
        work: impl Future<Output = jobs::Result<T>>,
        id: impl FnOnce(&T) -> Option<String>,
    ) -> jobs::Result<T> {
        let actor = Actor::new("the owner", self.by.as_str());
        let entry = audit::begin(&self.scope, &actor, action, subject).await;
        let result = work.await;
        let (subject, outcome) = match &result {
            Ok(value) => (id(value), audit::DONE),
            Err(_) => (None, "refused"),
        };
        entry.end(&self.scope, subject.as_deref(), outcome).await;
        result
    }
}
