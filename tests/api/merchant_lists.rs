//! Merchants' groups and members, and lists of merchants.

use plaza::ids::{MediaId, MerchantId};
use serde_json::{Value, json};

use crate::harness::groups::insert_group;
use crate::harness::merchants::insert_merchant;
use crate::harness::{TestApp, post};
use crate::merchants::{BLOCK, look, names};
use crate::statements::cost;

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_merchant_join_its_groups_at_once() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let merchant = app.merchant_of(&ada, "m").await;
    let other = app.merchant_of(&cy, "other").await;
    for (person, id, code) in
        [(&bo, &merchant, "FORBIDDEN"), (&ada, &other, "FORBIDDEN"), (&ada, &json!(ada.id), "NOT_FOUND")]
    {
        let input = json!({ "input": { "name": "g", "merchantId": id } });
        assert_eq!(person.refused_in_group("createGroup", input).await, [code]);
    }
    let (group, second) =
        (ada.make_merchant_group(&merchant, "first").await, ada.make_merchant_group(&merchant, "second").await);
    ada.make_group("of no merchant", &[], json!({})).await;
    let ask = |group: &Value| json!({ "groupId": group, "reason": "" });
    let actions = async |group: &Value| bo.actions_in(group).await;
    // A stranger to the merchant waits, and comes in once they have joined it.
    let waits = bo.in_group_ok("requestToJoinGroup", ask(&group)).await;
    assert_eq!((&waits["joinRequest"]["status"], &waits["member"]), (&json!("WAITING"), &Value::Null));
    assert_eq!(
        (bo.refused_in_group("requestToJoinGroup", ask(&group)).await, actions(&group).await),
        (vec!["REQUEST_PENDING".to_owned()], Vec::new())
    );
    bo.join_merchant(&merchant).await;
    assert_eq!(actions(&group).await, ["REQUEST_TO_JOIN"]);
    let seen = look(&bo, &merchant).await;
    assert_eq!(
        seen["groups"]["nodes"],
        json!([{ "name": "second", "joined": false }, { "name": "first", "joined": false }])
    );
    let joined = bo.in_group_ok("requestToJoinGroup", ask(&group)).await;
    assert_eq!((&joined["joinRequest"]["status"], &joined["member"]["role"]), (&json!("ACCEPTED"), &json!("GENERAL")));
    assert_eq!(
        (bo.refused_in_group("requestToJoinGroup", ask(&group)).await, bo.say_in(&group, "hello").await),
        (vec!["ALREADY_EXISTS".to_owned()], Vec::new())
    );
    let merchant_of = "query ($id: ID!) { group(id: $id) { merchant { name } } }";
    assert_eq!(cy.data(merchant_of, json!({ "id": group })).await["group"]["merchant"]["name"], "m");

    // By filter, joined or not.
    let list = "query ($filter: GroupFilter) { groups(filter: $filter) { nodes { name } totalCount } }";
    for (filter, expected) in [
        (json!({ "merchantId": merchant }), vec!["second", "first"]),
        (json!({ "merchantId": merchant, "joined": true }), vec!["first"]),
        (json!({ "merchantId": merchant, "joined": false }), vec!["second"]),
        (json!({ "joined": true }), vec!["first"]),
        (json!({ "joined": false, "query": "second" }), vec!["second"]),
        (json!({ "joined": true, "query": "second" }), vec![]),
        (json!({ "merchantId": other }), vec![]),
    ] {
        let found = bo.data(list, json!({ "filter": filter })).await["groups"].clone();
        assert_eq!(names(&found, "name"), expected, "{filter}");
    }
    let joined = json!({ "filter": { "joined": true } });
    assert_eq!(post(app.address, None, list, joined).await.code(), "UNAUTHENTICATED");
    assert_eq!(bo.run(list, json!({ "filter": { "merchantId": bo.id } })).await.code(), "BAD_USER_INPUT");

    // Where the group takes no requests it takes none of members either.
    let close = json!({ "id": second, "input": { "settings": { "disableJoinRequests": true } } });
    ada.in_group_ok("updateGroup", close).await;
    assert_eq!(bo.refused_in_group("requestToJoinGroup", ask(&second)).await, ["GROUP_CLOSED"]);
    let open = json!({ "id": second, "input": { "settings": { "disableJoinRequests": false } } });
    ada.in_group_ok("updateGroup", open).await;
    // Blocked by the group's owner, they wait as others do, and see no difference.
    ada.data(BLOCK, json!({ "id": bo.id })).await;
    let waits = bo.in_group_ok("requestToJoinGroup", ask(&second)).await;
    assert_eq!((&waits["joinRequest"]["status"], actions(&second).await), (&json!("WAITING"), Vec::new()));
    assert_eq!(bo.refused_in_group("requestToJoinGroup", ask(&second)).await, ["REQUEST_PENDING"]);
    // Leaving the merchant leaves no group.
    bo.at_merchant_ok("leaveMerchant", json!({ "merchantId": merchant })).await;
    assert_eq!(bo.say_in(&group, "still here").await, [""; 0]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn merchants_are_found_and_listed() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let admin = app.as_role("root", "ADMIN").await;
    let mut made = Vec::new();
    for (name, code) in ["城西二手书店", "城东单车行", "城西花店"].into_iter().zip(admin.make_codes(3).await)
    {
        made.push(ada.make_merchant(name, &code).await);
    }
    bo.join_merchant(&made[0]).await;
    let list = "query ($filter: MerchantFilter, $first: Int, $after: String) {
        merchants(filter: $filter, first: $first, after: $after) { nodes { name } totalCount pageInfo { endCursor hasNextPage } } }";
    for (filter, expected) in [
        (json!({}), vec!["城西花店", "城东单车行", "城西二手书店"]),
        (json!({ "query": "城西" }), vec!["城西花店", "城西二手书店"]),
        (json!({ "query": "单车" }), vec!["城东单车行"]),
        (json!({ "joined": true }), vec!["城西二手书店"]),
        (json!({ "joined": false, "query": "城西" }), vec!["城西花店"]),
        (json!({ "query": "。" }), vec![]),
    ] {
        let found = bo.data(list, json!({ "filter": filter })).await["merchants"].clone();
        assert_eq!(names(&found, "name"), expected, "{filter}");
    }
    let page = bo.data(list, json!({ "first": 2 })).await["merchants"].clone();
    let rest = json!({ "first": 2, "after": page["pageInfo"]["endCursor"] });
    assert_eq!(bo.data(list, rest).await["merchants"]["nodes"], json!([{ "name": "城西二手书店" }]));
    let filter = json!({ "filter": { "joined": true }, "after": page["pageInfo"]["endCursor"] });
    assert_eq!(bo.run(list, filter).await.code(), "BAD_USER_INPUT", "another list's cursor");
    assert_eq!(post(app.address, None, list, json!({ "filter": { "joined": false } })).await.code(), "UNAUTHENTICATED");
    let anonymous = post(app.address, None, list, json!({})).await;
    assert_eq!(anonymous.data()["merchants"]["totalCount"], 3);
    let found =
        "query ($q: String!) { search(query: $q, kinds: [MERCHANT]) { nodes { ... on Merchant { name joined } } } }";
    let hits = bo.data(found, json!({ "q": "二手书" })).await["search"]["nodes"].clone();
    assert_eq!(hits, json!([{ "name": "城西二手书店", "joined": true }]));
    ada.at_merchant_ok("updateMerchant", json!({ "id": made[0], "input": { "name": "旧物仓" } })).await;
    assert_eq!(bo.data(found, json!({ "q": "二手书" })).await["search"]["nodes"], json!([]));

    // Members are for members alone.
    let others = |seen: Value| names(&seen["members"], "username");
    assert_eq!(others(look(&bo, &made[0]).await), ["bo", "ada"]);
    assert_eq!(others(look(&bo, &made[1]).await), [""; 0]);
    let anonymous = post(
        app.address,
        None,
        "query ($id: ID!) { merchant(id: $id) { name joined groups { totalCount } } }",
        json!({ "id": made[0] }),
    )
    .await;
    assert_eq!(
        anonymous.data()["merchant"],
        json!({ "name": "旧物仓", "joined": false, "groups": { "totalCount": 0 } })
    );
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_cost_as_many_statements_as_single_rows() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let icon = MediaId::parse(&ada.upload_picture().await).unwrap().0;
    let sql = app.sql().await;
    let mut first = 0;
    for n in 0..100 {
        first = insert_merchant(&sql, &format!("m{n}"), ada.key(), icon, &[bo.key()]).await;
    }
    for n in 0..100 {
        let group = insert_group(&sql, &format!("g{n}"), ada.key(), &[(bo.key(), "GENERAL")]).await;
        sql.execute("update groups set merchant_id = $2 where id = $1", &[&group, &first]).await.unwrap();
    }
    let variables = json!({ "id": MerchantId(first).global() });
    for (query, expected) in [
        (
            "query ($n: Int) { merchants(first: $n) { nodes { name icon { url } owner { nickname } customerService { nickname } joined } } }",
            4,
        ),
        (
            "query ($n: Int) { viewer { merchants(first: $n) { nodes { createdAt merchant { name icon { url } } } } } }",
            3,
        ),
        (
            "query ($n: Int, $id: ID!) { merchant(id: $id) { groups(first: $n) { nodes { name merchant { name } joined availableActions } } } }",
            5,
        ),
        ("query ($n: Int, $id: ID!) { merchant(id: $id) { members(first: $n) { nodes { nickname } } } }", 4),
    ] {
        assert_eq!(cost(&app, &bo, query, variables.clone()).await, expected, "{query}");
    }
}
