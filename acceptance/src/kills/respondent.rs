//! Who answers what jobs ask, in whichever life they do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{
    brew::{BREW, QUESTION},
    caller::{Books, start},
    fault::{Fault, Kind},
};
use crate::{McpClient, mcp::Unanswered};

/// How long it pauses when it has looked at all.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks after the orders that ask, in one life.
pub(crate) struct Respondent {
    pub(crate) client: McpClient,
    pub(crate) books: Books,
    /// It should leave.
    pub(crate) leave: Arc<AtomicBool>,
}

impl Respondent {
    /// Answers until it should leave, or the server goes away.
    pub(crate) async fn answer(self) {
        while !self.leave.load(Ordering::Relaxed) {
            if self.look_at_all().await.is_err() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look_at_all(&self) -> Result<(), Unanswered> {
        let open: Vec<_> = {
            let books = self.books.open();
            let asking = books.placed.values();
            let asking = asking.filter(|placed| placed.order.asks && !placed.was_seen_over);
            asking
                .map(|placed| (placed.order, placed.id.clone()))
                .collect()
        };
        for (order, id) in open {
            // Whoever has no answer to its start can be asked all the same.
            let id = match id {
                None => start(&self.client, &self.books, BREW, order).await?,
                id => id,
            };
            if let Some(id) = id {
                self.look_at(order.number, &id).await?;
            }
        }
        Ok(())
    }

    async fn look_at(&self, number: u32, id: &str) -> Result<(), Unanswered> {
        let task = json!({"taskId": id});
        let task = self.client.try_request("tasks/get", id, task).await?;
        match task["result"]["status"].as_str() {
            Some("input_required") => self.tell(number, id).await,
            Some("working") => Ok(()),
            Some("completed" | "failed" | "cancelled") => {
                let mut books = self.books.open();
                let placed = books.placed.get_mut(&number).unwrap();
                placed.was_seen_over = true;
                Ok(())
            }
            _ => {
                let refused = format!("the task `{id}`, which was acknowledged: {task}");
                let mut books = self.books.open();
                books.refusals.push(Fault::new(Kind::Lost, refused));
                Ok(())
            }
        }
    }

    /// Answers, each time otherwise.
    async fn tell(&self, number: u32, id: &str) -> Result<(), Unanswered> {
        let lumps = self.books.open().next_answer();
        let answer = json!({"action": "accept", "content": {"lumps": lumps}});
        let update = json!({"taskId": id, "inputResponses": {QUESTION: answer}});
        self.client.try_request("tasks/update", id, update).await?;
        let mut books = self.books.open();
        let placed = books.placed.get_mut(&number).unwrap();
        placed.answered.get_or_insert(lumps);
        Ok(())
    }
}
