//! Groups that are near, and what is told of where groups are.

use std::collections::BTreeSet;
use std::time::Duration;

use plaza::geo::{GeoPoint, GridCell};
use serde_json::{Value, json};

use crate::harness::accounts::user_errors;
use crate::harness::nearby::names;
use crate::harness::{Person, TestApp};

/// Near the middle of Shanghai.
pub const EAST: f64 = 121.472_369;
/// As above.
pub const NORTH: f64 = 31.232_25;

/// Degrees from a cell to the next one.
const CELL: f64 = 0.0045;

/// A little less than from the middle of a cell to its edge.
const EDGE: f64 = 0.0022;

const COORDINATES: &str = "query ($id: ID!) { group(id: $id) { coordinates { longitude latitude } } }";

/// Coordinates as inputs have them.
pub fn place(longitude: f64, latitude: f64) -> Value {
    json!({ "longitude": longitude, "latitude": latitude })
}

/// The cell that a place is in.
pub fn cell(longitude: f64, latitude: f64) -> GridCell {
    GeoPoint { longitude, latitude }.cell()
}

fn centre(longitude: f64, latitude: f64) -> Value {
    let GeoPoint { longitude, latitude } = cell(longitude, latitude).centre();
    place(longitude, latitude)
}

/// Makes a group with a place; its id.
async fn make_placed(person: &Person, name: &str, intro: &str, at: Value) -> Value {
    let input = json!({ "name": name, "intro": intro, "coordinates": at });
    person.in_group_ok("createGroup", json!({ "input": input })).await["group"]["id"].clone()
}

/// Moves a group, or takes its place away.
async fn move_group(person: &Person, group: &Value, at: Value) {
    person.in_group_ok("updateGroup", json!({ "id": group, "input": { "coordinates": at } })).await;
}

/// The groups near a place: names with distances, all on one page.
async fn near(person: &Person, longitude: f64, latitude: f64, further: Value) -> Vec<(String, f64)> {
    let mut arguments = further;
    arguments["at"] = place(longitude, latitude);
    arguments["first"] = json!(100);
    let answer = person.ask_near_groups(arguments).await;
    let list = &answer.data()["nearbyGroups"];
    assert_eq!(list["totalCount"], list["nodes"].as_array().unwrap().len());
    names(list)
}

