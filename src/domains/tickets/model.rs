//! Rows and enums of tickets, and what can go wrong with them.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use diesel::{Insertable, Queryable, Selectable};
use serde::Serialize;

use crate::db::pg_enum;
use crate::db::schema::{self, sql_types};
use crate::error::{Detail, UserError, UserErrorCode};
use crate::ids::{OrderId, TicketId, UserId};
use crate::validation::DomainError;

pg_enum! {
    /// What became of a ticket.
    #[derive(Enum, Serialize)]
    pub enum TicketStatus: sql_types::TicketStatus {
        /// Waits for an answer.
        Open = "OPEN",
        /// Support has answered.
        Answered = "ANSWERED",
        /// Over, unless its author asks again.
        Closed = "CLOSED",
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
    /// Who closed it, of a closed one.
    pub closed_by: Option<UserId>,
}

/// Something that was asked or answered in a ticket.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::ticket_lines)]
pub struct TicketLine {
    /// In which ticket.
    pub ticket_id: TicketId,
    /// Who says it.
    pub author_id: UserId,
    /// Whether it is support's; otherwise the ticket's author asks.
    pub is_answer: bool,
    /// What is said.
    pub content: String,
    /// When.
    pub created_at: DateTime<Utc>,
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

/// An answer to be.
#[derive(Clone, Copy, Debug)]
pub struct TicketAnswer<'a> {
    /// Who answers.
    pub agent: UserId,
    /// What is answered.
    pub content: &'a str,
    /// The words of all lines of the ticket with this one, as a `tsvector` is written.
    pub words: &'a str,
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
    /// No such order, or another user's.
    #[error("You have no such order.")]
    NoSuchOrder,
    /// Asking again is its author's.
    #[error("Only its author can ask again.")]
    NotAuthor,
    /// Support's own.
    #[error("Another one has to answer your own ticket.")]
    OwnTicket,
    /// There is no room for more.
    #[error("A ticket has at most {0} questions and answers: ask in a new one.")]
    TooManyLines(usize),
    /// Its state doesn't lead there.
    #[error("A ticket that is {} can't become {}.", .from.name(), .to.name())]
    IllegalTransition {
        /// As it is.
        from: TicketStatus,
        /// As it was to be.
        to: TicketStatus,
        /// What the actor can make of it.
        allowed: Vec<TicketStatus>,
    },
}

impl DomainError for TicketError {
    fn required() -> Self {
        Self::Required
    }

    fn at(&self, path: &str) -> UserError {
        let code = match self {
            Self::Required => UserErrorCode::Required,
            Self::NoSuchTicket | Self::NoSuchOrder => UserErrorCode::NotFound,
            Self::NotAuthor => UserErrorCode::Forbidden,
            Self::OwnTicket => UserErrorCode::SelfTarget,
            Self::TooManyLines(_) => UserErrorCode::Conflict,
            Self::IllegalTransition { .. } => UserErrorCode::IllegalTransition,
        };
        let error = UserError::new(code, self.to_string(), path);
        let Self::IllegalTransition { from, to, allowed } = self else { return error };
        let allowed = allowed.iter().map(|status| status.name()).collect();
        let detail = Detail::Transition { from: from.name(), to: to.name(), allowed };
        UserError { detail: Some(detail), ..error }
    }
}
