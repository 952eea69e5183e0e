//! Callers: they start jobs, cancel some, look after some, and leave in the middle.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use farcall_core::job::IDEMPOTENCY_KEY;
use serde_json::{Value, json};

use super::{
    brew::{BREW, Order, SIP},
    fault::{Fault, Kind},
    ledger::Ledger,
    random::Random,
};
use crate::{
    McpClient,
    mcp::{Answer, Unanswered},
};

/// Whether starts carry a key, under which they are sent again until there is an answer.
const HAS_KEYS: bool = true;

/// What all callers of a rig share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books(Arc<Mutex<Ledger>>);

impl Books {
    pub(crate) fn open(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One caller in one life.
pub(crate) struct Caller {
    pub(crate) client: McpClient,
    pub(crate) books: Books,
    pub(crate) random: Random,
    /// How many orders it places.
    pub(crate) orders: u32,
    /// What it does more often than others would.
    pub(crate) habit: Habit,
    /// It should place no more, and leave.
    pub(crate) leave: Arc<AtomicBool>,
    /// Whether it begins with what was left without an answer.
    pub(crate) is_tenacious: bool,
}

/// What a caller does with every order instead of now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    None,
    /// It orders what asks.
    Asks,
    Cancels,
    /// It orders what fails this often.
    Fails(u32),
    /// It orders what is not kept.
    Sips,
}

impl Caller {
    /// Places its orders and looks after them, until the server goes away.
    pub(crate) async fn call(mut self) {
        // The server that goes away is what this is for.
        let _ = self.try_call().await;
    }

    async fn try_call(&mut self) -> Result<(), Unanswered> {
        if self.is_tenacious {
            send_again(&self.client, &self.books, Some(8)).await?;
        }
        for _ in 0..self.orders {
            if self.leaves() {
                return Ok(());
            }
            let order = self.order();
            if self.habit == Habit::Sips || self.habit == Habit::None && self.random.one_in(8) {
                self.sip(order).await?;
                continue;
            }
            self.books.open().place(order, BREW);
            if self.random.one_in(20) {
                self.abandon(order).await;
                continue;
            }
            let id = start(&self.client, &self.books, BREW, order).await?;
            if HAS_KEYS && self.random.one_in(10) {
                start(&self.client, &self.books, BREW, order).await?;
            }
            let cancels = self.habit == Habit::Cancels || self.random.one_in(8);
            if let Some(id) = id.filter(|_| cancels) {
                self.pause(8).await;
                self.cancel(order.number, &id).await?;
            }
        }
        while !self.leaves() {
            self.pause(10).await;
            self.look().await?;
        }
        Ok(())
    }

    fn leaves(&self) -> bool {
        self.leave.load(Ordering::Relaxed)
    }

    fn order(&mut self) -> Order {
        let failures = match self.habit {
            Habit::Fails(failures) => failures,
            _ if self.random.one_in(10) => 1 + self.random.below(2),
            _ => 0,
        };
        let mut order = fresh(&self.books, &mut self.random);
        order.failures = failures;
        order.asks = self.habit == Habit::Asks || self.random.one_in(10);
        order
    }

    /// Orders what is not kept: it is never asked for again, because nothing may know it any more,
    /// not even its key.
    async fn sip(&mut self, mut order: Order) -> Result<(), Unanswered> {
        order.asks = false;
        self.books.open().place(order, SIP);
        start(&self.client, &self.books, SIP, order).await?;
        Ok(())
    }

    /// Sends a start, and is gone before there is an answer.
    async fn abandon(&mut self, order: Order) {
        let patience = Duration::from_micros(self.random.below(1500).into());
        let call = start(&self.client, &self.books, BREW, order);
        // What it is not told is found out in the next life.
        let _ = tokio::time::timeout(patience, call).await;
    }

    async fn cancel(&mut self, number: u32, id: &str) -> Result<(), Unanswered> {
        self.books.open().cancelled(number);
        let tool = format!("cancel_{BREW}");
        let Answer { is_error, payload } =
            self.client.try_call(&tool, json!({"job_id": id})).await?;
        let mut books = self.books.open();
        match payload["state"].as_str() {
            Some(state) if !is_error => {
                if let Some(placed) = books.placed.get_mut(&number) {
                    placed.told_by_cancel = Some(state.to_owned());
                }
            }
            _ => {
                let refused = format!("`{tool}` of `{id}`, which was acknowledged: {payload}");
                books.refusals.push(Fault::new(Kind::Lost, refused));
            }
        }
        Ok(())
    }

