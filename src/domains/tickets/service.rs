//! Use cases of tickets.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;

use super::model::{NewTicket, Ticket, TicketAnswer, TicketError, TicketFilter, TicketLine, TicketStatus};
use super::policy::{self, TicketActor};
use super::store;
use crate::db::keyset::{KeyValue, Keyset, KeysetPosition};
use crate::domains::accounts::model::Role;
use crate::domains::accounts::policy::access::RANK_OF_SUPPORT;
use crate::domains::accounts::service::{lock_viewer_shared, require_role, role_of};
use crate::domains::search::terms::{Terms, asked};
use crate::domains::search::words::{self, Field, SearchDocument};
use crate::domains::{orders, search};
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::idempotency::{self, Key};
use crate::ids::{OrderId, TicketId, UserId};
use crate::page::{Page, PageArgs, PageRequest};
use crate::rate_limit;
use crate::scope::Scope;
use crate::text::check_lines;
use crate::validation::DomainError;

/// Tickets by id, of those that the viewer may see; no statement when nothing is asked.
///
/// # Errors
/// When the database fails.
pub async fn load_visible(scope: &Scope, ids: &[TicketId]) -> AppResult<HashMap<TicketId, Arc<Ticket>>> {
    let Some(viewer) = scope.requester().viewer.filter(|_| !ids.is_empty()) else { return Ok(HashMap::new()) };
    load_seen_by(&*scope.db.read().await?, viewer.user_id, ids).await
}

/// Tickets by id, of those that the viewer may see: their own, and all for support and administrators.
///
/// # Errors
/// When the database fails.
pub async fn load_seen_by(
    conn: &AsyncPgConnection,
    viewer: UserId,
    ids: &[TicketId],
) -> AppResult<HashMap<TicketId, Arc<Ticket>>> {
    let mut tickets = store::list_by_ids(conn, ids).await?;
    if tickets.iter().any(|ticket| ticket.author_id != viewer) {
        let role = role_of(conn, viewer).await?;
        tickets.retain(|ticket| policy::sees(ticket, viewer, role));
    }
    Ok(tickets.into_iter().map(|ticket| (ticket.id, Arc::new(ticket))).collect())
}

/// Tickets by id; who sees them is asked by those who show them.
///
/// # Errors
/// When the database fails.
pub async fn load_tickets(conn: &AsyncPgConnection, ids: &[TicketId]) -> AppResult<HashMap<TicketId, Arc<Ticket>>> {
    let tickets = store::list_by_ids(conn, ids).await?;
    Ok(tickets.into_iter().map(|ticket| (ticket.id, Arc::new(ticket))).collect())
}

/// A list of tickets whose arguments were looked at.
#[derive(Clone, Debug)]
pub struct TicketListQuery {
    filter: TicketFilter,
}

