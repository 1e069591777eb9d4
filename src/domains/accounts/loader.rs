//! Batches of accounts.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Access, Profile, PublicProfile, Session, User};
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{SessionId, UserId};
use crate::scope::Scope;

/// Users by id.
pub struct UserById;

impl Batch for UserById {
    type Key = UserId;
    type Value = Arc<User>;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Arc<User>>> {
        let conn = scope.db.read().await?;
        service::load_users(&conn, keys).await
    }
}

/// What users say of themselves to everybody, by id.
pub struct ProfileByUser;

impl Batch for ProfileByUser {
    type Key = UserId;
    type Value = Arc<PublicProfile>;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Arc<PublicProfile>>> {
        let conn = scope.db.read().await?;
        service::load_public(&conn, keys).await
    }
}

/// What users say of themselves and sign in with, by id: public and private alike.
pub struct DetailsByUser;

impl Batch for DetailsByUser {
    type Key = UserId;
    type Value = Arc<(Access, Profile)>;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Arc<(Access, Profile)>>> {
        let conn = scope.db.read().await?;
        service::load_details(&conn, keys).await
    }
}

/// Live sessions of the viewer's, by id.
pub struct OwnSession;

impl Batch for OwnSession {
    type Key = SessionId;
    type Value = Session;

    async fn load(scope: &Scope, keys: &[SessionId]) -> AppResult<HashMap<SessionId, Session>> {
        service::sessions::load_sessions(scope, keys).await
    }
}