async fn near_names(person: &Person, further: Value) -> Vec<String> {
    near(person, EAST, NORTH, further).await.into_iter().map(|(name, _)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_come_nearest_first_and_in_pages() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let mut expected = Vec::new();
    for (n, cells) in [(1, 5.0), (2, 0.0), (3, 1.0), (4, 1.0), (5, 1.0), (6, 25.0), (7, 0.0)] {
        let name = format!("group{n}");
        make_placed(&ada, &name, "", place(EAST, NORTH + cells * CELL)).await;
        let distance = cell(EAST, NORTH).distance_meters(cell(EAST, NORTH + cells * CELL)).round();
        if cells < 20.0 {
            expected.push(format!("{name} {distance}"));
        }
    }
    ada.make_group("nowhere", &[], json!({})).await;
    let found = near(&bo, EAST, NORTH, json!({})).await;
    assert!(found.is_sorted_by_key(|(_, distance)| *distance), "{found:?}");
    let sorted = |list: Vec<String>| list.into_iter().collect::<BTreeSet<_>>();
    let texts = found.iter().map(|(name, away)| format!("{name} {away}")).collect();
    assert_eq!((found.len(), sorted(texts)), (6, sorted(expected)), "the sixth is more than 10 km away");
    assert_eq!(near_names(&ada, json!({})).await.len(), 6, "also one's own");
    assert_eq!(near_names(&bo, json!({ "within": 20_000 })).await.len(), 7);
    assert_eq!(near_names(&bo, json!({ "within": 1 })).await.len(), 2, "in the same cell");

    for further in [json!({}), json!({ "query": "group*" })] {
        let (mut paged, mut after, mut ends) = (Vec::new(), Value::Null, Vec::new());
        loop {
            let mut arguments = further.clone();
            (arguments["at"], arguments["first"], arguments["after"]) = (place(EAST, NORTH), json!(2), after);
            let answer = bo.ask_near_groups(arguments).await;
            let list = &answer.data()["nearbyGroups"];
            assert_eq!(list["totalCount"], 6);
            paged.extend(names(list));
            ends.push((list["pageInfo"]["hasPreviousPage"] == true, list["pageInfo"]["hasNextPage"] == true));
            after = list["pageInfo"]["endCursor"].clone();
            if list["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!((paged, ends), (found.clone(), vec![(false, true), (true, true), (true, false)]));
        // A cursor is one of its cell, its radius and its words.
        let mut arguments = further.clone();
        (arguments["at"], arguments["after"]) = (place(EAST + 0.0002, NORTH), after.clone());
        bo.ask_near_groups(arguments.clone()).await.data();
        for other in
            [json!({ "at": place(EAST, NORTH + CELL) }), json!({ "within": 9999 }), json!({ "query": "group1" })]
        {
            let mut arguments = arguments.clone();
            arguments.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
            assert_eq!(bo.ask_near_groups(arguments).await.code(), "BAD_USER_INPUT", "{other}");
        }
    }
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_found_by_their_words() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    make_placed(&ada, "羽毛球周末", "体育馆", place(EAST, NORTH + 2.0 * CELL)).await;
    make_placed(&ada, "Climbers", "Thursdays, 羽毛球 never", place(EAST, NORTH)).await;
    make_placed(&ada, "Readers", "", place(EAST, NORTH + CELL)).await;
    make_placed(&ada, "羽毛球远", "", place(EAST, NORTH + 30.0 * CELL)).await;
    ada.make_group("羽毛球", &[], json!({})).await;
    for (query, within, expected) in [
        ("羽毛球", 10_000, &["Climbers", "羽毛球周末"][..]),
        ("羽毛球", 20_000, &["Climbers", "羽毛球周末", "羽毛球远"]),
        ("羽毛球", 1, &["Climbers"]),
        ("thursday", 10_000, &["Climbers"]),
        ("reedars", 10_000, &["Readers"]),
        ("  ", 10_000, &["Climbers", "Readers", "羽毛球周末"]),
        ("nothing", 10_000, &[]),
        ("--", 10_000, &[]),
    ] {
        assert_eq!(near_names(&ada, json!({ "query": query, "within": within })).await, expected, "{query} {within}");
    }
    let long = ada.ask_near_groups(json!({ "at": place(EAST, NORTH), "query": "a".repeat(101) })).await;
    assert_eq!(long.code(), "BAD_USER_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_group_is_its_owner_and_managers_see() {
    let app = TestApp::start().await;
    let (ada, bo, cy, dan) =
        (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await, app.as_user("dan").await);
    for other in [&bo, &cy] {
        ada.make_friends(other).await;
    }
    let given = place(EAST + EDGE, NORTH - EDGE);
    let input = json!({ "name": "g", "memberIds": [bo.id, cy.id], "coordinates": given });
    let group = ada.in_group_ok("createGroup", json!({ "input": input })).await["group"]["id"].clone();
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": bo.id, "isManager": true })).await;
    let seen =
        async |person: &Person| person.data(COORDINATES, json!({ "id": group })).await["group"]["coordinates"].clone();
    let shown = centre(EAST + EDGE, NORTH - EDGE);
    assert_ne!(shown, given);
    let by = [&ada, &bo, &cy, &dan];
    let all = async || {
        let mut all = Vec::new();
        for person in by {
            all.push(seen(person).await);
        }
        all
    };
    assert_eq!(all().await, [shown.clone(), shown.clone(), Value::Null, Value::Null]);
    let anonymous = app.run(COORDINATES, json!({ "id": group })).await;
    assert_eq!(anonymous.data()["group"]["coordinates"], Value::Null);

    // What is omitted stays; null withdraws it.
    ada.in_group_ok("updateGroup", json!({ "id": group, "input": { "intro": "new" } })).await;
    assert_eq!((seen(&ada).await, near_names(&dan, json!({})).await), (shown, vec!["g".to_owned()]));
    move_group(&bo, &group, place(EAST, NORTH + 3.0 * CELL)).await;
    assert_eq!(seen(&ada).await, centre(EAST, NORTH + 3.0 * CELL));
    for (person, code) in [(&cy, "FORBIDDEN"), (&dan, "NOT_MEMBER")] {
        let refused = person.refused_in_group("updateGroup", json!({ "id": group, "input": { "coordinates": null } }));
        assert_eq!(refused.await, [code]);
    }
    for wrong in [place(180.1, 0.0), place(0.0, -90.1)] {
        let input = json!({ "name": "", "coordinates": wrong });
        let expected = ["REQUIRED input.name", "OUT_OF_RANGE input.coordinates"];
        assert_eq!(user_errors(&ada.in_group("createGroup", json!({ "input": input })).await), expected);
        let update = json!({ "id": group, "input": { "coordinates": wrong } });
        assert_eq!(user_errors(&ada.in_group("updateGroup", update).await), expected[1..]);
    }
    assert_eq!(seen(&ada).await, centre(EAST, NORTH + 3.0 * CELL));
    move_group(&ada, &group, Value::Null).await;
    assert_eq!((seen(&ada).await, near_names(&dan, json!({})).await), (Value::Null, vec![]));
    move_group(&ada, &group, Value::Null).await;

    // Given away, it is the next owner's to see.
    move_group(&ada, &group, given.clone()).await;
    ada.in_group_ok("transferGroup", json!({ "groupId": group, "toUserId": cy.id })).await;
    assert_eq!((seen(&ada).await, seen(&cy).await), (Value::Null, centre(EAST + EDGE, NORTH - EDGE)));
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_goes_with_its_group() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let root = app.as_role("root", "ADMIN").await;
    ada.make_friends(&bo).await;
    let rows = "select count(*) from group_positions";
    let here = place(EAST, NORTH);
    let dissolved = make_placed(&ada, "dissolved", "", here.clone()).await;
    make_placed(&ada, "alone", "", here.clone()).await;
    let input = json!({ "name": "inherited", "memberIds": [bo.id], "coordinates": here });
    ada.in_group_ok("createGroup", json!({ "input": input })).await;
    let left = make_placed(&bo, "left", "", here).await;
    assert_eq!(near_names(&cy, json!({})).await.len(), 4);
    ada.in_group_ok("dissolveGroup", json!({ "groupId": dissolved })).await;
    bo.in_group_ok("leaveGroup", json!({ "groupId": left })).await;
    assert_eq!((near_names(&cy, json!({})).await.len(), app.query_number(rows).await), (2, 2));
    // Groups are public: a block or a suspension of the owner hides none.
    ada.befriend_ok("blockUser", json!({ "userId": cy.id })).await;
    root.settle("suspendUser", &ada).await;
    assert_eq!(near_names(&cy, json!({})).await.len(), 2);
    root.settle("unsuspendUser", &ada).await;
    root.settle("deleteUser", &ada).await;
    assert_eq!((near_names(&cy, json!({})).await, app.query_number(rows).await), (vec!["inherited".to_owned()], 1));
    // It does not expire.
    app.advance_clock(Duration::from_hours(24 * 400));
    assert_eq!(near_names(&cy.again(&app), json!({})).await, ["inherited"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_asks_from_a_place_or_from_one_s_own_position() {
    let app = TestApp::with(&[("PLAZA_LIMIT_NEAR_CELLS", "30")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    make_placed(&ada, "g", "", place(EAST, NORTH + 2.0 * CELL)).await;
    let refused = bo.ask_near_groups(json!({})).await;
    assert_eq!((refused.code(), &refused.body["data"]["nearbyGroups"]), ("BAD_USER_INPUT", &Value::Null));
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert_eq!(message, "`at` is needed: you have no position of your own.");
    let given = near(&bo, EAST, NORTH, json!({})).await;
    bo.locate(EAST, NORTH, "NOBODY").await;
    for days in [0, 40] {
        app.advance_clock(Duration::from_hours(24 * days));
        let own = bo.again(&app).ask_near_groups(json!({})).await;
        assert_eq!(names(&own.data()["nearbyGroups"]), given, "as from there, however old it is");
    }
    assert_eq!(app.query_number("select sum(cardinality(cells)) from near_asks").await, 1, "counted as one cell");
    assert_eq!(app.run("{ nearbyGroups { totalCount } }", json!({})).await.code(), "UNAUTHENTICATED");
    let anonymous = "{ nearbyGroups(at: { longitude: 1, latitude: 1 }) { totalCount } }";
    let refused = app.run(anonymous, json!({})).await;
    assert_eq!((refused.code(), &refused.body["data"]["nearbyGroups"]), ("UNAUTHENTICATED", &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_can_t_be_are_refused() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    for arguments in [
        json!({ "at": place(180.1, 0.0) }),
        json!({ "at": place(0.0, -90.1) }),
        json!({ "at": place(0.0, 0.0), "within": 0 }),
        json!({ "at": place(0.0, 0.0), "within": -1 }),
        json!({ "at": place(0.0, 0.0), "within": 50_001 }),
        json!({ "within": 50_001 }),
        json!({ "at": place(0.0, 0.0), "first": 0 }),
        json!({ "at": place(0.0, 0.0), "first": 101 }),
        json!({ "at": place(0.0, 0.0), "after": "x" }),
    ] {
        assert_eq!(ada.ask_near_groups(arguments.clone()).await.code(), "BAD_USER_INPUT", "{arguments}");
    }
    for (longitude, latitude) in [(180.0, 90.0), (-180.0, -90.0), (0.0, 0.0)] {
        assert_eq!(near(&ada, longitude, latitude, json!({})).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_groups_are_asked_for_from_thirty_cells_together() {
    let app = TestApp::with(&[("PLAZA_LIMIT_NEAR_CELLS", "30")]).await;
    let ada = app.as_user("ada").await;
    let at = |n: u32| place(EAST + f64::from(n) * 2.0 * CELL, NORTH);
    for n in 0..30 {
        if n % 2 == 0 {
            ada.ask_near_groups(json!({ "at": at(n) })).await.data();
        } else {
            ada.ask_nearby(EAST + f64::from(n) * 2.0 * CELL, NORTH, json!({})).await.data();
        }
    }
    let refused = ada.ask_near_groups(json!({ "at": at(30) })).await;
    assert_eq!((refused.code(), &refused.body["data"]["nearbyGroups"]), ("RATE_LIMITED", &Value::Null));
    assert_eq!(ada.ask_nearby(EAST + 62.0 * CELL, NORTH, json!({})).await.code(), "RATE_LIMITED");
    // Again from the same cells is free, for the other list and with other words as well.
    for n in 0..30 {
        ada.ask_near_groups(json!({ "at": at(n), "query": "g", "within": 50_000 })).await.data();
        ada.ask_nearby(EAST + f64::from(n) * 2.0 * CELL, NORTH, json!({})).await.data();
    }
    // Counted with its own position as well.
    ada.locate(EAST, NORTH + 9.0 * CELL, "NOBODY").await;
    assert_eq!(ada.ask_near_groups(json!({})).await.code(), "RATE_LIMITED");
}

/// What an attacker can see of all groups from all over the place: distances, order and cursors.
async fn probe(attacker: &Person) -> Vec<String> {
    let mut answers = Vec::new();
    for (east, north) in (-4..=4).flat_map(|east| (-4..=4).map(move |north| (f64::from(east), f64::from(north)))) {
        let at = place(EAST + east * 0.7 * CELL, NORTH + north * 0.7 * CELL);
        let document = "query ($at: CoordinatesInput!) { nearbyGroups(at: $at) {
            totalCount edges { cursor node { distanceMeters group { name coordinates { longitude } } } } } }";
        answers.push(attacker.data(document, json!({ "at": at })).await.to_string());
    }
    answers
}

/// Wherever a group is in its cell, all answers are the same: distances, the order beside groups of the attacker's that stand
/// anywhere, and cursors.
#[tokio::test(flavor = "multi_thread")]
async fn an_attacker_learns_the_cell_and_no_more() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.as_user("ada").await, app.as_user("eve").await);
    let middle = cell(EAST, NORTH).centre();
    let before = make_placed(&eve, "before", "", place(EAST, NORTH)).await;
    let target = make_placed(&ada, "target", "", place(EAST, NORTH)).await;
    let after = make_placed(&eve, "after", "", place(EAST, NORTH)).await;
    let corners = [(0.0, 0.0), (EDGE, EDGE), (-EDGE, EDGE), (EDGE, -EDGE), (-EDGE, -EDGE)];
    let mut first = None;
    for (n, (east, north)) in corners.into_iter().enumerate() {
        move_group(&ada, &target, place(middle.longitude + east, middle.latitude + north)).await;
        // The attacker's own groups move within the cell as well, and out of it and back.
        let (east, north) = corners[(n * 2 + 1) % corners.len()];
        move_group(&eve, &before, place(middle.longitude + 3.0 * CELL, middle.latitude)).await;
        for decoy in [&before, &after] {
            move_group(&eve, decoy, place(middle.longitude + east, middle.latitude + north)).await;
        }
        let answers = probe(&eve).await;
        assert!(answers.iter().all(|answer| answer.contains("target")));
        assert_eq!(first.get_or_insert_with(|| answers.clone()), &answers, "it says where in the cell the target is");
    }
    // Nor does a place within the cell that is asked from.
    let mut lists = BTreeSet::new();
    for (east, north) in corners {
        let at = place(middle.longitude + east, middle.latitude + north);
        lists.insert(eve.ask_near_groups(json!({ "at": at })).await.body.to_string());
    }
    assert_eq!(lists.len(), 1);
}
