//! Proofs of identity that are not old: what asks for them, and what gives them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::accounts::{LOGIN, UPDATE, by_code, by_password, codes, contact, user_errors};
use crate::harness::{Person, TestApp};
use crate::live::RECEIVE;

const PROVE: &str = "mutation ($credential: CredentialInput!) { reauthenticate(credential: $credential) { ok userErrors { code field } } }";

const FIRST: &str = "mutation { changePassword(input: { newPassword: \"a long password\" }) { userErrors { code } } }";

const LEAVE: &str = "mutation ($id: ID!) { deleteUser(id: $id) { deletedId userErrors { code } } }";

const LATE: Duration = Duration::from_mins(11);

async fn set_email(person: &Person, email: &str) -> Value {
    person.payload(UPDATE, json!({ "input": { "email": email } })).await
}

async fn prove(person: &Person, account: &str, password: &str) -> Value {
    let credential = json!({ "password": { "account": account, "password": password } });
    person.payload(PROVE, json!({ "credential": credential })).await
}

/// A copied access token changes no contact and does not delete the account; its owner signs in once more and does.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_and_leaving_ask_for_a_proof_of_the_last_ten_minutes() {
    let app = TestApp::start().await;
    let (ada, _) = (app.as_user("ada").await, app.as_user("bo").await);
    assert_eq!(codes(&set_email(&ada, "one@example.com").await), [""; 0], "registering is a proof");
    app.advance_clock(LATE);
    for email in [json!("thief@example.com"), Value::Null] {
        let refused = ada.payload(UPDATE, json!({ "input": { "email": email, "bio": "x" } })).await;
        assert_eq!(codes(&refused), ["REAUTHENTICATION_REQUIRED"]);
    }
    assert_eq!(codes(&ada.payload(LEAVE, json!({ "id": ada.id })).await), ["REAUTHENTICATION_REQUIRED"]);
    let private = ada.private().await;
    assert_eq!(private["pendingEmail"], "one@example.com", "nothing has changed");
    assert_eq!(codes(&ada.payload(UPDATE, json!({ "input": { "bio": "hi" } })).await), [""; 0], "the rest needs none");

    assert_eq!(user_errors(&prove(&ada, "ada", "a wrong one").await), ["INVALID_CREDENTIALS credential.password"]);
    assert_eq!(codes(&prove(&ada, "bo", Person::PASSWORD).await), ["INVALID_CREDENTIALS"], "another's account");
    assert_eq!(codes(&set_email(&ada, "two@example.com").await), ["REAUTHENTICATION_REQUIRED"]);
    assert_eq!(prove(&ada, "ADA", Person::PASSWORD).await["ok"], true);
    assert_eq!(codes(&set_email(&ada, "two@example.com").await), [""; 0]);
    assert_eq!(ada.payload(LEAVE, json!({ "id": ada.id })).await["deletedId"], json!(ada.id));
}

