//! Administration: looking for people, changing, suspending and deleting accounts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::accounts::{LOGIN, REQUEST, UPDATE, by_code, by_password, codes, contact, user_errors};
use crate::harness::{Person, SEND, TestApp, direct_message};

const USERS: &str =
    "query ($filter: UserFilter, $first: Int, $after: String) { users(filter: $filter, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { username private { email } } } }";

const CHANGE: &str = "mutation ($id: ID!, $input: AdminUpdateUserInput!) { adminUpdateUser(id: $id, input: $input) {
    user { username nickname role verification score private { email emailVerified phone phoneVerified address } }
    userErrors { code field } } }";

const SUSPEND: &str =
    "mutation ($id: ID!, $until: DateTime, $reason: String) { suspendUser(id: $id, until: $until, reason: $reason) {
    user { private { suspended suspendedUntil } } userErrors { code field } } }";

const UNSUSPEND: &str =
    "mutation ($id: ID!) { unsuspendUser(id: $id) { user { private { suspended } } userErrors { code field } } }";

const DELETE: &str = "mutation ($id: ID!) { deleteUser(id: $id) { deletedId userErrors { code field } } }";

const WHO: &str = "{ viewer { user { username } } }";

async fn names(root: &Person, filter: Value) -> Vec<String> {
    let found = root.payload(USERS, json!({ "filter": filter })).await;
    let nodes = found["nodes"].as_array().unwrap();
    assert_eq!(found["totalCount"], json!(nodes.len()), "{filter}");
    nodes.iter().map(|node| node["username"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_name_number_contact_role_and_state() {
    let app = TestApp::start().await;
    let root = app.as_role("root", "ADMIN").await;
    let (ada, bo) = (app.as_user("ada_1").await, app.as_user("bo").await);
    app.as_role("help", "SUPPORT").await;
    let input = json!({ "id": ada.id, "input": { "nickname": "小明 Ming", "email": "ada@example.com", "phone": "13800138000" } });
    root.payload(CHANGE, input).await;
    root.payload(SUSPEND, json!({ "id": bo.id, "until": app.app.clock.now() + Duration::from_hours(1) })).await;
    let everybody = ["help", "bo", "ada_1", "root"];
    for (filter, expected) in [
        (Value::Null, &everybody[..]),
        (json!({}), &everybody[..]),
        (json!({ "query": " " }), &everybody[..]),
        (json!({ "query": "ADA" }), &["ada_1"]),
        (json!({ "query": "a_1" }), &["ada_1"]),
        (json!({ "query": "_" }), &[]),
        (json!({ "query": "da_" }), &["ada_1"]),
        (json!({ "query": "%" }), &[]),
        (json!({ "query": "\\" }), &[]),
        (json!({ "query": "小明" }), &["ada_1"]),
        (json!({ "query": "明" }), &[]),
        (json!({ "query": "明 M" }), &["ada_1"]),
        (json!({ "query": "ming" }), &["ada_1"]),
        (json!({ "query": "10000001" }), &["ada_1"]),
        (json!({ "query": "Ada@example.com" }), &["ada_1"]),
        (json!({ "query": "+8613800138000" }), &["ada_1"]),
        (json!({ "query": "13800138000" }), &["ada_1"]),
        (json!({ "query": "da@example.com" }), &[]),
        (json!({ "role": "SUPPORT" }), &["help"]),
        (json!({ "role": "USER", "suspended": true }), &["bo"]),
        (json!({ "suspended": false }), &["help", "ada_1", "root"]),
    ] {
        assert_eq!(names(&root, filter.clone()).await, expected, "{filter}");
    }
    app.advance_clock(Duration::from_mins(61));
    let root = sign_in(&app, "root", Person::PASSWORD).await;
    assert_eq!(names(&root, json!({ "suspended": true })).await, Vec::<String>::new(), "over by itself");
    let page = root.payload(USERS, json!({ "first": 3 })).await;
    assert_eq!((page["nodes"].as_array().unwrap().len(), &page["pageInfo"]["hasNextPage"]), (3, &json!(true)));
    let rest = root.payload(USERS, json!({ "first": 3, "after": page["pageInfo"]["endCursor"] })).await;
    assert_eq!(rest["nodes"][0]["username"], "root");
    let foreign = json!({ "filter": { "query": "a" }, "after": page["pageInfo"]["endCursor"] });
    assert_eq!(root.run(USERS, foreign).await.code(), "BAD_USER_INPUT");
}

async fn sign_in(app: &TestApp, name: &str, password: &str) -> Person {
    Person::new(app.address, &app.payload(LOGIN, by_password(name, password)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_changes_an_account() {
    let app = TestApp::start().await;
    let (root, ada) = (app.as_role("root", "ADMIN").await, app.as_user("ada").await);
    app.as_user("bo").await;
    let change = async |input: Value| root.payload(CHANGE, json!({ "id": ada.id, "input": input })).await;
    let changed = change(json!({
        "username": "Ada.L", "nickname": "Ada", "email": "ADA@example.com", "phone": "13800138000", "address": "here",
        "role": "SUPPORT", "verification": "VERIFIED", "score": -5,
    }))
    .await;
    insta::assert_json_snapshot!(changed);
    assert_eq!(ada.run(WHO, json!({})).await.status, 200, "sessions go on");
    // Taken as they are, contacts sign in; and their holder may still prove them.
    assert_eq!(sign_in(&app, "ada@example.com", Person::PASSWORD).await.id, ada.id);
    assert_eq!(
        codes(&ada.payload("mutation { sendEmailVerification { ok userErrors { code } } }", json!({})).await),
        Vec::<&str>::new()
    );
    assert_eq!(codes(&change(json!({ "newPassword": "another horse" })).await), Vec::<&str>::new());
    assert_eq!(ada.run(WHO, json!({})).await.status, 401, "a new password ends them");
    assert_eq!(sign_in(&app, "ada.l", "another horse").await.id, ada.id);
    let cleared = change(json!({ "email": null, "phone": null })).await;
    assert_eq!(
        (&cleared["user"]["private"]["email"], &cleared["user"]["private"]["phone"]),
        (&Value::Null, &Value::Null)
    );

    for (input, expected) in [
        (json!({ "username": "bo" }), "USERNAME_TAKEN input.username"),
        (json!({ "newPassword": "password" }), "WEAK_PASSWORD input.newPassword"),
        (json!({ "newPassword": null }), "REQUIRED input.newPassword"),
        (json!({ "role": null }), "REQUIRED input.role"),
        (json!({ "score": 1_000_001 }), "OUT_OF_RANGE input.score"),
        (json!({ "score": i32::MIN }), "OUT_OF_RANGE input.score"),
        (json!({ "nickname": "" }), "INVALID_INPUT input.nickname"),
    ] {
        assert_eq!(user_errors(&change(input.clone()).await), [expected], "{input}");
    }
    let code = app.receive_code("lan@example.com", "LOGIN", 1).await;
    let lan = Person::new(app.address, &app.payload(LOGIN, by_code("lan@example.com", &code)).await);
    let only_way = json!({ "id": lan.id, "input": { "email": null } });
    assert_eq!(user_errors(&root.payload(CHANGE, only_way).await), ["INVALID_INPUT input.email"]);
    let another_way = json!({ "id": lan.id, "input": { "email": null, "newPassword": "another horse" } });
    assert_eq!(codes(&root.payload(CHANGE, another_way).await), Vec::<&str>::new());
    let own = json!({ "id": root.id, "input": { "role": "USER" } });
    assert_eq!(user_errors(&root.payload(CHANGE, own).await), ["SELF_TARGET input.role"]);
    let unknown = json!({ "id": plaza::ids::UserId(999).global(), "input": {} });
    assert_eq!(user_errors(&root.payload(CHANGE, unknown).await), ["NOT_FOUND id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_can_t_be_signed_in_to() {
    let app = TestApp::start().await;
    let root = app.as_role("root", "ADMIN").await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    let ada = Person::new(app.address, &app.payload(LOGIN, by_code("ada@example.com", &code)).await);
    let set = "mutation { changePassword(input: { newPassword: \"a long password\" }) { userErrors { code } } }";
    ada.data(set, json!({})).await;
    let until = app.app.clock.now() + Duration::from_hours(2);
    let suspended = root.payload(SUSPEND, json!({ "id": ada.id, "until": until, "reason": "spam" })).await;
    assert_eq!(suspended["user"]["private"]["suspended"], true);
    assert_eq!(ada.run(WHO, json!({})).await.code(), "UNAUTHENTICATED");
    let refresh = "mutation ($t: String!) { refreshSession(refreshToken: $t) { userErrors { code } } }";
    assert_eq!(codes(&app.payload(refresh, json!({ "t": ada.refresh })).await), ["INVALID_CREDENTIALS"]);
    // Only the right credential tells.
    let login = async |password: &str| app.payload(LOGIN, by_password("ada@example.com", password)).await;
    assert_eq!(codes(&login("a wrong password").await), ["INVALID_CREDENTIALS"]);
    let told = login("a long password").await;
    assert_eq!(codes(&told), ["ACCOUNT_SUSPENDED"]);
    let message = told["userErrors"][0]["message"].as_str().unwrap();
    assert!(message.contains("until 20") && message.ends_with(": spam."), "{message}");
    app.advance_clock(Duration::from_secs(61));
    let code = app.receive_code("ada@example.com", "LOGIN", 2).await;
    let told = app.payload(LOGIN, by_code("ada@example.com", &code)).await;
    assert_eq!(user_errors(&told), ["ACCOUNT_SUSPENDED input.credential"]);
    // It ends by itself, or is lifted.
    app.advance_clock(Duration::from_hours(2));
    assert_eq!(codes(&login("a long password").await), Vec::<&str>::new());
    let root = sign_in(&app, "root", Person::PASSWORD).await;
    root.payload(SUSPEND, json!({ "id": ada.id })).await;
    assert_eq!(codes(&login("a long password").await), ["ACCOUNT_SUSPENDED"]);
    assert_eq!(root.payload(UNSUSPEND, json!({ "id": ada.id })).await["user"]["private"]["suspended"], false);
    assert_eq!(codes(&login("a long password").await), Vec::<&str>::new());

    for (variables, expected) in [
        (json!({ "id": root.id }), "SELF_TARGET id"),
        (json!({ "id": ada.id, "until": app.app.clock.now() }), "OUT_OF_RANGE until"),
        (json!({ "id": ada.id, "reason": "x".repeat(501) }), "TOO_LONG reason"),
        (json!({ "id": plaza::ids::UserId(999).global() }), "NOT_FOUND id"),
    ] {
        assert_eq!(user_errors(&root.payload(SUSPEND, variables.clone()).await), [expected], "{variables}");
    }
    let beyond = json!({ "id": ada.id, "until": "9999-12-31T23:59:59-23:59" });
    assert_eq!(root.run(SUSPEND, beyond).await.code(), "BAD_USER_INPUT", "in UTC it is no RFC 3339 instant");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_leaves_a_placeholder_and_nothing_else() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let said = json!({ "email": "ada@example.com", "address": "here", "bio": "all of me", "idCard": "1", "birthday": "1990-01-01",
        "coordinates": { "longitude": 1, "latitude": 1 }, "place": { "city": "x" } });
    ada.payload(UPDATE, json!({ "input": said })).await;
    let code = app.wait_for_code("ada@example.com", 1).await;
    let verify = "mutation ($c: String!) { verifyContact(contact: { email: \"ada@example.com\" }, code: $c) { userErrors { code } } }";
    ada.data(verify, json!({ "c": code })).await;
    ada.send_message(&bo, "goodbye").await;
    let mut socket = ada.socket().await;
    assert_eq!(ada.payload(DELETE, json!({ "id": ada.id })).await, json!({ "deletedId": ada.id, "userErrors": [] }));
    assert_eq!(socket.wait_for_close().await, (4401, "revoked".to_owned()));
    assert_eq!(ada.run(WHO, json!({})).await.code(), "UNAUTHENTICATED");
    for account in ["ada", "ada@example.com"] {
        assert_eq!(codes(&app.payload(LOGIN, by_password(account, Person::PASSWORD)).await), ["INVALID_CREDENTIALS"]);
    }
    // What they said stays, from a placeholder.
    let chat = "query ($id: ID!) { conversationWith(userId: $id) { title peer { id deleted username nickname accountNumber bio birthday place { city } score verification private { email } }
        messages { nodes { sender { deleted } content { ... on TextContent { text } } } } } }";
    insta::assert_json_snapshot!(bo.data(chat, json!({ "id": ada.id })).await, { ".conversationWith.peer.id" => "[id]" });
    // Nothing personal is left in the database.
    let rows = app.sql().await.query_one("select row_to_json(u)::text || row_to_json(p)::text || (select string_agg(row_to_json(s)::text, '') from sessions s where s.user_id = u.id) from users u join profiles p on p.user_id = u.id where u.id = $1", &[&ada.key()]).await.unwrap();
    let text: String = rows.get(0);
    for gone in ["example.com", "ada", "here", "all of me", "argon2", "1990", "127.0.0.1"] {
        assert!(!text.contains(gone), "{gone} is left in {text}");
    }
    // The names are free.
    let again = app.as_user("ada").await;
    assert_ne!(again.id, ada.id);
    app.advance_clock(Duration::from_secs(61));
    let code = app.receive_code("ada@example.com", "LOGIN", 2).await;
    let made = app.payload(LOGIN, by_code("ada@example.com", &code)).await;
    assert_ne!(made["user"]["id"], json!(ada.id));
    // A deleted account gets no messages and no changes.
    let lost = bo.payload(SEND, json!({ "input": direct_message(&ada, "hello?") })).await;
    assert_eq!(user_errors(&lost), ["NOT_FOUND input.to.userId"]);
    let root = app.as_role("root", "ADMIN").await;
    for (document, variables) in [
        (DELETE, json!({ "id": ada.id })),
        (SUSPEND, json!({ "id": ada.id })),
        (UNSUSPEND, json!({ "id": ada.id })),
        (CHANGE, json!({ "id": ada.id, "input": { "nickname": "back" } })),
    ] {
        assert_eq!(user_errors(&root.payload(document, variables).await), ["NOT_FOUND id"], "{document}");
    }
    // An administrator removes others.
    assert_eq!(root.payload(DELETE, json!({ "id": bo.id })).await["deletedId"], json!(bo.id));
    assert_eq!(bo.run(WHO, json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_account_that_is_left_is_withdrawn() {
    let app = TestApp::start().await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    let ada = Person::new(app.address, &app.payload(LOGIN, by_code("ada@example.com", &code)).await);
    let file = app.app.config.data_dir.join("outbox.jsonl");
    std::fs::remove_file(&file).unwrap();
    // Nothing is handed over while the file can't be written.
    std::fs::create_dir(&file).unwrap();
    app.advance_clock(std::time::Duration::from_secs(61));
    let forgot = "mutation ($c: ContactInput!) { requestPasswordReset(contact: $c) { ok } }";
    app.payload(forgot, json!({ "c": contact("ada@example.com") })).await;
    app.payload(REQUEST, json!({ "input": { "contact": contact("bo@example.com"), "purpose": "LOGIN" } })).await;
    // An address that is not proven is perhaps another user's, and what waits for it is theirs.
    ada.payload(UPDATE, json!({ "input": { "email": "bo@example.com" } })).await;
    ada.payload(DELETE, json!({ "id": ada.id })).await;
    let waiting = async |table: &str, column: &str, contact: &str| {
        app.query_number(&format!("select count(*) from {table} where {column} = '{contact}'")).await
    };
    assert_eq!(waiting("outgoing_messages", "recipient", "ada@example.com").await, 0);
    assert_eq!(waiting("one_time_codes", "contact", "ada@example.com").await, 0);
    assert_eq!(waiting("outgoing_messages", "recipient", "bo@example.com").await, 2);
    assert_eq!(waiting("one_time_codes", "contact", "bo@example.com").await, 2);
    std::fs::remove_dir(&file).unwrap();
}
