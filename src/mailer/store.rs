//! All SQL of the queue.

use chrono::{DateTime, Utc};
use diesel::expression::Expression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Channel, Message, NewMessage};
use crate::db::schema::{outgoing_messages as messages, sql_types};
use crate::db::{columns, statement};

columns!(
    /// The columns of a message.
    static MESSAGE: Message
);

statement! {
    /// Takes messages that are due, and puts their next try off until the taker must have given up.
    struct Take { channel: Channel, room: i64, due: DateTime<Utc>, next: DateTime<Utc> }
        -> <<Message as Selectable<Pg>>::SelectExpression as Expression>::SqlType
    |this|
    "with due as (select id as due_id from outgoing_messages where channel = " [sql_types::MessageChannel: &this.channel]
    " and due_at <= " [Timestamptz: &this.due] " order by due_at limit " [BigInt: &this.room] " for update skip locked)
    update outgoing_messages set due_at = " [Timestamptz: &this.next] ", tries = tries + 1 from due where id = due_id returning "
    {&*MESSAGE}
}

/// Adds a message.
pub async fn insert(mut conn: &AsyncPgConnection, message: NewMessage) -> QueryResult<usize> {
    diesel::insert_into(messages::table).values(message).execute(&mut conn).await
}

/// Takes the messages of a channel that were due by a time, as many as there is room for; nobody else gets them before
/// `next`.
pub async fn take(
    mut conn: &AsyncPgConnection,
    (channel, room): (Channel, usize),
    due: DateTime<Utc>,
    next: DateTime<Utc>,
) -> QueryResult<Vec<Message>> {
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    Take { channel, room, due, next }.load(&mut conn).await
}

/// Sets the next try of a message.
pub async fn update_due(mut conn: &AsyncPgConnection, id: i64, due: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(messages::table.find(id)).set(messages::due_at.eq(due)).execute(&mut conn).await
}

/// Deletes a message.
pub async fn delete(mut conn: &AsyncPgConnection, id: i64) -> QueryResult<usize> {
    diesel::delete(messages::table.find(id)).execute(&mut conn).await
}

/// Deletes all messages to somebody.
pub async fn delete_to(mut conn: &AsyncPgConnection, recipients: &[String]) -> QueryResult<usize> {
    diesel::delete(messages::table.filter(messages::recipient.eq_any(recipients))).execute(&mut conn).await
}
