//! All SQL of chat: reading conversations and messages here, [`send`]ing, [`members`] and their markers apart.

pub mod members;
pub mod send;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Conversation, ConversationCard, ConversationKind, ConversationView, Member, Message, MessageCard};
use crate::db::schema::{conversations, members as members_table, messages, users};
use crate::db::{Direction, Limit, columns, statement};
use crate::domains::accounts::model::User;
use crate::ids::{ConversationId, MessageId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a message.
    static MESSAGE: Message
);
columns!(
    /// The columns of a user.
    static USER: User
);

mod pair {
    use crate::db::schema::users;

    diesel::alias!(users as low_users: LowUsers, users as high_users: HighUsers);
}
use pair::{high_users, low_users};

type CardRow = (Conversation, Option<User>, Option<User>);

type FullRow = (Conversation, Option<User>, Option<User>, Message, User);
type ViewRow = (Conversation, Option<User>, Option<User>, Member);

fn view((conversation, low, high, member): ViewRow) -> ConversationView {
    ConversationView { card: card((conversation, low, high)), member }
}

fn card((conversation, low, high): CardRow) -> ConversationCard {
    ConversationCard { conversation, pair: low.zip(high) }
}

/// Conversations with both people of the direct ones.
macro_rules! cards {
    () => {
        conversations::table
            .left_join(low_users.on(low_users.field(users::id).nullable().eq(conversations::low_user_id)))
            .left_join(high_users.on(high_users.field(users::id).nullable().eq(conversations::high_user_id)))
    };
}

macro_rules! card_columns {
    ($($more:expr),*) => {
        (
            Conversation::as_select(),
            low_users.fields(<User as Selectable<diesel::pg::Pg>>::construct_selection()).nullable(),
            high_users.fields(<User as Selectable<diesel::pg::Pg>>::construct_selection()).nullable(),
            $($more),*
        )
    };
}

