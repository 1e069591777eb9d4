//! Demo data, by real processes: once, wholly, and never in production.

use std::process::Stdio;
use std::time::Duration;

use plaza::seed::large::{self, SeedCounts};
use serde_json::{Value, json};
use tokio::process::Child;

use crate::harness::process::{Process, SECRET, command, output};
use crate::harness::{TestApp, WAIT_TIMEOUT, cluster, connect, post, until};

/// What there is of it, as one text.
const COUNTS: &str = "select concat_ws(' ', (select count(*) from users), (select count(*) from items),
    (select count(*) from messages where type <> 'SYSTEM'), (select count(*) from favorites), (select count(*) from products),
    (select count(*) from orders), (select count(*) from tasks), (select count(*) from tickets))";

async fn look(url: &str, sql: &str) -> String {
    let client = connect(url).await;
    client.query_one(sql, &[]).await.unwrap().get(0)
}

fn start(url: &str, folder: &str) -> Child {
    let folder = cluster().folder(folder).display().to_string();
    let settings = [
        ("DATABASE_URL", url),
        ("PLAZA_JWT_SECRET", SECRET),
        ("PLAZA_BIND", "127.0.0.1:0"),
        ("PLAZA_DATA_DIR", &folder),
    ];
    let mut command = command(&settings);
    command
        .args(["serve", "--demo"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let child = command.spawn().expect("the binary is built");
    cluster().register_process(child.id().expect("it runs"));
    child
}

/// Two start at once and one dies half way; what the others make is whole, and as if there were one.
#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_together_make_one_demo() {
    let demo: Value = serde_json::from_str(include_str!("../../src/seed/demo.json")).unwrap();
    let transactions = &demo["transactions"];
    let parts = [
        &demo["people"],
        &demo["items"],
        &demo["talk"],
        &demo["favorites"],
        &transactions["products"],
        &transactions["orders"],
        &transactions["tasks"],
        &transactions["tickets"],
    ];
    let mut counts = parts.map(|part| part.as_array().unwrap().len());
    let contents = &demo["contents"];
    for more in [
        &demo["groups"]["talk"],
        &demo["groups"]["mentions"],
        &contents["pictures"],
        &contents["places"],
        &contents["answers"],
    ] {
        counts[2] += more.as_array().unwrap().len();
    }
    let expected = counts.map(|count| count.to_string()).join(" ");
    let url = cluster().empty_database().await;
    Process::on_database(&url).await.kill().await;
    // In the middle: its transaction is open, and has written.
    let mut first = start(&url, "demo-first");
    let writes = "select count(*)::text from pg_locks join pg_database on pg_database.oid = database
        where datname = current_database() and relation = 'media'::regclass and mode = 'RowExclusiveLock'";
    until("the first is half way", || async { look(&url, writes).await != "0" }).await;
    assert_eq!(look(&url, "select count(*)::text from users").await, "0", "no part of it is visible");
    first.kill().await.unwrap();
    let (mut second, mut third) = (start(&url, "demo-second"), start(&url, "demo-third"));
    // Longer than anything else: passwords are hashed and pictures painted, beside other tests.
    let there = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        while look(&url, "select count(*)::text from users").await == "0" {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(WAIT_TIMEOUT * 5, there).await.expect("the demo is there");
    assert_eq!(look(&url, COUNTS).await, expected);
    // Both go on, and what they wait for is over: a fourth finds it there.
    until("no lock is waited for", || async {
        let waits = "select count(*)::text from pg_locks where locktype = 'advisory' and not granted";
        look(&url, waits).await == "0"
    })
    .await;
    let served = Process::on_database(&url).await;
    assert_eq!((second.try_wait().unwrap(), third.try_wait().unwrap()), (None, None), "both serve");
    assert_eq!(look(&url, COUNTS).await, expected);
    let login =
        "mutation { login(input: { credential: { password: { account: \"ada\", password: \"plaza-demo\" } } }) {
        user { username } } }";
    let answer = post(served.address, None, login, json!({})).await;
    assert_eq!(answer.data()["login"]["user"]["username"], "ada");
    for child in [&mut second, &mut third] {
        child.kill().await.unwrap();
    }
    let places = demo["groups"]["places"].as_object().unwrap().len().to_string();
    assert_eq!(look(&url, "select count(*)::text from group_positions").await, places);
    assert_eq!(plaza::audit::run(&url).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn production_has_no_demo() {
    let url = cluster().empty_database().await;
    let folder = cluster().folder("demo-production").display().to_string();
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("PLAZA_JWT_SECRET", SECRET),
        ("PLAZA_PRODUCTION", "true"),
        ("PLAZA_BIND", "127.0.0.1:0"),
        ("PLAZA_PUBLIC_URL", "https://plaza.example"),
        ("PLAZA_DATA_DIR", &folder),
    ];
    for arguments in [&["serve", "--demo"][..], &["seed"]] {
        let refused = output(arguments, &settings).await;
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(text.contains("Demo data is refused under PLAZA_PRODUCTION"), "{text}");
    }
    Process::on_database(&url).await.kill().await;
    assert_eq!(look(&url, "select count(*)::text from users").await, "0");
}

/// Large data has wallets, tasks, orders and tickets as well, and all of it adds up; once more beside what is there.
#[tokio::test(flavor = "multi_thread")]
async fn large_data_adds_up() {
    let url = cluster().empty_database().await;
    let settings = [("DATABASE_URL", url.as_str()), ("PLAZA_JWT_SECRET", SECRET)];
    let amounts = "--users 20 --items 40 --favorites 30 --conversations 10 --messages 50 --tasks 60 --orders 120 --tickets 30 --groups 15";
    let arguments: Vec<&str> = std::iter::once("seed").chain(amounts.split(' ')).collect();
    for round in 1..=2 {
        let done = output(&arguments, &settings).await;
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let counts = "select concat_ws(' ', (select count(*) from tasks), (select count(*) from orders),
            (select count(*) from tickets), (select count(*) from wallets), (select count(distinct status) from orders),
            (select count(distinct status) from tasks), (select count(distinct status) from tickets),
            (select count(*) from groups), (select count(*) from group_positions), (select count(distinct role) from group_members))";
        assert_eq!(
            look(&url, counts).await,
            format!(
                "{} {} {} {} 5 4 3 {} {} 3",
                60 * round,
                120 * round,
                30 * round,
                20 * round,
                15 * round,
                8 * round
            )
        );
        assert_eq!(plaza::audit::run(&url).await.unwrap(), []);
    }
    // People go on from there.
    let plaza = Process::on_database(&url).await;
    let token = output(&["token", "user1"], &settings).await;
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    let document = "mutation { createTask(input: { title: \"t\", content: \"c\", price: 5 }) { userErrors { code } }
        rechargeWallet(amount: 1) { userErrors { code } } createTicket(question: \"q\") { userErrors { code } }
        createGroup(input: { name: \"g\" }) { userErrors { code } } }";
    let answer = post(plaza.address, Some(&token), document, json!({})).await;
    for field in ["createTask", "rechargeWallet", "createTicket", "createGroup"] {
        assert_eq!(answer.data()[field]["userErrors"], json!([]), "{field}");
    }
    assert_eq!(plaza::audit::run(&url).await.unwrap(), []);
}

/// Of two hundred groups one is full; the others have 5 to 50 members, some of them managers, all of them in the conversation.
#[tokio::test(flavor = "multi_thread")]
async fn large_groups_add_up() {
    let app = TestApp::start().await;
    let first = app.as_user("ada").await;
    large::add(&app.app, SeedCounts { users: 600, groups: 400, ..SeedCounts::default() }).await.unwrap();
    let sizes = "select count(*) from groups where member_count";
    assert_eq!(app.query_number(&format!("{sizes} = 500")).await, 2);
    assert_eq!(app.query_number(&format!("{sizes} between 5 and 50")).await, 398);
    assert_eq!(
        app.query_number(
            "select max(n) from (select count(*) as n from group_members where role = 'MANAGER' group by group_id) m"
        )
        .await,
        20
    );
    assert_eq!(app.query_number("select count(*) from group_positions").await, 200);
    let found = "{ groups(filter: { query: \"同城\" }, first: 1) { totalCount nodes { name owner { username } } }
        nearbyGroups(at: { longitude: 121.47, latitude: 31.23 }, withinMeters: 50000) { totalCount } }";
    let data = first.data(found, json!({})).await;
    assert!(data["groups"]["totalCount"].as_i64().unwrap() > 10, "{data}");
    assert_eq!(data["nearbyGroups"]["totalCount"], 17);
    assert_eq!(app.audit().await, [""; 0]);
}
