//! All SQL of what people say of themselves, and of looking for people.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::contact::Contact;
use crate::db::schema::{profiles, users};
use crate::db::text_literal;
use crate::domains::accounts::model::{Access, Profile, ProfileChanges, PublicProfile, User, UserSearch};
use crate::domains::accounts::policy;
use crate::ids::UserId;
use crate::page::PageRequest;
use crate::text;

/// What these people say of themselves, and how they sign in.
pub async fn list_details(mut conn: &AsyncPgConnection, ids: &[UserId]) -> QueryResult<Vec<(UserId, Access, Profile)>> {
    users::table
        .inner_join(profiles::table)
        .filter(users::id.eq_any(ids))
        .select((users::id, Access::as_select(), Profile::as_select()))
        .load(&mut conn)
        .await
}

/// These users and their public profiles, in no order.
pub async fn list_public(mut conn: &AsyncPgConnection, ids: &[UserId]) -> QueryResult<Vec<(User, PublicProfile)>> {
    users::table
        .inner_join(profiles::table)
        .filter(users::id.eq_any(ids))
        .select((User::as_select(), PublicProfile::as_select()))
        .load(&mut conn)
        .await
}

/// A user's profile, and how they sign in; none when they left.
pub async fn find_details(mut conn: &AsyncPgConnection, id: UserId) -> QueryResult<Option<(Access, Profile)>> {
    users::table
        .inner_join(profiles::table)
        .filter(users::id.eq(id).and(users::deleted_at.is_null()))
        .select((Access::as_select(), Profile::as_select()))
        .get_result(&mut conn)
        .await
        .optional()
}

/// Locks a user's rows against changes and sign-ins until the transaction ends; none when the user left.
pub async fn lock_details(mut conn: &AsyncPgConnection, id: UserId) -> QueryResult<Option<(User, Access, Profile)>> {
    users::table
        .inner_join(profiles::table)
        .filter(users::id.eq(id).and(users::deleted_at.is_null()))
        .select((User::as_select(), Access::as_select(), Profile::as_select()))
        .for_no_key_update()
        .get_result(&mut conn)
        .await
        .optional()
}

/// Changes a profile; there is one.
pub async fn update_profile(mut conn: &AsyncPgConnection, id: UserId, changes: &ProfileChanges) -> QueryResult<usize> {
    if changes.is_empty() {
        return Ok(1);
    }
    diesel::update(profiles::table.find(id)).set(changes).execute(&mut conn).await
}

/// Takes a contact from those that wait to be verified; false when it waits no more.
pub async fn clear_pending(mut conn: &AsyncPgConnection, id: UserId, contact: &Contact) -> QueryResult<bool> {
    let profile = profiles::table.find(id);
    let cleared = match contact {
        Contact::Email(email) => {
            let set = profiles::pending_email.eq(None::<String>);
            diesel::update(profile.filter(profiles::pending_email.eq(email))).set(set).execute(&mut conn).await?
        }
        Contact::Phone(phone) => {
            let set = profiles::pending_phone.eq(None::<String>);
            diesel::update(profile.filter(profiles::pending_phone.eq(phone))).set(set).execute(&mut conn).await?
        }
    };
    Ok(cleared == 1)
}

/// Forgets the contacts that wait to be verified.
pub async fn clear_all_pending(mut conn: &AsyncPgConnection, id: UserId) -> QueryResult<usize> {
    let none = (profiles::pending_email.eq(None::<String>), profiles::pending_phone.eq(None::<String>));
    diesel::update(profiles::table.find(id)).set(none).execute(&mut conn).await
}

type UserDetailsRow<'a> = users::BoxedQuery<'a, Pg>;

/// People who have not left, as an administrator looks for them.
fn search<'a>(search: &UserSearch, now: DateTime<Utc>) -> UserDetailsRow<'a> {
    let mut found = users::table.into_boxed().filter(users::deleted_at.is_null());
    if let Some(role) = search.role {
        // A literal, as the plan depends on how many have the role.
        found = found.filter(sql::<Bool>(&format!("users.role = '{}'", role.name())));
    }
    if let Some(suspended) = search.suspended {
        let now_suspended = users::suspended_at
            .is_not_null()
            .and(users::suspended_until.is_null().or(users::suspended_until.assume_not_null().gt(now)));
        found = if suspended { found.filter(now_suspended) } else { found.filter(diesel::dsl::not(now_suspended)) };
    }
    let Some(text) = search.query.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return found };
    if let Some(contact) = Contact::parse(text) {
        return match contact {
            Contact::Email(email) => found.filter(users::email.eq(email)),
            Contact::Phone(phone) => found.filter(users::phone.eq(phone)),
        };
    }
    // Of one or two characters there is no trigram: they are looked for at the beginning, where there is.
    let before = if text.chars().count() < 3 { "" } else { "%" };
    let part = |text: &str| format!("{before}{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    // Literals, as the plan depends on how many have the text.
    let (username, nickname) =
        (text_literal(&part(&policy::username_key(text))), text_literal(&part(&text::nfc(text))));
    let by_name = sql::<Bool>(&format!("(username_key like {username} or nickname ilike {nickname})"));
    match text.parse::<i32>() {
        Ok(number) => found.filter(users::account_number.eq(number).or(by_name)),
        Err(_) => found.filter(by_name),
    }
}

/// A page of people, the newest first.
pub async fn list_people(
    mut conn: &AsyncPgConnection,
    wanted: &UserSearch,
    page: &PageRequest<UserId>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<User>> {
    let mut found = search(wanted, now).select(User::as_select()).limit(page.limit());
    if let Some(cursor) = page.cursor {
        found = if page.backward { found.filter(users::id.gt(cursor)) } else { found.filter(users::id.lt(cursor)) };
    }
    let found = if page.backward { found.order(users::id.asc()) } else { found.order(users::id.desc()) };
    found.load(&mut conn).await
}

/// How many people there are, up to a bound.
pub async fn count_people(
    mut conn: &AsyncPgConnection,
    wanted: &UserSearch,
    bound: i64,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    let ids: Vec<UserId> = search(wanted, now).select(users::id).limit(bound).load(&mut conn).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(bound))
}
