//! Who is near, and what is told of where people are.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use plaza::domains::nearby::service;
use plaza::geo::{GeoPoint, GridCell};
use plaza::seed::large::{self, SeedCounts};
use serde_json::{Value, json};

use crate::harness::accounts::{UPDATE, codes, user_errors};
use crate::harness::nearby::names;
use crate::harness::{Person, TestApp, cluster};

/// In the middle of a cell, near the middle of Shanghai.
const EAST: f64 = 121.472_369;
const NORTH: f64 = 31.232_25;

/// Degrees from a cell to the next one.
const CELL: f64 = 0.0045;

/// A little less than from the middle of a cell to its edge.
const EDGE: f64 = 0.0022;

fn at(longitude: f64, latitude: f64) -> GridCell {
    GeoPoint { longitude, latitude }.cell()
}

async fn update(person: &Person, input: Value) -> Value {
    person.payload(UPDATE, json!({ "input": input })).await
}

async fn position(person: &Person) -> Value {
    let document = "{ viewer { user { private { coordinates { longitude } positionVisibility locatedAt } } } }";
    person.data(document, json!({})).await["viewer"]["user"]["private"].clone()
}

async fn seen(viewer: &Person) -> Vec<String> {
    viewer.nearby(EAST, NORTH).await.into_iter().map(|(name, _)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_nearest_first_and_in_pages() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    ada.locate(EAST, NORTH, "EVERYBODY").await;
    let mut expected = Vec::new();
    for (n, cells) in [(1, 5.0), (2, 0.0), (3, 1.0), (4, 1.0), (5, 1.0), (6, 25.0), (7, 0.0)] {
        let name = format!("user{n}");
        app.as_user(&name).await.locate(EAST, NORTH + cells * CELL, "EVERYBODY").await;
        let distance = at(EAST, NORTH).distance_meters(at(EAST, NORTH + cells * CELL)).round();
        // Columns of other rows are shifted by up to half a cell.
        assert!((distance - cells * 500.4).abs() < 100.0, "{distance}");
        if cells < 20.0 {
            expected.push((name, distance));
        }
    }
    let found = ada.nearby(EAST, NORTH).await;
    assert!(found.is_sorted_by_key(|(_, distance)| *distance), "{found:?}");
    let sorted =
        |list: &[(String, f64)]| list.iter().map(|(name, away)| format!("{name} {away}")).collect::<BTreeSet<_>>();
    assert_eq!(
        (found.len(), sorted(&found)),
        (6, sorted(&expected)),
        "the seventh is more than 10 km away, ada is herself"
    );
    let far = ada.ask_nearby(EAST, NORTH, json!({ "within": 20_000 })).await;
    assert_eq!(names(&far.data()["nearbyUsers"]).len(), 7);
    let near = ada.ask_nearby(EAST, NORTH, json!({ "within": 1 })).await;
    assert_eq!(names(&near.data()["nearbyUsers"]).len(), 2, "in the same cell");

    let (mut paged, mut after, mut ends) = (Vec::new(), Value::Null, Vec::new());
    loop {
        let answer = ada.ask_nearby(EAST, NORTH, json!({ "first": 2, "after": after })).await;
        let list = &answer.data()["nearbyUsers"];
        assert_eq!(list["totalCount"], 6);
        paged.extend(names(list));
        ends.push((list["pageInfo"]["hasPreviousPage"] == true, list["pageInfo"]["hasNextPage"] == true));
        after = list["pageInfo"]["endCursor"].clone();
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(paged, found);
    assert_eq!(ends, [(false, true), (true, true), (true, false)]);
    let other = ada.ask_nearby(EAST, NORTH + CELL, json!({ "after": after })).await;
    assert_eq!(other.code(), "BAD_USER_INPUT", "a cursor is one of its cell");
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_ends_after_five_hundred() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    large::add(&app.app, SeedCounts { users: 12_000, positions: 12_000, ..SeedCounts::default() }).await.unwrap();
    let (mut found, mut after) = (BTreeSet::new(), Value::Null);
    for page in 1..=5 {
        let answer = ada.ask_nearby(121.47, 31.23, json!({ "first": 100, "after": after, "within": 50_000 })).await;
        let list = &answer.data()["nearbyUsers"];
        assert_eq!((&list["totalCount"], &list["pageInfo"]["hasNextPage"]), (&json!(500), &json!(page < 5)));
        found.extend(names(list).into_iter().map(|(name, _)| name));
        after = list["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(found.len(), 500);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_is_seen_by_those_whom_its_owner_lets_see_it() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    ada.make_friends(&bo).await;
    let none = json!({ "coordinates": null, "positionVisibility": "NOBODY", "locatedAt": null });
    assert_eq!(position(&ada).await, none);
    assert_eq!(
        user_errors(&update(&ada, json!({ "positionVisibility": "FRIENDS" })).await),
        ["CONFLICT input.positionVisibility"]
    );
    assert_eq!(
        user_errors(&update(&ada, json!({ "positionVisibility": null })).await),
        ["REQUIRED input.positionVisibility"]
    );
    assert_eq!(codes(&update(&ada, json!({ "positionVisibility": "NOBODY" })).await), [""; 0]);

    let here = json!({ "longitude": EAST, "latitude": NORTH });
    assert_eq!(codes(&update(&ada, json!({ "coordinates": here })).await), [""; 0]);
    let first = position(&ada).await;
    assert_eq!((first["positionVisibility"].as_str(), first["coordinates"].is_object()), (Some("NOBODY"), true));
    assert_eq!(app.query_number("select count(*) from positions where place is not null").await, 0);
    for (visibility, friend, stranger) in [
        ("NOBODY", false, false),
        ("FRIENDS", true, false),
        ("EVERYBODY", true, true),
        ("NOBODY", false, false),
        ("FRIENDS", true, false),
    ] {
        assert_eq!(codes(&update(&ada, json!({ "positionVisibility": visibility })).await), [""; 0]);
        assert_eq!(position(&ada).await["locatedAt"], first["locatedAt"], "it is no other position");
        assert_eq!((!seen(&bo).await.is_empty(), !seen(&cy).await.is_empty()), (friend, stranger), "{visibility}");
    }
    // A further position keeps what was said; another bio changes nothing.
    app.advance_clock(Duration::from_mins(1));
    assert_eq!(codes(&update(&ada, json!({ "bio": "hi" })).await), [""; 0]);
    assert_eq!(position(&ada).await["locatedAt"], first["locatedAt"]);
    assert_eq!(codes(&update(&ada, json!({ "coordinates": here })).await), [""; 0]);
    assert_ne!(position(&ada).await["locatedAt"], first["locatedAt"]);
    assert_eq!((seen(&bo).await.len(), seen(&cy).await.len()), (1, 0));
    bo.befriend_ok("removeFriend", json!({ "userId": ada.id })).await;
    assert_eq!(seen(&bo).await, [""; 0]);

    // Withdrawn, it is gone, with what was said.
    update(&ada, json!({ "positionVisibility": "EVERYBODY" })).await;
    assert_eq!(seen(&cy).await, ["ada"]);
    assert_eq!(codes(&update(&ada, json!({ "coordinates": null })).await), [""; 0]);
    assert_eq!((seen(&cy).await, position(&ada).await), (vec![], none));
    assert_eq!(app.query_number("select count(*) from positions").await, 0);
    update(&ada, json!({ "coordinates": here })).await;
    assert_eq!(seen(&cy).await, [""; 0]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_to_be_seen_is_not_counted_either() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let root = app.as_role("root", "ADMIN").await;
    for (person, visibility) in [(&ada, "EVERYBODY"), (&bo, "EVERYBODY"), (&cy, "FRIENDS")] {
        person.locate(EAST, NORTH, visibility).await;
    }
    ada.make_friends(&cy).await;
    assert_eq!(seen(&ada).await.len(), 2);
    // A block hides the two from each other, from either side.
    for other in [&bo, &cy] {
        for (one, other) in [(&ada, other), (other, &ada)] {
            one.befriend_ok("blockUser", json!({ "userId": other.id })).await;
            assert_eq!(seen(&ada).await.len(), 1);
            one.befriend_ok("unblockUser", json!({ "userId": other.id })).await;
            assert_eq!(seen(&ada).await.len(), 2);
        }
    }
    for person in [&bo, &cy] {
        root.settle("suspendUser", person).await;
        assert_eq!(seen(&ada).await.len(), 1);
        root.settle("unsuspendUser", person).await;
        assert_eq!(seen(&ada).await.len(), 2);
    }
    // After thirty days a position is as good as none, and its owner still has it.
    app.advance_clock(Duration::from_hours(29 * 24));
    let sql = app.sql().await;
    let (ada, bo) = (ada.again(&app), bo.again(&app));
    assert_eq!(seen(&ada).await.len(), 2);
    sql.batch_execute("update positions set located_at = located_at - interval '1 day' where user_id <> 1")
        .await
        .unwrap();
    assert_eq!(seen(&ada).await, [""; 0]);
    assert!(position(&bo).await["coordinates"].is_object());
    assert_eq!(service::hide_old_positions(&app.app).await.unwrap(), 2);
    assert_eq!(app.query_number("select count(*) from positions where place is null").await, 2);
    // To be seen it has to be sent again: another visibility does not make it a new one.
    update(&bo, json!({ "positionVisibility": "EVERYBODY" })).await;
    assert_eq!(seen(&ada).await, [""; 0]);
    bo.locate(EAST, NORTH, "EVERYBODY").await;
    assert_eq!(seen(&ada).await, ["bo"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_deletes_the_position_and_from_where_was_asked() {
    let app = TestApp::with(&[("PLAZA_LIMIT_NEAR_CELLS", "30")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    bo.locate(EAST, NORTH, "EVERYBODY").await;
    assert_eq!((seen(&ada).await, seen(&bo).await.len()), (vec!["bo".into()], 0));
    let rows = "select (select count(*) from positions where user_id = 2) + (select count(*) from near_asks where user_id = 2)";
    assert_eq!(app.query_number(rows).await, 2);
    bo.settle("deleteUser", &bo).await;
    assert_eq!((seen(&ada).await, app.query_number(rows).await), (vec![], 0));
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_can_t_be_are_refused() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let anonymous = "{ nearbyUsers(at: { longitude: 1, latitude: 1 }) { totalCount } }";
    let refused = app.run(anonymous, json!({})).await;
    assert_eq!((refused.code(), &refused.body["data"]["nearbyUsers"]), ("UNAUTHENTICATED", &Value::Null));
    for (longitude, latitude, further) in [
        (180.1, 0.0, json!({})),
        (0.0, -90.1, json!({})),
        (0.0, 0.0, json!({ "within": 0 })),
        (0.0, 0.0, json!({ "within": -1 })),
        (0.0, 0.0, json!({ "within": 50_001 })),
        (0.0, 0.0, json!({ "first": 0 })),
        (0.0, 0.0, json!({ "first": 101 })),
        (0.0, 0.0, json!({ "after": "x" })),
    ] {
        let answer = ada.ask_nearby(longitude, latitude, further.clone()).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{longitude} {latitude} {further}");
    }
    for (longitude, latitude) in [(180.0, 90.0), (-180.0, -90.0), (0.0, 0.0)] {
        assert_eq!(ada.nearby(longitude, latitude).await, []);
    }
}

/// The distances that are answered from all over the place, by the asker's cell.
async fn probe(askers: &[&Person]) -> Vec<(GridCell, f64)> {
    let mut answers = Vec::new();
    for (n, asker) in (-6..=6).zip(askers.iter().cycle()) {
        for step in -6..=6 {
            let (longitude, latitude) = (EAST + f64::from(n) * 0.7 * CELL, NORTH + f64::from(step) * 0.7 * CELL);
            let found = asker.nearby(longitude, latitude).await;
            assert_eq!(found.len(), 1);
            answers.push((at(longitude, latitude), found[0].1));
        }
    }
    answers
}

/// Wherever a target is in its cell, all answers are the same, from wherever and by whomever they are asked for; and what fits
/// them best is the centre of the cell.
#[tokio::test(flavor = "multi_thread")]
async fn an_attacker_learns_the_cell_and_no_more() {
    let app = TestApp::start().await;
    let target = app.as_user("target").await;
    let (one, two, three) = (app.as_user("one").await, app.as_user("two").await, app.as_user("three").await);
    let centre = at(EAST, NORTH).centre();
    let mut all = Vec::new();
    for (east, north) in [(0.0, 0.0), (EDGE, EDGE), (-EDGE, EDGE), (EDGE, -EDGE), (-EDGE, -EDGE)] {
        target.locate(centre.longitude + east, centre.latitude + north, "EVERYBODY").await;
        let askers = if all.len() < 3 { vec![&one] } else { vec![&one, &two, &three] };
        all.push(probe(&askers).await);
    }
    assert!(all.iter().all(|answers| *answers == all[0]), "it says where in the cell the target is");
    for (cell, distance) in &all[0] {
        assert!((distance - cell.distance_meters(at(EAST, NORTH)).round()).abs() < f64::EPSILON);
    }
    // The asker moves within a cell: nothing changes.
    let from: Vec<_> = [(0.0, 0.0), (EDGE, EDGE), (-EDGE, -EDGE)]
        .map(|(east, north)| (centre.longitude + 9.0 * CELL + east, centre.latitude + north))
        .into_iter()
        .filter(|(east, north)| at(*east, *north) == at(centre.longitude + 9.0 * CELL, centre.latitude))
        .collect();
    for (east, north) in &from {
        assert_eq!(one.nearby(*east, *north).await, one.nearby(from[0].0, from[0].1).await);
    }
    // The best guess, in steps of some ten metres.
    let metres = |from: GeoPoint, to: GeoPoint| {
        let east = (from.longitude - to.longitude) * from.latitude.to_radians().cos();
        east.hypot(from.latitude - to.latitude) * 111_195.0
    };
    let misfit = |guess: GeoPoint| -> f64 {
        all[0].iter().map(|(cell, distance)| (metres(cell.centre(), guess) - distance).powi(2)).sum()
    };
    let guesses = (-60..=60).flat_map(|east| (-60..=60).map(move |north| (f64::from(east), f64::from(north))));
    let best = guesses
        .map(|(east, north)| GeoPoint { longitude: EAST + east * 0.0001, latitude: NORTH + north * 0.0001 })
        .min_by(|one, other| misfit(*one).total_cmp(&misfit(*other)))
        .unwrap();
    assert!(metres(best, centre) < 15.0, "{best:?} {centre:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_asks_from_thirty_cells_an_hour() {
    let app = TestApp::with(&[("PLAZA_LIMIT_NEAR_CELLS", "30")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let cell = |n: u32| EAST + f64::from(n) * 2.0 * CELL;
    let asks = (0..60).map(|n| ada.ask_nearby(cell(n), NORTH, json!({})));
    let answers = join_all(asks).await;
    let allowed: Vec<u32> =
        (0..60).zip(&answers).filter(|(_, answer)| answer.body.get("errors").is_none()).map(|(n, _)| n).collect();
    assert_eq!(allowed.len(), 30, "of sixty at once");
    for answer in answers.iter().filter(|answer| answer.body.get("errors").is_some()) {
        assert_eq!((answer.code(), &answer.body["data"]["nearbyUsers"]), ("RATE_LIMITED", &Value::Null));
    }
    // Again from the same cells is free, also from elsewhere in them.
    for n in &allowed {
        ada.ask_nearby(cell(*n), NORTH + EDGE, json!({})).await.data();
    }
    assert_eq!(ada.ask_nearby(cell(70), NORTH, json!({})).await.code(), "RATE_LIMITED");
    bo.ask_nearby(cell(70), NORTH, json!({})).await.data();
    assert_eq!(app.query_number("select sum(cardinality(cells)) from near_asks").await, 31);
    app.advance_clock(Duration::from_secs(3601));
    assert_eq!(service::delete_expired_asks(&app.app).await.unwrap(), 2);
    let ada = ada.again(&app);
    for n in 100..130 {
        ada.ask_nearby(cell(n), NORTH, json!({})).await.data();
    }
    assert_eq!(ada.ask_nearby(cell(130), NORTH, json!({})).await.code(), "RATE_LIMITED");
    // The hour is over, and the cleanup has not come yet.
    app.advance_clock(Duration::from_secs(3601));
    ada.again(&app).ask_nearby(cell(130), NORTH, json!({})).await.data();
    assert_eq!(app.query_number("select sum(cardinality(cells)) from near_asks").await, 1);
}

/// What profiles had is found again, in the same cells.
#[tokio::test(flavor = "multi_thread")]
async fn the_migration_finds_the_cells_of_profiles() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    sql.batch_execute(
        "insert into users (username, username_key, nickname) select n, n, n from generate_series(1, 2000) n;
         insert into profiles (user_id, longitude, latitude) select n, case n when 1 then 180 when 2 then -180
             else round((random() * 360 - 180)::numeric, 6) end, case n when 1 then 90 when 2 then -90
             else round((random() * 180 - 90)::numeric, 6) end from generate_series(1, 2000) n",
    )
    .await
    .unwrap();
    let up = include_str!("../../migrations/00000000000030_create_positions/up.sql");
    let from = up.find("insert into positions").unwrap();
    sql.batch_execute(&up[from..from + up[from..].find(';').unwrap()]).await.unwrap();
    let rows = "select longitude, latitude, cell from positions join profiles using (user_id)";
    let rows = sql.query(rows, &[]).await.unwrap();
    assert_eq!(rows.len(), 2000);
    for row in rows {
        let (longitude, latitude) = (row.get(0), row.get(1));
        assert_eq!(at(longitude, latitude).number(), row.get::<_, i64>(2), "{longitude} {latitude}");
    }
}

/// Nearest first is read from the index, however many there are.
#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_are_read_by_the_index() {
    let url = cluster().explained_database().await;
    let app = TestApp::on_database(url.clone(), &[]).await;
    large::add(&app.app, SeedCounts { users: 50_000, positions: 50_000, ..SeedCounts::default() }).await.unwrap();
    let app = TestApp::on_database(url, &[]).await;
    let ada = app.as_user("ada").await;
    let start = cluster().log_of(&app.url).len();
    for n in 0..8 {
        let answer =
            ada.ask_nearby(121.47 + f64::from(n) * CELL, 31.23, json!({ "first": 100, "within": 50_000 })).await;
        assert_eq!(answer.data()["nearbyUsers"]["totalCount"], 500);
    }
    let log = cluster().log_of(&app.url);
    let log = &log[start..];
    assert!(log.matches("Index Scan using positions_place_idx").count() >= 16, "it is not read by its index");
    assert!(!log.contains("Seq Scan on positions") && !log.contains("Seq Scan on users"));
}
