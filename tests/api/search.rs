//! Search: what is found, by what, and by whom.

use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::market::titles;
use crate::harness::{Person, TestApp};

const SEARCH: &str = "query ($q: String!, $k: [SearchKind!], $n: Int, $after: String, $before: String, $last: Int) {
    search(query: $q, kinds: $k, first: $n, after: $after, last: $last, before: $before) { totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor score node { __typename ... on Item { title status } ... on User { nickname username } } } } }";

fn names(found: &Value) -> Vec<String> {
    let name = |edge: &Value| {
        let node = &edge["node"];
        node["title"].as_str().or(node["nickname"].as_str()).unwrap().to_owned()
    };
    found["edges"].as_array().unwrap_or_else(|| panic!("{found}")).iter().map(name).collect()
}

async fn found(app: &TestApp, query: &str) -> Vec<String> {
    names(&app.run(SEARCH, json!({ "q": query, "k": ["ITEM"] })).await.data()["search"])
}

async fn listed(person: &Person, query: &str) -> Vec<String> {
    let document = "query ($q: String!) { items(filter: { query: $q }) { nodes { title } } }";
    titles(&person.data(document, json!({ "q": query })).await["items"]["nodes"])
}

async fn market(titles: &[&str]) -> (TestApp, Person) {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    for title in titles {
        ada.create_item(json!({ "title": title })).await;
    }
    (app, ada)
}