/// A copied access token of an administrator takes over no account.
#[tokio::test(flavor = "multi_thread")]
async fn what_gives_an_administrator_an_account_asks_for_a_proof_as_well() {
    let app = TestApp::start().await;
    let (root, ada) = (app.as_role("root", "ADMIN").await, app.as_user("ada").await);
    app.advance_clock(LATE);
    let change = "mutation ($id: ID!, $input: AdminUpdateUserInput!) {
        adminUpdateUser(id: $id, input: $input) { user { nickname } userErrors { code } } }";
    let update = async |id: &str, input: Value| {
        codes(&root.payload(change, json!({ "id": id, "input": input })).await).join(" ")
    };
    let taking = [
        json!({ "newPassword": "a long password" }),
        json!({ "email": "thief@example.com" }),
        json!({ "phone": "13800138000", "nickname": "x" }),
        json!({ "email": null }),
        json!({ "role": "ADMIN" }),
    ];
    for id in [&ada.id, &root.id] {
        // Their own role is nothing that administrators change.
        for input in taking.iter().filter(|input| *id == ada.id || input.get("role").is_none()) {
            assert_eq!(update(id, input.clone()).await, "REAUTHENTICATION_REQUIRED", "{input}");
        }
    }
    assert_eq!(codes(&root.payload(LEAVE, json!({ "id": ada.id })).await), ["REAUTHENTICATION_REQUIRED"]);
    assert_eq!(update(&ada.id, json!({ "nickname": "y", "score": 3 })).await, "", "the rest needs none");
    assert_eq!(prove(&root, "root", Person::PASSWORD).await["ok"], true);
    for input in taking {
        assert_eq!(update(&ada.id, input.clone()).await, "", "{input}");
    }
    assert_eq!(codes(&root.payload(LEAVE, json!({ "id": ada.id })).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_password_asks_for_one_and_a_code_gives_it() {
    let app = TestApp::start().await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    let ada = Person::new(app.address, &app.payload(LOGIN, by_code("ada@example.com", &code)).await);
    app.advance_clock(LATE);
    assert_eq!(codes(&ada.payload(FIRST, json!({})).await), ["REAUTHENTICATION_REQUIRED"]);
    let code = app.receive_code("ada@example.com", "LOGIN", 2).await;
    let by_code = json!({ "credential": { "emailCode": { "email": "ada@example.com", "code": code } } });
    assert_eq!(ada.payload(PROVE, by_code.clone()).await["ok"], true);
    assert_eq!(user_errors(&ada.payload(PROVE, by_code).await), ["CODE_INVALID credential.emailCode.code"], "once");
    assert_eq!(codes(&ada.payload(FIRST, json!({})).await), [""; 0]);
}

const CHANGE: &str = "mutation ($old: String!, $new: String!) {
    changePassword(input: { currentPassword: $old, newPassword: $new }) {
        tokens { accessToken refreshToken } user { id } userErrors { code } } }";

const VERIFY: &str =
    "mutation ($c: ContactInput!, $code: String!) { verifyContact(contact: $c, code: $code) { userErrors { code } } }";

/// Gives an account a proven address; `count` messages have gone there then.
async fn prove_email(app: &TestApp, person: &Person, email: &str, count: usize) {
    assert_eq!(codes(&set_email(person, email).await), [""; 0]);
    let code = app.wait_for_code(email, count).await;
    assert_eq!(codes(&person.payload(VERIFY, json!({ "c": contact(email), "code": code })).await), [""; 0]);
}

/// A copied access token is of no use once the owner has changed the password.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_token_of_before_and_its_sockets() {
    let app = TestApp::start().await;
    let elsewhere = app.another_instance().await;
    let owner = app.as_user("ada").await;
    let thief = owner.clone();
    let mut sockets = [thief.socket().await, thief.on_instance(elsewhere.address).socket().await];
    for (socket, instance) in sockets.iter_mut().zip([&app, &elsewhere]) {
        socket.subscribe_live(instance, RECEIVE, json!({})).await;
    }
    let new = json!({ "old": Person::PASSWORD, "new": "another long one" });
    let owner = Person::new(app.address, &owner.payload(CHANGE, new).await);
    for socket in &mut sockets {
        assert_eq!(socket.wait_for_close().await, (4401, "revoked".to_owned()));
    }
    let input = json!({ "input": { "email": "thief@example.com" } });
    assert_eq!(thief.run(UPDATE, input.clone()).await.code(), "UNAUTHENTICATED");
    assert_eq!(thief.on_instance(elsewhere.address).run(UPDATE, input).await.code(), "UNAUTHENTICATED");
    let refresh = "mutation ($t: String!) { refreshSession(refreshToken: $t) { userErrors { code } } }";
    assert_eq!(codes(&app.payload(refresh, json!({ "t": thief.refresh })).await), ["INVALID_CREDENTIALS"]);
    assert_eq!(codes(&app.payload(refresh, json!({ "t": owner.refresh })).await), [""; 0]);
    assert_eq!(owner.private().await["pendingEmail"], Value::Null);
    let kept = "{ viewer { sessions { platform deviceName } } }";
    assert_eq!(owner.data(kept, json!({})).await["viewer"]["sessions"].as_array().unwrap().len(), 1);
}

/// A change of contacts that a new password overtakes is none: it waits for the account, and then the session is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_contacts_does_not_outlive_a_new_password() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let mut sql = app.sql().await;
    let password = sql.transaction().await.unwrap();
    let hold = format!("update users set password_hash = 'x' where id = {}", ada.key());
    password.batch_execute(&hold).await.unwrap();
    let change = set_email(&ada, "thief@example.com");
    let ends = async {
        let waiting =
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        crate::harness::until("it waits", || async { app.query_number(waiting).await == 1 }).await;
        let end =
            format!("update sessions set revoked_at = now(), end_reason = 'REVOKED' where user_id = {}", ada.key());
        password.batch_execute(&end).await.unwrap();
        password.commit().await.unwrap();
    };
    let (changed, ()) = tokio::join!(change, ends);
    assert_eq!(codes(&changed), ["REAUTHENTICATION_REQUIRED"]);
    assert_eq!(app.query_number("select count(*) from profiles where pending_email is not null").await, 0);
}

