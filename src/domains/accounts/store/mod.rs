//! All SQL of accounts: people and how they sign in here; their [`profiles`], [`sessions`] and [`codes`] apart.

pub mod codes;
pub mod profiles;
pub mod sessions;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Access, NewUser, Role, User, UserChanges};
use super::policy::AccountName;
use crate::contact::Contact;
use crate::db::schema::{profiles as profiles_table, users};
use crate::ids::{MediaId, UserId};

/// The users with these ids, in no order.
pub async fn list_users(mut conn: &AsyncPgConnection, ids: &[UserId]) -> QueryResult<Vec<User>> {
    users::table.filter(users::id.eq_any(ids)).select(User::as_select()).load(&mut conn).await
}

/// The user with this account number.
pub async fn find_user_by_account_number(mut conn: &AsyncPgConnection, number: i32) -> QueryResult<Option<User>> {
    users::table
        .filter(users::account_number.eq(number))
        .select(User::as_select())
        .get_result(&mut conn)
        .await
        .optional()
}

/// The user of this name who has not left, with what they sign in with.
pub async fn find_login(mut conn: &AsyncPgConnection, name: &AccountName) -> QueryResult<Option<(User, Access)>> {
    let query = users::table.filter(users::deleted_at.is_null()).select((User::as_select(), Access::as_select()));
    match name {
        AccountName::Username(key) => query.filter(users::username_key.eq(key)).get_result(&mut conn).await,
        AccountName::Contact(Contact::Email(email)) => query.filter(users::email.eq(email)).get_result(&mut conn).await,
        AccountName::Contact(Contact::Phone(phone)) => query.filter(users::phone.eq(phone)).get_result(&mut conn).await,
    }
    .optional()
}

/// Locks a user's row, so that no other transaction changes it or signs in to it meanwhile; none when they left.
pub async fn lock_user(mut conn: &AsyncPgConnection, id: UserId) -> QueryResult<Option<(User, Access)>> {
    users::table
        .filter(users::id.eq(id).and(users::deleted_at.is_null()))
        .select((User::as_select(), Access::as_select()))
        .for_no_key_update()
        .get_result(&mut conn)
        .await
        .optional()
}

/// Locks a user's row against deletion, for what is about to be theirs; false when they left. The lock excludes [`lock_user`],
/// which the locks of foreign keys do not.
pub async fn lock_user_shared(mut conn: &AsyncPgConnection, id: UserId) -> QueryResult<bool> {
    let present = users::table.filter(users::id.eq(id).and(users::deleted_at.is_null())).select(users::id);
    let held: Option<UserId> = present.for_share().get_result(&mut conn).await.optional()?;
    Ok(held.is_some())
}

/// As [`lock_user_shared`], against others that hold it so.
pub async fn lock_user_exclusive(mut conn: &AsyncPgConnection, id: UserId) -> QueryResult<bool> {
    let present = users::table.filter(users::id.eq(id).and(users::deleted_at.is_null())).select(users::id);
    let held: Option<UserId> = present.for_no_key_update().get_result(&mut conn).await.optional()?;
    Ok(held.is_some())
}

/// The nicknames of some users, which stay as they are until the transaction ends.
pub async fn lock_nicknames(mut conn: &AsyncPgConnection, ids: &[UserId]) -> QueryResult<Vec<(UserId, String)>> {
    let named = users::table.filter(users::id.eq_any(ids)).order(users::id).select((users::id, users::nickname));
    named.for_share().load(&mut conn).await
}

/// Whether there is anybody.
pub async fn any_user(mut conn: &AsyncPgConnection) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(&mut conn).await
}

/// The next account number, for an account that is called by it.
pub async fn next_account_number(mut conn: &AsyncPgConnection) -> QueryResult<i32> {
    let next = diesel::select(sql::<BigInt>("nextval('users_account_number_seq')"));
    let number: i64 = next.get_result(&mut conn).await?;
    i32::try_from(number).map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))
}

/// Adds a user with an empty profile.
pub async fn insert_user(mut conn: &AsyncPgConnection, user: NewUser) -> QueryResult<User> {
    let user: User =
        diesel::insert_into(users::table).values(user).returning(User::as_select()).get_result(&mut conn).await?;
    diesel::insert_into(profiles_table::table).values(profiles_table::user_id.eq(user.id)).execute(&mut conn).await?;
    Ok(user)
}

