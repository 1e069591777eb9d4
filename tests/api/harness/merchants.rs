//! Merchants in tests.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::accounts::codes;
use super::{Person, TestApp};

const MERCHANT: &str =
    "{ id name memberCount joined icon { id } owner { username } customerService { username } createdAt updatedAt }";
const MEMBERSHIP: &str = "{ id user { username } merchant { name } }";

/// A mutation of merchants, with what it takes and gives.
fn document(field: &str) -> String {
    let merchant = || format!("merchant {MERCHANT} membership {MEMBERSHIP}");
    let (parameters, selection) = match field {
        "createMerchant" => ("$input: CreateMerchantInput!", merchant()),
        "updateMerchant" => ("$id: ID!, $input: UpdateMerchantInput!", merchant()),
        "transferMerchant" => ("$merchantId: ID!, $toUserId: ID!", merchant()),
        "resignCustomerService" | "joinMerchant" => ("$merchantId: ID!", merchant()),
        "leaveMerchant" => ("$merchantId: ID!", "deletedId".to_owned()),
        "createActivationCodes" => {
            ("$count: Int!, $expiresAt: DateTime", "codes { id code expiresAt createdAt usedBy { name } }".to_owned())
        }
        "revokeActivationCode" => ("$id: ID!", "deletedId".to_owned()),
        _ => panic!("no mutation of merchants: {field}"),
    };
    super::mutation_document(field, parameters, &selection)
}

impl Person {
    /// Runs a mutation of merchants and returns its payload.
    pub async fn at_merchant(&self, field: &str, variables: Value) -> Value {
        self.data(&document(field), variables).await[field].clone()
    }

    /// As [`Person::at_merchant`], which has to succeed.
    #[track_caller]
    pub fn at_merchant_ok(&self, field: &'static str, variables: Value) -> impl Future<Output = Value> {
        let (caller, person) = (std::panic::Location::caller(), self.clone());
        async move {
            let payload = person.at_merchant(field, variables).await;
            assert_eq!(payload["userErrors"], json!([]), "{field} at {caller}: {payload}");
            payload
        }
    }

    /// The codes of a mutation of merchants that is refused.
    pub async fn refused_at_merchant(&self, field: &str, variables: Value) -> Vec<String> {
        codes(&self.at_merchant(field, variables).await).into_iter().map(Into::into).collect()
    }

    /// So many activation codes of an administrator's.
    pub async fn make_codes(&self, count: i32) -> Vec<Value> {
        let made = self.at_merchant_ok("createActivationCodes", json!({ "count": count })).await;
        made["codes"].as_array().unwrap().clone()
    }

    /// Makes a merchant with a code, of which they are the contact; its id.
    pub async fn make_merchant(&self, name: &str, code: &Value) -> Value {
        let icon = self.upload_picture().await;
        let input =
            json!({ "activationCode": code["code"], "name": name, "iconId": icon, "customerServiceId": self.id });
        self.at_merchant_ok("createMerchant", json!({ "input": input })).await["merchant"]["id"].clone()
    }

    /// Joins a merchant.
    pub async fn join_merchant(&self, merchant: &Value) -> Value {
        self.at_merchant_ok("joinMerchant", json!({ "merchantId": merchant })).await
    }

    /// Makes a group of a merchant; its id.
    pub async fn make_merchant_group(&self, merchant: &Value, name: &str) -> Value {
        let input = json!({ "name": name, "merchantId": merchant });
        self.in_group_ok("createGroup", json!({ "input": input })).await["group"]["id"].clone()
    }
}

impl TestApp {
    /// A merchant of a user's, made with a code of an administrator's.
    pub async fn merchant_of(&self, owner: &Person, name: &str) -> Value {
        let admin = self.as_role(&format!("admin-of-{name}").to_lowercase(), "ADMIN").await;
        owner.make_merchant(name, &admin.make_codes(1).await[0]).await
    }
}

/// Adds a merchant with its code by SQL, with an owner, a picture and some other members; its key.
pub async fn insert_merchant(sql: &Client, name: &str, owner: i64, icon: i64, others: &[i64]) -> i64 {
    let statement = "with m as (insert into merchants (name, icon_id, owner_id, contact_id, member_count, created_at, updated_at)
            values ($1, $2, $3, $3, 1 + cardinality($4::bigint[]), now(), now()) returning id),
        s as (insert into search_entries (kind, subject_id, version, boost, words) select 'MERCHANT', id, 0, 1, '' from m),
        c as (insert into activation_codes (code, created_at, merchant_id) select lpad(to_hex(id), 32, '0'), now(), id from m),
        j as (insert into merchant_members (merchant_id, user_id, created_at)
            select id, u, now() from m cross join unnest($3::bigint || $4::bigint[]) u)
        select id from m";
    sql.query_one(statement, &[&name, &icon, &owner, &others]).await.unwrap().get(0)
}
