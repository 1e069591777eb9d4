//! All SQL of chat: reading conversations here; [`messages`], their [`history`], messages
//! [`everywhere`], [`send`]ing, [`removal`], [`reactions`],
//! [`members`], their [`windows`], [`markers`], [`settings`], [`mentions`] and [`words`], and what is [`unread`] apart.

pub mod everywhere;
pub mod history;
pub mod markers;
pub mod members;
pub mod mentions;
pub mod messages;
pub mod reactions;
pub mod removal;
pub mod send;
pub mod settings;
pub mod unread;
pub mod windows;
pub mod words;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{
    Conversation, ConversationCard, ConversationKind, ConversationPlace, ConversationView, Member, Target, TargetView,
};
use crate::db::schema::{conversations, members as members_table};
use crate::db::{Limit, columns, statement};
use crate::domains::accounts::model::User;
use crate::ids::{ConversationId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a user.
    static USER: User
);

columns!(
    /// The columns of a conversation.
    static CONVERSATION: Conversation
);
columns!(
    /// The columns of a member.
    static MEMBER: Member
);

type ConversationColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Conversation, Pg>>;
type MemberColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Member, Pg>>;
type UserColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<User, Pg>>;
type NullableUser = Nullable<diesel::dsl::SqlTypeOf<<User as Selectable<Pg>>::SelectExpression>>;
type CardColumns = (ConversationColumns, NullableUser, NullableUser);
type ViewColumns = (ConversationColumns, MemberColumns);

type CardRow = (Conversation, Option<User>, Option<User>);
type ViewRow = (Conversation, Member);

fn view((conversation, member): ViewRow) -> ConversationView {
    ConversationView { card: ConversationCard { conversation, pair: None }, member }
}

fn card((conversation, low, high): CardRow) -> ConversationCard {
    ConversationCard { conversation, pair: low.map(Arc::new).zip(high.map(Arc::new)) }
}

/// Columns of conversations with both people of the direct ones; [`PairJoin`] joins these.
struct CardFragment;

impl QueryFragment<Pg> for CardFragment {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        CONVERSATION.walk_ast(out.reborrow())?;
        out.push_sql(", low_users.*, high_users.*");
        Ok(())
    }
}

/// Joins both people of direct conversations. `offset 0` keeps PostgreSQL from joining in another way than by the primary key,
/// such as by reading all users in order.
struct PairJoin;

impl QueryFragment<Pg> for PairJoin {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (side, alias) in [("low_user_id", "low_users"), ("high_user_id", "high_users")] {
            out.push_sql(" left join lateral (select ");
            USER.walk_ast(out.reborrow())?;
            for part in [" from users where users.id = conversations.", side, " offset 0) ", alias, " on true"] {
                out.push_sql(part);
            }
        }
        Ok(())
    }
}

/// Joins a user's membership in each conversation. `offset 0` keeps PostgreSQL from reading all memberships of the user.
struct MemberJoin(UserId);

impl QueryFragment<Pg> for MemberJoin {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            " cross join lateral (select members.* from members where members.conversation_id = conversations.id \
             and members.user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.0)?;
        out.push_sql(" offset 0) members");
        Ok(())
    }
}

statement! {
    /// Conversations by id.
    struct CardsByIds<'a> { ids: &'a [ConversationId] } -> CardColumns
    |this|
    "select " {&CardFragment} " from conversations" {&PairJoin} " where conversations.id = any("
    [Array<BigInt>: &this.ids] ")"
}

statement! {
    /// A conversation with one person's membership.
    struct ViewById { id: ConversationId, member: MemberJoin } -> ViewColumns
    |this|
    "select " {&*CONVERSATION} ", " {&*MEMBER} " from conversations" {&this.member} " where conversations.id = "
    [BigInt: &this.id]
}

statement! {
    /// The direct conversation of two people, with the membership of one of them.
    struct ViewOfPair { low: UserId, high: UserId, member: MemberJoin } -> ViewColumns
    |this|
    "select " {&*CONVERSATION} ", " {&*MEMBER} " from conversations" {&this.member}
    " where conversations.low_user_id = " [BigInt: &this.low] " and conversations.high_user_id = " [BigInt: &this.high]
}

