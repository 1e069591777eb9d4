//! All SQL of tickets.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{NewTicket, Ticket, TicketAnswer, TicketFilter, TicketLine, TicketStatus};
use crate::db::keyset::{ColumnType, Keyset, KeysetColumn};
use crate::db::schema::{ticket_lines, tickets};
use crate::db::{columns, statement};
use crate::domains::search::list_query::{ListPredicate, ListRows};
use crate::domains::search::terms::Terms;
use crate::ids::{TicketId, UserId};
use crate::text::ERASED;

columns!(
    /// The columns of a ticket.
    static TICKET: Ticket
);

type TicketColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Ticket, Pg>>;

/// Tickets come by when they were made.
pub const COLUMN: KeysetColumn =
    KeysetColumn { name: "tickets.created_at", id: "tickets.id", column_type: ColumnType::Instants };

/// What has to hold beside the state.
pub struct TicketConditions<'a> {
    /// What has to hold.
    pub filter: &'a TicketFilter,
    /// Words that the tickets have.
    pub terms: Option<&'a Terms>,
}

impl TicketConditions<'_> {
    /// All that has to hold.
    #[must_use]
    pub fn predicate(&self) -> ListPredicate<'_> {
        let asked = self.filter.status.as_deref();
        let states = ListPredicate::asked_states(TicketStatus::ALL, asked, TicketStatus::name, "ticket_status");
        ListPredicate { table: "tickets", states: Some(states), more: self }
    }
}

impl QueryFragment<Pg> for TicketConditions<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // The words are read as `terms`, the states through `predicate`.
        let TicketFilter { author_id, query: _, status: _ } = self.filter;
        out.push_sql("true");
        if let Some(author) = author_id {
            out.push_sql(" and tickets.author_id = ");
            out.push_bind_param::<BigInt, _>(author)?;
        }
        if let Some(terms) = self.terms {
            out.push_sql(" and ");
            terms.push_fits(&mut out, "tickets.words");
        }
        Ok(())
    }
}

statement! {
    by text
    /// A page of tickets.
    struct ListedTickets<'a> { rows: ListRows<'a> } -> TicketColumns
    |this|
    "select " {&*TICKET} " from " {&this.rows} {&this.rows.cut}
}

statement! {
    by text
    /// How many tickets a list has, up to a bound.
    struct CountTickets<'a> { rows: ListRows<'a> } -> BigInt
    |this|
    "select count(*) from " {&this.rows}
}

/// A page of tickets.
pub async fn list_tickets(
    mut conn: &AsyncPgConnection,
    filter: &TicketFilter,
    terms: Option<&Terms>,
    cut: Keyset,
) -> QueryResult<Vec<Ticket>> {
    let conditions = TicketConditions { filter, terms };
    ListedTickets { rows: ListRows::new(&conditions.predicate(), cut) }.load(&mut conn).await
}

/// How many tickets there are, up to a bound.
pub async fn count_tickets(
    mut conn: &AsyncPgConnection,
    filter: &TicketFilter,
    terms: Option<&Terms>,
    bound: i64,
) -> QueryResult<i64> {
    let conditions = TicketConditions { filter, terms };
    CountTickets { rows: ListRows::new(&conditions.predicate(), Keyset::count(COLUMN, bound)) }
        .get_result(&mut conn)
        .await
}

/// The tickets with these ids.
pub async fn list_by_ids(mut conn: &AsyncPgConnection, ids: &[TicketId]) -> QueryResult<Vec<Ticket>> {
    tickets::table.filter(tickets::id.eq_any(ids)).select(Ticket::as_select()).load(&mut conn).await
}

/// Locks a ticket against concurrent changes.
pub async fn lock_ticket(mut conn: &AsyncPgConnection, id: TicketId) -> QueryResult<Option<Ticket>> {
    tickets::table.find(id).select(Ticket::as_select()).for_no_key_update().get_result(&mut conn).await.optional()
}

statement! {
    /// Adds a ticket.
    struct InsertTicket<'a> { ticket: &'a NewTicket } -> TicketColumns
    |this|
    "insert into tickets (author_id, order_id, question, words, created_at, updated_at) values ("
    [BigInt: &this.ticket.author_id] ", " [Nullable<BigInt>: &this.ticket.order_id] ", " [Text: &this.ticket.question]
    ", " [Text: &this.ticket.words] "::tsvector, " [Timestamptz: &this.ticket.now] ", " [Timestamptz: &this.ticket.now]
    ") returning " {&*TICKET}
}

