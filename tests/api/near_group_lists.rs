//! The list of groups that are near, over many: read by the index, and at the cost of few statements.

use std::collections::BTreeSet;

use plaza::domains::search::words::VERSION;
use plaza::ids::GroupId;
use serde_json::{Value, json};

use crate::harness::{TestApp, cluster};
use crate::near_groups::{EAST, NORTH, cell, place};
use crate::statements::cost;

/// Adds so many groups with places around the middle of the city by SQL, one in a thousand of them `rare`.
async fn insert_placed(app: &TestApp, owner: i64, count: i64) {
    let statement = format!(
        "with c as (insert into conversations (kind, title) select 'GROUP', 'g' from generate_series(1, {count}) returning id),
         g as (insert into groups (id, name, intro, owner_id, member_count, disable_add_member, disable_view_member,
                 disable_join_requests, enable_history_for_new_members, mute_all, created_at, updated_at)
             select id, 'g', '', {owner}, 1, false, false, false, false, false, now(), now() from c returning id),
         m as (insert into members (conversation_id, user_id, is_staff) select id, {owner}, true from g),
         o as (insert into group_members (group_id, user_id, role, joined_at) select id, {owner}, 'OWNER', now() from g)
         insert into search_entries (kind, subject_id, version, boost, words)
             select 'GROUP', id, {VERSION}, 1, case when id % 1000 = 0 then '''rare'':1A ''g'':2B' else '''g'':1A' end::tsvector from g"
    );
    let sql = app.sql().await;
    sql.batch_execute(&statement).await.unwrap();
    let rows = sql.query("select id from groups order by id", &[]).await.unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    let places: Vec<(i64, [f64; 3])> = ids
        .iter()
        .map(|id| {
            let part = |factor: i64| f64::from(i32::try_from(id * factor % 1009).unwrap()) / 1009.0 - 0.5;
            let cell = cell(EAST + part(7919) * 0.7, NORTH + part(6101) * 0.6);
            (cell.number(), cell.point_of(*id))
        })
        .collect();
    let cells: Vec<i64> = places.iter().map(|(cell, _)| *cell).collect();
    let [x, y, z] = [0, 1, 2].map(|part| places.iter().map(|(_, point)| point[part]).collect::<Vec<f64>>());
    let statement = "insert into group_positions (group_id, cell, place) select id, cell, cube(array[x, y, z])
        from unnest($1::bigint[], $2::bigint[], $3::float8[], $4::float8[], $5::float8[]) p (id, cell, x, y, z)";
    sql.execute(statement, &[&ids, &cells, &x, &y, &z]).await.unwrap();
    sql.batch_execute("analyze").await.unwrap();
}

/// Nearest first is read from the index, however many there are; a list ends after 500.
#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_are_read_by_the_index() {
    let url = cluster().explained_database().await;
    let app = TestApp::on_database(url.clone(), &[]).await;
    let owner = app.as_user("owner").await;
    insert_placed(&app, owner.key(), 20_000).await;
    assert_eq!(app.audit().await.iter().filter(|finding| finding.contains("position")).count(), 0);
    let app = TestApp::on_database(url, &[]).await;
    let ada = app.as_user("ada").await;
    let start = cluster().log_of(&app.url).len();
    // A word that all have gives the same list: the nearest are read before words are looked for.
    let mut lists = Vec::new();
    for query in [Value::Null, json!("g")] {
        let (mut found, mut after) = (Vec::new(), Value::Null);
        for page in 1..=5 {
            let document = "query ($at: CoordinatesInput!, $query: String, $after: String) {
                nearbyGroups(at: $at, query: $query, withinMeters: 50000, first: 100, after: $after) {
                    totalCount nodes { distanceMeters group { id } } pageInfo { hasNextPage endCursor } } }";
            let variables = json!({ "at": place(EAST, NORTH), "query": query, "after": after });
            let list = ada.data(document, variables).await["nearbyGroups"].clone();
            assert_eq!((&list["totalCount"], &list["pageInfo"]["hasNextPage"]), (&json!(500), &json!(page < 5)));
            found.extend(list["nodes"].as_array().unwrap().iter().map(|node| node["group"]["id"].to_string()));
            after = list["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 500);
        lists.push(found);
    }
    assert_eq!(lists[0], lists[1]);
    // A rare one is looked for by its index, beside those that are among the nearest; also in pages.
    let document = "query ($at: CoordinatesInput!, $first: Int, $after: String) {
        nearbyGroups(at: $at, query: \"rare\", withinMeters: 50000, first: $first, after: $after) {
            totalCount nodes { distanceMeters group { id } } pageInfo { endCursor } } }";
    let (mut all, mut paged, mut after) = (Vec::new(), Vec::new(), Value::Null);
    for size in [100, 3, 3, 3, 3, 3, 3, 3] {
        let variables = json!({ "at": place(EAST, NORTH), "first": size, "after": after });
        let list = ada.data(document, variables).await["nearbyGroups"].clone();
        assert_eq!(list["totalCount"], 20);
        let nodes = list["nodes"].as_array().unwrap().iter().cloned();
        if size == 100 {
            all.extend(nodes);
        } else {
            paged.extend(nodes);
            after = list["pageInfo"]["endCursor"].clone();
        }
    }
    assert!(all.is_sorted_by_key(|node| node["distanceMeters"].as_f64().unwrap()), "{all:?}");
    assert_eq!((all.len(), &paged), (20, &all));
    let log = cluster().log_of(&app.url);
    let log = &log[start..];
    assert!(log.matches("using group_positions_place_idx").count() >= 10, "it is not read by its index");
    assert!(!log.contains("Seq Scan on group_positions") && !log.contains("Seq Scan on groups"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_costs_the_same_at_every_page_size() {
    let app = TestApp::with(&[("PLAZA_LIMIT_NEAR_CELLS", "30")]).await;
    let ada = app.as_user("ada").await;
    insert_placed(&app, ada.key(), 200).await;
    ada.locate(EAST, NORTH, "NOBODY").await;
    let at = json!({ "at": place(EAST, NORTH) });
    let list = |arguments: &str, nodes: &str| {
        format!(
            "query ($at: CoordinatesInput, $n: Int) {{ nearbyGroups(at: $at, first: $n, withinMeters: 50000{arguments}) {{ {nodes} }} }}"
        )
    };
    for (query, variables, expected) in [
        // The cell is counted, the groups are read; then what the viewer is to them, and their places.
        (list("", "nodes { distanceMeters group { name } }"), at.clone(), 2),
        (list("", "totalCount nodes { distanceMeters group { name } }"), at.clone(), 3),
        (list("", "nodes { group { name } }"), json!({}), 3),
        (list("", "nodes { group { coordinates { longitude } } }"), at.clone(), 6),
        (list(", query: \"g\"", "nodes { group { name } }"), at.clone(), 2),
        (list(", query: \"rare\"", "totalCount nodes { group { name } }"), at, 5),
    ] {
        assert_eq!(cost(&app, &ada, &query, variables).await, expected, "{query}");
    }
    // A place costs a statement more.
    let group = json!(GroupId(1).global());
    let update = async |input: Value| {
        app.count_statements(ada.in_group_ok("updateGroup", json!({ "id": group, "input": input }))).await.1
    };
    let plain = update(json!({ "announcement": "a" })).await;
    assert_eq!(update(json!({ "announcement": "b", "coordinates": place(EAST, NORTH) })).await, plain + 1);
    assert_eq!(update(json!({ "announcement": "c", "coordinates": null })).await, plain + 1);
}
