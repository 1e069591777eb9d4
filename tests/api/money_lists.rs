//! Lists of tasks, products, orders, tickets and entries: what they and their mutations cost in statements, and that
//! none of them reads a large table from end to end.

use plaza::ids::UserId;
use serde_json::{Value, json};

use crate::harness::money::document;
use crate::harness::{Person, TestApp, cluster};
use crate::plans::{large_tables, scans};
use crate::statements::cost;

/// So many of everything, of 100 people called m1 to m100. Only to be listed: their money does not add up.
fn rows(n: u32) -> String {
    format!(
        "insert into users (username, username_key, nickname) select 'm' || n, 'm' || n, 'M' || n from generate_series(1, 100) n;
         insert into profiles (user_id) select id from users where username ~ '^m[0-9]+$';
         create temp table m as select id, row_number() over (order by id) - 1 as place from users where username ~ '^m[0-9]+$';
         insert into blobs (sha256, content_type, name, size_bytes, stored, uses, wanted_at)
             select sha256(n::text::bytea), 'image/png', 'm' || n, 9, true, 1, now() from generate_series(1, 100) n;
         insert into media (owner_id, blob_id, width, height, file_name, created_at)
             select (select min(id) from m), id, 9, 9, 'm.png', now() from blobs where name like 'm%';
         create temp table pictures as select id, row_number() over (order by id) - 1 as place from media where file_name = 'm.png';
         insert into tasks (publisher_id, assignee_id, title, content, price, status, accepted_at, finished_at, created_at, updated_at)
             select p.id, case when n % 3 > 0 then a.id end, 'lamp ' || n, 'c', n % 1000,
                 (array['OPEN', 'ACCEPTED', 'FINISHED']::task_status[])[n % 3 + 1], case when n % 3 > 0 then now() end,
                 case when n % 3 = 2 then now() end, now() - n * interval '1 second', now()
             from generate_series(1, {n}) n join m p on p.place = n % 100 join m a on a.place = (n + 1) % 100;
         insert into task_images select t.id, 0, i.id from tasks t join pictures i on i.place = t.id % 100;
         insert into products (name, price, stock, supplied, image_id, created_at, updated_at)
             select 'lamp ' || n, n % 1000 + 1, n % 5, n % 5 + 1, i.id, now() - n * interval '1 second', now()
             from generate_series(1, {n}) n join pictures i on i.place = n % 100;
         insert into orders (buyer_id, product_id, product_name, price, image_id, address, tracking_number, status, created_at, updated_at)
             select m.id, p.id, p.name, p.price, p.image_id, 'here', case when p.id % 3 > 0 then 'x' end,
                 (array['PENDING', 'SHIPPED', 'COMPLETED']::order_status[])[p.id % 3 + 1], p.created_at, now()
             from products p join m on m.place = p.id % 97;
         insert into order_events (order_id, actor_id, to_status, at) select id, buyer_id, 'PENDING', now() from orders;
         insert into tickets (author_id, order_id, question, words, created_at, updated_at)
             select buyer_id, id, 'lamp?', '''lamp'':1A', created_at, now() from orders;
         insert into wallets (user_id, balance) select id, 1000000 from m;
         insert into ledger_transfers (reason, note, created_at)
             select 'ADMIN_ADJUSTMENT', 'n' || n, now() from generate_series(1, {n}) n;
         insert into ledger_entries (transfer_id, account, user_id, amount, balance_after)
             select t.id, 'USER', m.id, 1, 1 from ledger_transfers t join m on m.place = t.id % 100;
         insert into ledger_entries (transfer_id, account, amount) select id, 'OUTSIDE', -1 from ledger_transfers;
         insert into search_entries (kind, subject_id, version, boost, words)
             select 'TASK'::search_kind, id, 1, 1, ('''lamp'':1A ''' || id || ''':2A')::tsvector from tasks
             union all select 'PRODUCT', id, 1, 1, ('''lamp'':1A ''' || id || ''':2A')::tsvector from products;
         insert into search_words values ('lamp', 'TASK'), ('lamp', 'PRODUCT');
         analyze"
    )
}

/// One of the people of [`rows`], signed in.
async fn enter(app: &TestApp, name: &str) -> Person {
    let sql = app.sql().await;
    let statement = "with s as (insert into sessions (user_id, platform, expires_at)
        select id, 'WEB', now() + interval '1 day' from users where username = $1 returning id, user_id) select id, user_id from s";
    let row = sql.query_one(statement, &[&name]).await.unwrap();
    let (session, user): (i64, i64) = (row.get(0), row.get(1));
    let session = plaza::ids::SessionId(session);
    let (token, _) = app.app.tokens.issue(UserId(user), session, app.app.clock.now()).unwrap();
    Person::with_token(app.address, UserId(user), token)
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_cost_the_same_at_every_page_size() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "2")]).await;
    app.sql().await.batch_execute(&rows(300)).await.unwrap();
    let (one, root) = (enter(&app, "m1").await, app.as_role("root", "ADMIN").await);
    let order =
        "number buyer { nickname } product { name } productName availableActions history { to actor { nickname } }";
    for (person, list, expected) in [
        (&one, "tasks(first: $n) { nodes { title publisher { nickname } } }".to_owned(), 1),
        (&one, "tasks(first: $n) { totalCount nodes { title } }".to_owned(), 2),
        (&one, "tasks(first: $n, filter: { query: \"lamp\", status: [OPEN] }) { nodes { title } }".to_owned(), 2),
        (&one, "tasks(first: $n) { nodes { publisher { nickname } assignee { nickname } availableActions } }".to_owned(), 3),
        (&one, "products(first: $n, orderBy: { field: NAME }) { nodes { name stock } }".to_owned(), 1),
        (&one, "products(first: $n, filter: { query: \"lamp\" }) { nodes { name } }".to_owned(), 2),
        (&one, "viewer { publishedTasks(first: $n) { nodes { title } } acceptedTasks(first: $n) { nodes { title } } }".to_owned(), 2),
        (&one, format!("viewer {{ orders(first: $n) {{ nodes {{ {order} }} }} }}"), 5),
        (&one, "viewer { tickets(first: $n) { nodes { question author { nickname } order { number } } } }".to_owned(), 3),
        (&one, "viewer { wallet { balance entries(first: $n) { nodes { amount reason task { title } order { number } } } } }".to_owned(), 2),
        (&root, format!("orders(first: $n) {{ nodes {{ {order} }} }}"), 6),
        (&root, "tickets(first: $n, filter: { query: \"lamp\" }) { nodes { question order { number } } }".to_owned(), 5),
        (&root, "users(first: $n, filter: { query: \"m\" }) { nodes { private { wallet { balance entries(first: 3) { nodes { amount } } } } } }".to_owned(), 6),
        (&one, "search(query: \"lamp\", first: $n, kinds: [TASK, PRODUCT]) { nodes { ... on Task { title } ... on Product { name } } }".to_owned(), 3),
    ] {
        assert_eq!(cost(&app, person, &format!("query ($n: Int) {{ {list} }}"), json!({})).await, expected, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mutations_of_money_cost_what_they_should() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "2")]).await;
    let (ada, bo, root) = (app.as_user("ada").await, app.as_user("bo").await, app.as_role("root", "ADMIN").await);
    let product = app.create_product(&root, "1", 99).await;
    // Once before, so that everybody has a wallet and connections know all types.
    for person in [&ada, &bo] {
        person.recharge("100").await;
        person.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
    }
    let warm = ada.create_task("1").await;
    bo.mutate_by_id("acceptTask", &warm).await;
    ada.mutate_by_id("finishTask", &warm).await;
    let small = |field: &str| {
        let text = document(field);
        let (head, _) = text.split_once(" { ").unwrap();
        let call = &text[text.find(field).unwrap()..];
        let call = &call[..=call.find(") {").unwrap()];
        format!("{head} {{ {call} {{ userErrors {{ code }} }} }}")
    };
    let run = async |person: &Person, field: &str, variables: Value, expected: u64, what: &str| {
        let (data, cost) = app.count_statements(person.data(&small(field), variables)).await;
        assert_eq!((&data[field]["userErrors"], cost), (&json!([]), expected), "{field}: {what}");
    };
    run(&ada, "rechargeWallet", json!({ "amount": 1 }), 5, "account, wallet, move, entry, wallet").await;
    let keyed = json!({ "amount": 1, "idempotencyKey": "k" });
    run(&ada, "rechargeWallet", keyed.clone(), 8, "the key: look, claim, keep").await;
    run(&ada, "rechargeWallet", keyed, 3, "once more: the key, entry, wallet").await;
    let input = json!({ "title": "t", "content": "c", "price": 1 });
    run(&ada, "createTask", json!({ "input": input }), 7, "account, task, wallet, move, event, words, card").await;
    let task = ada.create_task("1").await;
    let id = json!({ "id": task["id"] });
    let change = json!({ "id": task["id"], "input": { "price": 2 } });
    run(&ada, "updateTask", change, 8, "account, hold, change, wallet, move, event, words, card").await;
    run(&bo, "acceptTask", id.clone(), 8, "account, hold, look, blocks, change, event, words, card").await;
    run(&bo, "submitTask", id.clone(), 6, "account, hold, change, event, job, card").await;
    run(&ada, "finishTask", id, 8, "account, hold, change, wallets, move, event, job, card").await;
    let buy = json!({ "id": product["id"], "address": "x" });
    run(
        &ada,
        "exchangeProduct",
        buy,
        11,
        "account, hold, stock, order, history, wallet, move, event; order, product, wallet",
    )
    .await;
    let order = ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
    run(
        &ada,
        "cancelOrder",
        json!({ "id": order["id"] }),
        10,
        "account, buyer, role, hold, change, history, event, stock, wallet, move",
    )
    .await;
    run(&ada, "createTicket", json!({ "question": "q" }), 4, "account, ticket, line, event").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_reads_a_large_table_from_end_to_end() {
    let app = TestApp::on_database(cluster().explained_database().await, &[]).await;
    app.sql().await.batch_execute(&rows(101_000)).await.unwrap();
    let tables = large_tables(&app).await;
    for table in ["tasks", "products", "orders", "order_events", "tickets", "ledger_entries", "ledger_transfers"] {
        assert!(tables.contains(table), "{table} has fewer rows");
    }
    let (one, root) = (enter(&app, "m1").await, app.as_role("root", "ADMIN").await);
    let mut lists = Vec::new();
    for filter in [
        "",
        "status: [OPEN]",
        "status: [OPEN, CANCELLED]",
        "price: { min: \"9.98\" }",
        "price: { min: \"999\" }",
        "publisherId: $id",
        "assigneeId: $id, status: [FINISHED]",
        "query: \"lamp\"",
        "query: \"lamp 77\", status: [ACCEPTED]",
        "query: \"nothing\"",
    ] {
        for order in ["CREATED_AT, direction: DESC", "PRICE, direction: ASC"] {
            lists.push((&one, format!("tasks(first: 20, filter: {{ {filter} }}, orderBy: {{ field: {order} }}) {{ nodes {{ title publisher {{ nickname }} images {{ url }} }} }}")));
        }
        lists.push((&one, format!("tasks(last: 5, filter: {{ {filter} }}) {{ totalCount nodes {{ title }} }}")));
    }
    for filter in
        ["", "inStock: true", "price: { min: \"9.99\" }", "query: \"lamp\"", "query: \"lamp 77\", inStock: false"]
    {
        for order in ["CREATED_AT, direction: DESC", "PRICE, direction: ASC", "NAME, direction: ASC"] {
            lists.push((&one, format!("products(first: 20, filter: {{ {filter} }}, orderBy: {{ field: {order} }}) {{ nodes {{ name image {{ url }} }} }}")));
        }
        lists.push((&one, format!("products(filter: {{ {filter} }}) {{ totalCount }}")));
    }
    let order = "totalCount nodes { number buyer { nickname } product { name } history { to } }";
    for filter in [
        "",
        "status: [SHIPPED, REFUNDED]",
        "buyerId: $id",
        "createdAt: { from: \"2036-01-01T00:00:00Z\" }",
        "createdAt: { to: \"2026-01-01T00:00:00Z\" }",
    ] {
        lists.push((&root, format!("orders(filter: {{ {filter} }}) {{ {order} }}")));
        lists.push((&one, format!("viewer {{ orders(filter: {{ {filter} }}) {{ {order} }} }}")));
    }
    for filter in ["", "status: [OPEN]", "authorId: $id", "query: \"lamp\"", "query: \"nothing\", status: [CLOSED]"] {
        lists.push((
            &root,
            format!("tickets(filter: {{ {filter} }}) {{ totalCount nodes {{ question order {{ number }} }} }}"),
        ));
        lists.push((
            &one,
            format!("viewer {{ tickets(filter: {{ {filter} }}) {{ totalCount nodes {{ question }} }} }}"),
        ));
    }
    lists.push((&one, "viewer { publishedTasks { totalCount nodes { title } } acceptedTasks(filter: { status: [FINISHED] }) { totalCount nodes { title } } }".to_owned()));
    lists.push((
        &one,
        "viewer { wallet { entries(first: 20) { totalCount nodes { amount order { number } } } } }".to_owned(),
    ));
    lists.push((
        &root,
        "users(first: 20) { nodes { private { wallet { balance entries(first: 3) { nodes { amount } } } } } }"
            .to_owned(),
    ));
    let (rounds, plans, found) = scans(&app.url, &tables, async |app| {
        for (person, list) in &lists {
            let variable = if list.contains("$id") { "($id: ID!)" } else { "" };
            let query = format!("query {variable} {{ {list} }}");
            person.on_instance(app.address).data(&query, json!({ "id": one.id })).await;
        }
    })
    .await;
    assert!(plans > lists.len() * rounds, "{plans} plans of {} lists", lists.len());
    assert_eq!(found, std::collections::BTreeSet::new());
}
