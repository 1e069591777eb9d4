//! Rows and enums of tickets, and what can go wrong with them.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::Serialize;

use crate::change::Fault;
use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::error::{Detail, UserError, UserErrorCode};
use crate::ids::{OrderId, TicketId, UserId};

pg_enum! {
    /// What became of a ticket.
    #[derive(Enum, Serialize)]
    pub enum TicketStatus: sql_types::TicketStatus {
        /// Waits for an answer.
        Open = "OPEN",
        /// Support has answered.
        Answered = "ANSWERED",
        /// Over.
        Closed = "CLOSED",
    }
}

impl TicketStatus {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Open, Self::Answered, Self::Closed];

    /// Its name in the API and in PostgreSQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Answered => "ANSWERED",
            Self::Closed => "CLOSED",
        }
    }
}

/// A question to support.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = schema::tickets)]
pub struct Ticket {
    /// Key.
    pub id: TicketId,
    /// Who asks.
    pub author_id: UserId,
    /// Who answered last.
    pub agent_id: Option<UserId>,
    /// About which order.
    pub order_id: Option<OrderId>,
    /// What is asked.
    pub question: String,
    /// What was answered.
    pub answer: Option<String>,
    /// What became of it.
    pub status: TicketStatus,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A question to be.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// Who asks.
    pub author_id: UserId,
    /// About which order.
    pub order_id: Option<OrderId>,
    /// What is asked.
    pub question: String,
    /// Its words, as a `tsvector` is written.
    pub words: String,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Which tickets a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct TicketFilter {
    /// In one of these states.
    pub status: Option<Vec<TicketStatus>>,
    /// Words to look for.
    pub query: Option<String>,
    /// Of this person.
    pub author_id: Option<UserId>,
}

/// What can go wrong with a ticket, for the person to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Null where there has to be a value.
    #[error("This can't be null.")]
    Required,
    /// No such ticket, or not for the viewer to see.
    #[error("There is no such ticket.")]
    NoSuchTicket,
    /// No such order, or somebody else's.
    #[error("You have no such order.")]
    NoSuchOrder,
    /// It is over.
    #[error("A ticket that is {} can't become {}.", .0.name(), .1.name())]
    IllegalTransition(TicketStatus, TicketStatus),
}

impl Fault for TicketError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::NoSuchTicket | Self::NoSuchOrder => UserErrorCode::NotFound,
            Self::IllegalTransition(..) => UserErrorCode::IllegalTransition,
        };
        let error = UserError::new(code, self.to_string(), path);
        let Self::IllegalTransition(from, to) = self else { return error };
        // Only of a closed one, which leads nowhere.
        let detail = Detail::Transition { from: from.name(), to: to.name(), allowed: Vec::new() };
        UserError { detail: Some(detail), ..error }
    }
}
