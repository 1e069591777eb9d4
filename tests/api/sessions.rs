//! Sessions: seen, and ended from elsewhere; why a socket closes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::accounts::{LOGIN, codes, user_errors};
use crate::harness::{Person, Socket, TestApp, until};
use crate::live::RECEIVE;

const LIST: &str = "{ viewer { sessions { id platform deviceName ip createdAt lastUsedAt expiresAt current } } }";

const REVOKE: &str = "mutation ($id: ID!) { revokeSession(id: $id) { deletedId userErrors { code field } } }";

const WHO: &str = "{ viewer { user { username } } }";

async fn sign_in(app: &TestApp, platform: &str, device: &str) -> Person {
    let credential = json!({ "password": { "account": "ada", "password": Person::PASSWORD } });
    let input = json!({ "credential": credential, "platform": platform, "deviceName": device });
    Person::new(app.address, &app.payload(LOGIN, json!({ "input": input })).await)
}

async fn sessions(person: &Person) -> Vec<Value> {
    person.data(LIST, json!({})).await["viewer"]["sessions"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_one_s_own_with_device_and_last_use() {
    let app = TestApp::start().await;
    let web = app.as_user("ada").await;
    app.as_user("bo").await;
    app.advance_clock(Duration::from_mins(1));
    let phone = sign_in(&app, "ANDROID", "Ada's phone").await;
    let seen = sessions(&phone).await;
    assert_eq!(seen.len(), 2);
    assert_eq!(
        [&seen[0]["platform"], &seen[0]["deviceName"], &seen[0]["ip"], &seen[0]["current"]],
        [&json!("ANDROID"), &json!("Ada's phone"), &json!("127.0.0.1"), &json!(true)]
    );
    assert_eq!(
        [&seen[1]["platform"], &seen[1]["deviceName"], &seen[1]["current"]],
        [&json!("WEB"), &Value::Null, &json!(false)]
    );
    // A refresh is a use, and puts it first.
    app.advance_clock(Duration::from_mins(1));
    let refresh =
        "mutation ($t: String!) { refreshSession(refreshToken: $t) { tokens { accessToken } userErrors { code } } }";
    app.payload(refresh, json!({ "t": web.refresh })).await;
    let seen = sessions(&phone).await;
    assert_eq!(seen[0]["platform"], "WEB");
    assert!(seen[0]["lastUsedAt"].as_str() > seen[0]["createdAt"].as_str(), "{}", seen[0]);
    // What is over is gone.
    app.advance_clock(Duration::from_hours(24 * 30 - 1));
    let fresh = sign_in(&app, "WEB", "later").await;
    app.advance_clock(Duration::from_mins(59));
    assert_eq!(sessions(&Person { token: fresh.token.clone(), ..fresh.clone() }.renewed(&app).await).await.len(), 2);
}

impl Person {
    /// The same person with a token of this moment.
    async fn renewed(self, app: &TestApp) -> Person {
        let refresh = "mutation ($t: String!) { refreshSession(refreshToken: $t) { tokens { accessToken refreshToken } user { id } userErrors { code } } }";
        Person::new(app.address, &app.payload(refresh, json!({ "t": self.refresh })).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_ended_from_another() {
    let app = TestApp::start().await;
    let web = app.as_user("ada").await;
    let (phone, pad) = (sign_in(&app, "ANDROID", "phone").await, sign_in(&app, "IOS", "pad").await);
    let bo = app.as_user("bo").await;
    let id_of = async |name: &str| {
        sessions(&web).await.into_iter().find(|session| session["deviceName"] == name).unwrap()["id"].clone()
    };
    let id = id_of("phone").await;
    // Not by another user, who can't even see it.
    assert_eq!(user_errors(&bo.payload(REVOKE, json!({ "id": id })).await), ["NOT_FOUND id"]);
    let node = "query ($id: ID!) { node(id: $id) { id ... on Session { deviceName } } }";
    assert_eq!(bo.data(node, json!({ "id": id })).await["node"], Value::Null);
    assert_eq!(app.run(node, json!({ "id": id })).await.data()["node"], Value::Null);
    assert_eq!(web.data(node, json!({ "id": id })).await["node"]["deviceName"], "phone");
    assert_eq!(user_errors(&web.payload(REVOKE, json!({ "id": bo.id })).await), ["NOT_FOUND id"], "no session at all");

    assert_eq!(web.payload(REVOKE, json!({ "id": id })).await, json!({ "deletedId": id, "userErrors": [] }));
    assert_eq!(phone.run(WHO, json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(user_errors(&web.payload(REVOKE, json!({ "id": id })).await), ["NOT_FOUND id"], "it is over");
    assert_eq!(web.data(node, json!({ "id": id })).await["node"], Value::Null);
    assert_eq!(sessions(&web).await.len(), 2);

    let others = "mutation { revokeOtherSessions { ok userErrors { code } } }";
    assert_eq!(web.payload(others, json!({})).await["ok"], true);
    assert_eq!(pad.run(WHO, json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(sessions(&web).await.len(), 1);
    let own = sessions(&web).await[0]["id"].clone();
    assert_eq!(codes(&web.payload(REVOKE, json!({ "id": own })).await), Vec::<&str>::new(), "one's own is a sign-out");
    assert_eq!(web.run(WHO, json!({})).await.code(), "UNAUTHENTICATED");
}

/// Opens a socket at an instance and waits until its subscription is live.
async fn listen(app: &TestApp, person: &Person) -> Socket {
    let mut socket = person.on_instance(app.address).socket().await;
    socket.subscribe_live(app, RECEIVE, json!({})).await;
    socket
}

/// Within two seconds, on every instance, with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn sockets_close_with_the_reason_on_every_instance() {
    let one = TestApp::start().await;
    let two = one.another_instance().await;
    let (ada, root) = (one.as_user("ada").await, one.as_role("root", "ADMIN").await);
    let refresh =
        "mutation ($t: String!) { refreshSession(refreshToken: $t) { tokens { refreshToken } userErrors { code } } }";
    for reason in ["signed-out", "revoked", "reused", "suspended"] {
        let phone = sign_in(&one, "ANDROID", "phone").await;
        let mut here = listen(&one, &phone).await;
        let mut there = listen(&two, &phone).await;
        let start = Instant::now();
        let expected = match reason {
            "signed-out" => {
                phone.data("mutation { logout { ok } }", json!({})).await;
                reason
            }
            "revoked" => {
                ada.data("mutation { revokeOtherSessions { ok } }", json!({})).await;
                reason
            }
            "reused" => {
                let first = one.payload(refresh, json!({ "t": phone.refresh })).await;
                one.payload(refresh, json!({ "t": first["tokens"]["refreshToken"] })).await;
                let reuse = one.payload(refresh, json!({ "t": phone.refresh })).await;
                assert_eq!(codes(&reuse), ["INVALID_CREDENTIALS"]);
                "revoked"
            }
            _ => {
                let suspend = "mutation ($id: ID!) { suspendUser(id: $id) { user { private { suspended } } userErrors { code } } }";
                let suspended = root.payload(suspend, json!({ "id": ada.id })).await;
                assert_eq!(suspended["user"]["private"]["suspended"], true);
                reason
            }
        };
        assert_eq!(here.wait_for_close().await, (4401, expected.to_owned()), "{reason}");
        assert_eq!(there.wait_for_close().await, (4401, expected.to_owned()), "{reason}");
        assert!(start.elapsed() < Duration::from_secs(2), "{reason} took {:?}", start.elapsed());
        // Nor does it come back.
        let mut again = Socket::connect(two.address, Some("graphql-transport-ws")).await;
        let payload = json!({ "authorization": format!("Bearer {}", phone.token) });
        again.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(again.wait_for_close().await, (4401, expected.to_owned()), "{reason}");
    }
    // An instance that starts later knows why as well.
    let late = one.another_instance().await;
    let mut socket = Socket::connect(late.address, Some("graphql-transport-ws")).await;
    socket
        .send(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", ada.token) } }))
        .await;
    assert_eq!(socket.wait_for_close().await, (4401, "suspended".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_races_a_suspension_or_a_new_password_does_not_outlive_it() {
    let app = TestApp::start().await;
    let (ada, root) = (app.as_user("ada").await, app.as_role("root", "ADMIN").await);
    let suspend = "mutation ($id: ID!) { suspendUser(id: $id) { userErrors { code } } }";
    let credential = json!({ "password": { "account": "ada", "password": Person::PASSWORD } });
    let login = || app.payload(LOGIN, json!({ "input": { "credential": credential.clone() } }));
    let logins = futures_util::future::join_all((0..6).map(|_| login()));
    let suspends = async {
        until("a session begins", || async { app.query_number("select count(*) from sessions").await > 3 }).await;
        root.payload(suspend, json!({ "id": ada.id })).await
    };
    let (answers, suspended) = tokio::join!(logins, suspends);
    assert_eq!(codes(&suspended), Vec::<&str>::new());
    for answer in &answers {
        let code = codes(answer).join(" ");
        assert!(["", "ACCOUNT_SUSPENDED", "INVALID_CREDENTIALS"].contains(&code.as_str()), "{answer}");
    }
    let live = format!("select count(*) from sessions where user_id = {} and revoked_at is null", ada.key());
    assert_eq!(app.query_number(&live).await, 0, "every session of before is over, and none came after");
    let sql = app.sql().await;
    sql.batch_execute("update users set suspended_at = null").await.unwrap();
    let fresh = Person::new(app.address, &login().await);
    let change = json!({ "input": { "currentPassword": Person::PASSWORD, "newPassword": "another horse" } });
    let document = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { userErrors { code } } }";
    let (answers, changed) =
        tokio::join!(futures_util::future::join_all((0..6).map(|_| login())), fresh.payload(document, change));
    assert_eq!(codes(&changed), Vec::<&str>::new());
    drop(answers);
    assert_eq!(app.query_number(&live).await, 1, "only the one that changed the password");
}