#[tokio::test(flavor = "multi_thread")]
async fn words_and_their_parts_are_found_in_every_form() {
    let (app, ada) = market(&[
        "小米充电宝 10000mAh",
        "JD-2019 台灯",
        "九成新 iPhone 13",
        "機械鍵盤",
        "高等数学 第七版",
        "MacBook Air M1",
        "ＡＢＣ１２３ 笔袋",
        "ガンダム des Élysées",
    ])
    .await;
    ada.create_item(json!({ "title": "盒子", "note": "里面有耳机 WH-1000XM4" })).await;
    for (query, expected) in [
        ("充电宝", "小米充电宝 10000mAh"),
        ("电宝", "小米充电宝 10000mAh"),
        ("宝", "小米充电宝 10000mAh"),
        ("小米 充电", "小米充电宝 10000mAh"),
        ("10000", "小米充电宝 10000mAh"),
        ("10000MAH", "小米充电宝 10000mAh"),
        ("jd", "JD-2019 台灯"),
        ("jd2019", "JD-2019 台灯"),
        ("JD-2019", "JD-2019 台灯"),
        ("ｊｄ　２０１９", "JD-2019 台灯"),
        ("iphone", "九成新 iPhone 13"),
        ("IPHONE13", "九成新 iPhone 13"),
        ("iphnoe", "九成新 iPhone 13"),
        ("iphon", "九成新 iPhone 13"),
        ("机械键盘", "機械鍵盤"),
        ("鍵盤", "機械鍵盤"),
        ("数学", "高等数学 第七版"),
        ("book", "MacBook Air M1"),
        ("macbok", "MacBook Air M1"),
        ("abc123", "ＡＢＣ１２３ 笔袋"),
        ("abc", "ＡＢＣ１２３ 笔袋"),
        ("xm4", "盒子"),
        ("wh1000xm4", "盒子"),
        ("耳机", "盒子"),
        ("ガンダム", "ガンダム des Élysées"),
        ("ｶﾞﾝﾀﾞﾑ", "ガンダム des Élysées"),
        ("elysees", "ガンダム des Élysées"),
    ] {
        assert_eq!(found(&app, query).await, [expected], "{query}");
        assert_eq!(listed(&ada, query).await, [expected], "{query}");
    }
    for query in ["", "  ", "!? -", "𠮷", "zzzzzz", "'", "\\", "' | 'a", "a:*", "()&|!<->", "充电宝充电宝充电宝 没有"]
    {
        assert_eq!(found(&app, query).await.len(), usize::from(query.starts_with('充')), "{query}");
    }
    let answer = app.run(SEARCH, json!({ "q": "长".repeat(101) })).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    assert_eq!(app.run(SEARCH, json!({ "q": "a\u{0}b" })).await.body["data"]["search"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_found_as_it_is_now() {
    let (app, ada) = market(&["台灯", "书桌"]).await;
    let bo = app.as_user("bo").await;
    let items = ada.data("{ items { nodes { id title } } }", json!({})).await;
    let [desk, lamp] = [&items["items"]["nodes"][0], &items["items"]["nodes"][1]];
    ada.update_item(lamp, json!({ "title": "落地风扇", "note": "夏天必备" })).await;
    assert_eq!(found(&app, "台灯").await, [""; 0]);
    assert_eq!(found(&app, "风扇").await, ["落地风扇"]);
    assert_eq!(found(&app, "夏天").await, ["落地风扇"]);
    // What is over stands behind what is to be had.
    ada.create_item(json!({ "title": "书桌 旧" })).await;
    bo.trade_item(desk, None).await;
    let both = app.run(SEARCH, json!({ "q": "书桌", "k": ["ITEM"] })).await.data()["search"].clone();
    assert_eq!(names(&both), ["书桌 旧", "书桌"]);
    let scores: Vec<f64> =
        both["edges"].as_array().unwrap().iter().map(|edge| edge["score"].as_f64().unwrap()).collect();
    assert!(1.0 >= scores[0] && scores[0] > scores[1] && scores[1] > 0.0, "{scores:?}");
    ada.update_item(desk, json!({ "status": "OPEN" })).await;
    assert_eq!(found(&app, "书桌").await, ["书桌", "书桌 旧"], "the shorter one fits better");
    ada.mutate_item("deleteItem", json!({ "id": desk["id"] })).await;
    assert_eq!(found(&app, "书桌").await, ["书桌 旧"]);
    assert_eq!(ada.titles("filter: { query: \"书桌\", status: [DELETED] }").await, [""; 0]);
    assert_eq!(ada.titles("filter: { query: \"书桌\" }, orderBy: { field: RELEVANCE }").await, ["书桌 旧"]);
}

const PEOPLE: &str =
    "query ($q: String!) { searchUsers(query: $q) { totalCount nodes { username nickname private { email } } } }";

async fn people(person: &Person, query: &str) -> Vec<String> {
    let data = person.data(PEOPLE, json!({ "q": query })).await["searchUsers"].clone();
    let nodes = data["nodes"].as_array().unwrap();
    assert_eq!(data["totalCount"], nodes.len());
    nodes.iter().map(|node| node["username"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_name_and_number_and_by_whole_contacts_alone() {
    let app = TestApp::start().await;
    let (ada, root) = (app.as_user("ada").await, app.as_role("root", "ADMIN").await);
    let xiaoming = app.as_user("xiaoming88").await;
    let update = "mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) { user { accountNumber } userErrors { code } } }";
    let number = xiaoming.data(update, json!({ "i": { "nickname": "小明同学" } })).await["updateProfile"]["user"]["accountNumber"].to_string();
    let set = "mutation ($id: ID!, $i: AdminUpdateUserInput!) { adminUpdateUser(id: $id, input: $i) { userErrors { code } } }";
    root.data(set, json!({ "id": xiaoming.id, "i": { "email": "zhang@example.com", "phone": "13812345678" } })).await;
    for query in ["小明", "明", "同学", "小明同学", "xiaoming88", "XiaoMing", "ming", "xiaomign", number.as_str()]
    {
        assert_eq!(people(&ada, query).await, ["xiaoming88"], "{query}");
    }
    // Contacts are taken as they are by an administrator, but not verified.
    assert_eq!(people(&ada, "zhang@example.com").await, [""; 0]);
    app.sql()
        .await
        .batch_execute("update users set email_verified = true, phone_verified = true where username = 'xiaoming88'")
        .await
        .unwrap();
    for query in ["zhang@example.com", " ZHANG@example.com", "13812345678", "+8613812345678"] {
        assert_eq!(people(&ada, query).await, ["xiaoming88"], "{query}");
    }
    for query in ["zhang@example", "example", "1381234", "8613812345678", "@", "@example.com"] {
        assert_eq!(people(&ada, query).await, [""; 0], "{query}");
    }
    // Nothing of it is shown.
    let data = ada.data(PEOPLE, json!({ "q": "zhang@example.com" })).await;
    assert_eq!(data["searchUsers"]["nodes"][0]["private"], Value::Null);
    assert_eq!(app.run(PEOPLE, json!({ "q": "ada" })).await.code(), "UNAUTHENTICATED");
    let both = app.run(SEARCH, json!({ "q": "zhang@example.com" })).await.data()["search"]["edges"].clone();
    assert_eq!(both, json!([]), "the general search knows no contacts");
    root.data(set, json!({ "id": xiaoming.id, "i": { "username": "dawang" } })).await;
    assert_eq!(people(&ada, "xiaoming88").await, [""; 0]);
    assert_eq!(people(&ada, "dawang").await, ["dawang"]);
    xiaoming
        .data("mutation ($id: ID!) { deleteUser(id: $id) { userErrors { code } } }", json!({ "id": xiaoming.id }))
        .await;
    assert_eq!(people(&ada, "dawang").await, [""; 0]);
    // Trying out whose number is whose comes to an end.
    let mut last = ada.run(PEOPLE, json!({ "q": "nobody@example.com" })).await;
    for n in 0..100 {
        last = ada.run(PEOPLE, json!({ "q": format!("n{n}@example.com") })).await;
    }
    assert_eq!(last.code(), "RATE_LIMITED");
    assert_eq!(people(&ada, "ada").await, ["ada"], "names are not counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_are_searched_together_and_page_by_page() {
    let (app, ada) = market(&["苹果 one", "苹果 two", "苹果 three", "苹果 four"]).await;
    let update = "mutation { updateProfile(input: { nickname: \"苹果\" }) { userErrors { code } } }";
    assert_eq!(codes(&ada.data(update, json!({})).await["updateProfile"]), [""; 0]);
    let whole = app.run(SEARCH, json!({ "q": "苹果" })).await.data()["search"].clone();
    assert_eq!(whole["totalCount"], 5);
    let all = names(&whole);
    assert_eq!(all.len(), 5);
    let (mut forward, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = app.run(SEARCH, json!({ "q": "苹果", "n": 2, "after": after })).await.data()["search"].clone();
        forward.extend(names(&page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(forward, all);
    let back = app.run(SEARCH, json!({ "q": "苹果", "last": 2, "before": after })).await.data()["search"].clone();
    assert_eq!(names(&back), all[2..4]);
    for (kinds, count) in [(json!(["USER"]), 1), (json!(["ITEM", "ITEM"]), 4), (json!([]), 0)] {
        let some = app.run(SEARCH, json!({ "q": "苹果", "k": kinds })).await.data()["search"].clone();
        assert_eq!(json!([some["totalCount"], names(&some).len()]), json!([count, count]), "{kinds}");
    }
    let foreign = app.run(SEARCH, json!({ "q": "其他", "after": after })).await;
    assert_eq!(foreign.code(), "BAD_USER_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_older_rules_are_made_anew() {
    let (app, ada) = market(&["台灯", "书桌"]).await;
    let sql = app.sql().await;
    // As if they had been indexed by other rules, one of them was deleted since, and a user registered before search existed.
    sql.batch_execute(
        "update search_entries set version = 0, words = '';
         insert into search_entries (kind, subject_id, version, boost, words) values ('ITEM', 99, 0, 1, '');
         update items set status = 'DELETED' where title = '书桌'",
    )
    .await
    .unwrap();
    assert_eq!(found(&app, "台灯").await, [""; 0]);
    assert_eq!(plaza::background::reindex::reindex(&app.app).await.unwrap(), 4);
    assert_eq!(found(&app, "台灯").await, ["台灯"]);
    assert_eq!(people(&ada, "ada").await, ["ada"]);
    assert_eq!(app.query_number("select count(*) from search_entries").await, 2);
    assert_eq!(plaza::background::reindex::reindex(&app.app).await.unwrap(), 0);
}

/// The deletion of unused words takes a lock against all writers; where it would have to wait for that, it is left to the next
/// run.
#[tokio::test(flavor = "multi_thread")]
async fn the_deletion_of_unused_words_blocks_no_writer() {
    let (app, ada) = market(&["a chair", "a lamp"]).await;
    let words = "select count(*) from search_words";
    app.sql().await.batch_execute("insert into search_words (word, kind) values ('unused', 'ITEM')").await.unwrap();
    let before = app.query_number(words).await;
    let vacuum = app.sql().await;
    vacuum.batch_execute("begin; lock table search_words in share update exclusive mode").await.unwrap();
    let start = std::time::Instant::now();
    let deletion = async { plaza::domains::search::service::delete_unused_words(&app.app).await.unwrap() };
    let (deleted, _) = tokio::join!(deletion, ada.create_item(json!({ "title": "a table" })));
    assert_eq!(deleted, 0);
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "it took {:?}", start.elapsed());
    vacuum.batch_execute("commit").await.unwrap();
    assert_eq!(plaza::domains::search::service::delete_unused_words(&app.app).await.unwrap(), 1);
    assert!(app.query_number(words).await >= before, "of the others, and of the table's, nothing was taken");
    assert_eq!(found(&app, "table").await, ["a table"]);
}
