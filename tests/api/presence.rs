//! Who is online: seen by those who may, told to friends who listen, and stored nowhere.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::harness::process::Process;
use crate::harness::{Person, Socket, TestApp, WAIT_TIMEOUT, until};

const LOOK: &str = "query ($id: ID!) { user(id: $id) { presence { isOnline lastSeenAt } } }";

const FOLLOW: &str =
    "subscription { presenceChanged { user { username avatar { url } } presence { isOnline lastSeenAt } } }";

/// How long who left may still be told to be online: 3 seconds, and what telling it takes beside other tests.
const LEFT_WITHIN: Duration = Duration::from_secs(10);

impl Person {
    /// Whether another user is online, as they see it.
    async fn sees(&self, other: &Person) -> Option<bool> {
        self.data(LOOK, json!({ "id": other.id })).await["user"]["presence"]["isOnline"].as_bool()
    }

    async fn waits_until_they_see(&self, other: &Person, expected: bool) {
        until(&format!("it is seen: {expected}"), || async { self.sees(other).await == Some(expected) }).await;
    }

    /// A socket that makes them online.
    async fn comes(&self, app: &TestApp) -> Socket {
        let mut socket = self.socket().await;
        socket.subscribe_live(app, "subscription { messageReceived { cursor } }", json!({})).await;
        socket
    }

    async fn follow_presence(&self, app: &TestApp) -> Socket {
        let mut socket = self.socket().await;
        socket.subscribe_live(app, FOLLOW, json!({})).await;
        socket
    }

    async fn shows_presence_to(&self, who: &str) -> Value {
        let document = "mutation ($to: PresenceVisibility) { updateProfile(input: { presenceVisibility: $to }) {
            user { private { presenceVisibility } } userErrors { code field } } }";
        self.data(document, json!({ "to": who })).await["updateProfile"].clone()
    }
}

/// Who is told to be what, as it comes.
async fn heard(socket: &mut Socket) -> String {
    let told = socket.next().await["presenceChanged"].clone();
    let state = match &told["presence"]["isOnline"] {
        Value::Bool(true) => "online",
        Value::Bool(false) => "offline",
        _ => "hidden",
    };
    format!("{} {state}", told["user"]["username"].as_str().unwrap())
}

