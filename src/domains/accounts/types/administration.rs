//! GraphQL types of what administrators do with accounts.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::profile::media_id;
use crate::domains::accounts::model::{AdminUpdateUser, Role, UserSearch, Verification};
use crate::graphql::scalars::{EmailAddress, PhoneNumber, patch};

/// Which users are searched for; all conditions that are given have to hold.
#[derive(InputObject)]
pub struct UserFilter {
    /// Account number, a part of username or nickname (its beginning, for one or two characters), or a whole e-mail address
    /// or phone number.
    query: Option<String>,
    /// With this role.
    role: Option<Role>,
    /// Suspended now, or not.
    suspended: Option<bool>,
}

impl From<UserFilter> for UserSearch {
    fn from(UserFilter { query, role, suspended }: UserFilter) -> Self {
        Self { query, role, suspended }
    }
}

/// Changes that an administrator makes to an account. Omitted fields keep their value; null clears those that can be null.
#[derive(InputObject)]
pub struct AdminUpdateUserInput {
    /// 2 to 32 letters with their marks, digits, dots, hyphens or underscores, at least one letter, none of several scripts
    /// that look alike; unique without regard to case.
    username: MaybeUndefined<String>,
    /// Name to show, 1 to 32 characters, none of them invisible.
    nickname: MaybeUndefined<String>,
    /// Address to sign in with, taken as it is; their holder may still verify it. Null removes it.
    email: MaybeUndefined<EmailAddress>,
    /// Number to sign in with, taken as it is; their holder may still verify it. Null removes it.
    phone: MaybeUndefined<PhoneNumber>,
    /// Postal address, at most 200 characters.
    address: MaybeUndefined<String>,
    /// Global id of a picture among their files or the administrator's. Null removes the avatar.
    avatar_id: MaybeUndefined<ID>,
    /// What they may do; an administrator can't change their own.
    role: MaybeUndefined<Role>,
    /// The result of the ID card's review.
    verification: MaybeUndefined<Verification>,
    /// The `idCard` that was looked at, or null for none: `CONFLICT`, and nothing happens, when it has changed since. Send it
    /// along with `verification`.
    expected_id_card: MaybeUndefined<String>,
    /// Points of reputation, -1000000 to 1000000.
    score: MaybeUndefined<i32>,
    /// 8 to 128 characters (code points of its composed form), and none that many people choose. Ends all their sessions.
    #[graphql(secret)]
    new_password: MaybeUndefined<String>,
}

impl From<AdminUpdateUserInput> for AdminUpdateUser {
    fn from(input: AdminUpdateUserInput) -> Self {
        Self {
            username: patch(input.username),
            nickname: patch(input.nickname),
            email: patch(input.email),
            phone: patch(input.phone),
            address: patch(input.address),
            avatar_id: media_id(input.avatar_id),
            role: patch(input.role),
            verification: patch(input.verification),
            expected_id_card: patch(input.expected_id_card),
            score: patch(input.score),
            new_password: patch(input.new_password),
        }
    }
}