    /// Asks for a job that was acknowledged at any time.
    async fn look(&mut self) -> Result<(), Unanswered> {
        let id = {
            let books = self.books.open();
            let acknowledged: Vec<_> = books.acknowledged().collect();
            let chosen = self
                .random
                .below(u32::try_from(acknowledged.len()).unwrap());
            let chosen = acknowledged.get(chosen as usize);
            chosen
                .filter(|(placed, _)| placed.job == BREW)
                .map(|(_, id)| (*id).to_owned())
        };
        let Some(id) = id else { return Ok(()) };
        let tool = format!("get_{BREW}_status");
        let Answer { is_error, payload } =
            self.client.try_call(&tool, json!({"job_id": id})).await?;
        if is_error {
            let refused = format!("`{tool}` of `{id}`, which was acknowledged: {payload}");
            let refused = Fault::new(Kind::Lost, refused);
            self.books.open().refusals.push(refused);
        }
        Ok(())
    }

    async fn pause(&mut self, at_most_ms: u32) {
        let pause = Duration::from_micros((self.random.below(at_most_ms * 1000)).into());
        tokio::time::sleep(pause).await;
    }
}

/// An order that nobody has placed, small more often than large.
pub(crate) fn fresh(books: &Books, random: &mut Random) -> Order {
    let size = 256 << random.below(8);
    Order {
        number: books.open().next_number(),
        size: size + random.below(size / 4),
        failures: 0,
        waits_in: 0,
        stalls_in: 0,
        stalls_late: false,
        pauses_at: 0,
        asks: false,
    }
}

/// Sends the starts again that nobody has answered, not more than `most`: under its key each is
/// the same job, whether it was kept or not.
pub(crate) async fn send_again(
    client: &McpClient,
    books: &Books,
    most: Option<usize>,
) -> Result<(), Unanswered> {
    let unanswered: Vec<_> = {
        let books = books.open();
        let unanswered = books.placed.values();
        let unanswered = unanswered.filter(|placed| placed.id.is_none() && placed.job != SIP);
        let unanswered = unanswered.map(|placed| (placed.job, placed.order));
        unanswered.take(most.unwrap_or(usize::MAX)).collect()
    };
    for (job, order) in unanswered.into_iter().filter(|_| HAS_KEYS) {
        start(client, books, job, order).await?;
    }
    Ok(())
}

/// The key under which an order is sent as often as it takes.
pub(crate) fn key(number: u32) -> String {
    format!("order-{number}")
}

/// What a start is called with.
pub(crate) fn arguments(order: Order) -> Value {
    let mut arguments = json!(order);
    if HAS_KEYS {
        arguments[IDEMPOTENCY_KEY] = key(order.number).into();
    }
    arguments
}

/// Starts `job` for an order that stands in the books; `None` where it was refused.
pub(crate) async fn start(
    client: &McpClient,
    books: &Books,
    job: &str,
    order: Order,
) -> Result<Option<String>, Unanswered> {
    let told = if order.asks {
        let params = json!({"name": job, "arguments": arguments(order)});
        client.try_request("tools/call", job, params).await?
    } else {
        let tool = format!("start_{job}");
        client.try_call(&tool, arguments(order)).await?.payload
    };
    Ok(acknowledge(books, order.number, &told))
}

/// Writes down what a start was answered with; returns the id, where it was not refused.
pub(crate) fn acknowledge(books: &Books, number: u32, told: &Value) -> Option<String> {
    let id = told["job_id"].as_str();
    let id = id.or(told["result"]["taskId"].as_str());
    if let Some(id) = id {
        books.open().acknowledge(number, id);
    } else {
        let refused = format!("order {number} was refused: {told}");
        let refused = Fault::new(Kind::Broken, refused);
        books.open().refusals.push(refused);
    }
    id.map(ToOwned::to_owned)
}
