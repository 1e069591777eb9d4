//! GraphQL types of wallets.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::model::{self, LedgerReason};
use super::service;
use crate::domains::orders::loader::VisibleOrder;
use crate::domains::orders::types::Order;
use crate::domains::tasks::loader::VisibleTask;
use crate::domains::tasks::types::Task;
use crate::domains::wallet::loader::EntriesOf;
use crate::error::AppResult;
use crate::graphql::connection::Connection;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{plain, plain_enums};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::{DateTime, Decimal};
use crate::ids::WalletId;
use crate::page::PageArgs;

/// A user's money, to pay for help and to exchange for products.
#[derive(Clone, Copy, Debug)]
pub struct Wallet(pub model::Wallet);

/// A user's money, to pay for help and to exchange for products.
#[Object(crate = "crate::graphql::eager")]
impl Wallet {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        WalletId(self.0.user_id.0).global()
    }

    /// Spendable now, in yuan.
    async fn balance(&self) -> Decimal {
        Decimal(self.0.balance)
    }

    /// Held for their tasks that are not over, in yuan; not a part of `balance`.
    async fn held(&self) -> Decimal {
        Decimal(self.0.held)
    }

    /// All that moved, the newest first. Costs a statement for a whole list of wallets.
    async fn entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> AppResult<Connection<LedgerEntry>> {
        let (loaders, user) = (ctx.loaders()?, self.0.user_id);
        let args = PageArgs { first, after, last, before };
        let entries = loaders.get::<EntriesOf>((user, args)).await??;
        Ok(Connection::new(entries, LedgerEntry, move |scope, bound| {
            Box::pin(service::count_entries(scope, user, bound))
        }))
    }
}

/// A movement of a user's money.
#[derive(Clone, Debug)]
pub struct LedgerEntry(pub model::Entry);

/// A movement of a user's money.
#[Object(crate = "crate::graphql::eager")]
impl LedgerEntry {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// By how much the balance changed, in yuan; below zero when it was spent or put aside.
    fn amount(&self) -> Decimal {
        Decimal(self.0.amount)
    }

    /// The balance right after it, in yuan.
    fn balance_after(&self) -> Decimal {
        Decimal(self.0.balance_after)
    }

    /// Why.
    fn reason(&self) -> LedgerReason {
        self.0.reason
    }

    /// What an administrator said of their adjustment; null for every other reason.
    fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// The order that was paid or given back; null for every other reason. Costs a statement for a whole list.
    async fn order(&self, ctx: &Context<'_>) -> Option<AppResult<Order>> {
        let id = self.0.order_id?;
        let look = async {
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<VisibleOrder>(id).await?.map(Order))
        };
        look.await.transpose()
    }

    /// The task whose reward was held, given back or paid; null for every other reason. Costs a statement for a whole list.
    async fn task(&self, ctx: &Context<'_>) -> Option<AppResult<Task>> {
        let id = self.0.task_id?;
        let look = async {
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<VisibleTask>(id).await?.map(Task))
        };
        look.await.transpose()
    }

    /// When.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

plain_enums!(LedgerReason);

plain!(LedgerEntry [|entry: &LedgerEntry| entry.0.id.parts()] {
    "amount" => amount,
    "balanceAfter" => balance_after,
    "reason" => reason,
    "note" => note,
    "createdAt" => created_at,
});

/// A wallet whose balance changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct WalletPayload {
    /// As it is now; null when it was refused.
    wallet: Option<Wallet>,
    /// The movement; null when it was refused.
    entry: Option<LedgerEntry>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::WalletChange> for WalletPayload {
    fn from(change: model::WalletChange) -> Self {
        let model::WalletChange { wallet, entry } = change;
        Self { wallet: Some(Wallet(wallet)), entry: Some(LedgerEntry(entry)), user_errors: Vec::new() }
    }
}

impl Payload for WalletPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { wallet: None, entry: None, user_errors }
    }
}