/// Changes a user's row and returns it; none when they left.
pub async fn update_user(mut conn: &AsyncPgConnection, id: UserId, changes: &UserChanges) -> QueryResult<Option<User>> {
    diesel::update(users::table.filter(users::id.eq(id).and(users::deleted_at.is_null())))
        .set(changes)
        .returning(User::as_select())
        .get_result(&mut conn)
        .await
        .optional()
}

/// Suspends a user, until a time or for good, or lifts it (none), and returns them; none when they left.
pub async fn update_suspension(
    mut conn: &AsyncPgConnection,
    id: UserId,
    suspension: Option<(Option<DateTime<Utc>>, Option<&str>)>,
    now: DateTime<Utc>,
) -> QueryResult<Option<User>> {
    let (until, reason) = suspension.unwrap_or_default();
    diesel::update(users::table.filter(users::id.eq(id).and(users::deleted_at.is_null())))
        .set((
            users::suspended_at.eq(suspension.map(|_| now)),
            users::suspended_until.eq(until),
            users::suspension_reason.eq(reason),
        ))
        .returning(User::as_select())
        .get_result(&mut conn)
        .await
        .optional()
}

/// Whether an account has this contact.
pub async fn is_known(mut conn: &AsyncPgConnection, contact: &Contact) -> QueryResult<bool> {
    let found = users::table.select(users::id).into_boxed();
    let found = match contact {
        Contact::Email(email) => found.filter(users::email.eq(email)),
        Contact::Phone(phone) => found.filter(users::phone.eq(phone)),
    };
    found.first::<UserId>(&mut conn).await.optional().map(|found| found.is_some())
}

/// Erases of a user's row what is in no unique key, and the profile. The row stays open to the locks of foreign keys: see
/// [`erase_keys`].
pub async fn erase_user(mut conn: &AsyncPgConnection, user: &User, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(users::table.find(user.id))
        .set((
            users::nickname.eq("deleted"),
            users::avatar_id.eq(None::<MediaId>),
            users::role.eq(Role::User),
            users::deleted_at.eq(now),
            users::updated_at.eq(now),
            (users::password_hash.eq(None::<String>), users::suspension_reason.eq(None::<String>)),
            (users::suspended_at.eq(None::<DateTime<Utc>>), users::suspended_until.eq(None::<DateTime<Utc>>)),
        ))
        .execute(&mut conn)
        .await?;
    // An empty one stays in its place, for readers of the placeholder.
    diesel::delete(profiles_table::table.find(user.id)).execute(&mut conn).await?;
    diesel::insert_into(profiles_table::table)
        .values(profiles_table::user_id.eq(user.id))
        .execute(&mut conn)
        .await
        .map(drop)
}

/// Erases the unique keys of a user's row, and leaves a name that no account can take. PostgreSQL locks the row against foreign
/// keys for it, so it waits for all who refer to the user: it is the last statement of its transaction, or one that refers to the
/// user and waits for another row of the transaction's would wait for ever.
pub async fn erase_keys(mut conn: &AsyncPgConnection, user: &User) -> QueryResult<()> {
    let name = format!("deleted#{}", user.account_number);
    diesel::update(users::table.find(user.id))
        .set((
            (users::username.eq(&name), users::username_key.eq(&name)),
            (users::email.eq(None::<String>), users::email_verified.eq(false)),
            (users::phone.eq(None::<String>), users::phone_verified.eq(false)),
        ))
        .execute(&mut conn)
        .await
        .map(drop)
}

/// Sets a password, if the old hash is still what it was, and returns the user.
pub async fn update_password(
    mut conn: &AsyncPgConnection,
    id: UserId,
    old_hash: Option<&str>,
    new_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<User>> {
    diesel::update(users::table.find(id))
        .filter(users::password_hash.is_not_distinct_from(old_hash))
        .set((users::password_hash.eq(new_hash), users::updated_at.eq(now)))
        .returning(User::as_select())
        .get_result(&mut conn)
        .await
        .optional()
}

/// Gives an account a role; false when none has this name.
pub async fn update_role(mut conn: &AsyncPgConnection, username_key: &str, role: Role) -> QueryResult<bool> {
    diesel::update(users::table.filter(users::username_key.eq(username_key)).filter(users::deleted_at.is_null()))
        .set(users::role.eq(role))
        .execute(&mut conn)
        .await
        .map(|changed| changed == 1)
}