/// The conversations with these ids, in no order.
pub async fn list_cards(mut conn: &AsyncPgConnection, ids: &[ConversationId]) -> QueryResult<Vec<ConversationCard>> {
    let rows: Vec<CardRow> =
        cards!().filter(conversations::id.eq_any(ids)).select(card_columns!()).load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// A conversation with one person's membership, if they are or were a member.
pub async fn find_for_member(
    mut conn: &AsyncPgConnection,
    id: ConversationId,
    user: UserId,
) -> QueryResult<Option<ConversationView>> {
    let row: Option<ViewRow> = cards!()
        .inner_join(members_table::table)
        .filter(conversations::id.eq(id).and(members_table::user_id.eq(user)))
        .select(card_columns!(Member::as_select()))
        .get_result(&mut conn)
        .await
        .optional()?;
    Ok(row.map(view))
}

/// Holds a conversation as it is until the transaction ends: its members and what was said in it.
pub async fn lock_conversation(mut conn: &AsyncPgConnection, id: ConversationId) -> QueryResult<()> {
    let row = conversations::table.filter(conversations::id.eq(id)).select(conversations::id).for_no_key_update();
    row.execute(&mut conn).await.map(drop)
}

/// The direct conversation of two people, with the first one's membership.
pub async fn find_direct(
    mut conn: &AsyncPgConnection,
    user: UserId,
    peer: UserId,
) -> QueryResult<Option<ConversationView>> {
    let row: Option<ViewRow> = cards!()
        .inner_join(members_table::table)
        .filter(conversations::low_user_id.eq(user.min(peer)).and(conversations::high_user_id.eq(user.max(peer))))
        .filter(members_table::user_id.eq(user))
        .select(card_columns!(Member::as_select()))
        .get_result(&mut conn)
        .await
        .optional()?;
    Ok(row.map(view))
}

/// A page of a user's conversations in which something was said, the latest first.
pub async fn list_for_member(
    mut conn: &AsyncPgConnection,
    user: UserId,
    page: &PageRequest<(DateTime<Utc>, ConversationId)>,
) -> QueryResult<Vec<ConversationView>> {
    let mut query = cards!()
        .inner_join(members_table::table)
        .filter(members_table::user_id.eq(user))
        .filter(conversations::last_seq.ge(members_table::from_seq))
        .select(card_columns!(Member::as_select()))
        .limit(page.limit())
        .into_boxed();
    let (at, id) = (conversations::last_activity_at, conversations::id);
    // Latest first, so "behind the cursor" is earlier.
    if let Some((seen_at, seen_id)) = page.cursor {
        query = if page.backward {
            query.filter(at.ge(seen_at).and(at.gt(seen_at).or(id.gt(seen_id))))
        } else {
            query.filter(at.le(seen_at).and(at.lt(seen_at).or(id.lt(seen_id))))
        };
    }
    query = if page.backward { query.order((at.asc(), id.asc())) } else { query.order((at.desc(), id.desc())) };
    let rows: Vec<ViewRow> = query.load(&mut conn).await?;
    Ok(rows.into_iter().map(view).collect())
}

/// How many conversations [`list_for_member`] pages through, counted up to a bound.
pub async fn count_for_member(mut conn: &AsyncPgConnection, user: UserId, bound: i64) -> QueryResult<i64> {
    let found: Vec<ConversationId> = conversations::table
        .inner_join(members_table::table)
        .filter(members_table::user_id.eq(user))
        .filter(conversations::last_seq.ge(members_table::from_seq))
        .select(conversations::id)
        .limit(bound)
        .load(&mut conn)
        .await?;
    Ok(i64::try_from(found.len()).unwrap_or(bound))
}

statement! {
    by text
    /// A conversation's messages between two seqs.
    pub struct MessagesBetween { conversation: ConversationId, from: i32, until: i32, direction: Direction, limit: Limit }
        -> diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Message, diesel::pg::Pg>>
    |this|
    "select " {&*MESSAGE} " from messages where conversation_id = " [BigInt: &this.conversation]
    " and seq between " [Integer: &this.from] " and " [Integer: &this.until]
    " order by seq " {&this.direction} " limit " {&this.limit}
}

/// A page of a conversation's messages between two seqs, in the direction of the request.
pub async fn list_messages(
    mut conn: &AsyncPgConnection,
    conversation: ConversationId,
    from: i32,
    until: i32,
    page: &PageRequest<i32>,
) -> QueryResult<Vec<Message>> {
    let (from, until) = match (page.cursor, page.backward) {
        (Some(seq), false) => (from.max(seq.saturating_add(1)), until),
        (Some(seq), true) => (from, until.min(seq.saturating_sub(1))),
        (None, _) => (from, until),
    };
    let direction = if page.backward { Direction::Descending } else { Direction::Ascending };
    let limit = Limit(page.limit());
    MessagesBetween { conversation, from, until, direction, limit }.load(&mut conn).await
}

/// A message that the person may see.
pub async fn find_visible_message(
    mut conn: &AsyncPgConnection,
    id: MessageId,
    viewer: UserId,
) -> QueryResult<Option<(Message, User)>> {
    messages::table
        .inner_join(users::table)
        .inner_join(
            members_table::table.on(members_table::conversation_id
                .eq(messages::conversation_id)
                .and(members_table::user_id.eq(viewer))
                .and(messages::seq.ge(members_table::from_seq))
                .and(members_table::until_seq.is_null().or(messages::seq.nullable().le(members_table::until_seq)))),
        )
        .filter(messages::id.eq(id))
        .select((Message::as_select(), User::as_select()))
        .get_result(&mut conn)
        .await
        .optional()
}

/// Messages by id, each with its sender and its conversation, in one statement.
pub async fn list_message_cards(mut conn: &AsyncPgConnection, ids: &[MessageId]) -> QueryResult<Vec<MessageCard>> {
    let rows: Vec<FullRow> = cards!()
        .inner_join(messages::table.inner_join(users::table))
        .filter(messages::id.eq_any(ids))
        .select(card_columns!(Message::as_select(), User::as_select()))
        .load(&mut conn)
        .await?;
    let cards = rows.into_iter().map(|(conversation, low, high, message, sender)| MessageCard {
        message,
        sender: Arc::new(sender),
        conversation: Some(Arc::new(card((conversation, low, high)))),
    });
    Ok(cards.collect())
}

statement! {
    /// Messages by conversation and seq, each with its sender.
    pub struct MessagesAt<'a> { conversations: &'a [ConversationId], seqs: &'a [i32] }
        -> (diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Message, diesel::pg::Pg>>,
            diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<User, diesel::pg::Pg>>)
    |this|
    "select " {&*MESSAGE} ", "
    {&*USER}
    " from unnest(" [Array<BigInt>: this.conversations]
    ", " [Array<Integer>: this.seqs]
    ") as wanted (conversation_id, seq) join messages using (conversation_id, seq) join users on users.id = sender_id"
}

/// The messages at these places, each with its sender, in no order.
pub async fn list_messages_at(
    mut conn: &AsyncPgConnection,
    places: &[(ConversationId, i32)],
) -> QueryResult<Vec<(Message, User)>> {
    let (conversations, seqs): (Vec<_>, Vec<_>) = places.iter().copied().unzip();
    MessagesAt { conversations: &conversations, seqs: &seqs }.load(&mut conn).await
}

/// Makes the direct conversation of two people with both as members. None when another request just made it.
pub async fn insert_direct(
    mut conn: &AsyncPgConnection,
    low: UserId,
    high: UserId,
    opener: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Option<ConversationId>> {
    let id: Option<ConversationId> = diesel::insert_into(conversations::table)
        .values((
            conversations::kind.eq(ConversationKind::Direct),
            conversations::low_user_id.eq(low),
            conversations::high_user_id.eq(high),
            conversations::opened_by.eq(opener),
            conversations::answered.eq(low == high),
            conversations::last_activity_at.eq(now),
            conversations::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .returning(conversations::id)
        .get_result(&mut conn)
        .await
        .optional()?;
    let Some(id) = id else { return Ok(None) };
    let row = |user: UserId| {
        (members_table::conversation_id.eq(id), members_table::user_id.eq(user), members_table::joined_at.eq(now))
    };
    let mut people = vec![row(low)];
    if low != high {
        people.push(row(high));
    }
    diesel::insert_into(members_table::table).values(people).execute(&mut conn).await?;
    Ok(Some(id))
}
