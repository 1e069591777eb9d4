//! The owner's friends, and what the owner notes of them.

use plaza::ids::{FriendGroupId, FriendRequestId, UserId};
use tokio_postgres::Client;

use super::SECRET;
use crate::harness::Person;

/// What belongs to an owner, by global ids.
pub struct FriendsFixture {
    /// A user whom the owner has nothing to do with.
    pub stranger: String,
    /// A user whose request waits, with the secret as its reason.
    pub asker: String,
    /// The owner's request that waits, with the secret as its reason.
    pub request: String,
    /// A user whom the owner blocks.
    pub blocked: String,
    /// A group with the secret as its name, and the friend in it.
    pub group: String,
}

/// Adds a user; the key.
pub async fn add_user(sql: &Client, name: &str) -> i64 {
    let statement = "with u as (insert into users (username, username_key, nickname) values ($1, $1, $1) returning id)
        insert into profiles (user_id) select id from u returning user_id";
    sql.query_one(statement, &[&name]).await.unwrap().get(0)
}

impl FriendsFixture {
    /// The owner's, with the friend as one.
    pub async fn of(owner: &Person, friend: &Person, number: usize, sql: &Client) -> Self {
        let (owner, friend) = (owner.key(), friend.key());
        let named = async |name: &str| add_user(sql, &format!("{name}{number}")).await;
        let (stranger, asker, recipient, blocked) =
            (named("stranger").await, named("asker").await, named("recipient").await, named("blocked").await);
        let statement = "with r as (insert into relations (low_user_id, high_user_id, friends_since)
                values (least($1::bigint, $2::bigint), greatest($1, $2), now())
                on conflict (low_user_id, high_user_id) do update set friends_since = now()),
            c as (insert into friend_counts (user_id, friends) values ($1, 1), ($2, 1)),
            f as (insert into friendships (owner_id, friend_id, remark, sort_key, created_at)
                values ($1, $2, $3, $3, now()), ($2, $1, '', 'owner', now()) returning id, owner_id),
            g as (insert into friend_groups (owner_id, name, created_at) values ($1, $3, now()) returning id),
            m as (insert into friend_group_members (group_id, friendship_id) select g.id, f.id from g, f where owner_id = $1)
            select id from g";
        let group: i64 = sql.query_one(statement, &[&owner, &friend, &SECRET]).await.unwrap().get(0);
        let statement = "insert into blocks (blocker_id, blocked_id, created_at) values ($1, $2, now())";
        sql.execute(statement, &[&owner, &blocked]).await.unwrap();
        add_request(sql, asker, owner, SECRET).await;
        let request = add_request(sql, owner, recipient, SECRET).await;
        let id = |key: i64| UserId(key).global().0;
        Self {
            stranger: id(stranger),
            asker: id(asker),
            request: FriendRequestId(request).global().0,
            blocked: id(blocked),
            group: FriendGroupId(group).global().0,
        }
    }
}

async fn add_request(sql: &Client, from: i64, to: i64, reason: &str) -> i64 {
    let statement = "insert into friend_requests (from_user_id, to_user_id, reason, hidden, created_at, expires_at)
        values ($1, $2, $3, false, now(), now() + interval '1 day') returning id";
    sql.query_one(statement, &[&from, &to, &reason]).await.unwrap().get(0)
}

/// Tells the owner of a request with the secret, and another user, if there is one, of a harmless one.
pub async fn trigger_request(field: &str, owner: &Person, friend: &str, other: &Person, sql: &Client) {
    let friend = UserId::parse(friend).unwrap().0;
    let told = [(owner.key(), SECRET), (other.key(), "a harmless one")];
    for (told, reason) in told.into_iter().take(if other.id == owner.id { 1 } else { 2 }) {
        let (kind, from, to) = match field {
            "Subscription.friendRequestReceived" => ("FRIEND_REQUEST_CREATED", friend, told),
            _ => ("FRIEND_REQUEST_ANSWERED", told, friend),
        };
        let id = add_request(sql, from, to, reason).await;
        let statement = "insert into outbox (kind, audience, audience_id, subject_id) values ($1, 'USER', $2, $3)";
        sql.execute(statement, &[&kind, &told, &id]).await.unwrap();
    }
    sql.batch_execute("notify plaza_outbox").await.unwrap();
}
