//! Merchants: made with codes, changed, joined and left; their groups and contacts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::{Person, TestApp, post};

/// Deletes an account.
pub const LEAVE: &str =
    "mutation ($id: ID!) { deleteUser(id: $id, forfeitBalance: true) { deletedId userErrors { code } } }";
/// Blocks a user.
pub const BLOCK: &str = "mutation ($id: ID!) { blockUser(userId: $id) { userErrors { code } } }";
const MERCHANT: &str = "query ($id: ID!) { merchant(id: $id) { name joined memberCount icon { id } owner { username }
    customerService { username } members { nodes { username } totalCount } groups { nodes { name joined } totalCount } } }";

/// A merchant as a user sees it.
pub async fn look(person: &Person, merchant: &Value) -> Value {
    person.data(MERCHANT, json!({ "id": merchant })).await["merchant"].clone()
}

/// A field of each object of a list.
pub fn names(list: &Value, field: &str) -> Vec<String> {
    assert_eq!(list["totalCount"], list["nodes"].as_array().unwrap().len());
    list["nodes"].as_array().unwrap().iter().map(|node| node[field].as_str().unwrap().to_owned()).collect()
}

async fn code_list(admin: &Person, arguments: &str) -> Vec<Value> {
    let list = format!("{{ activationCodes{arguments} {{ nodes {{ id code usedBy {{ name }} expiresAt }} }} }}");
    admin.data(&list, json!({})).await["activationCodes"]["nodes"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_is_made_with_a_code_changed_joined_and_left() {
    let app = TestApp::start().await;
    let admin = app.as_role("root", "ADMIN").await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let code = admin.make_codes(1).await.remove(0);
    let icon = ada.upload_picture().await;
    // Typed by hand.
    let typed = format!(" {} ", code["code"].as_str().unwrap().replace('-', " ").to_lowercase());
    let input = json!({ "activationCode": typed, "name": " 书店 ", "iconId": icon, "customerServiceId": bo.id });
    let made = ada.at_merchant_ok("createMerchant", json!({ "input": input.clone() })).await;
    let (merchant, id) = (made["merchant"].clone(), made["merchant"]["id"].clone());
    assert_eq!((&merchant["name"], &merchant["joined"]), (&json!("书店"), &json!(true)), "the creator is a member");
    assert_eq!((&merchant["memberCount"], &merchant["icon"]["id"]), (&json!(1), &json!(icon)));
    assert_eq!(
        (&merchant["owner"]["username"], &merchant["customerService"]["username"]),
        (&json!("ada"), &json!("bo"))
    );
    assert_eq!(
        (&made["membership"]["user"]["username"], &made["membership"]["merchant"]["name"]),
        (&json!("ada"), &json!("书店"))
    );
    assert_eq!(
        bo.refused_at_merchant("createMerchant", json!({ "input": input })).await,
        ["NOT_FOUND"],
        "ada's picture"
    );
    assert_eq!(code_list(&admin, "(unusedOnly: false)").await[0]["usedBy"]["name"], "书店");

    let change = json!({ "id": id, "input": { "name": "Books & more" } });
    assert_eq!(
        bo.refused_at_merchant("updateMerchant", change.clone()).await,
        ["FORBIDDEN"],
        "the contact is no owner"
    );
    let changed = ada.at_merchant_ok("updateMerchant", change).await["merchant"].clone();
    assert_eq!((&changed["name"], &changed["customerService"]["username"]), (&json!("Books & more"), &json!("bo")));
    assert_ne!(changed["updatedAt"], changed["createdAt"]);

    // Joining again, and at the same time, changes nothing.
    let join = || bo.at_merchant_ok("joinMerchant", json!({ "merchantId": id }));
    let joined = futures_util::future::join_all((0..8).map(|_| join())).await;
    assert!(joined.iter().all(|payload| payload["membership"]["id"] == joined[0]["membership"]["id"]), "{joined:?}");
    assert_eq!((look(&bo, &id).await["memberCount"].clone(), app.audit().await), (json!(2), Vec::new()));
    let own = "{ viewer { merchants { nodes { id user { username } merchant { id name } } totalCount } } }";
    let memberships = bo.data(own, json!({})).await["viewer"]["merchants"].clone();
    assert_eq!(memberships["nodes"][0]["merchant"]["name"], "Books & more");
    assert_eq!((&memberships["totalCount"], &memberships["nodes"][0]["user"]["username"]), (&json!(1), &json!("bo")));
    let node = "query ($id: ID!) { node(id: $id) { ... on MerchantMembership { merchant { name } } ... on Merchant { name } } }";
    let membership = memberships["nodes"][0]["id"].clone();
    assert_eq!(bo.data(node, json!({ "id": membership })).await["node"]["merchant"]["name"], "Books & more");
    assert_eq!(ada.data(node, json!({ "id": membership })).await["node"], Value::Null, "another user's");
    assert_eq!(ada.data(node, json!({ "id": id })).await["node"]["name"], "Books & more");

    let leave = json!({ "merchantId": id });
    assert_eq!(ada.refused_at_merchant("leaveMerchant", leave.clone()).await, ["OWNER_MUST_TRANSFER"]);
    assert_eq!(bo.at_merchant_ok("leaveMerchant", leave.clone()).await["deletedId"], membership);
    assert_eq!(bo.refused_at_merchant("leaveMerchant", leave.clone()).await, ["NOT_MEMBER"]);
    assert_eq!(look(&bo, &id).await["joined"], false);

    // Given away to a member, its owner can leave.
    let give = json!({ "merchantId": id, "toUserId": bo.id });
    assert_eq!(ada.refused_at_merchant("transferMerchant", give.clone()).await, ["NOT_MEMBER"]);
    bo.join_merchant(&id).await;
    assert_eq!(bo.refused_at_merchant("transferMerchant", give.clone()).await, ["FORBIDDEN"]);
    let own = json!({ "merchantId": id, "toUserId": ada.id });
    assert_eq!(ada.refused_at_merchant("transferMerchant", own).await, ["SELF_TARGET"]);
    assert_eq!(ada.at_merchant_ok("transferMerchant", give).await["merchant"]["owner"]["username"], "bo");
    ada.at_merchant_ok("leaveMerchant", leave).await;
    let seen = look(&bo, &id).await;
    assert_eq!((names(&seen["members"], "username"), &seen["memberCount"]), (vec!["bo".to_owned()], &json!(1)));
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_made_by_administrators_used_once_and_expire() {
    let app = TestApp::start().await;
    let admin = app.as_role("root", "ADMIN").await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    for count in [-1, 0, 101] {
        let refused = admin.refused_at_merchant("createActivationCodes", json!({ "count": count })).await;
        assert_eq!(refused, ["OUT_OF_RANGE"], "{count}");
    }
    let past = json!({ "count": 1, "expiresAt": "2020-01-01T00:00:00Z" });
    assert_eq!(admin.refused_at_merchant("createActivationCodes", past).await, ["INVALID_INPUT"]);
    let made = admin.make_codes(100).await;
    let distinct: std::collections::BTreeSet<&str> = made.iter().map(|code| code["code"].as_str().unwrap()).collect();
    assert_eq!((distinct.len(), made[0]["code"].as_str().unwrap().len()), (100, 39), "32 digits in groups of four");
    // What is stored is no pattern: half of all bits are set, more or less.
    let bits: u32 = made
        .iter()
        .map(|code| u128::from_str_radix(&code["code"].as_str().unwrap().replace('-', ""), 16).unwrap().count_ones())
        .sum();
    assert!((6_000..6_800).contains(&bits), "{bits} of 12,800");

    let soon = (app.app.clock.now() + chrono::TimeDelta::minutes(5)).to_rfc3339();
    let short = admin.at_merchant_ok("createActivationCodes", json!({ "count": 1, "expiresAt": soon })).await["codes"]
        [0]
    .clone();
    let icon = ada.upload_picture().await;
    let input = |code: &Value| json!({ "input": { "activationCode": code["code"], "name": "m", "iconId": icon, "customerServiceId": ada.id } });
    let revoke = json!({ "id": made[0]["id"] });
    assert_eq!(admin.at_merchant_ok("revokeActivationCode", revoke.clone()).await["deletedId"], made[0]["id"]);
    assert_eq!(admin.refused_at_merchant("revokeActivationCode", revoke).await, ["NOT_FOUND"]);
    assert_eq!(ada.refused_at_merchant("createMerchant", input(&made[0])).await, ["ACTIVATION_CODE_INVALID"]);
    for wrong in ["", "no code", "0000-0000-0000-0000-0000-0000-0000-0000", &"a".repeat(20_000)] {
        let refused = ada.refused_at_merchant("createMerchant", input(&json!({ "code": wrong }))).await;
        assert_eq!(refused, ["ACTIVATION_CODE_INVALID"], "{}", &wrong[..wrong.len().min(40)]);
    }

    // Many hands with one code: one merchant.
    let attempts = (0..16).map(|n| {
        let (person, variables) = (if n % 2 == 0 { &ada } else { &bo }, input(&made[1]));
        let mut variables = variables;
        async move {
            if n % 2 == 1 {
                variables["input"]["iconId"] = json!(person.upload_picture().await);
                variables["input"]["customerServiceId"] = json!(person.id);
            }
            person.refused_at_merchant("createMerchant", variables).await
        }
    });
    let tried = futures_util::future::join_all(attempts).await;
    assert_eq!(tried.iter().filter(|codes| codes.is_empty()).count(), 1, "{tried:?}");
    assert!(tried.iter().all(|codes| codes.is_empty() || *codes == ["ACTIVATION_CODE_USED"]), "{tried:?}");
    assert_eq!(app.query_number("select count(*) from merchants").await, 1);
    assert_eq!(admin.refused_at_merchant("revokeActivationCode", json!({ "id": made[1]["id"] })).await, ["CONFLICT"]);

    app.advance_clock(Duration::from_secs(301));
    assert_eq!(ada.refused_at_merchant("createMerchant", input(&short)).await, ["ACTIVATION_CODE_INVALID"], "expired");
    let usable = code_list(&admin, "(first: 100)").await;
    assert!(usable.iter().all(|code| code["id"] != short["id"] && code["id"] != made[1]["id"]), "{usable:?}");
    assert_eq!(usable.len(), 98);
    let all = admin
        .data("{ activationCodes(unusedOnly: false, first: 100) { totalCount pageInfo { hasNextPage } } }", json!({}))
        .await;
    assert_eq!(
        all["activationCodes"],
        json!({ "totalCount": 100, "pageInfo": { "hasNextPage": false } }),
        "but the revoked"
    );

    // Codes are for administrators alone, whatever leads to them.
    let ids = json!({ "id": made[2]["id"] });
    let list = "{ activationCodes(unusedOnly: false) { nodes { code } } }";
    let node = "query ($id: ID!) { node(id: $id) { ... on ActivationCode { code } } }";
    for person in [&ada, &app.as_role("helper", "SUPPORT").await] {
        assert_eq!(person.run(list, json!({})).await.code(), "FORBIDDEN");
        assert_eq!(person.data(node, ids.clone()).await["node"], Value::Null);
        for (field, variables) in
            [("createActivationCodes", json!({ "count": 1 })), ("revokeActivationCode", ids.clone())]
        {
            let parameters = if field == "createActivationCodes" { "$count: Int!" } else { "$id: ID!" };
            let argument = if field == "createActivationCodes" { "count: $count" } else { "id: $id" };
            let document = format!("mutation ({parameters}) {{ {field}({argument}) {{ userErrors {{ code }} }} }}");
            assert_eq!(person.run(&document, variables).await.code(), "FORBIDDEN", "{field}");
        }
    }
    assert_eq!(admin.data(node, ids).await["node"]["code"], made[2]["code"]);
    assert_eq!(post(app.address, None, list, json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_of_merchants_that_can_t_be_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let admin = app.as_role("root", "ADMIN").await;
    let (ada, bo, gone) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("gone").await);
    let made = admin.make_codes(2).await;
    let merchant = ada.make_merchant("m", &made[0]).await;
    gone.run(LEAVE, json!({ "id": gone.id })).await;
    app.sql().await.batch_execute("update users set suspended_at = now() where username = 'bo'").await.unwrap();
    let icon = ada.upload_picture().await;
    let text = ada.upload(crate::harness::files::file_part("a.pdf", crate::harness::files::pdf(200, 1))).await["media"]
        ["id"]
        .clone();
    let create = |change: Value| {
        let mut input =
            json!({ "activationCode": made[1]["code"], "name": "n", "iconId": icon, "customerServiceId": ada.id });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "input": input })
    };
    let update = |input: Value| json!({ "id": merchant, "input": input });
    let nowhere = |input: Value| json!({ "id": ada.id, "input": input });
    let long = "字".repeat(51);
    for (field, variables, code) in [
        ("createMerchant", create(json!({ "name": " " })), "REQUIRED"),
        ("createMerchant", create(json!({ "name": long })), "TOO_LONG"),
        ("createMerchant", create(json!({ "name": "a\nb" })), "INVALID_INPUT"),
        ("createMerchant", create(json!({ "iconId": bo.id })), "NOT_FOUND"),
        ("createMerchant", create(json!({ "iconId": text })), "FILE_TYPE_NOT_ALLOWED"),
        ("createMerchant", create(json!({ "customerServiceId": icon })), "NOT_FOUND"),
        ("createMerchant", create(json!({ "customerServiceId": gone.id })), "NOT_FOUND"),
        ("createMerchant", create(json!({ "customerServiceId": bo.id })), "FORBIDDEN"),
        ("updateMerchant", update(json!({ "name": null })), "REQUIRED"),
        ("updateMerchant", update(json!({ "iconId": null })), "REQUIRED"),
        ("updateMerchant", update(json!({ "customerServiceId": null })), "REQUIRED"),
        ("updateMerchant", update(json!({ "customerServiceId": bo.id })), "FORBIDDEN"),
        ("updateMerchant", update(json!({ "customerServiceId": gone.id })), "NOT_FOUND"),
        ("updateMerchant", nowhere(json!({})), "NOT_FOUND"),
        ("transferMerchant", json!({ "merchantId": merchant, "toUserId": merchant }), "NOT_FOUND"),
        ("transferMerchant", json!({ "merchantId": ada.id, "toUserId": bo.id }), "NOT_FOUND"),
        ("resignCustomerService", json!({ "merchantId": merchant }), "FORBIDDEN"),
        ("joinMerchant", json!({ "merchantId": ada.id }), "NOT_FOUND"),
        ("leaveMerchant", json!({ "merchantId": ada.id }), "NOT_FOUND"),
    ] {
        assert_eq!(ada.refused_at_merchant(field, variables.clone()).await, [code], "{field} {variables}");
    }
    let left = "select count(*) from merchants where updated_at = created_at and member_count = 1";
    assert_eq!((app.query_number(left).await, app.query_number("select count(*) from merchants").await), (1, 1));
    assert_eq!(code_list(&admin, "").await.len(), 1, "the other code is still good");
    assert_eq!(app.audit().await, [""; 0]);
}

const EVENTS: &str = "subscription { events { payload { __typename
    ... on MerchantChanged { merchant { name owner { username } customerService { username } } } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_told_and_may_resign() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let merchant = app.merchant_of(&ada, "m").await;
    let (mut at_ada, mut at_bo, mut at_cy) = (ada.socket().await, bo.socket().await, cy.socket().await);
    for socket in [&mut at_ada, &mut at_bo, &mut at_cy] {
        socket.subscribe_live(&app, EVENTS, json!({})).await;
    }
    let name = |contact: &Person| json!({ "id": merchant, "input": { "customerServiceId": contact.id } });
    let told = |owner: &str, contact: &str| {
        let merchant =
            json!({ "name": "m", "owner": { "username": owner }, "customerService": { "username": contact } });
        json!({ "__typename": "MerchantChanged", "merchant": merchant })
    };
    ada.at_merchant_ok("updateMerchant", name(&bo)).await;
    for socket in [&mut at_ada, &mut at_bo] {
        assert_eq!(socket.next().await["events"]["payload"], told("ada", "bo"));
    }
    let resign = json!({ "merchantId": merchant });
    assert_eq!(cy.refused_at_merchant("resignCustomerService", resign.clone()).await, ["FORBIDDEN"]);
    let left = bo.at_merchant_ok("resignCustomerService", resign.clone()).await;
    assert_eq!((&left["merchant"]["customerService"]["username"], &left["membership"]), (&json!("ada"), &Value::Null));
    for socket in [&mut at_ada, &mut at_bo] {
        assert_eq!(socket.next().await["events"]["payload"], told("ada", "ada"));
    }
    assert_eq!(bo.refused_at_merchant("resignCustomerService", resign.clone()).await, ["FORBIDDEN"], "no longer");
    assert_eq!(ada.refused_at_merchant("resignCustomerService", resign).await, ["FORBIDDEN"], "the owner stays it");

    // Neither who blocks the owner nor who is blocked by them can be named.
    bo.data(BLOCK, json!({ "id": ada.id })).await;
    assert_eq!(ada.refused_at_merchant("updateMerchant", name(&bo)).await, ["FORBIDDEN"]);
    let di = app.as_user("di").await;
    ada.data(BLOCK, json!({ "id": di.id })).await;
    assert_eq!(ada.refused_at_merchant("updateMerchant", name(&di)).await, ["FORBIDDEN"]);
    cy.join_merchant(&merchant).await;
    ada.at_merchant_ok("transferMerchant", json!({ "merchantId": merchant, "toUserId": cy.id })).await;
    assert_eq!(at_cy.next().await["events"]["payload"], told("cy", "ada"), "cy heard of nothing before");
    // Of the block as well, on their other devices.
    assert_eq!(at_ada.next().await["events"]["payload"]["__typename"], "FriendshipChanged");
    assert_eq!(at_ada.next().await["events"]["payload"], told("cy", "ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_gives_its_merchants_to_their_contacts_or_closes_them() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let admin = app.as_role("root", "ADMIN").await;
    let made = admin.make_codes(3).await;
    let (given, closed, served) = (
        ada.make_merchant("given", &made[0]).await,
        ada.make_merchant("closed", &made[1]).await,
        cy.make_merchant("served", &made[2]).await,
    );
    let group = ada.make_merchant_group(&closed, "goes on").await;
    let name =
        |merchant: &Value, contact: &Person| json!({ "id": merchant, "input": { "customerServiceId": contact.id } });
    ada.at_merchant_ok("updateMerchant", name(&given, &bo)).await;
    cy.at_merchant_ok("updateMerchant", name(&served, &ada)).await;
    for merchant in [&given, &closed] {
        cy.join_merchant(merchant).await;
    }
    ada.join_merchant(&served).await;
    cy.in_group_ok("requestToJoinGroup", json!({ "groupId": group, "reason": "" })).await;
    assert_eq!(codes(&ada.data(LEAVE, json!({ "id": ada.id })).await["deleteUser"]), [""; 0]);

    let seen = look(&bo, &given).await;
    assert_eq!((&seen["owner"]["username"], &seen["customerService"]["username"]), (&json!("bo"), &json!("bo")));
    assert_eq!(
        (names(&seen["members"], "username"), &seen["memberCount"]),
        (vec!["bo".to_owned(), "cy".to_owned()], &json!(2))
    );
    assert_eq!(look(&cy, &closed).await, Value::Null);
    assert_eq!(cy.refused_at_merchant("joinMerchant", json!({ "merchantId": closed })).await, ["NOT_FOUND"]);
    let seen = look(&cy, &served).await;
    assert_eq!((&seen["customerService"]["username"], &seen["memberCount"]), (&json!("cy"), &json!(1)));
    let document = "query ($id: ID!) { group(id: $id) { name merchant { name } memberCount owner { username } } merchants { totalCount } }";
    let data = cy.data(document, json!({ "id": group })).await;
    let goes_on = json!({ "name": "goes on", "merchant": null, "memberCount": 1, "owner": { "username": "cy" } });
    assert_eq!(data, json!({ "group": goes_on, "merchants": { "totalCount": 2 } }));
    let codes = code_list(&admin, "(unusedOnly: false)").await;
    assert!(
        codes.iter().any(|code| code["id"] == made[1]["id"] && code["usedBy"].is_null()),
        "used, by what is no more"
    );
    assert_eq!(code_list(&admin, "").await.len(), 0, "and can't be used again");
    assert_eq!(app.audit().await, [""; 0]);
}

/// Owners and contacts leave while others join, leave, transfer and resign: all adds up, and each merchant has an owner who is there.
#[tokio::test(flavor = "multi_thread")]
async fn merchants_add_up_under_many_hands() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "16")]).await;
    let admin = app.as_role("root", "ADMIN").await;
    let before = app.query_number("select deadlocks from pg_stat_database where datname = current_database()").await;
    for round in 0..3 {
        let mut people = Vec::new();
        for n in 0..12 {
            people.push(app.as_user(&format!("p{n}of{round}")).await);
        }
        let merchant = people[0].make_merchant("m", &admin.make_codes(1).await[0]).await;
        let group = people[0].make_merchant_group(&merchant, "g").await;
        for person in &people[1..6] {
            person.join_merchant(&merchant).await;
        }
        let acts = (0..96).map(|n| {
            let (people, merchant, group) = (&people, &merchant, &group);
            async move {
                let (person, other) = (&people[(n * 7) % 12], &people[(n * 5 + 1) % 12]);
                let at = json!({ "merchantId": merchant, "toUserId": other.id });
                let variables = json!({ "id": merchant, "input": { "customerServiceId": other.id } });
                let reply = match n % 8 {
                    0 | 1 => person.run("mutation ($merchantId: ID!) { joinMerchant(merchantId: $merchantId) { userErrors { code } } }", at).await,
                    2 => person.run("mutation ($merchantId: ID!) { leaveMerchant(merchantId: $merchantId) { userErrors { code } } }", at).await,
                    3 => person.run("mutation ($merchantId: ID!, $toUserId: ID!) { transferMerchant(merchantId: $merchantId, toUserId: $toUserId) { userErrors { code } } }", at).await,
                    4 => person.run("mutation ($id: ID!, $input: UpdateMerchantInput!) { updateMerchant(id: $id, input: $input) { userErrors { code } } }", variables).await,
                    5 => person.run("mutation ($merchantId: ID!) { resignCustomerService(merchantId: $merchantId) { userErrors { code } } }", at).await,
                    6 => person.run("mutation ($id: ID!) { requestToJoinGroup(groupId: $id, reason: \"\") { userErrors { code } } }", json!({ "id": group })).await,
                    _ if n % 32 == 7 => person.run(LEAVE, json!({ "id": person.id })).await,
                    _ => person.run(MERCHANT, json!({ "id": merchant })).await,
                };
                let is_fine = |code: &str| code.is_empty() || code == "UNAUTHENTICATED";
                let errors = reply.body["errors"].as_array().cloned().unwrap_or_default();
                let codes: Vec<&str> = errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("?")).collect();
                assert!(codes.iter().all(|code| is_fine(code)), "{}", reply.body);
            }
        });
        futures_util::future::join_all(acts).await;
        assert_eq!(app.audit().await, [""; 0], "round {round}");
        let gone = "select count(*) from merchants m join users u on u.id in (m.owner_id, m.contact_id)
            where m.closed_at is null and u.deleted_at is not null";
        assert_eq!(app.query_number(gone).await, 0);
    }
    let after = app.query_number("select deadlocks from pg_stat_database where datname = current_database()").await;
    assert_eq!(after, before, "no deadlock");
}
