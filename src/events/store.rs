//! All SQL of the event stream.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{EventKind, NewEvent, Position, StoredEvent};
use super::topic::TopicKind;
use crate::db::schema::{event_stream, events, outbox};
use crate::db::{columns, statement};

/// Settings of the sessions that move events and follow the stream: a plan is made once for all values, and by index. The outbox
/// is mostly empty, and tomorrow's partition is: PostgreSQL would scan what was empty when it was vacuumed or analyzed, at
/// each move and look, dead rows included, until the next vacuum.
pub const PLAN_SETTINGS: &str = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off";

/// How many outbox rows one move takes.
const BATCH: i64 = 2000;

/// The stream's single row.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = event_stream)]
pub struct Stream {
    /// The last position given out.
    pub head: Position,
    /// The last position that retention took.
    pub dropped_through: Position,
    /// When head was given out.
    pub last_at: DateTime<Utc>,
}

/// The columns that the outbox and the stream share, in one order. A newer version may have added others.
const SHARED_COLUMNS: &str =
    "kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id, actor_id, target_id, data";

/// Some of the columns of an event that is recorded by a larger statement, as a fragment for `statement!`: what happened to
/// a conversation, at the version that it has then.
pub struct ConversationEventColumns;

impl QueryFragment<Pg> for ConversationEventColumns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id, actor_id");
        Ok(())
    }
}

/// [`SHARED_COLUMNS`] as a fragment.
struct SharedColumns;

impl QueryFragment<Pg> for SharedColumns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(SHARED_COLUMNS);
        Ok(())
    }
}

statement! {
    /// Moves committed outbox rows, in id order, to the end of the stream, and notifies all that listen, in one
    /// statement. Gives how many were moved and the new head.
    pub struct MoveBatch {} -> (BigInt, BigInt, Text)
    |_unused|
    "with moved as (delete from outbox where id = any(array(select id from outbox \
       where id > (select outbox_floor from event_stream) order by id limit "
    [BigInt: &BATCH]
    ")) returning *), \
     counted as (select count(*) as n from moved), \
     stream as (update event_stream set head = head + n, last_at = greatest(last_at, now()) from counted where n > 0 \
       returning head - n as base, last_at), \
     placed as (insert into events (position, at, " {&SharedColumns} ") \
       select base + row_number() over (order by moved.id), last_at, " {&SharedColumns}
    " from moved cross join stream returning position) \
     select count(*), coalesce(max(position), 0), \
       coalesce(case when count(*) > 0 then pg_notify('plaza_events', '')::text end, '') from placed"
}

columns!(
    /// The columns of an event; a newer version may have added others.
    static EVENT: StoredEvent
);

statement! {
    /// What was published to some topics between two positions, merged, at most `limit` rows: from each topic's index no
    /// more than `limit` are read.
    pub struct EventsBetween<'a> {
        topic_kinds: &'a [TopicKind],
        topic_ids: &'a [i64],
        kinds: &'a [EventKind],
        after: Position,
        through: Position,
        not_before: DateTime<Utc>,
        limit: i64,
    } -> diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<StoredEvent, Pg>>
    |this|
    "select e.* from unnest(" [Array<Text>: this.topic_kinds] ", " [Array<BigInt>: this.topic_ids]
    ") as topic (kind, id) cross join lateral (select " {&*EVENT} " from events \
       where audience = topic.kind and audience_id = topic.id \
       and position > " [BigInt: &this.after] " and position <= " [BigInt: &this.through]
    " and at >= " [Timestamptz: &this.not_before] " and kind = any(" [Array<Text>: this.kinds]
    ") order by position limit " [BigInt: &this.limit] ") e order by e.position limit " [BigInt: &this.limit]
}

/// What waits in the stream.
#[derive(Debug)]
pub struct BacklogRow {
    /// The last position given out.
    pub head: Position,
    /// Rows of the outbox, counted up to 10,000.
    pub outbox: i64,
    /// The age of the oldest of them.
    pub outbox_seconds: Option<f64>,
    /// The age of the event at the position that was asked for.
    pub feed_seconds: Option<f64>,
}

