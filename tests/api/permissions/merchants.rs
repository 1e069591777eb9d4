//! Merchants of the owner's, and one that they serve.

use plaza::ids::{ActivationCodeId, MediaId, MerchantId};
use tokio_postgres::Client;

use super::friends::add_user;
use crate::harness::Person;
use crate::harness::merchants::insert_merchant;

/// Merchants and a code, by global ids.
pub struct MerchantFixture {
    /// The owner's, which the friend has joined.
    pub own: String,
    /// Another user's, which the owner has joined, and whose contact they are.
    pub served: String,
    /// A code that was not used.
    pub code: String,
}

impl MerchantFixture {
    /// The owner's.
    pub async fn of(owner: &Person, friend: &Person, image: MediaId, number: usize, sql: &Client) -> Self {
        let own = insert_merchant(sql, "m", owner.key(), image.0, &[friend.key()]).await;
        let host = add_user(sql, &format!("merchant{number}")).await;
        let served = insert_merchant(sql, "s", host, image.0, &[owner.key()]).await;
        sql.execute("update merchants set contact_id = $2 where id = $1", &[&served, &owner.key()]).await.unwrap();
        let statement = "insert into activation_codes (code, created_at) values ('c' || lpad(to_hex($1::bigint), 31, '0'), now()) returning id";
        let code: i64 = sql.query_one(statement, &[&owner.key()]).await.unwrap().get(0);
        Self {
            own: MerchantId(own).global().0,
            served: MerchantId(served).global().0,
            code: ActivationCodeId(code).global().0,
        }
    }
}
