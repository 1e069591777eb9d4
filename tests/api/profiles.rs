//! What people say of themselves, and who sees it.

use serde_json::{Value, json};

use crate::harness::accounts::{PRIVATE, UPDATE, codes, user_errors};
use crate::harness::{Person, TestApp};

async fn update(person: &Person, input: Value) -> Value {
    person.payload(UPDATE, json!({ "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_said_kept_and_cleared() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let said = update(
        &ada,
        json!({
            "username": "Ada.L", "nickname": " 阿达 ", "gender": "FEMALE", "birthday": "1990-02-28", "bio": "hello\nthere",
            "idCard": "11010519491231002X", "studentId": "0012", "address": "南京路 1 号",
            "coordinates": { "longitude": 121.4737, "latitude": 31.2304 },
            "place": { "country": "中国", "province": "上海", "city": "上海" },
        }),
    )
    .await;
    assert_eq!(codes(&said), Vec::<&str>::new());
    let mut user = said["user"].clone();
    let coordinates = user["private"]["coordinates"].take();
    assert!(user["age"].as_i64().unwrap() >= 36);
    user["age"].take();
    insta::assert_json_snapshot!(user);
    let (east, north) = (coordinates["longitude"].as_f64().unwrap(), coordinates["latitude"].as_f64().unwrap());
    assert!((east - 121.4737).abs() < 0.005 && (north - 31.2304).abs() < 0.005, "{coordinates}");
    assert_ne!((east, north), (121.4737, 31.2304), "only the cell is kept");
    let near = update(&ada, json!({ "coordinates": { "longitude": east, "latitude": north } })).await;
    assert_eq!(near["user"]["private"]["coordinates"], coordinates);

    // Omitted fields keep their value, empty texts and parts of a place are values.
    let kept = update(&ada, json!({ "bio": "", "place": { "city": null, "district": "黄浦" } })).await;
    assert_eq!(kept["user"]["bio"], "");
    assert_eq!(kept["user"]["birthday"], "1990-02-28");
    assert_eq!(
        kept["user"]["place"],
        json!({ "country": "中国", "province": "上海", "city": null, "district": "黄浦" })
    );
    let cleared = update(
        &ada,
        json!({ "birthday": null, "idCard": null, "studentId": null, "coordinates": null, "place": null }),
    )
    .await;
    let private = &cleared["user"]["private"];
    for gone in [&cleared["user"]["birthday"], &cleared["user"]["age"], &cleared["user"]["place"]] {
        assert_eq!(gone, &Value::Null);
    }
    for gone in ["idCard", "studentId", "coordinates"] {
        assert_eq!(private[gone], Value::Null, "{gone}");
    }
    assert_eq!((&private["address"], &cleared["user"]["verification"]), (&json!("南京路 1 号"), &json!("NONE")));
    assert_eq!(codes(&update(&ada, json!({})).await), Vec::<&str>::new(), "nothing changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_told_at_once_and_changes_nothing() {
    let app = TestApp::start().await;
    let (ada, _) = (app.as_user("ada").await, app.as_user("bo").await);
    let before = ada.payload(PRIVATE, json!({})).await;
    let wrong = update(
        &ada,
        json!({
            "username": "no spaces", "nickname": "", "gender": null, "birthday": "2999-01-01", "bio": "x".repeat(501),
            "idCard": "two\nlines", "studentId": "x".repeat(65), "address": "x".repeat(201),
            "coordinates": { "longitude": 181, "latitude": 0 }, "place": { "city": "x".repeat(65) },
        }),
    )
    .await;
    let expected = [
        "INVALID_INPUT input.username",
        "INVALID_INPUT input.nickname",
        "INVALID_INPUT input.idCard",
        "OUT_OF_RANGE input.coordinates",
        "REQUIRED input.gender",
        "OUT_OF_RANGE input.birthday",
        "TOO_LONG input.bio",
        "TOO_LONG input.studentId",
        "TOO_LONG input.address",
        "TOO_LONG input.place.city",
    ];
    assert_eq!(user_errors(&wrong), expected);
    assert_eq!(wrong["user"], Value::Null);
    for (input, expected) in [
        (json!({ "username": null, "nickname": null }), vec!["REQUIRED input.username", "REQUIRED input.nickname"]),
        (json!({ "bio": null, "address": null }), vec!["REQUIRED input.bio", "REQUIRED input.address"]),
        (json!({ "username": "BO", "bio": "new" }), vec!["USERNAME_TAKEN input.username"]),
        (json!({ "birthday": "1899-12-31" }), vec!["OUT_OF_RANGE input.birthday"]),
        (json!({ "bio": "a\u{0}b" }), vec!["INVALID_INPUT input.bio"]),
        (json!({ "nickname": "a\u{2028}b" }), vec!["INVALID_INPUT input.nickname"]),
    ] {
        assert_eq!(user_errors(&update(&ada, input.clone()).await), expected, "{input}");
    }
    for input in [
        json!({ "birthday": "1990-2-28" }),
        json!({ "birthday": "1990-02-30" }),
        json!({ "email": "nobody" }),
        json!({ "phone": "12345" }),
        json!({ "gender": "BOTH" }),
        json!({ "coordinates": { "longitude": 1 } }),
    ] {
        assert_eq!(ada.run(UPDATE, json!({ "input": input })).await.code(), "BAD_USER_INPUT", "{input}");
    }
    assert_eq!(ada.payload(PRIVATE, json!({})).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_papers_have_to_be_looked_at() {
    let app = TestApp::start().await;
    let (ada, root) = (app.as_user("ada").await, app.as_role("root", "ADMIN").await);
    assert_eq!(update(&ada, json!({ "idCard": "1" })).await["user"]["verification"], "PENDING");
    let verify = "mutation ($id: ID!) { adminUpdateUser(id: $id, input: { verification: VERIFIED }) { user { verification } userErrors { code } } }";
    let verified = root.payload(verify, json!({ "id": ada.id })).await;
    assert_eq!(verified["user"]["verification"], "VERIFIED");
    assert_eq!(update(&ada, json!({ "idCard": "1", "bio": "hi" })).await["user"]["verification"], "VERIFIED");
    assert_eq!(update(&ada, json!({ "idCard": "2" })).await["user"]["verification"], "PENDING");
    // What changed since it was looked at is not verified unseen.
    let seen = "mutation ($id: ID!, $card: String) { adminUpdateUser(id: $id, input: { verification: VERIFIED, expectedIdCard: $card, score: 5 }) {
        user { verification } userErrors { code field } } }";
    for card in [json!("1"), Value::Null] {
        let refused = root.payload(seen, json!({ "id": ada.id, "card": card })).await;
        assert_eq!(user_errors(&refused), ["CONFLICT input.expectedIdCard"]);
    }
    assert_eq!(app.query_number("select count(*) from profiles where score = 5").await, 0, "and nothing else changes");
    let verified = root.payload(seen, json!({ "id": ada.id, "card": "2" })).await;
    assert_eq!(verified["user"]["verification"], "VERIFIED");
    assert_eq!(update(&ada, json!({ "idCard": "  " })).await["user"]["verification"], "NONE", "a blank is no paper");
}

/// An update of the same papers that another one overtakes leaves those to be looked at.
#[tokio::test(flavor = "multi_thread")]
async fn papers_are_compared_with_what_they_are_by_then() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    update(&ada, json!({ "idCard": "1" })).await;
    let mut sql = app.sql().await;
    let other = sql.transaction().await.unwrap();
    let change = format!(
        "update users set updated_at = now() where id = {0}; update profiles set id_card = '2', verification = 'VERIFIED' where user_id = {0}",
        ada.key()
    );
    other.batch_execute(&change).await.unwrap();
    let ends = async {
        let waiting =
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        crate::harness::until("it waits", || async { app.query_number(waiting).await == 1 }).await;
        other.commit().await.unwrap();
    };
    let (updated, ()) = tokio::join!(update(&ada, json!({ "idCard": "1" })), ends);
    assert_eq!(updated["user"]["verification"], "PENDING");
}

/// Wherever a user appears, the private part is there for themselves and administrators alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_private_stays_so_everywhere() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let (help, root) = (app.as_role("help", "SUPPORT").await, app.as_role("root", "ADMIN").await);
    update(&ada, json!({ "address": "secret street", "email": "ada@example.com" })).await;
    ada.send_message(&bo, "hello").await;
    bo.send_message(&ada, "hello").await;
    let queries = [
        "query ($id: ID!) { user(id: $id) { private { address pendingEmail } } }",
        "query ($id: ID!) { node(id: $id) { ... on User { private { address } } } }",
        "query ($id: ID!) { nodes(ids: [$id]) { ... on User { private { address } } } }",
        "query ($n: Int = 10000000) { userByAccountNumber(accountNumber: $n) { private { address } } }",
    ];
    for query in queries {
        let variables = if query.contains("$id") { json!({ "id": ada.id }) } else { json!({}) };
        for (person, sees) in
            [(Some(&ada), true), (Some(&root), true), (Some(&bo), false), (Some(&help), false), (None, false)]
        {
            let answer = match person {
                Some(person) => person.run(query, variables.clone()).await,
                None => app.run(query, variables.clone()).await,
            };
            let text = answer.data().to_string();
            assert_eq!(text.contains("secret street"), sees, "{query}: {text}");
            assert!(text.contains("\"private\":null") != sees, "{text}");
        }
    }
    let chat = "query ($id: ID!) { conversationWith(userId: $id) { peer { private { address } } participants { username private { address } }
        readMarkers { user { username private { address } } } messages { nodes { sender { username private { address } } } } } }";
    let seen = bo.data(chat, json!({ "id": ada.id })).await;
    assert!(!seen.to_string().contains("secret street"), "{seen}");
    assert_eq!(seen["conversationWith"]["participants"][1]["private"]["address"], "", "one's own");
    let list = "{ viewer { conversations { nodes { peer { private { address } } lastMessage { sender { private { address } } } } } } }";
    assert!(!bo.data(list, json!({})).await.to_string().contains("secret street"));
    let mut socket = bo.socket().await;
    let document = "subscription { messageReceived { message { sender { username private { address } } } } }";
    socket.subscribe_live(&app, document, json!({})).await;
    ada.send_message(&bo, "live").await;
    let heard = socket.next().await;
    assert_eq!(heard["messageReceived"]["message"]["sender"], json!({ "username": "ada", "private": null }));
    // No field anywhere gives a password or its hash.
    let schema = include_str!("../../schema.graphql");
    let outputs: Vec<&str> =
        schema.split("\n\n").filter(|block| block.contains("\ntype ") || block.starts_with("type ")).collect();
    assert!(outputs.len() > 20);
    assert!(
        !schema.to_lowercase().contains("passwordhash") && !outputs.iter().any(|block| block.contains("\tpassword:"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_shows_what_its_own_changes_made() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let twice = "mutation { one: updateProfile(input: { bio: \"one\", nickname: \"One\" }) { user { nickname bio } }
        two: updateProfile(input: { bio: \"two\", nickname: \"Two\" }) { user { nickname bio } } }";
    let data = ada.data(twice, json!({})).await;
    assert_eq!(data["one"]["user"], json!({ "nickname": "One", "bio": "one" }));
    assert_eq!(data["two"]["user"], json!({ "nickname": "Two", "bio": "two" }));
}