/// Waits until that is told, whatever comes before.
async fn hears(socket: &mut Socket, expected: &str) {
    while heard(socket).await != expected {}
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_see_who_is_online_and_others_don_t() {
    let app = TestApp::start().await;
    let [ada, bo, eve] = &app.people(["ada", "bo", "eve"]).await;
    ada.make_friends(bo).await;
    assert_eq!(ada.sees(bo).await, Some(false));
    let stored = "select count(*) from outbox";
    let before = app.query_number(stored).await;
    let (first, second) = (bo.comes(&app).await, bo.comes(&app).await);
    assert_eq!((ada.sees(bo).await, bo.sees(bo).await, eve.sees(bo).await), (Some(true), Some(true), None));
    assert_eq!(app.run(LOOK, json!({ "id": bo.id })).await.data()["user"], json!({ "presence": null }));
    assert_eq!(ada.sees(ada).await, Some(false), "requests alone make no user online");
    drop(first);
    let left = Instant::now();
    drop(second);
    ada.waits_until_they_see(bo, false).await;
    assert!(left.elapsed() > Duration::from_millis(2500), "a reconnect is no news");
    let seen = ada.data(LOOK, json!({ "id": bo.id })).await["user"]["presence"]["lastSeenAt"].clone();
    let seen: DateTime<Utc> = seen.as_str().unwrap().parse().unwrap();
    assert!((app.app.clock.now() - seen).num_seconds() < 60, "{seen}");
    assert_eq!(app.query_number(stored).await, before);
    // Neither of two who block each other.
    let _back = bo.comes(&app).await;
    assert_eq!(ada.sees(bo).await, Some(true));
    bo.befriend_ok("blockUser", json!({ "userId": ada.id })).await;
    assert_eq!((ada.sees(bo).await, bo.sees(ada).await), (None, None));
    bo.befriend_ok("unblockUser", json!({ "userId": ada.id })).await;
    assert_eq!(ada.sees(bo).await, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_choose_who_sees_it() {
    let app = TestApp::start().await;
    let [ada, bo, eve] = &app.people(["ada", "bo", "eve"]).await;
    ada.make_friends(bo).await;
    let private = "{ viewer { user { private { presenceVisibility } } } }";
    assert_eq!(bo.data(private, json!({})).await["viewer"]["user"]["private"]["presenceVisibility"], "FRIENDS");
    let mut at_ada = ada.follow_presence(&app).await;
    let online = bo.comes(&app).await;
    assert_eq!(heard(&mut at_ada).await, "bo online");
    let set = |to: &str| json!({ "user": { "private": { "presenceVisibility": to } }, "userErrors": [] });
    assert_eq!(bo.shows_presence_to("NOBODY").await, set("NOBODY"));
    assert_eq!(heard(&mut at_ada).await, "bo hidden");
    assert_eq!((ada.sees(bo).await, eve.sees(bo).await, bo.sees(bo).await), (None, None, Some(true)));
    drop(online);
    bo.waits_until_they_see(bo, false).await;
    let _online = bo.comes(&app).await;
    assert_eq!(bo.shows_presence_to("EVERYBODY").await, set("EVERYBODY"));
    assert_eq!(heard(&mut at_ada).await, "bo online", "and nothing of what they did meanwhile");
    assert_eq!((ada.sees(bo).await, eve.sees(bo).await), (Some(true), Some(true)));
    assert_eq!(app.run(LOOK, json!({ "id": bo.id })).await.data()["user"]["presence"], Value::Null);
    bo.befriend_ok("blockUser", json!({ "userId": eve.id })).await;
    assert_eq!(eve.sees(bo).await, None);
    assert_eq!(bo.shows_presence_to("FRIENDS").await, set("FRIENDS"));
    assert_eq!(heard(&mut at_ada).await, "bo online");
    let cleared = "mutation { updateProfile(input: { presenceVisibility: null }) { userErrors { code field } } }";
    let refused = bo.data(cleared, json!({})).await["updateProfile"]["userErrors"].clone();
    assert_eq!(refused, json!([{ "code": "REQUIRED", "field": ["input", "presenceVisibility"] }]));
}

/// Who is back within 3 seconds was never away; who is no friend, or blocks, is told nothing.
#[tokio::test(flavor = "multi_thread")]
async fn friends_who_listen_are_told() {
    let app = TestApp::start().await;
    let [ada, bo, cy, eve] = &app.people(["ada", "bo", "cy", "eve"]).await;
    for friend in [bo, cy] {
        ada.make_friends(friend).await;
    }
    let (mut at_ada, mut at_eve) = (ada.follow_presence(&app).await, eve.follow_presence(&app).await);
    let online = bo.comes(&app).await;
    assert_eq!(heard(&mut at_ada).await, "bo online");
    drop(online);
    let online = bo.comes(&app).await;
    let cy_online = cy.comes(&app).await;
    assert_eq!(heard(&mut at_ada).await, "cy online");
    drop((online, cy_online));
    let mut both = vec![heard(&mut at_ada).await, heard(&mut at_ada).await];
    both.sort();
    assert_eq!(both, ["bo offline", "cy offline"]);
    bo.befriend_ok("blockUser", json!({ "userId": ada.id })).await;
    let _online = (bo.comes(&app).await, cy.comes(&app).await);
    assert_eq!(heard(&mut at_ada).await, "cy online");
    eve.make_friends(bo).await;
    let mut at_bo = bo.follow_presence(&app).await;
    drop(at_eve);
    assert_eq!(heard(&mut at_bo).await, "eve offline");
    at_eve = eve.follow_presence(&app).await;
    assert_eq!(heard(&mut at_bo).await, "eve online");
    drop(at_eve);
    let mut anonymous = Socket::open(app.address, Value::Null).await;
    anonymous.subscribe(FOLLOW, json!({})).await;
    assert_eq!(anonymous.receive().await["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

/// A killed instance says no more: those who were there alone are offline once it is missed.
#[tokio::test(flavor = "multi_thread")]
async fn instances_know_of_each_other_s_users() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = &app.people(["ada", "bo", "cy"]).await;
    for friend in [bo, cy] {
        ada.make_friends(friend).await;
    }
    let mut at_ada = ada.follow_presence(&app).await;
    let there = bo.comes(&app).await;
    assert_eq!(heard(&mut at_ada).await, "bo online");
    // It asks who is there as it starts.
    let other = Process::on_database(&app.url).await;
    let (ada_there, cy_there) = (ada.on_instance(other.address), cy.on_instance(other.address));
    ada_there.waits_until_they_see(bo, true).await;
    let mut followed = ada_there.socket().await;
    followed.subscribe(FOLLOW, json!({})).await;
    // No answer says when a subscription has begun.
    let show = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            bo.shows_presence_to("FRIENDS").await;
        }
    };
    tokio::select! {
        () = hears(&mut followed, "bo online") => {}
        () = show => {}
    }
    let mut cy_socket = cy_there.socket().await;
    cy_socket.subscribe("subscription { messageReceived { cursor } }", json!({})).await;
    for socket in [&mut at_ada, &mut followed] {
        hears(socket, "cy online").await;
    }
    drop(there);
    for socket in [&mut at_ada, &mut followed] {
        hears(socket, "bo offline").await;
    }
    // On both, one end is no news.
    let here = cy.comes(&app).await;
    drop(cy_socket);
    let mut cy_socket = cy_there.socket().await;
    cy_socket.subscribe("subscription { messageReceived { cursor } }", json!({})).await;
    drop(here);
    other.kill().await;
    assert_eq!(ada.sees(cy).await, Some(true));
    let missed = Instant::now();
    let gone = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        while ada.sees(cy).await != Some(false) {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(WAIT_TIMEOUT + Duration::from_mins(1), gone).await.expect("it is missed");
    assert!(missed.elapsed() > Duration::from_secs(25) && missed.elapsed() < Duration::from_mins(1));
}

/// One for a whole list; telling costs the same for however many friends.
#[tokio::test(flavor = "multi_thread")]
async fn presence_costs_a_constant_number_of_statements() {
    let app = TestApp::start().await;
    let [ada, bo, cy, dee] = &app.people(["ada", "bo", "cy", "dee"]).await;
    for friend in [bo, cy, dee] {
        ada.make_friends(friend).await;
    }
    let list = "{ viewer { friends { nodes { user { presence { isOnline } } } } } }";
    let plain = "{ viewer { friends { nodes { user { username } } } } }";
    let (_, without) = app.count_statements_warm(ada.data(plain, json!({}))).await;
    let (_, with) = app.count_statements_warm(ada.data(list, json!({}))).await;
    assert_eq!(with, without + 1);
    let mut sockets = vec![bo.follow_presence(&app).await];
    let mut told = Vec::new();
    for more in [vec![], vec![cy, dee, dee]] {
        for person in more {
            sockets.push(person.follow_presence(&app).await);
        }
        let (online, statements) = app
            .count_statements(Box::pin(async {
                let online = ada.comes(&app).await;
                for socket in &mut sockets {
                    while heard(socket).await != "ada online" {}
                }
                online
            }))
            .await;
        told.push(statements);
        drop(online);
        for socket in &mut sockets {
            let gone = tokio::time::timeout(LEFT_WITHIN, heard(socket)).await;
            assert_eq!(gone.expect("it is told"), "ada offline");
        }
    }
    assert_eq!(told[0], told[1], "friends, and users");
}

/// As when an instance with many users is lost, or comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_changes_delays_no_friend_for_long() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    ada.make_friends(bo).await;
    let mut at_ada = ada.follow_presence(&app).await;
    let burst = "select pg_notify('plaza_presence', 'f00+' || (select string_agg(n::text, ',') from
        generate_series(b * 1000 + 1000, b * 1000 + 1999) n)) from generate_series(1, 40) b";
    app.sql().await.batch_execute(burst).await.unwrap();
    let come = Instant::now();
    let _online = bo.comes(&app).await;
    assert_eq!(heard(&mut at_ada).await, "bo online");
    assert!(come.elapsed() < Duration::from_secs(10), "told after {:?}", come.elapsed());
}
