//! Texts: what can be seen of names and messages, how long they are, and the spellings that are one.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use serde_json::{Value, json};

use crate::harness::accounts::{LOGIN, REGISTER, UPDATE, by_password, codes, user_errors};
use crate::harness::files::{file_part, rgb_png};
use crate::harness::{Person, SEND, TestApp, direct_message};

/// A joined emoji: one character of seven code points and 25 bytes.
const FAMILY: &str = "👨\u{200d}👩\u{200d}👧\u{200d}👦";

/// Texts of which nothing can be seen.
const INVISIBLE: [&str; 10] = [
    "\u{e0061}\u{e007f}",
    "\u{206a}",
    "\u{1bca0}",
    "\u{fff0}",
    "\u{e0fff}",
    "\u{1d159}",
    "\u{13441}",
    "\u{fffe}",
    "\u{2800}",
    " \u{200b}\u{3164}",
];

async fn register(app: &TestApp, input: Value) -> Value {
    app.payload(REGISTER, json!({ "input": input })).await
}

async fn offered(person: &Person, title: &str) -> Value {
    let input = json!({ "title": title, "category": 1, "price": "1", "condition": 1, "direction": "SELL" });
    person.mutate_item("createItem", json!({ "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn invisible_characters_are_no_text() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    for text in INVISIBLE {
        let named = ada.payload(UPDATE, json!({ "input": { "nickname": text } })).await;
        assert_eq!(user_errors(&named), ["INVALID_INPUT input.nickname"], "{text:?}");
        let sent = ada.payload(SEND, json!({ "input": direct_message(&bo, text) })).await;
        assert_eq!(user_errors(&sent), ["INVALID_INPUT input.content.text.text"], "{text:?}");
        assert_eq!(user_errors(&offered(&ada, text).await), ["REQUIRED input.title"], "{text:?}");
        // Behind a name it would make a second one that looks the same.
        let nickname = format!("Ada{text}Ada");
        let named = ada.payload(UPDATE, json!({ "input": { "nickname": nickname } })).await;
        assert_eq!(user_errors(&named), ["INVALID_INPUT input.nickname"], "{text:?}");
    }
    assert_eq!(
        app.query_number("select count(*) from messages").await + app.query_number("select count(*) from items").await,
        0
    );
    let england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
    for nickname in [FAMILY, "❤\u{fe0f} Ada", england, "می\u{200c}خواهم", "Ada 女士"] {
        let named = ada.payload(UPDATE, json!({ "input": { "nickname": nickname } })).await;
        assert_eq!(named["user"]["nickname"], nickname, "{named}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_of_every_language_and_one_spelling() {
    let app = TestApp::start().await;
    for (typed, username) in [
        ("jose\u{301}", "jos\u{e9}"),
        ("हिन्दी", "हिन्दी"),
        ("สวัสดี", "สวัสดี"),
        ("தமிழ்", "தமிழ்"),
        ("മലയാളം", "മലയാളം"),
        ("Иван", "Иван"),
    ] {
        let made = register(&app, json!({ "username": typed, "password": Person::PASSWORD })).await;
        assert_eq!(made["user"]["username"], username, "{made}");
        assert_eq!(made["user"]["nickname"], username, "{made}");
        let signed_in = app.payload(LOGIN, by_password(typed, Person::PASSWORD)).await;
        assert_eq!(signed_in["user"]["username"], username, "{signed_in}");
    }
    let taken = register(&app, json!({ "username": "JOSÉ", "password": Person::PASSWORD })).await;
    assert_eq!(user_errors(&taken), ["USERNAME_TAKEN input.username"]);
    // A Cyrillic letter among Latin ones; a mark without its letter; more marks than any language has.
    for name in ["\u{430}da", "\u{301}ada", "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}da"] {
        let input = json!({ "username": name, "nickname": name, "password": Person::PASSWORD });
        let refused = user_errors(&register(&app, input).await);
        assert!(refused.contains(&"INVALID_INPUT input.username".to_owned()), "{name:?} {refused:?}");
    }
    let nickname = json!({ "username": "ada", "nickname": "Ad\u{430}", "password": Person::PASSWORD });
    assert_eq!(user_errors(&register(&app, nickname).await), ["INVALID_INPUT input.nickname"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_in_the_characters_that_people_count() {
    let app = TestApp::start().await;
    let root = app.as_role("root", "ADMIN").await;
    let [title, long] = [FAMILY.repeat(100), FAMILY.repeat(101)];
    assert_eq!(offered(&root, &title).await["item"]["title"], title);
    assert_eq!(user_errors(&offered(&root, &long).await), ["TOO_LONG input.title"]);
    // Few characters can have many bytes.
    let piled = format!("a{}", "\u{301}".repeat(2000));
    let refused = offered(&root, &piled).await;
    assert_eq!(user_errors(&refused), ["TOO_LONG input.title"]);
    assert!(refused["userErrors"][0]["message"].as_str().unwrap().contains("bytes"), "{refused}");

    let update = async |input: Value| root.payload(UPDATE, json!({ "input": input })).await;
    assert_eq!(update(json!({ "nickname": FAMILY.repeat(32) })).await["user"]["nickname"], FAMILY.repeat(32));
    assert_eq!(user_errors(&update(json!({ "nickname": FAMILY.repeat(33) })).await), ["INVALID_INPUT input.nickname"]);
    assert_eq!(update(json!({ "address": FAMILY.repeat(200) })).await["userErrors"], json!([]));
    assert_eq!(user_errors(&update(json!({ "address": FAMILY.repeat(201) })).await), ["TOO_LONG input.address"]);
    assert_eq!(user_errors(&update(json!({ "bio": "a\u{301}".repeat(501) })).await), ["TOO_LONG input.bio"]);
    assert_eq!(update(json!({ "bio": "a\u{301}".repeat(500) })).await["userErrors"], json!([]));

    // Hindi: four code points in a character, and the tables take it.
    let word = "क्षि";
    let create = "mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { content } userErrors { code field } } }";
    let task = json!({ "title": word.repeat(100), "content": "e\u{301}".repeat(5000), "price": 0 });
    assert_eq!(root.payload(create, json!({ "input": task })).await["userErrors"], json!([]));
    let create = "mutation ($input: CreateProductInput!) { createProduct(input: $input) { product { name } userErrors { code field } } }";
    let product = json!({ "name": title, "price": 1, "stock": 1, "imageId": root.upload_picture().await });
    assert_eq!(root.payload(create, json!({ "input": product })).await["product"]["name"], title);
    // The cursor of a list by name holds the name.
    let list = "query ($after: String) { products(first: 1, after: $after, orderBy: { field: NAME, direction: ASC }) {
        nodes { name } pageInfo { endCursor } } }";
    let page = root.data(list, json!({})).await["products"].clone();
    assert_eq!(page["nodes"][0]["name"], title);
    let next = root.data(list, json!({ "after": page["pageInfo"]["endCursor"] })).await;
    assert_eq!(next["products"]["nodes"], json!([]));
    let message = "e\u{301}".repeat(8000);
    assert_eq!(root.payload(SEND, json!({ "input": direct_message(&root, &message) })).await["message"]["seq"], 1);
    let message = "e\u{301}".repeat(8001);
    assert_eq!(
        codes(&root.payload(SEND, json!({ "input": direct_message(&root, &message) })).await),
        ["MESSAGE_TOO_LARGE"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_s_name_is_cut_between_characters() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let name: &'static str = format!("{}.png", FAMILY.repeat(40)).leak();
    let file = ada.upload_media(file_part(name, rgb_png(9, 9))).await;
    // 200 code points: 28 families of seven, and the extension.
    assert_eq!(file["fileName"], format!("{}.png", FAMILY.repeat(28)), "{file}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_s_spellings_are_one() {
    let app = TestApp::start().await;
    let [composed, decomposed] = ["caf\u{e9} noir noir", "cafe\u{301}\u{a0}noir noir"];
    let made = register(&app, json!({ "username": "ada", "password": decomposed })).await;
    assert_eq!(codes(&made), Vec::<&str>::new());
    for password in [composed, decomposed] {
        let signed_in = app.payload(LOGIN, by_password("ada", password)).await;
        assert_eq!(signed_in["user"]["username"], "ada", "{signed_in}");
    }
    // Seven characters of NFC are eight code points as they were typed.
    let short = register(&app, json!({ "username": "bo", "password": "zyxk-we\u{301}" })).await;
    assert_eq!(user_errors(&short), ["WEAK_PASSWORD input.password"]);
    // A hash of an earlier version is of the password as it was sent: here in its decomposed form.
    let older = Argon2::default().hash_password("cafe\u{301} noir".as_bytes()).unwrap().to_string();
    let set = format!("update users set password_hash = '{older}' where username = 'ada'");
    app.sql().await.batch_execute(&set).await.unwrap();
    let signed_in = app.payload(LOGIN, by_password("ada", "cafe\u{301} noir")).await;
    assert_eq!(signed_in["user"]["username"], "ada", "{signed_in}");
    assert_eq!(codes(&app.payload(LOGIN, by_password("ada", "caf\u{e9} noir")).await), ["INVALID_CREDENTIALS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_can_be_delivered() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let request =
        "mutation ($contact: ContactInput!) { requestPasswordReset(contact: $contact) { ok userErrors { code } } }";
    for email in ["hana..sora@example.ne.jp", ".hana@example.ne.jp", "hana.@example.ne.jp"] {
        let answer = app.run(request, json!({ "contact": { "email": email } })).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{email}");
        let answer = ada.run(UPDATE, json!({ "input": { "email": email } })).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{email}");
    }
    for phone in ["+12001234567", "+999123456789", "12345678901", "+86 157 1234"] {
        let answer = ada.run(UPDATE, json!({ "input": { "phone": phone } })).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{phone}");
    }
    for (typed, phone) in [
        ("+86 015712345678", "+8615712345678"),
        ("+44 02079460958", "+442079460958"),
        ("+44 (0)20 7946-0958", "+442079460958"),
        ("157-1234 5678", "+8615712345678"),
    ] {
        let changed = ada.payload(UPDATE, json!({ "input": { "phone": typed } })).await;
        assert_eq!(changed["user"]["private"]["pendingPhone"], phone, "{typed} {changed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_contact_is_told_at_sign_in() {
    let app = TestApp::start().await;
    app.as_user("ada").await;
    let change = "update users set phone = '+8615712345678', phone_verified = true where username = 'ada'";
    app.sql().await.batch_execute(change).await.unwrap();
    for account in ["157-1234-5678", "+86 0157 1234 5678", "１５７１２３４５６７８"] {
        let signed_in = app.payload(LOGIN, by_password(account, Person::PASSWORD)).await;
        assert_eq!(signed_in["user"]["username"], "ada", "{account} {signed_in}");
    }
    for account in ["+861571234567", "1571234567", "ada@@example.com", "a\u{0}da"] {
        let refused = app.payload(LOGIN, by_password(account, Person::PASSWORD)).await;
        assert_eq!(user_errors(&refused), ["INVALID_INPUT input.credential.password.account"], "{account:?}");
    }
    assert_eq!(codes(&app.payload(LOGIN, by_password("ada-1", "x")).await), ["INVALID_CREDENTIALS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_that_is_taken_can_be_shown() {
    let app = TestApp::start().await;
    let (root, ada) = (app.as_role("root", "ADMIN").await, app.as_user("ada").await);
    let suspend = "mutation ($id: ID!, $until: DateTime) { suspendUser(id: $id, until: $until) {
        user { private { suspendedUntil } } userErrors { code } } }";
    let over = json!({ "id": ada.id, "until": "9999-12-31T23:59:60Z" });
    assert_eq!(root.run(suspend, over).await.code(), "BAD_USER_INPUT");
    for (until, shown) in [
        ("2999-06-30T23:59:60.25Z", "2999-07-01T00:00:00.250Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999Z"),
    ] {
        let suspended = root.payload(suspend, json!({ "id": ada.id, "until": until })).await;
        assert_eq!(suspended["user"]["private"]["suspendedUntil"], shown);
        let again = root.payload(suspend, json!({ "id": ada.id, "until": shown })).await;
        assert_eq!(again["user"]["private"]["suspendedUntil"], shown);
    }
}