impl TicketListQuery {
    /// A list with this filter; of the tickets of `author` alone where one is given.
    #[must_use]
    pub fn new(mut filter: TicketFilter, author: Option<UserId>) -> Self {
        filter.query = asked(filter.query);
        if let Some(author) = author
            && filter.author_id.replace(author).is_some_and(|asked| asked != author)
        {
            filter.status = Some(Vec::new());
        }
        Self { filter }
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<KeysetPosition>> {
        args.request(serde_json::to_string(&("tickets", &self.filter)).unwrap_or_default())
    }

    /// What is looked for; none where nothing can be found.
    async fn terms(&self, scope: &Scope) -> AppResult<Option<Option<Terms>>> {
        search::service::terms_of_list(scope, self.filter.query.as_deref(), &[]).await
    }
}

/// Lets support and administrators through.
///
/// # Errors
/// Unauthenticated without a token, forbidden with a lesser role.
pub async fn require_support(scope: &Scope) -> AppResult<()> {
    require_role(scope, Role::Support).await.map(drop)
}

/// A page of tickets, the newest first; whether the actor may see them is asked before.
///
/// # Errors
/// Bad input.
pub async fn list_tickets(
    scope: &Scope,
    list: &TicketListQuery,
    page: &PageRequest<KeysetPosition>,
) -> AppResult<Page<Ticket>> {
    let rows = match list.terms(scope).await? {
        None => Vec::new(),
        Some(terms) => {
            let cut = Keyset::new(store::COLUMN, !page.backward, page.cursor.clone(), page.limit())?;
            store::list_tickets(&*scope.db.read().await?, &list.filter, terms.as_ref(), cut).await?
        }
    };
    Ok(page.page(rows, |ticket| (KeyValue::Number(ticket.created_at.timestamp_micros()), ticket.id.0)))
}

/// How many tickets a list has, up to a bound; asked only by who was given a page of it.
///
/// # Errors
/// When the database fails.
pub async fn count_tickets(scope: &Scope, list: &TicketListQuery, bound: i64) -> AppResult<i64> {
    match list.terms(scope).await? {
        None => Ok(0),
        Some(terms) => {
            Ok(store::count_tickets(&*scope.db.read_long().await?, &list.filter, terms.as_ref(), bound).await?)
        }
    }
}

/// What was asked and answered in tickets; whether the actor may see them is asked before.
///
/// # Errors
/// When the database fails.
pub async fn load_lines(scope: &Scope, ids: &[TicketId]) -> AppResult<HashMap<TicketId, Vec<TicketLine>>> {
    let mut lines: HashMap<TicketId, Vec<TicketLine>> = HashMap::new();
    for line in store::list_lines(&*scope.db.read().await?, ids).await? {
        lines.entry(line.ticket_id).or_default().push(line);
    }
    Ok(lines)
}

/// The words of what was asked and answered.
async fn words_of(contents: impl Iterator<Item = &str>) -> String {
    words::ready().await;
    let first = std::iter::once(Field::Title).chain(std::iter::repeat(Field::Text));
    SearchDocument::new(&contents.zip(first).collect::<Vec<_>>()).tsvector()
}

/// A ticket that was made before with the same key.
async fn replayed(conn: &AsyncPgConnection, id: i64) -> AppResult<Ticket> {
    let found = store::list_by_ids(conn, &[TicketId(id)]).await?.into_iter().next();
    found.ok_or_else(|| AppError::internal("a ticket is gone"))
}

/// Asks support something, about an order of the viewer's if they say so.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the question; `NOT_FOUND` for an order that is not theirs; those of a key.
pub async fn create(scope: &Scope, question: &str, order: Option<OrderId>, key: Option<String>) -> AppResult<Ticket> {
    let viewer = scope.viewer()?.user_id;
    let key = Key::new(viewer, "createTicket", key, &(question, order))?;
    let reload = async |id| replayed(&*scope.db.read().await?, id).await;
    if let Some(made) = idempotency::find_replayed(&scope.db, key.as_ref(), reload).await? {
        return Ok(made);
    }
    check_lines(question, policy::LONGEST_TEXT).map_err(|fault| fault.at("question"))?;
    if let Some(id) = order {
        let seen = orders::service::load_visible(scope, &[id]).await?;
        let own = seen.get(&id).is_some_and(|order| order.buyer_id == viewer);
        own.then_some(()).ok_or_else(|| TicketError::NoSuchOrder.at("orderId"))?;
    }
    let question = question.trim().to_owned();
    let words = words_of(std::iter::once(question.as_str())).await;
    let ticket = NewTicket { author_id: viewer, order_id: order, question, words, now: scope.app.clock.now() };
    let buckets = rate_limit::viewer_buckets(
        scope.requester(),
        "tickets",
        scope.app.config.rates.creations,
        TimeDelta::hours(1),
    )?;
    scope
        .transaction(async |conn| {
            lock_viewer_shared(scope, conn).await?;
            if let Some(made) = idempotency::claim(conn, key.as_ref(), scope.app.clock.now()).await? {
                return replayed(conn, made).await;
            }
            rate_limit::consume(conn, &buckets, ticket.now).await?;
            let made = store::insert_ticket(conn, &ticket).await?;
            store::insert_line(conn, &line(scope, made.id, false, &ticket.question)?).await?;
            record_change(scope, conn, &made).await?;
            idempotency::complete(conn, key.as_ref(), made.id.0).await?;
            Ok(made)
        })
        .await
}

/// Erases a leaving user's questions, and closes their tickets, within the caller's transaction; support's answers stay.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &AsyncPgConnection, author: UserId, now: DateTime<Utc>) -> AppResult<()> {
    store::erase_questions(conn, author, now).await?;
    Ok(())
}

/// Something that the viewer says in a ticket.
fn line(scope: &Scope, ticket_id: TicketId, is_answer: bool, content: &str) -> AppResult<TicketLine> {
    let (author_id, created_at) = (scope.viewer()?.user_id, scope.app.clock.now());
    Ok(TicketLine { ticket_id, author_id, is_answer, content: content.to_owned(), created_at })
}

/// A ticket that is held, and who asks; `NOT_FOUND` for those who may not see it.
async fn lock_seen(scope: &Scope, conn: &AsyncPgConnection, id: TicketId) -> AppResult<(Ticket, TicketActor)> {
    let viewer = lock_viewer_shared(scope, conn).await?;
    let role = role_of(conn, viewer).await?;
    let seen = store::lock_ticket(conn, id).await?.filter(|ticket| policy::sees(ticket, viewer, role));
    let ticket = seen.ok_or_else(|| TicketError::NoSuchTicket.at("id"))?;
    Ok((ticket, TicketActor { id: viewer, role }))
}