statement! {
    /// The direct conversations of a user with some others, with the user's membership.
    struct ViewsOfPairs<'a> { user: UserId, peers: &'a [UserId], member: MemberJoin } -> ViewColumns
    |this|
    "select " {&*CONVERSATION} ", " {&*MEMBER} " from unnest(" [Array<BigInt>: &this.peers]
    ") as peers (id) join conversations on conversations.low_user_id = least(peers.id, " [BigInt: &this.user]
    ") and conversations.high_user_id = greatest(peers.id, " [BigInt: &this.user] ")" {&this.member}
}

/// Picks the conversation that a user sends to.
struct TargetPredicate {
    target: Target,
    sender: UserId,
}

impl QueryFragment<Pg> for TargetPredicate {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.target {
            Target::Conversation(id) => {
                out.push_sql("conversations.id = ");
                out.push_bind_param::<BigInt, _>(id)
            }
            Target::Group(id) => {
                out.push_sql("conversations.kind = 'GROUP' and conversations.id = ");
                out.push_bind_param::<BigInt, _>(id)
            }
            Target::User(peer) => {
                out.push_sql("conversations.low_user_id = ");
                out.push_bind_param::<BigInt, _>(Ord::min(peer, &self.sender))?;
                out.push_sql(" and conversations.high_user_id = ");
                out.push_bind_param::<BigInt, _>(Ord::max(peer, &self.sender))
            }
        }
    }
}

statement! {
    by text
    /// A conversation with a sender's membership, and whether one of the people of a direct one has left.
    struct ViewOfTarget { target: TargetPredicate, member: MemberJoin } -> (ConversationColumns, MemberColumns, Bool)
    |this|
    "select " {&*CONVERSATION} ", " {&*MEMBER} ", exists (select from users where users.deleted_at is not null \
       and users.id = any(array[conversations.low_user_id, conversations.high_user_id])) \
     from conversations" {&this.member} " where " {&this.target}
}

/// The conversations with these ids, in no order.
pub async fn list_cards(mut conn: &AsyncPgConnection, ids: &[ConversationId]) -> QueryResult<Vec<ConversationCard>> {
    let rows: Vec<CardRow> = CardsByIds { ids }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// A conversation with one person's membership, if they are or were a member.
pub async fn find_for_member(
    mut conn: &AsyncPgConnection,
    id: ConversationId,
    user: UserId,
) -> QueryResult<Option<ConversationView>> {
    let row: Option<ViewRow> = ViewById { id, member: MemberJoin(user) }.get_result(&mut conn).await.optional()?;
    Ok(row.map(view))
}

/// Holds a conversation as it is until the transaction ends: its members and what was said in it.
pub async fn lock_conversation(mut conn: &AsyncPgConnection, id: ConversationId) -> QueryResult<()> {
    let row = conversations::table.filter(conversations::id.eq(id)).select(conversations::id).for_no_key_update();
    row.execute(&mut conn).await.map(drop)
}

/// The conversation that a user sends to, if they are or were a member.
pub async fn find_target(
    mut conn: &AsyncPgConnection,
    target: Target,
    sender: UserId,
) -> QueryResult<Option<TargetView>> {
    let query = ViewOfTarget { target: TargetPredicate { target, sender }, member: MemberJoin(sender) };
    let row: Option<(Conversation, Member, bool)> = query.get_result(&mut conn).await.optional()?;
    Ok(row.map(|(conversation, member, has_departed)| TargetView { view: view((conversation, member)), has_departed }))
}

/// The direct conversation of two people, with the first one's membership.
pub async fn find_direct(
    mut conn: &AsyncPgConnection,
    user: UserId,
    peer: UserId,
) -> QueryResult<Option<ConversationView>> {
    let query = ViewOfPair { low: user.min(peer), high: user.max(peer), member: MemberJoin(user) };
    let row: Option<ViewRow> = query.get_result(&mut conn).await.optional()?;
    Ok(row.map(view))
}

/// The direct conversations of a user with some others, with the user's membership.
pub async fn list_direct(
    mut conn: &AsyncPgConnection,
    user: UserId,
    peers: &[UserId],
) -> QueryResult<Vec<ConversationView>> {
    let rows: Vec<ViewRow> = ViewsOfPairs { user, peers, member: MemberJoin(user) }.load(&mut conn).await?;
    Ok(rows.into_iter().map(view).collect())
}

/// Where a page of conversations starts: behind this one, pinned ones first, then the latest.
struct PageCursor<'a>(&'a PageRequest<ConversationPlace>);

