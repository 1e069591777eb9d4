//! What can be asked, who sees it, and where tickets' states lead.

use super::model::{Ticket, TicketError, TicketStatus};
use crate::domains::accounts::model::Role;
use crate::ids::UserId;

/// The longest question, and the longest answer.
pub const LONGEST_TEXT: usize = 2000;

/// Whether somebody with this role sees a ticket.
#[must_use]
pub fn sees(ticket: &Ticket, viewer: UserId, role: Role) -> bool {
    ticket.author_id == viewer || role != Role::User
}

/// Whether a ticket can be answered, or closed: unless it is closed.
///
/// # Errors
/// [`TicketError::IllegalTransition`].
pub fn check_change(ticket: &Ticket, to: TicketStatus) -> Result<(), TicketError> {
    match ticket.status {
        TicketStatus::Closed => Err(TicketError::IllegalTransition(ticket.status, to)),
        TicketStatus::Open | TicketStatus::Answered => Ok(()),
    }
}
