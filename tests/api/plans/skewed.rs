//! Every statement is good with one plan for all values, also where few have much: none reads more than a small multiple of what
//! it answers with.

use std::collections::BTreeMap;

use plaza::ids::{ConversationId, FriendGroupId, ItemId, SessionId, UserId};
use serde_json::{Value, json};

use super::group_lists::{group_lists, look_for_groups, own_group_lists};
use super::members::type_in_turn;
use super::merchant_lists::{code_lists, merchant_lists, own_merchant_list};
use super::reads::{Execution, executions};
use super::talk::{send, talk};
use crate::harness::{Person, TestApp, cluster, until};
use crate::live::RECEIVE;

/// Statements that read more than their answer allows: what stands in their SQL, how many rows more, and why.
const REASONS: [(&str, u64, &str); 20] = [
    ("place <->", 40_000, "all friends are looked at, of whom nobody has more than 5,000"),
    (
        "unnest($1) wanted (id) cross join lateral (select * from group_join_requests",
        1000,
        "each group that a user runs is looked up",
    ),
    ("from group_members join users", 1000, "all members of a group are looked at: it has no more than 500"),
    ("from group_members where group_members.group_id = $1 and group_members.role", 500, "as above"),
    ("with windows as materialized", 500, "where the windows of a group's members begin is looked at, as above"),
    (
        "with counted as materialized",
        2000,
        "of two users, the one in fewer groups is chosen by counting up to 1,000 of each",
    ),
    (" = any(array(select", 62_000, "the user's groups or merchants are read whole, and then in the order of the list"),
    (" <> all(array(select", 42_000, "what the user has joined is left out of the list, from its beginning"),
    ("from friendships", 16_000, "friends are cut by what is in no index of theirs; nobody has more than 5,000"),
    (
        "search_entries.words @@",
        300_000,
        "the planner chooses by the words: all that have them by their index, or the newest",
    ),
    ("tickets.words @@", 61_000, "as above"),
    ("nickname ilike", 200_000, "as above, by how many names have the letters"),
    (
        "(select conversations.* from members join",
        42_000,
        "a user's conversations by their last message: it is in no index of members",
    ),
    ("least(last_seq, until_seq) - greatest", 42_000, "unread messages are counted in all of the user's conversations"),
    ("\"members\".\"conversation_id\" >", 42_000, "what is unread is looked for in all of the user's conversations"),
    ("as topic (kind, id)", 90_000, "what was published to each topic of a user is looked up in each day's index"),
    ("kind in ('MESSAGE_CREATED', 'MESSAGE_UPDATED')", 500, "the stream is read once, 500 positions at a time"),
    ("similarity(word, typed.word)", 2000, "words are like others by letters that more words have"),
    (
        "from (select items.* from",
        5_000,
        "a filter that leads to no index cuts rows out of the order; the planner chooses by its values",
    ),
    (
        "from (select products.* from",
        10_000,
        "stock is in no index, and a price leads to none in another order; products are few",
    ),
];

/// A plan for all values, and what it read as JSON.
const SETTINGS: [&str; 7] = [
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_format = 'json'",
    "auto_explain.log_analyze = on",
    "auto_explain.log_timing = off",
    "auto_explain.log_buffers = on",
    "plan_cache_mode = force_generic_plan",
];

async fn seeded() -> TestApp {
    let url = cluster().database().await;
    let first = TestApp::on_database(url.clone(), &[]).await;
    let days = "select count(*) from pg_inherits where inhparent = 'events'::regclass";
    until("there are tables of events", || async { first.query_number(days).await > 0 }).await;
    let sql = first.sql().await;
    drop(first);
    sql.batch_execute(include_str!("skew.sql")).await.unwrap();
    sql.batch_execute("vacuum analyze").await.unwrap();
    for setting in SETTINGS {
        cluster().alter_database(&url, setting).await;
    }
    TestApp::on_database(url, &[]).await
}

async fn sign_in(app: &TestApp, user: i64) -> Person {
    let session = "insert into sessions (user_id, platform, expires_at) values ($1, 'WEB', now() + interval '1 day') returning id";
    let session = SessionId(app.sql().await.query_one(session, &[&user]).await.unwrap().get(0));
    let (token, _) = app.app.tokens.issue(UserId(user), session, app.app.clock.now()).unwrap();
    Person::with_token(app.address, UserId(user), token)
}

