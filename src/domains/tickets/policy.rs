//! What can be asked, who sees it, and where tickets' states lead.

use super::model::{Ticket, TicketError, TicketLine, TicketStatus};
use crate::domains::accounts::model::Role;
use crate::ids::UserId;

/// The longest question, and the longest answer.
pub const LONGEST_TEXT: usize = 2000;

/// How many questions and answers a ticket has at most: all of them are found by their words.
pub const LINE_LIMIT: usize = 20;

/// Whether a viewer with this role sees a ticket.
#[must_use]
pub fn sees(ticket: &Ticket, viewer: UserId, role: Role) -> bool {
    ticket.author_id == viewer || role != Role::User
}

/// Who asks to do something with a ticket that they see.
#[derive(Clone, Copy, Debug)]
pub struct TicketActor {
    /// Who.
    pub id: UserId,
    /// With which role.
    pub role: Role,
}

/// The states that the actor can bring a ticket to.
fn next_statuses(ticket: &Ticket, actor: TicketActor) -> Vec<TicketStatus> {
    let is_own = ticket.author_id == actor.id;
    let answers = (actor.role != Role::User && !is_own).then_some(TicketStatus::Answered);
    let asks = is_own.then_some(TicketStatus::Open);
    let closes = Some(TicketStatus::Closed);
    let leads = match ticket.status {
        TicketStatus::Open => [answers, closes, None],
        TicketStatus::Answered => [answers, asks, closes],
        TicketStatus::Closed => [asks, None, None],
    };
    leads.into_iter().flatten().collect()
}

/// Whether the actor can bring a ticket to a state; to OPEN only its author can, and to ANSWERED only others.
///
/// # Errors
/// [`TicketError::NotAuthor`], [`TicketError::OwnTicket`], [`TicketError::IllegalTransition`].
pub fn check_change(ticket: &Ticket, actor: TicketActor, to: TicketStatus) -> Result<(), TicketError> {
    if to == TicketStatus::Open && ticket.author_id != actor.id {
        return Err(TicketError::NotAuthor);
    }
    if to == TicketStatus::Answered && ticket.author_id == actor.id {
        return Err(TicketError::OwnTicket);
    }
    let allowed = next_statuses(ticket, actor);
    if allowed.contains(&to) {
        return Ok(());
    }
    Err(TicketError::IllegalTransition { from: ticket.status, to, allowed })
}

/// Whether a ticket has room for one more line: a question leaves room for its answer.
///
/// # Errors
/// [`TicketError::TooManyLines`].
pub fn check_room(lines: &[TicketLine], new: &TicketLine) -> Result<(), TicketError> {
    let needed = if new.is_answer { 1 } else { 2 };
    if lines.len() + needed <= LINE_LIMIT { Ok(()) } else { Err(TicketError::TooManyLines(LINE_LIMIT)) }
}

/// Whether the last line says this already, by the same author: a repeated request.
#[must_use]
pub fn repeats(lines: &[TicketLine], author: UserId, is_answer: bool, content: &str) -> bool {
    let last = lines.last();
    last.is_some_and(|line| line.author_id == author && line.is_answer == is_answer && line.content == content)
}
