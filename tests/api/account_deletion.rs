//! Account deletion beside the market: nothing is created afterwards, what is the user's goes with the account, and other
//! users are not blocked.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::files::{file_part, rgb_png};
use crate::harness::market::titles;
use crate::harness::money::document;
use crate::harness::{Person, TestApp};

const LEAVE: &str =
    "mutation ($id: ID!) { deleteUser(id: $id, forfeitBalance: true) { deletedId userErrors { code } } }";

/// Leaves; what came of it.
async fn leave(person: &Person) -> Value {
    person.run(LEAVE, json!({ "id": person.id })).await.body
}

/// What must never be: objects of a deleted account, and counts that are wrong.
async fn check(app: &TestApp) {
    for (what, sql) in [
        ("items", "select count(*) from items join users on users.id = owner_id where deleted_at is not null and status <> 'DELETED' and counterparty_id is null"),
        ("favorites", "select count(*) from favorites join users on users.id = user_id where deleted_at is not null"),
        ("entries", "select count(*) from search_entries e left join users u on u.id = subject_id left join items i on i.id = subject_id
            where case e.kind when 'USER' then u.deleted_at is not null else i.status = 'DELETED' end"),
        ("counts", "select count(*) from items where favorite_count <> (select count(*) from favorites where item_id = items.id)"),
        ("usage", "select count(*) from file_usage where files <> (select count(*) from media where media.owner_id = file_usage.owner_id)"),
    ] {
        assert_eq!(app.query_number(sql).await, 0, "{what}");
    }
}

fn failed(bodies: &[Value]) -> Vec<&Value> {
    let fails = |body: &&Value| {
        body["errors"]
            .as_array()
            .is_some_and(|errors| errors.iter().any(|error| error["extensions"]["code"] != "UNAUTHENTICATED"))
    };
    bodies.iter().filter(fails).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_creates_nothing_more_in_the_same_request() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let item = bo.create_item(json!({})).await;
    let document = "mutation ($u: ID!, $i: ID!, $n: CreateItemInput!) { deleteUser(id: $u) { deletedId }
        createItem(input: $n) { item { id } } addFavorites(itemIds: [$i]) { changedCount } tradeItem(id: $i) { item { id } } }";
    let new = json!({ "title": "ghost", "category": 1, "price": 1, "condition": 1, "direction": "SELL" });
    let answer = ada.run(document, json!({ "u": ada.id, "i": item["id"], "n": new })).await;
    assert_eq!(answer.body["data"]["deleteUser"]["deletedId"], ada.id);
    let codes: Vec<&Value> =
        answer.body["errors"].as_array().unwrap().iter().map(|error| &error["extensions"]["code"]).collect();
    assert_eq!(codes, ["UNAUTHENTICATED"; 3]);
    assert_eq!(bo.get_item(&item).await["status"], "OPEN");
    check(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_beside_one_s_own_doing_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let bo = app.as_user("bo").await;
    for round in 0..8 {
        let ada = app.as_user(&format!("ada{round}")).await;
        let mut items = Vec::new();
        for n in 0..4 {
            items.push(bo.create_item(json!({ "title": format!("{round} {n}") })).await);
        }
        let own = ada.create_item(json!({ "title": "own" })).await;
        let new = json!({ "title": "ghost", "category": 1, "price": 1, "condition": 1, "direction": "SELL" });
        let create = "mutation ($n: CreateItemInput!) { createItem(input: $n) { userErrors { code } } }";
        let trade = "mutation ($id: ID!) { tradeItem(id: $id) { userErrors { code } } }";
        let like = "mutation ($id: ID!) { addFavorites(itemIds: [$id]) { userErrors { code } } }";
        let upload = "mutation ($id: ID!, $files: [Upload!]!) { uploadItemImages(itemId: $id, files: $files) { userErrors { code } } }";
        let calls = (0..4).flat_map(|n| {
            let id = json!({ "id": items[n]["id"] });
            [(create, json!({ "n": new })), (trade, id.clone()), (like, id)]
        });
        let calls = join_all(calls.map(async |(document, variables)| ada.run(document, variables).await.body));
        let picture = [file_part("a.png", rgb_png(9, 9 + round))];
        let uploads = ada.send_files_with(upload, json!({ "id": own["id"] }), &picture);
        let (mut bodies, left, uploaded) = tokio::join!(calls, leave(&ada), uploads);
        bodies.extend([left, uploaded.json()]);
        assert_eq!(failed(&bodies), Vec::<&Value>::new());
        check(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_like_each_other_s_items_leave_at_once() {
    let app = TestApp::start().await;
    let eve = app.as_user("eve").await;
    for round in 0..6 {
        let (ada, bo) = (app.as_user(&format!("ada{round}")).await, app.as_user(&format!("bo{round}")).await);
        let (mut adas, mut bos) = (Vec::new(), Vec::new());
        for n in 0..4 {
            adas.push(ada.create_item(json!({ "title": format!("a{n}") })).await);
            bos.push(bo.create_item(json!({ "title": format!("b{n}") })).await);
        }
        ada.set_favorites("addFavorites", &bos.iter().collect::<Vec<_>>()).await;
        bo.set_favorites("addFavorites", &adas.iter().collect::<Vec<_>>()).await;
        let ids: Vec<&Value> = adas.iter().chain(&bos).map(|item| &item["id"]).collect();
        let favor =
            |field: &str| format!("mutation ($ids: [ID!]!) {{ {field}(itemIds: $ids) {{ userErrors {{ code }} }} }}");
        let meddle = async {
            let mut bodies = Vec::new();
            for field in ["addFavorites", "removeFavorites", "addFavorites"] {
                bodies.push(eve.run(&favor(field), json!({ "ids": ids })).await.body);
            }
            bodies
        };
        let (one, other, mut bodies) = tokio::join!(leave(&ada), leave(&bo), meddle);
        bodies.extend([one, other]);
        assert_eq!(failed(&bodies), Vec::<&Value>::new());
        check(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_while_its_owner_leaves_keeps_its_pictures() {
    let app = TestApp::start().await;
    let mut takers = Vec::new();
    for n in 0..4 {
        takers.push(app.as_user(&format!("t{n}")).await);
    }
    for round in 0..5 {
        let ada = app.as_user(&format!("ada{round}")).await;
        let picture = ada.upload_media(file_part("a.png", rgb_png(9, 9))).await;
        let mut items = Vec::new();
        for n in 0..4 {
            items.push(ada.create_item(json!({ "title": format!("{n}"), "imageIds": [picture["id"]] })).await);
        }
        let trades = join_all(
            takers.iter().zip(&items).map(async |(taker, item)| (taker, item, taker.trade_item(item, None).await)),
        );
        let (outcomes, left) = tokio::join!(trades, leave(&ada));
        assert_eq!(failed(&[left]), Vec::<&Value>::new());
        for (taker, item, payload) in outcomes {
            let now = taker.get_item(item).await;
            match codes(&payload).as_slice() {
                [] => assert_eq!(now["images"].as_array().unwrap().len(), 1, "{now}"),
                _ => assert_eq!(now, Value::Null),
            }
        }
        check(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_given_and_deleted_at_once() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let item = ada.create_item(json!({})).await;
    for round in 0..10 {
        let mut files = Vec::new();
        for n in 0..3 {
            files.push(ada.upload_media(file_part("a.png", rgb_png(9 + n, 9 + round))).await["id"].clone());
        }
        ada.update_item(&item, json!({ "imageIds": [files[0], files[1]] })).await;
        let update = "mutation ($id: ID!, $l: [ID!]!) { updateItem(id: $id, input: { imageIds: $l }) { item { images { id } } userErrors { code } } }";
        let changes = [[1, 2], [2, 0], [0, 1]].map(|pair| json!(pair.map(|n: usize| files[n].clone())));
        let changes = join_all(
            changes.into_iter().map(async |list| ada.run(update, json!({ "id": item["id"], "l": list })).await.body),
        );
        let delete = "mutation ($id: ID!) { deleteFile(id: $id) { userErrors { code } } }";
        let deletes = join_all(files.iter().map(async |id| ada.run(delete, json!({ "id": id })).await.body));
        let (mut bodies, more) = tokio::join!(changes, deletes);
        bodies.extend(more);
        let errors: Vec<&Value> = bodies.iter().filter(|body| body.get("errors").is_some()).collect();
        assert_eq!(errors, Vec::<&Value>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_tells_of_an_item_as_it_is_and_of_a_deleted_one_its_owner_alone() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let item = ada.create_item(json!({ "title": "before" })).await;
    let start = bo.event_cursor().await;
    bo.trade_item(&item, None).await;
    ada.update_item(&item, json!({ "status": "OPEN" })).await;
    ada.update_item(&item, json!({ "title": "after" })).await;
    let since = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { ... on ItemTraded { item { title status } } } } } } }";
    let told = async |person: &Person, app: &TestApp| {
        crate::harness::until("the stream has it", || async { app.app.events.head().position >= 2 }).await;
        let data = person.on_instance(app.address).data(since, json!({ "after": start })).await;
        data["viewer"]["eventsSince"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["payload"]["item"]["title"].clone())
            .collect::<Vec<_>>()
    };
    let other = app.another_instance().await;
    for app in [&app, &other] {
        assert_eq!(told(&bo, app).await, ["after"]);
        assert_eq!(told(&ada, app).await, ["after"]);
    }
    ada.mutate_item("deleteItem", json!({ "id": item["id"] })).await;
    for app in [&app, &other] {
        assert_eq!(told(&bo, app).await, Vec::<Value>::new());
        assert_eq!(told(&ada, app).await, ["after"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_shows_what_its_mutations_did() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let input = |title: &str| json!({ "title": title, "category": 1, "price": 1, "condition": 1, "direction": "SELL" });
    let document = "mutation ($i: CreateItemInput!, $j: CreateItemInput!) { a: createItem(input: $i) { item { owner { items { totalCount nodes { title } } } } }
        b: createItem(input: $j) { item { owner { items { totalCount nodes { title } } } } }
        c: updateProfile(input: { nickname: \"new\" }) { user { items { nodes { owner { nickname } } } } } }";
    let data = ada.data(document, json!({ "i": input("one"), "j": input("two") })).await;
    assert_eq!(titles(&data["a"]["item"]["owner"]["items"]["nodes"]), ["one"]);
    assert_eq!(titles(&data["b"]["item"]["owner"]["items"]["nodes"]), ["two", "one"]);
    assert_eq!(data["c"]["user"]["items"]["nodes"][0]["owner"]["nickname"], "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_what_is_gone_are_forgotten() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("qwizzlebo").await);
    ada.create_item(json!({ "title": "qwizzlophone" })).await;
    let words: Vec<String> = (0..25).map(|n| format!("a{}zzloph", char::from(b'a' + n))).collect();
    let bad = bo.create_item(json!({ "title": "x", "note": words.join(" ") })).await;
    bo.mutate_item("deleteItem", json!({ "id": bad["id"] })).await;
    bo.data(LEAVE, json!({ "id": bo.id })).await;
    assert_eq!(plaza::domains::search::service::delete_unused_words(&app.app).await.unwrap(), 26);
    assert_eq!(ada.titles("filter: { query: \"zzloph\" }").await, ["qwizzlophone"]);
    let left = app.sql().await.query("select word from search_words order by word", &[]).await.unwrap();
    assert_eq!(left.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["ada", "qwizzlophone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_open_obligations_is_not_deleted() {
    let app = TestApp::start().await;
    let (ada, bo, admin) = (app.as_user("ada").await, app.as_user("bo").await, app.as_role("admin", "ADMIN").await);
    let product = app.create_product(&admin, "1", 5).await;
    ada.mutate_ok("rechargeWallet", json!({ "amount": "10", "idempotencyKey": "k" })).await;
    let refused = async |person: &Person| {
        let body = leave(person).await;
        assert_eq!(codes(&body["data"]["deleteUser"]), ["CONFLICT"], "{body}");
    };
    let task = ada.create_task("3").await;
    refused(&ada).await;
    bo.mutate_by_id("acceptTask", &task).await;
    refused(&ada).await;
    refused(&bo).await;
    ada.mutate_by_id("finishTask", &task).await;
    let order = ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "a secret place" })).await;
    let ticket = ada.mutate_ok("createTicket", json!({ "question": "when?", "orderId": order["id"] })).await;
    refused(&ada).await;
    let input = json!({ "trackingNumber": "x", "expectedAddress": "a secret place" });
    admin.mutate_ok("updateOrder", json!({ "id": order["id"], "input": input })).await;
    refused(&ada).await;
    ada.mutate_by_id("confirmOrder", &order).await;
    for person in [&ada, &bo] {
        assert_eq!(leave(person).await["data"]["deleteUser"]["deletedId"], person.id);
    }
    // What is over stays, under a placeholder, and says no more where they lived; so does the money.
    let document = "query ($o: ID!, $t: ID!, $k: ID!, $u: ID!) { order(id: $o) { address buyer { deleted } }
        ticket(id: $t) { question author { deleted } } task(id: $k) { publisher { deleted } assignee { deleted } }
        user(id: $u) { private { wallet { balance } } } }";
    let variables = json!({ "o": order["id"], "t": ticket["id"], "k": task["id"], "u": ada.id });
    let data = admin.data(document, variables).await;
    let gone = json!({ "deleted": true });
    assert_eq!(
        json!([data["order"], data["ticket"], data["task"]]),
        json!([{ "address": "", "buyer": gone }, { "question": "deleted", "author": gone }, { "publisher": gone, "assignee": gone }])
    );
    assert_eq!(app.query_number("select count(*) from idempotency_keys").await, 0);
    assert_eq!(app.query_number("select sum(balance)::bigint from wallets").await, 900);
    let adjust = json!({ "userId": ada.id, "amount": "1", "note": "too late" });
    assert_eq!(codes(&admin.mutate("adjustBalance", adjust).await), ["NOT_FOUND"]);
    // There is no account left to refund to.
    let refund = admin.mutate("refundOrder", json!({ "id": order["id"], "restock": true })).await;
    assert_eq!(codes(&refund), ["CONFLICT"]);
    assert_eq!(app.query_number("select count(*) from orders where status = 'COMPLETED' and not restocked").await, 1);
    assert_eq!(app.audit().await, [""; 0]);
    check(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_beside_accepting_and_exchanging_leaves_nothing_open() {
    let app = TestApp::start().await;
    let (bo, admin) = (app.as_user("bo").await, app.as_role("admin", "ADMIN").await);
    let product = app.create_product(&admin, "1", 100).await;
    for round in 0..8 {
        let ada = app.as_user(&format!("ada{round}")).await;
        ada.recharge("10").await;
        let task = bo.create_task("0").await;
        let calls = join_all((0..6).map(|n| {
            let ada = ada.clone();
            let (task, product) = (task["id"].clone(), product["id"].clone());
            async move {
                match n % 3 {
                    0 => ada.run(&document("acceptTask"), json!({ "id": task })).await.body,
                    1 => ada.run(&document("exchangeProduct"), json!({ "id": product, "address": "x" })).await.body,
                    _ => {
                        let input = json!({ "title": "t", "content": "c", "price": "1" });
                        ada.run(&document("createTask"), json!({ "input": input })).await.body
                    }
                }
            }
        }));
        let (left, bodies) = tokio::join!(leave(&ada), calls);
        assert_eq!(failed(&[left]), Vec::<&Value>::new());
        assert_eq!(failed(&bodies), Vec::<&Value>::new());
        assert_eq!(app.audit().await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_lost_only_when_that_is_said() {
    let app = TestApp::start().await;
    let (ada, bo, admin) = (app.as_user("ada").await, app.as_user("bo").await, app.as_role("admin", "ADMIN").await);
    ada.recharge("29").await;
    bo.recharge("0.01").await;
    let document = "mutation ($id: ID!, $f: Boolean!) { deleteUser(id: $id, forfeitBalance: $f) {
        deletedId userErrors { code field ... on ConflictError { current } } } }";
    let delete = async |by: &Person, whom: &Person, forfeits: Value| {
        let data = by.data(document, json!({ "id": whom.id, "f": forfeits })).await;
        data["deleteUser"].clone()
    };
    for (by, whom, current) in [(&ada, &ada, "29.00"), (&admin, &ada, "29.00"), (&admin, &bo, "0.01")] {
        let refused = delete(by, whom, json!(false)).await;
        let expected = json!([{ "code": "CONFLICT", "field": ["forfeitBalance"], "current": current }]);
        assert_eq!(refused, json!({ "deletedId": null, "userErrors": expected }));
    }
    assert_eq!(ada.balances().await, "29.00 0.00", "nothing happened");
    assert_eq!(delete(&ada, &ada, json!(true)).await["deletedId"], ada.id);
    assert_eq!(delete(&admin, &bo, json!(true)).await["deletedId"], bo.id);
    // Nothing to lose, nothing to say.
    let eve = app.as_user("eve").await;
    assert_eq!(delete(&eve, &eve, json!(false)).await["deletedId"], eve.id);
    assert_eq!(app.audit().await, [""; 0]);
}

/// Questions to support go with the account; the answers stay.
#[tokio::test(flavor = "multi_thread")]
async fn questions_are_erased_and_closed() {
    let app = TestApp::start().await;
    let (ada, support) = (app.as_user("ada").await, app.as_role("support", "SUPPORT").await);
    let answered = ada.mutate_ok("createTicket", json!({ "question": "six, 412" })).await;
    support.mutate_ok("answerTicket", json!({ "id": answered["id"], "answer": "seen" })).await;
    ada.mutate_ok("createTicket", json!({ "question": "six, 413" })).await;
    assert_eq!(leave(&ada).await["data"]["deleteUser"]["userErrors"], json!([]));
    for table in ["tickets where question", "ticket_lines where content"] {
        assert_eq!(app.query_number(&format!("select count(*) from {table} like 'six%'")).await, 0, "{table}");
    }
    let list = "{ tickets { nodes { question answer status lines { content } } } }";
    let shown = support.data(list, json!({})).await["tickets"]["nodes"].clone();
    let line = |content: &str| json!({ "content": content });
    assert_eq!(
        shown,
        json!([
            { "question": "deleted", "answer": null, "status": "CLOSED", "lines": [line("deleted")] },
            { "question": "deleted", "answer": "seen", "status": "CLOSED", "lines": [line("deleted"), line("seen")] },
        ])
    );
    let found = support.data("{ tickets(filter: { query: \"412\" }) { totalCount } }", json!({})).await;
    assert_eq!(found["tickets"]["totalCount"], 0);
    assert_eq!(app.audit().await, [""; 0]);
}