/// Adds what the viewer says to a ticket that is held, and gives the words of all that was said in it.
async fn add_line(conn: &AsyncPgConnection, lines: &[TicketLine], new: &TicketLine) -> AppResult<String> {
    policy::check_room(lines, new).map_err(|error| error.at("id"))?;
    store::insert_line(conn, new).await?;
    Ok(words_of(lines.iter().chain([new]).map(|line| line.content.as_str())).await)
}

/// Answers a ticket, or adds to its answer.
///
/// # Errors
/// Forbidden but to support and administrators; `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the answer; `NOT_FOUND`,
/// `SELF_TARGET`, `ILLEGAL_TRANSITION` for one that is closed, `CONFLICT` for one that has no room.
pub async fn answer(scope: &Scope, id: TicketId, answer: &str) -> AppResult<Ticket> {
    let agent = require_role(scope, Role::Support).await?.user_id;
    check_lines(answer, policy::LONGEST_TEXT).map_err(|fault| fault.at("answer"))?;
    words::ready().await;
    let (answer, now) = (answer.trim(), scope.app.clock.now());
    scope
        .transaction(async |conn| {
            let (ticket, actor) = lock_seen(scope, conn, id).await?;
            policy::check_change(&ticket, actor, TicketStatus::Answered).map_err(|error| error.at("id"))?;
            let lines = store::list_lines(conn, &[id]).await?;
            if ticket.status == TicketStatus::Answered && policy::repeats(&lines, agent, true, answer) {
                return Ok(ticket);
            }
            let words = add_line(conn, &lines, &line(scope, id, true, answer)?).await?;
            let answer = TicketAnswer { agent, content: answer, words: &words, now };
            let ticket = store::answer_ticket(conn, id, &answer).await?;
            record_change(scope, conn, &ticket).await?;
            Ok(ticket)
        })
        .await
}

/// Asks more in the viewer's ticket, which is open again then.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG`, `INVALID_INPUT` for the content; `NOT_FOUND`, `FORBIDDEN` but to its author,
/// `ILLEGAL_TRANSITION` for one that is open, `CONFLICT` for one that has no room.
pub async fn reopen(scope: &Scope, id: TicketId, content: &str) -> AppResult<Ticket> {
    let viewer = scope.viewer()?.user_id;
    check_lines(content, policy::LONGEST_TEXT).map_err(|fault| fault.at("content"))?;
    words::ready().await;
    let (content, now) = (content.trim(), scope.app.clock.now());
    scope
        .transaction(async |conn| {
            let (ticket, actor) = lock_seen(scope, conn, id).await?;
            let lines = store::list_lines(conn, &[id]).await?;
            let repeated = ticket.status == TicketStatus::Open && lines.len() > 1;
            if repeated && policy::repeats(&lines, viewer, false, content) {
                return Ok(ticket);
            }
            policy::check_change(&ticket, actor, TicketStatus::Open).map_err(|error| error.at("id"))?;
            let words = add_line(conn, &lines, &line(scope, id, false, content)?).await?;
            let ticket = store::reopen_ticket(conn, id, &words, now).await?;
            record_change(scope, conn, &ticket).await?;
            Ok(ticket)
        })
        .await
}

/// Closes a ticket: its author, support, or an administrator. Closed again by the same one, nothing changes.
///
/// # Errors
/// `NOT_FOUND`, `ILLEGAL_TRANSITION` for one that another person closed.
pub async fn close(scope: &Scope, id: TicketId) -> AppResult<Ticket> {
    let now = scope.app.clock.now();
    scope
        .transaction(async |conn| {
            let (ticket, actor) = lock_seen(scope, conn, id).await?;
            if ticket.status == TicketStatus::Closed && ticket.closed_by == Some(actor.id) {
                return Ok(ticket);
            }
            policy::check_change(&ticket, actor, TicketStatus::Closed).map_err(|error| error.at("id"))?;
            let ticket = store::close_ticket(conn, id, actor.id, now).await?;
            record_change(scope, conn, &ticket).await?;
            Ok(ticket)
        })
        .await
}

/// Records for a ticket's author and support that it came or changed, within the transaction.
async fn record_change(scope: &Scope, conn: &AsyncPgConnection, ticket: &Ticket) -> AppResult<()> {
    let event = |topic| NewEvent {
        subject_id: Some(ticket.id.0),
        user_id: Some(ticket.author_id),
        ..NewEvent::new(EventKind::TicketChanged, topic)
    };
    let events = [event(Topic::user(ticket.author_id)), event(Topic::role(RANK_OF_SUPPORT))];
    scope.record(conn, &events).await
}