/// The holder of a contact is told when it is replaced or removed: by a proven new one, a link, or an administrator.
#[tokio::test(flavor = "multi_thread")]
async fn the_old_contact_is_told() {
    let app = TestApp::start().await;
    let (ada, root) = (app.as_user("ada").await, app.as_role("root", "ADMIN").await);
    prove_email(&app, &ada, "one@example.com", 1).await;
    prove_email(&app, &ada, "two@example.com", 1).await;
    let told = app.wait_for_mail("one@example.com", 2).await;
    assert!(told["body"].as_str().unwrap().contains("no longer belongs to the account ada"), "{told}");
    let admin = "mutation ($id: ID!, $email: EmailAddress) { adminUpdateUser(id: $id, input: { email: $email }) { userErrors { code } } }";
    for email in ["two@example.com", "three@example.com"] {
        root.payload(admin, json!({ "id": ada.id, "email": email })).await;
    }
    let told = app.wait_for_mail("two@example.com", 2).await;
    assert!(told["body"].as_str().unwrap().contains("no longer belongs"), "{told}");

    assert_eq!(codes(&set_email(&ada, "four@example.com").await), [""; 0]);
    ada.payload("mutation { sendEmailVerification { ok userErrors { code } } }", json!({})).await;
    let link = app.wait_for_mail("four@example.com", 2).await["body"].as_str().unwrap().trim().to_owned();
    let token = link.rsplit_once("token=").unwrap().1;
    let verify = "mutation ($token: String!) { verifyEmail(token: $token) { userErrors { code } } }";
    assert_eq!(codes(&app.payload(verify, json!({ "token": token })).await), [""; 0]);
    let told = app.wait_for_mail("three@example.com", 1).await;
    assert!(told["body"].as_str().unwrap().contains("no longer belongs"), "{told}");

    let phone = "+8613800138000";
    assert_eq!(codes(&ada.payload(UPDATE, json!({ "input": { "phone": phone } })).await), [""; 0]);
    let code = app.wait_for_code(phone, 1).await;
    assert_eq!(codes(&ada.payload(VERIFY, json!({ "c": contact(phone), "code": code })).await), [""; 0]);
    app.advance_clock(LATE);
    let clear = json!({ "input": { "phone": null } });
    assert_eq!(codes(&ada.payload(UPDATE, clear.clone()).await), ["REAUTHENTICATION_REQUIRED"]);
    // A proof in one session is none in another.
    let other = app.payload(LOGIN, by_password("ada", Person::PASSWORD)).await;
    let other = Person::new(app.address, &other);
    assert_eq!(codes(&ada.payload(UPDATE, clear.clone()).await), ["REAUTHENTICATION_REQUIRED"]);
    assert_eq!(codes(&other.payload(UPDATE, clear).await), [""; 0]);
    let told = app.wait_for_mail(phone, 2).await;
    assert!(told["body"].as_str().unwrap().contains("已不再使用此手机号"), "{told}");
}

/// Ten minutes are ten minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_good_for_ten_minutes() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    app.advance_clock(Duration::from_secs(9 * 60 + 50));
    assert_eq!(codes(&set_email(&ada, "one@example.com").await), [""; 0]);
    app.advance_clock(Duration::from_secs(11));
    assert_eq!(codes(&set_email(&ada, "two@example.com").await), ["REAUTHENTICATION_REQUIRED"]);
}

/// A refresh that a new password overtakes gives no token that outlives it, however the two meet.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_does_not_outlive_what_ended_its_session() {
    let app = TestApp::start().await;
    for (name, end) in [
        ("ada", "update sessions set revoked_at = now(), end_reason = 'REVOKED'"),
        ("bo", "delete from refresh_tokens"),
        ("lan", "delete from sessions"),
    ] {
        let person = app.as_user(name).await;
        let mut sql = app.sql().await;
        let ending = sql.transaction().await.unwrap();
        ending.batch_execute(end).await.unwrap();
        let refresh = "mutation ($t: String!) { refreshSession(refreshToken: $t) { tokens { accessToken } userErrors { code } } }";
        let ends = async {
            let waiting =
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
            crate::harness::until("it waits", || async { app.query_number(waiting).await == 1 }).await;
            ending.commit().await.unwrap();
        };
        let (refreshed, ()) = tokio::join!(app.payload(refresh, json!({ "t": person.refresh })), ends);
        assert_eq!(codes(&refreshed), ["INVALID_CREDENTIALS"], "{name}: {refreshed}");
        assert_eq!(refreshed["tokens"], Value::Null);
    }
}