/// Adds a ticket.
pub async fn insert_ticket(mut conn: &AsyncPgConnection, ticket: &NewTicket) -> QueryResult<Ticket> {
    InsertTicket { ticket }.get_result(&mut conn).await
}

statement! {
    /// Answers a ticket that is held.
    struct AnswerTicket<'a> { id: TicketId, answer: &'a TicketAnswer<'a> } -> TicketColumns
    |this|
    "update tickets set status = 'ANSWERED', agent_id = " [BigInt: &this.answer.agent] ", answer = " [Text: &this.answer.content]
    ", words = " [Text: &this.answer.words] "::tsvector, updated_at = " [Timestamptz: &this.answer.now] " where tickets.id = "
    [BigInt: &this.id] " returning " {&*TICKET}
}

/// The lines of these tickets, each ticket's from its beginning.
pub async fn list_lines(mut conn: &AsyncPgConnection, ids: &[TicketId]) -> QueryResult<Vec<TicketLine>> {
    let lines = ticket_lines::table.filter(ticket_lines::ticket_id.eq_any(ids)).order(ticket_lines::id);
    lines.select(TicketLine::as_select()).load(&mut conn).await
}

/// Adds a line to a ticket that is held.
pub async fn insert_line(mut conn: &AsyncPgConnection, line: &TicketLine) -> QueryResult<usize> {
    diesel::insert_into(ticket_lines::table).values(line).execute(&mut conn).await
}

/// Answers a ticket that is held.
pub async fn answer_ticket(
    mut conn: &AsyncPgConnection,
    id: TicketId,
    answer: &TicketAnswer<'_>,
) -> QueryResult<Ticket> {
    AnswerTicket { id, answer }.get_result(&mut conn).await
}

statement! {
    /// Opens a ticket that is held again.
    struct ReopenTicket<'a> { id: TicketId, words: &'a str, now: DateTime<Utc> } -> TicketColumns
    |this|
    "update tickets set status = 'OPEN', closed_by = null, words = " [Text: &this.words] "::tsvector, updated_at = "
    [Timestamptz: &this.now] " where tickets.id = " [BigInt: &this.id] " returning " {&*TICKET}
}

/// Opens a ticket that is held again; `words` are those of all its lines.
pub async fn reopen_ticket(
    mut conn: &AsyncPgConnection,
    id: TicketId,
    words: &str,
    now: DateTime<Utc>,
) -> QueryResult<Ticket> {
    ReopenTicket { id, words, now }.get_result(&mut conn).await
}

/// Closes a ticket that is held.
pub async fn close_ticket(
    mut conn: &AsyncPgConnection,
    id: TicketId,
    closed_by: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Ticket> {
    let closed =
        (tickets::status.eq(TicketStatus::Closed), tickets::closed_by.eq(closed_by), tickets::updated_at.eq(now));
    diesel::update(tickets::table.find(id)).set(closed).returning(Ticket::as_returning()).get_result(&mut conn).await
}

/// Erases what a person asked, and closes what is open of it.
pub async fn erase_questions(mut conn: &AsyncPgConnection, author: UserId, now: DateTime<Utc>) -> QueryResult<()> {
    let tickets = tickets::table.filter(tickets::author_id.eq(author)).select(tickets::id);
    let own =
        ticket_lines::table.filter(ticket_lines::ticket_id.eq_any(tickets)).filter(ticket_lines::is_answer.eq(false));
    diesel::update(own).set(ticket_lines::content.eq(ERASED)).execute(&mut conn).await?;
    EraseTickets { author, now }.execute(&mut conn).await?;
    Ok(())
}

statement! {
    /// Erases the questions of a person's tickets, and closes them.
    struct EraseTickets { author: UserId, now: DateTime<Utc> } -> BigInt
    |this|
    "update tickets set question = " [Text: &ERASED] ", words = '', closed_by = case when status = 'CLOSED' then closed_by else author_id end, \
     status = 'CLOSED', updated_at = " [Timestamptz: &this.now] " where author_id = " [BigInt: &this.author]
}