statement! {
    /// How much waits for its place, and for how long, and since when the event at a position has had its own.
    pub struct ListWaiting { position: Position, not_before: DateTime<Utc> }
        -> (BigInt, BigInt, Nullable<Double>, Nullable<Double>)
    |this|
    "select head, (select count(*) from (select from outbox where id > outbox_floor limit 10000) as counted), \
       (select extract(epoch from clock_timestamp() - written_at)::float8 from outbox \
         where id > outbox_floor order by id limit 1), \
       (select extract(epoch from clock_timestamp() - at)::float8 from events where position = "
    [BigInt: &this.position] " and at >= " [Timestamptz: &this.not_before] " limit 1) from event_stream"
}

/// See [`ListWaiting`].
pub async fn get_waiting(
    mut conn: &AsyncPgConnection,
    position: Position,
    not_before: DateTime<Utc>,
) -> QueryResult<BacklogRow> {
    let row: (i64, i64, Option<f64>, Option<f64>) = ListWaiting { position, not_before }.get_result(&mut conn).await?;
    let (head, outbox, outbox_seconds, feed_seconds) = row;
    Ok(BacklogRow { head, outbox, outbox_seconds, feed_seconds })
}

statement! {
    /// The partitions of `events`, by name.
    pub struct ListPartitions {} -> Text
    |_unused|
    "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid \
     where i.inhparent = 'events'::regclass order by c.relname"
}

statement! {
    /// The tables of single days, by name, the oldest first; also those that were detached and not dropped.
    pub struct ListDays {} -> Text
    |_unused|
    "select c.relname::text from pg_class c join pg_class parent on parent.oid = 'events'::regclass \
     where c.relnamespace = parent.relnamespace and c.relkind = 'r' and c.relname ~ '^events_[0-9]{8}$' order by c.relname"
}

statement! {
    /// Tries to become the one sequencer; the lock is the connection's.
    pub struct TryLead {} -> Bool
    |_unused|
    "select pg_try_advisory_lock(" [BigInt: &0x706c_617a_6102_i64] ")"
}

/// Adds rows to the outbox.
pub async fn insert_outbox(mut conn: &AsyncPgConnection, rows: &[NewEvent]) -> QueryResult<usize> {
    diesel::insert_into(outbox::table).values(rows).execute(&mut conn).await
}

/// The stream's row.
pub async fn get_stream(mut conn: &AsyncPgConnection) -> QueryResult<Stream> {
    event_stream::table.select(Stream::as_select()).get_result(&mut conn).await
}

/// Whether this connection is now the sequencer's.
pub async fn try_lead(mut conn: &AsyncPgConnection) -> QueryResult<bool> {
    TryLead {}.get_result(&mut conn).await
}

/// Moves one batch and returns its size.
pub async fn move_batch(mut conn: &AsyncPgConnection) -> QueryResult<i64> {
    MoveBatch {}.get_result::<(i64, i64, String)>(&mut conn).await.map(|(moved, _, _)| moved)
}

statement! {
    /// The last id that the outbox gave out; 0 for none.
    pub struct LastOutboxId {} -> BigInt
    |_unused|
    "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')::regclass), 0)"
}

/// See [`LastOutboxId`].
pub async fn get_last_outbox_id(mut conn: &AsyncPgConnection) -> QueryResult<i64> {
    LastOutboxId {}.get_result(&mut conn).await
}

statement! {
    /// A transaction id above those of all that have begun to write. (The end of a snapshot is none: it lies one above the last
    /// that is over, and a transaction that is still open may lie above it.)
    pub struct NextTransaction {} -> BigInt
    |_unused|
    "select pg_current_xact_id()::text::bigint"
}

/// See [`NextTransaction`].
pub async fn get_next_transaction(mut conn: &AsyncPgConnection) -> QueryResult<i64> {
    NextTransaction {}.get_result(&mut conn).await
}

