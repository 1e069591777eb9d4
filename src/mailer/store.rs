//! All SQL of the queue.

use chrono::{DateTime, Utc};
use diesel::expression::Expression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Channel, NewOutgoingMessage, OutgoingMessage};
use crate::db::schema::{outgoing_messages as messages, sql_types};
use crate::db::{columns, statement};

columns!(
    /// The columns of a message.
    static MESSAGE: OutgoingMessage
);

statement! {
    /// Takes due messages and postpones their next attempt beyond the delivery timeout.
    struct TakeDue { channel: Channel, room: i64, due: DateTime<Utc>, next: DateTime<Utc> }
        -> <<OutgoingMessage as Selectable<Pg>>::SelectExpression as Expression>::SqlType
    |this|
    "with due as (select id as due_id from outgoing_messages where channel = " [sql_types::MessageChannel: &this.channel]
    " and due_at <= " [Timestamptz: &this.due] " order by due_at limit " [BigInt: &this.room] " for update skip locked)
    update outgoing_messages set due_at = " [Timestamptz: &this.next] ", tries = tries + 1 from due where id = due_id returning "
    {&*MESSAGE}
}

/// Adds a message.
pub async fn insert(mut conn: &AsyncPgConnection, message: NewOutgoingMessage) -> QueryResult<usize> {
    diesel::insert_into(messages::table).values(message).execute(&mut conn).await
}

/// Takes up to `room` messages of a channel due by a time; hidden from others until `next`.
pub async fn take_due(
    mut conn: &AsyncPgConnection,
    channel: Channel,
    room: usize,
    due: DateTime<Utc>,
    next: DateTime<Utc>,
) -> QueryResult<Vec<OutgoingMessage>> {
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    TakeDue { channel, room, due, next }.load(&mut conn).await
}

/// Sets the next attempt.
pub async fn update_due(mut conn: &AsyncPgConnection, id: i64, due: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(messages::table.find(id)).set(messages::due_at.eq(due)).execute(&mut conn).await
}

/// Deletes a message.
pub async fn delete(mut conn: &AsyncPgConnection, id: i64) -> QueryResult<usize> {
    diesel::delete(messages::table.find(id)).execute(&mut conn).await
}

/// Deletes all messages to these recipients.
pub async fn delete_to(mut conn: &AsyncPgConnection, recipients: &[String]) -> QueryResult<usize> {
    diesel::delete(messages::table.filter(messages::recipient.eq_any(recipients))).execute(&mut conn).await
}