/// The first cursor of an answer.
pub fn first_cursor(data: &Value) -> Option<&str> {
    match data {
        Value::Object(fields) => match fields.get("endCursor") {
            Some(cursor) => cursor.as_str(),
            None => fields.values().find_map(first_cursor),
        },
        _ => None,
    }
}

/// A list, the page behind it, and the last page.
async fn turn_pages(person: &Person, list: &str) {
    let data = person.data(&format!("{{ {list} }}"), json!({})).await;
    if list.matches("first: 20").count() != 1 {
        return;
    }
    person.data(&format!("{{ {} }}", list.replace("first: 20", "last: 20")), json!({})).await;
    if let Some(cursor) = first_cursor(&data) {
        let next = list.replace("first: 20", &format!("first: 20, after: {cursor:?}"));
        person.data(&format!("{{ {next} }}"), json!({})).await;
    }
}

/// What all lists are asked for.
pub const PAGE: &str = "totalCount pageInfo { endCursor }";

fn market_lists() -> Vec<String> {
    let card = "nodes { title owner { nickname avatar { url } verification } images { url } favoriteCount isFavorite }";
    let seller = UserId(2).global();
    let mut lists = Vec::new();
    for filter in [
        "",
        "status: [OPEN]",
        "direction: WANT, status: [OPEN]",
        "status: [OPEN, CLOSED, DELETED]",
        "category: [3]",
        "category: [0, 3, 999999], status: [OPEN]",
        "price: { min: \"20\", max: \"21\" }",
        "price: { min: \"99999\" }",
        "minCondition: 100",
        "createdAt: { from: \"2026-01-02T00:00:00Z\", to: \"2026-01-03T00:00:00Z\" }",
        "createdAt: { from: \"2036-01-02T00:00:00Z\" }",
        &format!("ownerId: {:?}", seller.0),
        &format!("ownerId: {:?}, status: [OPEN]", seller.0),
        &format!("ownerId: {:?}, status: [OPEN, DELETED]", seller.0),
        "query: \"lamp\"",
        "query: \"rare\"",
        "query: \"lamp\", status: [OPEN], price: { max: \"10\" }",
        "query: \"nothing\"",
    ] {
        for order in ["CREATED_AT, direction: DESC", "PRICE, direction: ASC", "FAVORITES, direction: DESC"] {
            lists.push(format!(
                "items(first: 20, filter: {{ {filter} }}, orderBy: {{ field: {order} }}) {{ {PAGE} {card} }}"
            ));
        }
    }
    for user in [1, 2, 3, 9].map(|user| UserId(user).global().0) {
        lists.push(format!("user(id: {user:?}) {{ items(first: 20) {{ {PAGE} {card} }} }}"));
        lists.push(format!(
            "user(id: {user:?}) {{ open: items(first: 4, filter: {{ status: [OPEN] }}) {{ {card} }}
                sold: items(first: 4, filter: {{ status: [CLOSED] }}) {{ {card} }} }}"
        ));
    }
    lists
}

fn searches() -> Vec<String> {
    let mut lists = Vec::new();
    for query in ["lamp", "rare", "name", "lmap"] {
        for kinds in ["[ITEM]", "[USER]", "[USER, ITEM]", "[TASK, PRODUCT]"] {
            lists.push(format!(
                "search(query: {query:?}, kinds: {kinds}, first: 20) {{ {PAGE} nodes {{ __typename }} }}"
            ));
        }
        lists.push(format!("searchUsers(query: {query:?}, first: 20) {{ {PAGE} nodes {{ username }} }}"));
        lists.push(format!("tasks(first: 20, filter: {{ query: {query:?} }}) {{ {PAGE} nodes {{ title }} }}"));
        lists.push(format!("products(first: 20, filter: {{ query: {query:?} }}) {{ {PAGE} nodes {{ name }} }}"));
        lists.push(format!("tickets(first: 20, filter: {{ query: {query:?} }}) {{ {PAGE} nodes {{ question }} }}"));
    }
    lists
}

