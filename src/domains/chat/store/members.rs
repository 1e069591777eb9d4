//! Members, and those of them whose markers others see.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::members;
use crate::db::{Limit, columns, push_number_literal, statement};
use crate::domains::accounts::model::User;
use crate::domains::chat::model::{Member, MemberProgress, Message};
use crate::ids::{ConversationId, UserId};
use crate::page::PageRequest;

columns!(
    /// The columns of a member.
    static MEMBER: Member
);

/// All memberships of a user, past ones included.
pub async fn list_of_user(mut conn: &AsyncPgConnection, user: UserId) -> QueryResult<Vec<Member>> {
    members::table.filter(members::user_id.eq(user)).select(Member::as_select()).load(&mut conn).await
}

statement! {
    /// These people's memberships in these conversations, pair by pair.
    pub struct MembersAt<'a> { conversations: &'a [ConversationId], users: &'a [UserId] }
        -> diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Member, Pg>>
    |this|
    "select " {&*MEMBER}
    " from unnest(" [Array<BigInt>: this.conversations] ", " [Array<BigInt>: this.users]
    ") as wanted (conversation_id, user_id) join members using (conversation_id, user_id)"
}

/// See [`MembersAt`].
pub async fn list_at(mut conn: &AsyncPgConnection, pairs: &[(ConversationId, UserId)]) -> QueryResult<Vec<Member>> {
    let (conversations, users): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    MembersAt { conversations: &conversations, users: &users }.load(&mut conn).await
}

/// Picks the members of some conversations whose markers a viewer sees, as `members`: the viewer, and all present ones while the
/// viewer is one of them, and neither of two people blocks the other. Of a group with hidden members those who do not run it see
/// who has read only of those who do, and of friends whom they do not block; what is counted without names has all.
struct SeenMembers<'a> {
    viewer: UserId,
    conversations: &'a [ConversationId],
    readers: Readers,
}

/// Which of the members whose markers a viewer sees.
enum Readers {
    /// All of them, to be counted.
    Counted,
    /// Those visible to the viewer by name.
    Named,
    /// Of these the ones who read last, so many of each conversation.
    Last(i64),
}

impl QueryFragment<Pg> for SeenMembers<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" from unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.conversations)?;
        out.push_sql(
            ") wanted (id) cross join lateral (select low_blocks or high_blocks as is_blocked, coalesce((select disable_view_member \
             from groups where groups.id = wanted.id), false) as is_hidden from conversations \
             where conversations.id = wanted.id offset 0) conversation \
             cross join lateral (select until_seq is null and not is_blocked as sees_others, \
             not is_hidden or is_staff as sees_names from members \
             where members.conversation_id = wanted.id and members.user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.viewer)?;
        out.push_sql(
            " offset 0) own cross join lateral (select * from members where members.conversation_id = wanted.id \
             and (members.user_id = ",
        );
        out.push_bind_param::<BigInt, _>(&self.viewer)?;
        out.push_sql(" or (sees_others and until_seq is null))");
        if !matches!(self.readers, Readers::Counted) {
            out.push_sql(" and (sees_names or is_staff or members.user_id = ");
            out.push_bind_param::<BigInt, _>(&self.viewer)?;
            out.push_sql(" or exists (select from friendships where not hidden and owner_id = ");
            out.push_bind_param::<BigInt, _>(&self.viewer)?;
            out.push_sql(" and friend_id = members.user_id))");
        }
        if let Readers::Last(limit) = self.readers {
            out.push_sql(" order by read_at desc nulls last, user_id limit ");
            push_number_literal(&mut out, limit);
        } else {
            out.push_sql(" offset 0");
        }
        out.push_sql(") members");
        Ok(())
    }
}

statement! {
    by text
    /// The members of some conversations who read last, with the people.
    struct LastReaders<'a> { members: SeenMembers<'a> }
        -> (diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Member, Pg>>, super::UserColumns)
    |this|
    "select " {&*MEMBER} ", " {&*super::USER} {&this.members}
    " cross join lateral (select * from users where users.id = members.user_id offset 0) users order by members.read_at desc nulls last, members.user_id"
}

/// The members of some conversations who read last, at most so many of each, the last first, whose markers the viewer
/// sees.
pub async fn list_last_readers(
    mut conn: &AsyncPgConnection,
    viewer: UserId,
    conversations: &[ConversationId],
    limit: i64,
) -> QueryResult<Vec<(Member, User)>> {
    let members = SeenMembers { viewer, conversations, readers: Readers::Last(limit) };
    LastReaders { members }.load(&mut conn).await
}

statement! {
    by text
    /// How far the members of some conversations are: conversation, member, read, received.
    struct ListProgress<'a> { members: SeenMembers<'a> } -> (BigInt, BigInt, Integer, Integer)
    |this|
    "select conversation_id, user_id, read_seq, delivered_seq" {&this.members}
}

/// How far the members of some conversations are, whose markers the viewer sees.
pub async fn list_progress(
    mut conn: &AsyncPgConnection,
    viewer: UserId,
    conversations: &[ConversationId],
) -> QueryResult<Vec<(ConversationId, MemberProgress)>> {
    let members = SeenMembers { viewer, conversations, readers: Readers::Counted };
    let rows: Vec<(ConversationId, UserId, i32, i32)> = ListProgress { members }.load(&mut conn).await?;
    let progress = |(id, user_id, read_seq, delivered_seq)| (id, MemberProgress { user_id, read_seq, delivered_seq });
    Ok(rows.into_iter().map(progress).collect())
}

statement! {
    by text
    /// The members who have read up to a message, but its sender, of those visible to the viewer by name.
    struct MessageReaders<'a> { members: SeenMembers<'a>, seq: i32, sender: UserId, after: UserId, limit: Limit }
        -> super::UserColumns
    |this|
    "select " {&*super::USER} {&this.members}
    " cross join lateral (select * from users where users.id = members.user_id offset 0) users where members.read_seq >= "
    [Integer: &this.seq] " and members.user_id <> " [BigInt: &this.sender] " and members.user_id > " [BigInt: &this.after]
    " order by members.user_id limit " {&this.limit}
}

/// A page of the members who have read a message, but its sender, by id, of those visible to the viewer by name.
pub async fn list_message_readers(
    mut conn: &AsyncPgConnection,
    viewer: UserId,
    message: &Message,
    page: &PageRequest<UserId>,
) -> QueryResult<Vec<User>> {
    let (after, limit) = (page.cursor.unwrap_or(UserId(0)), Limit(page.limit()));
    let members = SeenMembers { viewer, conversations: &[message.conversation_id], readers: Readers::Named };
    MessageReaders { members, seq: message.seq, sender: message.sender_id, after, limit }.load(&mut conn).await
}

statement! {
    by text
    /// Counts what [`MessageReaders`] pages through, up to a bound.
    struct CountReaders<'a> { members: SeenMembers<'a>, seq: i32, sender: UserId, bound: i64 } -> BigInt
    |this|
    "select count(*) from (select" {&this.members} " where members.read_seq >= " [Integer: &this.seq]
    " and members.user_id <> " [BigInt: &this.sender] " limit " [BigInt: &this.bound] ") counted"
}

/// How many members have read a message, but its sender, of those visible to the viewer by name; up to a bound.
pub async fn count_message_readers(
    mut conn: &AsyncPgConnection,
    viewer: UserId,
    message: &Message,
    bound: i64,
) -> QueryResult<i64> {
    let members = SeenMembers { viewer, conversations: &[message.conversation_id], readers: Readers::Named };
    CountReaders { members, seq: message.seq, sender: message.sender_id, bound }.get_result(&mut conn).await
}
