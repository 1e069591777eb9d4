//! Batches of tickets.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Ticket, TicketLine};
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::TicketId;
use crate::scope::Scope;

/// Tickets by id, of those that the viewer may see.
pub struct VisibleTicket;

impl Batch for VisibleTicket {
    type Key = TicketId;
    type Value = Arc<Ticket>;

    async fn load(scope: &Scope, keys: &[TicketId]) -> AppResult<HashMap<TicketId, Arc<Ticket>>> {
        service::load_visible(scope, keys).await
    }
}

/// What was asked and answered in a ticket that the viewer sees.
pub struct LinesOf;

impl Batch for LinesOf {
    type Key = TicketId;
    type Value = Vec<TicketLine>;

    async fn load(scope: &Scope, keys: &[TicketId]) -> AppResult<HashMap<TicketId, Vec<TicketLine>>> {
        service::load_lines(scope, keys).await
    }
}
