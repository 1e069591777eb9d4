//! Who may do what to whose account.

use crate::domains::accounts::model::{AccountError, Role};
use crate::error::{AppError, AppResult};
use crate::ids::UserId;

/// Whether a role goes at least as far as is needed. Support answers tickets; the rest is an administrator's.
///
/// # Errors
/// Forbidden.
pub fn check_role(role: Role, needed: Role) -> AppResult<()> {
    if rank(role) >= rank(needed) { Ok(()) } else { Err(AppError::forbidden()) }
}

/// How far support's role goes.
pub const RANK_OF_SUPPORT: i64 = 1;

/// How far an administrator's role goes.
pub const RANK_OF_ADMINS: i64 = 2;

/// How far a role goes.
#[must_use]
pub fn rank(role: Role) -> i64 {
    match role {
        Role::User => 0,
        Role::Support => RANK_OF_SUPPORT,
        Role::Admin => RANK_OF_ADMINS,
    }
}

/// Whether a viewer sees the private part of an account; `role` is asked only where it matters.
#[must_use]
pub fn sees_private(viewer: UserId, owner: UserId, role: Role) -> bool {
    viewer == owner || role == Role::Admin
}

/// Refuses what an administrator may not do to their own account.
///
/// # Errors
/// [`AccountError::Oneself`].
pub fn check_other(viewer: UserId, target: UserId) -> Result<(), AccountError> {
    if viewer == target { Err(AccountError::Oneself) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_go_as_far_as_they_go() {
        for (role, reaches) in
            [(Role::User, [true, false, false]), (Role::Support, [true, true, false]), (Role::Admin, [true; 3])]
        {
            for (needed, allowed) in [Role::User, Role::Support, Role::Admin].into_iter().zip(reaches) {
                assert_eq!(check_role(role, needed).is_ok(), allowed, "{role:?} {needed:?}");
            }
        }
    }

    #[test]
    fn what_is_private_is_one_s_own_and_the_administrators() {
        let (ada, bo) = (UserId(1), UserId(2));
        assert!(sees_private(ada, ada, Role::User) && sees_private(ada, bo, Role::Admin));
        assert!(!sees_private(ada, bo, Role::User) && !sees_private(ada, bo, Role::Support));
    }
}