statement! {
    /// Raises the outbox's floor to an id, or to before the first that is there, if all transactions before one are over.
    pub struct RaiseOutboxFloor { id: i64, before: i64 } -> BigInt
    |this|
    "update event_stream set outbox_floor = greatest(outbox_floor, least(" [BigInt: &this.id]
    ", (select min(id) - 1 from outbox where id > outbox_floor))) \
     where pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= " [BigInt: &this.before]
}

/// See [`RaiseOutboxFloor`]; false while one of them is open.
pub async fn raise_outbox_floor(mut conn: &AsyncPgConnection, id: i64, before: i64) -> QueryResult<bool> {
    RaiseOutboxFloor { id, before }.execute(&mut conn).await.map(|raised| raised == 1)
}

/// Lets the outbox's floor down.
pub async fn lower_outbox_floor(mut conn: &AsyncPgConnection) -> QueryResult<usize> {
    diesel::update(event_stream::table).set(event_stream::outbox_floor.eq(0)).execute(&mut conn).await
}

/// Whether a move takes all there can be.
#[must_use]
pub fn is_whole_batch(moved: i64) -> bool {
    moved == BATCH
}

/// The events right behind a position, in order.
pub async fn list_after(
    mut conn: &AsyncPgConnection,
    after: Position,
    not_before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<StoredEvent>> {
    events::table
        .filter(events::position.gt(after))
        .filter(events::at.ge(not_before))
        .order(events::position)
        .limit(limit)
        .select(StoredEvent::as_select())
        .load(&mut conn)
        .await
}

/// See [`EventsBetween`].
pub async fn list_between(mut conn: &AsyncPgConnection, query: EventsBetween<'_>) -> QueryResult<Vec<StoredEvent>> {
    query.load(&mut conn).await
}

statement! {
    /// Tells the leading instance that there is something in the outbox.
    pub struct NotifyWritten {} -> Text
    |_unused|
    "select pg_notify('plaza_outbox', '')::text"
}

/// Wakes the leading instance's sequencer through the database.
pub async fn notify_written(mut conn: &AsyncPgConnection) -> QueryResult<usize> {
    NotifyWritten {}.execute(&mut conn).await
}

statement! {
    /// Tells all instances who is typing and who is online.
    pub struct NotifyEphemeral<'a> { typing: &'a [String], presence: &'a [String] } -> Text
    |this|
    "select pg_notify('plaza_typing', payload)::text from unnest(" [Array<Text>: this.typing] ") as payload \
     union all select pg_notify('plaza_presence', payload)::text from unnest(" [Array<Text>: this.presence] ") as payload"
}

/// See [`NotifyEphemeral`].
pub async fn notify_ephemeral(
    mut conn: &AsyncPgConnection,
    typing: &[String],
    presence: &[String],
) -> QueryResult<usize> {
    NotifyEphemeral { typing, presence }.execute(&mut conn).await
}

/// The partitions of `events`, by name.
pub async fn list_partitions(mut conn: &AsyncPgConnection) -> QueryResult<Vec<String>> {
    ListPartitions {}.load(&mut conn).await
}

/// See [`ListDays`].
pub async fn list_days(mut conn: &AsyncPgConnection) -> QueryResult<Vec<String>> {
    ListDays {}.load(&mut conn).await
}

/// The database's day, in UTC.
pub async fn get_today(mut conn: &AsyncPgConnection) -> QueryResult<NaiveDate> {
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Date>("(now() at time zone 'UTC')::date"))
        .get_result(&mut conn)
        .await
}

/// Notes that everything before a time is about to be dropped, and returns up to where that goes.
pub async fn advance_dropped_through(mut conn: &AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<Position> {
    let last: Option<Position> = events::table
        .filter(events::at.lt(before))
        .select(diesel::dsl::max(events::position))
        .get_result(&mut conn)
        .await?;
    diesel::update(event_stream::table)
        .set(
            event_stream::dropped_through.eq(diesel::dsl::sql::<BigInt>("greatest(dropped_through, ")
                .bind::<BigInt, _>(last.unwrap_or(0))
                .sql(")")),
        )
        .returning(event_stream::dropped_through)
        .get_result(&mut conn)
        .await
}
