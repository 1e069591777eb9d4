//! Rows and enums of wallets, and what can go wrong with money.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::error::{Detail, UserError, UserErrorCode};
use crate::ids::{EntryId, OrderId, TaskId, UserId};
use crate::money::Money;
use crate::validation::DomainError;

pg_enum! {
    /// Why money moved.
    #[derive(Enum)]
    pub enum LedgerReason: sql_types::LedgerReason {
        /// `rechargeWallet`.
        Recharge = "RECHARGE",
        /// A product was exchanged.
        Exchange = "EXCHANGE",
        /// An order was cancelled or refunded.
        Refund = "REFUND",
        /// A task's reward was put aside.
        TaskHold = "TASK_HOLD",
        /// A task's reward, or a part of it, was given back.
        TaskRelease = "TASK_RELEASE",
        /// A task was finished: its reward, or a part of it, went to its assignee.
        TaskPayout = "TASK_PAYOUT",
        /// `adjustBalance`.
        AdminAdjustment = "ADMIN_ADJUSTMENT",
    }
}

pg_enum! {
    /// Where money is.
    pub enum LedgerAccount: sql_types::LedgerAccount {
        /// In a user's balance.
        User = "USER",
        /// Held for a task.
        Task = "TASK",
        /// The store's.
        Store = "STORE",
        /// Outside of Plaza.
        Outside = "OUTSIDE",
    }
}

/// A user's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = schema::wallets)]
pub struct Wallet {
    /// Whose it is.
    pub user_id: UserId,
    /// Spendable now.
    pub balance: Money,
    /// Held for their tasks that are not over.
    pub held: Money,
}

impl Wallet {
    /// The wallet of a user who never had any money.
    #[must_use]
    pub fn empty(user_id: UserId) -> Self {
        Self { user_id, balance: Money::default(), held: Money::default() }
    }
}

/// A movement of a user's money.
#[derive(Clone, Debug, Queryable)]
pub struct Entry {
    /// Key.
    pub id: EntryId,
    /// Whose money.
    pub user_id: UserId,
    /// By how much the balance changed.
    pub amount: Money,
    /// What it was then.
    pub balance_after: Money,
    /// Why.
    pub reason: LedgerReason,
    /// For which task.
    pub task_id: Option<TaskId>,
    /// For which order.
    pub order_id: Option<OrderId>,
    /// What an administrator said of it.
    pub note: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What money moves for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Into a sandbox.
    Recharge,
    /// By an administrator.
    Adjustment,
    /// A task's reward is put aside, or more of it.
    Hold(TaskId),
    /// A part of a task's reward is given back.
    Lower(TaskId),
    /// All of a task's reward is given back.
    Release(TaskId),
    /// A task's reward is paid.
    Payout(TaskId),
    /// An order is paid.
    Exchange(OrderId),
    /// An order's money is given back.
    Refund(OrderId),
}

impl Cause {
    /// As the ledger names it.
    #[must_use]
    pub fn reason(self) -> LedgerReason {
        match self {
            Self::Recharge => LedgerReason::Recharge,
            Self::Adjustment => LedgerReason::AdminAdjustment,
            Self::Hold(_) => LedgerReason::TaskHold,
            Self::Lower(_) | Self::Release(_) => LedgerReason::TaskRelease,
            Self::Payout(_) => LedgerReason::TaskPayout,
            Self::Exchange(_) => LedgerReason::Exchange,
            Self::Refund(_) => LedgerReason::Refund,
        }
    }

    /// The task.
    #[must_use]
    pub fn task(self) -> Option<TaskId> {
        match self {
            Self::Hold(id) | Self::Lower(id) | Self::Release(id) | Self::Payout(id) => Some(id),
            _ => None,
        }
    }

    /// The order.
    #[must_use]
    pub fn order(self) -> Option<OrderId> {
        match self {
            Self::Exchange(id) | Self::Refund(id) => Some(id),
            _ => None,
        }
    }

    /// Whether it is refused when the wallet would hold too much. What is owed to a person, such as a refund, is not: it
    /// would be stuck until they spend something.
    #[must_use]
    pub fn is_bounded(self) -> bool {
        matches!(self, Self::Recharge | Self::Adjustment)
    }

    /// Whether it is the last that happens to a task's reward.
    #[must_use]
    pub fn settles(self) -> bool {
        matches!(self, Self::Release(_) | Self::Payout(_))
    }
}

/// A transfer to be.
#[derive(Clone, Debug)]
pub struct NewTransfer {
    /// What for.
    pub cause: Cause,
    /// Who moves the money; none where Plaza does by itself.
    pub actor: Option<UserId>,
    /// What they say of it.
    pub note: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// An entry of a transfer to be.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry {
    /// Where the money is.
    pub account: LedgerAccount,
    /// Whose balance; none for the other accounts.
    pub user: Option<UserId>,
    /// By how much it changes.
    pub amount: Money,
    /// The balance after it; none for the other accounts.
    pub balance_after: Option<Money>,
}

/// What a task held, to be paid to its assignee.
#[derive(Clone, Copy, Debug)]
pub struct RewardPayout {
    /// Whose balance it left.
    pub publisher: UserId,
    /// Whose balance it goes to.
    pub assignee: UserId,
    /// How much.
    pub amount: Money,
}

/// A wallet with the entry that changed it.
#[derive(Clone, Debug)]
pub struct WalletChange {
    /// As it is now.
    pub wallet: Wallet,
    /// The movement.
    pub entry: Entry,
}

/// What can go wrong with money, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// Nothing, less than nothing, or more than is moved at once.
    #[error("An amount is 0.01 to {0}.")]
    AmountOutOfRange(Money),
    /// Nothing, or more than is moved at once.
    #[error("An adjustment is -{0} to {0}, and not 0.00.")]
    AdjustmentOutOfRange(Money),
    /// The target is the actor.
    #[error("Administrators don't adjust their own balance.")]
    Oneself,
    /// No such user, or one who has left.
    #[error("There is nobody with this id.")]
    NoSuchUser,
    /// By the operator's setting.
    #[error("Recharging is switched off here.")]
    RechargeOff,
    /// Not enough.
    #[error("The balance is {balance}, and {required} are needed.")]
    Insufficient {
        /// Spendable now.
        balance: Money,
        /// What it takes.
        required: Money,
    },
    /// Too much.
    #[error("A wallet holds at most {0}.")]
    Full(Money),
}

impl DomainError for WalletError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::AmountOutOfRange(_) | Self::AdjustmentOutOfRange(_) => UserErrorCode::OutOfRange,
            Self::Oneself => UserErrorCode::SelfTarget,
            Self::NoSuchUser => UserErrorCode::NotFound,
            Self::RechargeOff => UserErrorCode::Forbidden,
            Self::Insufficient { .. } => UserErrorCode::InsufficientBalance,
            Self::Full(_) => UserErrorCode::Conflict,
        };
        let error = UserError::new(code, self.to_string(), path);
        let Self::Insufficient { balance, required } = *self else { return error };
        UserError { detail: Some(Detail::Balance { balance, required }), ..error }
    }
}