impl QueryFragment<Pg> for PageCursor<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(ConversationPlace { is_pinned, last_activity_at, id }) = &self.0.cursor else { return Ok(()) };
        out.push_sql(" and (members.is_pinned, conversations.last_activity_at, conversations.id)");
        out.push_sql(if self.0.backward { " > (" } else { " < (" });
        out.push_bind_param::<Bool, _>(is_pinned)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(last_activity_at)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(id)?;
        out.push_sql(")");
        Ok(())
    }
}

/// The order of a page of conversations, as it is read.
struct PageOrder<'a>(&'a PageRequest<ConversationPlace>);

impl QueryFragment<Pg> for PageOrder<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(if self.0.backward {
            " order by members.is_pinned, conversations.last_activity_at, conversations.id"
        } else {
            " order by members.is_pinned desc, conversations.last_activity_at desc, conversations.id desc"
        });
        Ok(())
    }
}

statement! {
    by text
    /// A page of a user's conversations: all of the user's are looked at, those of the page alone are completed.
    struct ViewsOfMember<'a> {
        user: UserId,
        member: MemberJoin,
        cursor: PageCursor<'a>,
        order: PageOrder<'a>,
        limit: Limit,
    } -> ViewColumns
    |this|
    "select " {&*CONVERSATION} ", " {&*MEMBER} " from (select conversations.* from members \
       join conversations on conversations.id = members.conversation_id where members.user_id = " [BigInt: &this.user]
    " and (conversations.last_seq >= members.from_seq or (conversations.kind = 'GROUP' and members.until_seq is null)) \
       and (members.hidden_through is null or least(conversations.last_seq, members.until_seq) > members.hidden_through)"
    {&this.cursor} {&this.order} " limit " {&this.limit}
    ") conversations" {&this.member} {&this.order}
}

/// A page of a user's conversations in which something was said, and of those of their groups: pinned ones first, then the
/// latest.
pub async fn list_for_member(
    mut conn: &AsyncPgConnection,
    user: UserId,
    page: &PageRequest<ConversationPlace>,
) -> QueryResult<Vec<ConversationView>> {
    let limit = Limit(page.limit());
    let query =
        ViewsOfMember { user, member: MemberJoin(user), cursor: PageCursor(page), order: PageOrder(page), limit };
    let rows: Vec<ViewRow> = query.load(&mut conn).await?;
    Ok(rows.into_iter().map(view).collect())
}

statement! {
    /// Counts what [`ViewsOfMember`] lists, up to a bound.
    struct CountOfMember { user: UserId, bound: i64 } -> BigInt
    |this|
    "select count(*) from (select from members join conversations on conversations.id = members.conversation_id \
       where members.user_id = " [BigInt: &this.user]
    " and (conversations.last_seq >= members.from_seq or (conversations.kind = 'GROUP' and members.until_seq is null)) \
       and (members.hidden_through is null or least(conversations.last_seq, members.until_seq) > members.hidden_through) \
       limit " [BigInt: &this.bound] ") counted"
}

/// How many conversations [`list_for_member`] pages through, counted up to a bound.
pub async fn count_for_member(mut conn: &AsyncPgConnection, user: UserId, bound: i64) -> QueryResult<i64> {
    CountOfMember { user, bound }.get_result(&mut conn).await
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
