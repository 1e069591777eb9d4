//! Batches of accounts.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Access, Person, Profile, Session, User};
use super::service;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::ids::{SessionId, UserId};
use crate::scope::Scope;

/// People by id, for what shows them.
pub struct PersonById;

impl Batch for PersonById {
    type Key = UserId;
    type Value = Arc<Person>;

    fn at_hand(scope: &Scope, key: &UserId) -> Option<Arc<Person>> {
        scope.app.seen_people.find(key)
    }

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Arc<Person>>> {
        service::load_people(scope, keys).await
    }
}

/// Users by id as they are now, for what depends on it.
pub struct UserById;

impl Batch for UserById {
    type Key = UserId;
    type Value = Arc<User>;

    async fn load(scope: &Scope, keys: &[UserId]) -> AppResult<HashMap<UserId, Arc<User>>> {
        let conn = scope.db.read().await?;
        service::load_users(&conn, keys).await
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
