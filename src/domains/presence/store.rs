//! Who sees whether users are online. Whether they are is in no table.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Follower, PresenceVisibility};
use crate::db::schema::sql_types;
use crate::db::statement;
use crate::domains::relations::service::Unblocked;
use crate::ids::UserId;

/// The people in a table of users, for [`Unblocked`].
const PERSON: &str = "users.id";

statement! {
    /// Those of some users who let the viewer see whether they are online, with when a session of theirs was last used.
    struct VisibleUsers<'a> { viewer: UserId, users: &'a [UserId], unblocked: Unblocked } -> (BigInt, Nullable<Timestamptz>)
    |this|
    "select users.id, used.at from unnest(" [Array<BigInt>: this.users] ") wanted (id) join users on users.id = wanted.id \
     join profiles on profiles.user_id = users.id \
     cross join lateral (select max(last_used_at) as at from sessions where sessions.user_id = users.id) used \
     where deleted_at is null and (users.id = " [BigInt: &this.viewer] " or case presence_visibility when 'EVERYBODY' then true \
       when 'FRIENDS' then coalesce((select true from friendships where owner_id = users.id and friend_id = "
    [BigInt: &this.viewer] "), false) else false end and "
    {&this.unblocked} ")"
}

/// See `VisibleUsers`.
pub async fn list_visible(
    mut conn: &AsyncPgConnection,
    viewer: UserId,
    users: &[UserId],
) -> QueryResult<Vec<(UserId, Option<DateTime<Utc>>)>> {
    let unblocked = Unblocked { viewer, other: PERSON };
    VisibleUsers { viewer, users, unblocked }.load(&mut conn).await
}

statement! {
    /// Those of some people who are friends of some users, while neither blocks the other.
    struct FollowersOf<'a> { users: &'a [UserId], people: &'a [UserId] }
        -> (BigInt, BigInt, sql_types::PresenceVisibility, Nullable<Timestamptz>)
    |this|
    "select own.friend_id, own.owner_id, presence_visibility, used.at from friendships own \
     join friendships theirs on theirs.owner_id = own.friend_id and theirs.friend_id = own.owner_id \
     join profiles on profiles.user_id = own.friend_id \
     cross join lateral (select max(last_used_at) as at from sessions where sessions.user_id = own.friend_id) used \
     where own.friend_id = any(" [Array<BigInt>: this.users] ") and own.owner_id = any(" [Array<BigInt>: this.people]
    ") and not own.hidden and not theirs.hidden"
}

/// See `FollowersOf`.
pub async fn list_followers(
    mut conn: &AsyncPgConnection,
    users: &[UserId],
    people: &[UserId],
) -> QueryResult<Vec<Follower>> {
    let rows: Vec<(UserId, UserId, PresenceVisibility, Option<DateTime<Utc>>)> =
        FollowersOf { users, people }.load(&mut conn).await?;
    let follower = |(user, follower, visibility, last_used_at)| Follower { user, follower, visibility, last_used_at };
    Ok(rows.into_iter().map(follower).collect())
}