/// Lists of everything that is paid for, and of people, as an administrator sees them.
fn further_lists() -> Vec<String> {
    let busy = UserId(1).global();
    let mut lists = Vec::new();
    for filter in
        ["", "status: [OPEN]", "price: { min: \"9.99\" }", &format!("publisherId: {:?}, status: [OPEN]", busy.0)]
    {
        lists.push(format!(
            "tasks(first: 20, filter: {{ {filter} }}) {{ {PAGE} nodes {{ title publisher {{ nickname }} availableActions }} }}"
        ));
    }
    for filter in ["", "inStock: true", "price: { min: \"9.99\" }"] {
        for order in ["NAME", "PRICE", "CREATED_AT"] {
            lists.push(format!(
                "products(first: 20, filter: {{ {filter} }}, orderBy: {{ field: {order} }}) {{ {PAGE} nodes {{ name }} }}"
            ));
        }
    }
    for filter in ["", "status: [PENDING]", &format!("buyerId: {:?}, status: [PENDING]", busy.0)] {
        lists.push(format!(
            "orders(first: 20, filter: {{ {filter} }}) {{ {PAGE} nodes {{ number buyer {{ nickname }} }} }}"
        ));
    }
    for filter in ["", "status: [OPEN]", &format!("authorId: {:?}, query: \"lamp\"", busy.0)] {
        lists.push(format!("tickets(first: 20, filter: {{ {filter} }}) {{ {PAGE} nodes {{ question }} }}"));
    }
    for filter in ["", "query: \"user12\"", "query: \"zzzzzz\"", "role: ADMIN", "suspended: true"] {
        let items = "items(first: 2) { nodes { title } }";
        lists.push(format!("users(first: 20, filter: {{ {filter} }}) {{ {PAGE} nodes {{ username {items} }} }}"));
    }
    lists
}

fn own_lists() -> [String; 21] {
    let conversation =
        "title unreadCount participants { username } lastMessage { seq } messages(last: 5) { nodes { seq } }";
    [
        format!("favorites(first: 20) {{ {PAGE} nodes {{ item {{ title }} }} }}"),
        format!("finishedItems(first: 20) {{ {PAGE} nodes {{ title }} }}"),
        format!("files(first: 20) {{ {PAGE} nodes {{ url }} }}"),
        format!("conversations(first: 20) {{ {PAGE} nodes {{ {conversation} }} }}"),
        "sessions { id }".to_owned(),
        "unread { messages conversations friendRequests groupJoinRequests }".to_owned(),
        format!("publishedTasks(first: 20) {{ {PAGE} nodes {{ title }} }}"),
        format!("acceptedTasks(first: 20) {{ {PAGE} nodes {{ title }} }}"),
        format!("orders(first: 20, filter: {{ status: [PENDING] }}) {{ {PAGE} nodes {{ number history {{ to }} }} }}"),
        format!("tickets(first: 20) {{ {PAGE} nodes {{ question }} }}"),
        friends(""),
        friends("query: \"name 55\""),
        friends("query: \"nothing\""),
        friends("label: \"rare\""),
        friends(&format!("friendGroupId: {:?}", FriendGroupId(2).global().0)),
        format!("friendGroups {{ name friends(first: 20) {{ {PAGE} nodes {{ remark }} }} }}"),
        format!("blockedUsers(first: 20) {{ {PAGE} nodes {{ username relationship {{ isFriend hasBlocked }} }} }}"),
        requests("INCOMING, status: WAITING"),
        requests("OUTGOING, status: EXPIRED"),
        requests("INCOMING"),
        format!("wallet {{ entries(first: 20) {{ {PAGE} nodes {{ amount task {{ title }} order {{ number }} }} }} }}"),
    ]
}

fn friends(filter: &str) -> String {
    let friend = "remark labels user { nickname } groups { name } conversation { title }";
    format!("friends(first: 20, filter: {{ {filter} }}) {{ {PAGE} nodes {{ {friend} }} }}")
}

fn requests(which: &str) -> String {
    format!(
        "friendRequests(first: 20, direction: {which}) {{ {PAGE} nodes {{ reason from {{ nickname }} to {{ nickname }} }} }}"
    )
}

