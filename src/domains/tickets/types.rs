//! GraphQL types of tickets.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::model::{self, TicketStatus};
use crate::domains::accounts::types::{User, UserRelation};
use crate::domains::orders::loader::VisibleOrder;
use crate::domains::orders::types::Order;
use crate::domains::tickets::loader::LinesOf;
use crate::error::{AppError, AppResult};
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{plain, plain_enums, plain_struct};
use crate::graphql::payload::{Payload, UserErrorObject};
use crate::graphql::scalars::{DateTime, query_id};
use crate::ids::UserId;

/// A question to the community's support.
#[derive(Clone, Debug)]
pub struct Ticket(pub Arc<model::Ticket>);

impl From<model::Ticket> for Ticket {
    fn from(ticket: model::Ticket) -> Self {
        Self(Arc::new(ticket))
    }
}

/// A question to the community's support; for its author, support and administrators.
#[Object(crate = "crate::graphql::eager")]
impl Ticket {
    /// Opaque global id.
    pub async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Who asks. Costs a statement for a whole list of tickets.
    fn author(&self) -> UserRelation {
        User::by_id(self.0.author_id)
    }

    /// Who answered last; null until then. Costs a statement for a whole list of tickets.
    fn agent(&self) -> Option<UserRelation> {
        self.0.agent_id.map(User::by_id)
    }

    /// What was asked first; what was asked later is in `lines`.
    fn question(&self) -> &str {
        &self.0.question
    }

    /// The order that it is about; null where it is about none, and for support, who see no orders. Costs a statement for a
    /// whole list of tickets.
    async fn order(&self, ctx: &Context<'_>) -> Option<AppResult<Order>> {
        let id = self.0.order_id?;
        let look = async {
            let loaders = ctx.loaders()?;
            Ok(loaders.find::<VisibleOrder>(id).await?.map(Order))
        };
        look.await.transpose()
    }

    /// What was answered last; null until then. What was answered before is in `lines`.
    fn answer(&self) -> Option<&str> {
        self.0.answer.as_deref()
    }

    /// All that was asked and answered, from the first question on; at most 20. Costs a statement for a whole list of tickets.
    async fn lines(&self, ctx: &Context<'_>) -> AppResult<Vec<TicketLine>> {
        let loaders = ctx.loaders()?;
        let lines = loaders.find::<LinesOf>(self.0.id).await?.unwrap_or_default();
        Ok(lines.into_iter().map(TicketLine).collect())
    }

    /// What became of it.
    fn status(&self) -> TicketStatus {
        self.0.status
    }

    /// When it was asked.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it last changed.
    fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

plain_enums!(TicketStatus);

plain!(Ticket [|ticket: &Ticket| ticket.0.id.parts()] {
    "author" => author,
    "agent" => agent,
    "question" => question,
    "answer" => answer,
    "status" => status,
    "createdAt" => created_at,
    "updatedAt" => updated_at,
});

/// Something that was asked or answered in a ticket.
pub struct TicketLine(model::TicketLine);

/// Something that was asked or answered in a ticket.
#[Object(crate = "crate::graphql::eager")]
impl TicketLine {
    /// Who says it. Costs a statement for a whole list of tickets.
    fn author(&self) -> UserRelation {
        User::by_id(self.0.author_id)
    }

    /// Whether it is support's answer; otherwise the ticket's author asks.
    fn is_answer(&self) -> bool {
        self.0.is_answer
    }

    /// What is said.
    fn content(&self) -> &str {
        &self.0.content
    }

    /// When.
    fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

plain!(TicketLine {
    "author" => author,
    "isAnswer" => is_answer,
    "content" => content,
    "createdAt" => created_at,
});

/// Which tickets a list has; all that is given has to hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketFilter {
    /// In one of these states; in any where it is left out.
    status: Option<Vec<TicketStatus>>,
    /// Words to look for in questions and answers, at most 100 characters; all of them have to be there.
    query: Option<String>,
    /// Asked by this person, by their global id.
    author_id: Option<ID>,
}

impl TryFrom<TicketFilter> for model::TicketFilter {
    type Error = AppError;

    fn try_from(TicketFilter { status, query, author_id }: TicketFilter) -> AppResult<Self> {
        let author_id = author_id.map(|id| query_id(UserId::parse, &id, "filter.authorId")).transpose()?;
        Ok(Self { status, query, author_id })
    }
}

/// A ticket that was made or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct TicketPayload {
    /// As it is now; null when it was refused.
    ticket: Option<Ticket>,
    /// Why it was refused.
    user_errors: Vec<UserErrorObject>,
}

impl From<model::Ticket> for TicketPayload {
    fn from(ticket: model::Ticket) -> Self {
        Self { ticket: Some(ticket.into()), user_errors: Vec::new() }
    }
}

impl Payload for TicketPayload {
    fn with_errors(user_errors: Vec<UserErrorObject>) -> Self {
        Self { ticket: None, user_errors }
    }
}

/// A ticket of the viewer's, or, for support and administrators, of anybody's, was made or changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct TicketChanged {
    /// The ticket, as it is when delivered.
    pub ticket: Ticket,
}

plain_struct!(TicketChanged { "ticket" => ticket });