/// The first page of those who are near, and the one behind it.
async fn look_around(person: &Person) {
    let ask = |page: &str| {
        let at = "at: { longitude: 121.47, latitude: 31.23 }, withinMeters: 50000";
        format!("{{ nearbyUsers({at}, {page}) {{ {PAGE} nodes {{ distanceMeters user {{ username }} }} }} }}")
    };
    let data = person.data(&ask("first: 20"), json!({})).await;
    let cursor = first_cursor(&data).expect("there are people");
    person.data(&ask(&format!("first: 20, after: {cursor:?}")), json!({})).await;
}

async fn read_lists(people: &BTreeMap<i64, Person>) {
    let administrator = &people[&6];
    for list in market_lists().iter().chain(&searches()).chain(&further_lists()).chain(&code_lists()) {
        turn_pages(administrator, list).await;
    }
    for person in people.values() {
        look_around(person).await;
        look_for_groups(person).await;
        for list in group_lists().into_iter().chain(merchant_lists()) {
            turn_pages(person, &list).await;
        }
        for list in own_lists().into_iter().chain(own_group_lists()).chain([own_merchant_list()]) {
            turn_pages(person, &format!("viewer {{ {list} }}")).await;
        }
    }
}

async fn like(people: &BTreeMap<i64, Person>) {
    let (star, other) = (json!({ "id": ItemId(1).global() }), json!({ "id": ItemId(9001).global() }));
    for person in [&people[&3], &people[&9]] {
        for field in ["removeFavorites", "addFavorites", "addFavorites"] {
            assert_eq!(person.set_favorites(field, &[&star, &other]).await["userErrors"], json!([]), "{field}");
        }
    }
}

/// Events come live, and again from a cursor, by an instance that doesn't hold them.
async fn follow(app: &TestApp, people: &BTreeMap<i64, Person>) {
    let person = &people[&9];
    let cursor = person.event_cursor().await;
    let mut socket = person.socket().await;
    socket.subscribe_live(app, RECEIVE, json!({})).await;
    type_in_turn(app, people).await;
    send(&people[&1], json!({ "conversationId": ConversationId(1).global() })).await;
    assert_eq!(socket.next().await["messageReceived"]["message"]["sender"]["username"], "user1");
    let since =
        "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { __typename } } } } }";
    let other = app.another_instance().await;
    for person in people.values() {
        person.on_instance(other.address).data(since, json!({ "after": cursor })).await;
    }
}

/// What reads too much, the worst execution of each.
fn worst(executions: Vec<Execution>) -> Vec<Execution> {
    let reason =
        |statement: &str| REASONS.iter().find(|(part, ..)| statement.contains(part)).map_or(0, |(_, more, _)| *more);
    let mut worst: BTreeMap<String, Execution> = BTreeMap::new();
    for execution in executions.into_iter().filter(|execution| execution.reads_too_much(reason(&execution.statement))) {
        if worst.get(&execution.statement).is_none_or(|known| known.read < execution.read) {
            worst.insert(execution.statement.clone(), execution);
        }
    }
    worst.into_values().collect()
}

/// Whether a statement reads more than it might without this reason.
fn needed(executions: &[Execution], part: &str) -> bool {
    executions.iter().any(|execution| execution.statement.contains(part) && execution.reads_too_much(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_much_more_than_it_answers_with() {
    let app = seeded().await;
    let mut people = BTreeMap::new();
    for user in [1, 2, 3, 6, 9] {
        people.insert(user, sign_in(&app, user).await);
    }
    let start = cluster().log_of(&app.url).len();
    talk(&people).await;
    like(&people).await;
    follow(&app, &people).await;
    read_lists(&people).await;
    let executions = executions(&cluster().log_of(&app.url)[start..]);
    for part in [
        "insert into messages",
        "insert into favorites",
        "delete from outbox",
        "from unnest($1, $2) as topic",
        "low_users.*",
    ] {
        assert!(executions.iter().any(|execution| execution.statement.contains(part)), "no statement has {part}");
    }
    let unneeded: Vec<&str> =
        REASONS.iter().map(|(part, ..)| *part).filter(|part| !needed(&executions, part)).collect();
    let worst = worst(executions);
    assert!(worst.is_empty(), "{} statements read too much: {worst:#?}", worst.len());
    assert_eq!(unneeded, Vec::<&str>::new(), "no statement needs these reasons");
}
