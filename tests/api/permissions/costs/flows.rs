//! Mutations that take more than one object of the owner's to succeed, or to do anything.

use std::time::Duration;

use serde_json::{Value, json};

use super::Costs;
use crate::harness::accounts::{LOGIN, UPDATE, by_code, by_password, contact};
use crate::harness::{Person, TestApp};
use crate::upload_tickets::{complete, put, ticket};

/// What is measured here.
pub const FIELDS: [&str; 28] = [
    "requestToJoinGroup",
    "inviteToGroup",
    "leaveGroup",
    "createMerchant",
    "joinMerchant",
    "login",
    "reauthenticate",
    "refreshSession",
    "changePassword",
    "requestPasswordReset",
    "resetPassword",
    "sendEmailVerification",
    "verifyEmail",
    "verifyContact",
    "suspendUser",
    "unsuspendUser",
    "deleteUser",
    "completeUpload",
    "deleteFile",
    "createItem",
    "updateItem",
    "addFavorites",
    "removeFavorites",
    "createProduct",
    "submitTask",
    "abandonTask",
    "answerTicket",
    "reopenTicket",
];

/// Longer than a contact has to wait for the next code.
const CODE_DELAY: Duration = Duration::from_secs(61);

const REFRESH: &str = "mutation ($token: String!) { refreshSession(refreshToken: $token) {
    tokens { accessToken refreshToken } user { id } userErrors { code } } }";

const REAUTHENTICATE: &str = "mutation ($credential: CredentialInput!) {
    reauthenticate(credential: $credential) { ok userErrors { code } } }";

const CHANGE_PASSWORD: &str = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) {
    tokens { accessToken refreshToken } user { id } userErrors { code } } }";

const REQUEST_RESET: &str = "mutation ($contact: ContactInput!) {
    requestPasswordReset(contact: $contact) { ok userErrors { code } } }";

const RESET: &str =
    "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { ok userErrors { code } } }";

const SEND_LINK: &str = "mutation { sendEmailVerification { ok userErrors { code } } }";

const VERIFY_EMAIL: &str =
    "mutation ($token: String!) { verifyEmail(token: $token) { user { id } userErrors { code } } }";

const VERIFY_CONTACT: &str = "mutation ($contact: ContactInput!, $code: String!) {
    verifyContact(contact: $contact, code: $code) { user { id } userErrors { code } } }";

/// A mutation of an account by its id.
fn by_id(field: &str) -> String {
    format!("mutation ($id: ID!) {{ {field}(id: $id) {{ userErrors {{ code }} }} }}")
}

/// Sign-ins, passwords, contacts and what administrators do with accounts.
pub async fn measure_accounts(app: &TestApp, costs: &mut Costs, round: usize) {
    measure_passwords(app, costs, round).await;
    measure_contacts(app, costs, round).await;
    let (root, bo) =
        (app.as_role(&format!("root{round}"), "ADMIN").await, app.as_user(&format!("leaver{round}")).await);
    for field in ["suspendUser", "unsuspendUser"] {
        costs.measure(app, field, root.payload(&by_id(field), json!({ "id": bo.id }))).await;
    }
    costs.measure(app, "deleteUser", root.payload(&by_id("deleteUser"), json!({ "id": bo.id }))).await;
}

async fn measure_passwords(app: &TestApp, costs: &mut Costs, round: usize) {
    let name = format!("signer{round}");
    let ada = app.as_user(&name).await;
    let credential = by_password(&name, Person::PASSWORD);
    let proof = json!({ "credential": credential["input"]["credential"] });
    costs.measure(app, "login", app.payload(LOGIN, credential)).await;
    costs.measure(app, "reauthenticate", ada.payload(REAUTHENTICATE, proof)).await;
    let refreshed = costs.measure(app, "refreshSession", app.payload(REFRESH, json!({ "token": ada.refresh }))).await;
    let ada = Person::new(app.address, &refreshed);
    let input = json!({ "currentPassword": Person::PASSWORD, "newPassword": "another horse" });
    costs.measure(app, "changePassword", ada.payload(CHANGE_PASSWORD, json!({ "input": input }))).await;
}

async fn measure_contacts(app: &TestApp, costs: &mut Costs, round: usize) {
    let (first, second, third) = (
        format!("first{round}@example.com"),
        format!("second{round}@example.com"),
        format!("third{round}@example.com"),
    );
    let code = app.receive_code(&first, "LOGIN", 1).await;
    let ada = Person::new(app.address, &app.payload(LOGIN, by_code(&first, &code)).await);
    ada.payload(UPDATE, json!({ "input": { "email": second } })).await;
    let code = app.wait_for_code(&second, 1).await;
    let proof = json!({ "contact": contact(&second), "code": code });
    costs.measure(app, "verifyContact", ada.payload(VERIFY_CONTACT, proof)).await;
    ada.payload(UPDATE, json!({ "input": { "email": third } })).await;
    app.wait_for_code(&third, 1).await;
    costs.measure(app, "sendEmailVerification", ada.payload(SEND_LINK, json!({}))).await;
    let mail = app.wait_for_mail(&third, 2).await;
    let (_, link) = mail["body"].as_str().unwrap().split_once("/verify-email?token=").unwrap();
    let token = link.lines().next().unwrap();
    costs.measure(app, "verifyEmail", app.payload(VERIFY_EMAIL, json!({ "token": token }))).await;
    app.advance_clock(CODE_DELAY);
    let request = app.payload(REQUEST_RESET, json!({ "contact": contact(&third) }));
    costs.measure(app, "requestPasswordReset", request).await;
    let code = app.wait_for_code(&third, 3).await;
    let input = json!({ "contact": contact(&third), "code": code, "newPassword": "a long password" });
    costs.measure(app, "resetPassword", app.payload(RESET, json!({ "input": input }))).await;
}

/// An upload past the server, and an item with its favorites.
pub async fn measure_files_and_items(app: &TestApp, costs: &mut Costs, round: usize) {
    let (ada, bo) = (app.as_user(&format!("seller{round}")).await, app.as_user(&format!("buyer{round}")).await);
    let text = format!("upload {round}");
    let upload = ticket(&ada, "a.txt", "text/plain", text.len()).await;
    assert_eq!(put(app, &upload["uploadUrl"], "text/plain", text).await.status, 204);
    costs.measure(app, "completeUpload", complete(&ada, &upload["uploadToken"])).await;
    let unused = json!(bo.upload_picture().await);
    costs.measure(app, "deleteFile", bo.delete_file(&unused)).await;
    let image = ada.upload_picture().await;
    let input = json!({ "title": "lamp", "category": 1, "price": "1", "condition": 9, "direction": "SELL", "imageIds": [image] });
    let item = costs.measure(app, "createItem", ada.mutate_item("createItem", json!({ "input": input }))).await["item"]
        .clone();
    costs.measure(app, "updateItem", ada.update_item(&item, json!({ "price": "2" }))).await;
    for field in ["addFavorites", "removeFavorites"] {
        costs.measure(app, field, bo.set_favorites(field, &[&item])).await;
    }
}

/// A product, and what assignees of tasks and support do.
pub async fn measure_money(app: &TestApp, costs: &mut Costs, round: usize) {
    let (ada, bo) = (app.as_user(&format!("publisher{round}")).await, app.as_user(&format!("assignee{round}")).await);
    let root = app.as_role(&format!("keeper{round}"), "ADMIN").await;
    let image = root.upload_picture().await;
    let input = json!({ "name": "cup", "price": "1", "stock": 9, "imageId": image });
    costs.measure(app, "createProduct", root.mutate("createProduct", json!({ "input": input }))).await;
    ada.recharge("10").await;
    for field in ["submitTask", "abandonTask"] {
        let task = ada.create_task("1").await;
        bo.mutate_by_id("acceptTask", &task).await;
        costs.measure(app, field, bo.mutate(field, id(&task))).await;
    }
    let asked = ada.mutate_ok("createTicket", json!({ "question": "q" })).await;
    let answer = json!({ "id": asked["id"], "answer": "a" });
    costs.measure(app, "answerTicket", root.mutate("answerTicket", answer)).await;
    let question = json!({ "id": asked["id"], "content": "and?" });
    costs.measure(app, "reopenTicket", ada.mutate("reopenTicket", question)).await;
}

fn id(of: &Value) -> Value {
    json!({ "id": of["id"] })
}

/// What the owner of a group can't do in it, or only with friends; and what takes a code or a picture.
pub async fn measure_groups(app: &TestApp, costs: &mut Costs, round: usize) {
    let (ada, bo) = (app.as_user(&format!("organizer{round}")).await, app.as_user(&format!("visitor{round}")).await);
    ada.make_friends(&bo).await;
    let group = ada.make_group("g", &[], json!({})).await;
    let ask = json!({ "groupId": group, "reason": "" });
    costs.measure(app, "requestToJoinGroup", bo.in_group("requestToJoinGroup", ask)).await;
    bo.in_group_ok("cancelJoinRequest", json!({ "groupId": group })).await;
    let invite = json!({ "groupId": group, "userIds": [bo.id] });
    costs.measure(app, "inviteToGroup", ada.in_group("inviteToGroup", invite)).await;
    costs.measure(app, "leaveGroup", bo.in_group("leaveGroup", json!({ "groupId": group }))).await;
    let admin = app.as_role(&format!("registrar{round}"), "ADMIN").await;
    let (code, icon) = (admin.make_codes(1).await.remove(0), ada.upload_picture().await);
    let input = json!({ "activationCode": code["code"], "name": "m", "iconId": icon, "customerServiceId": bo.id });
    let made = costs.measure(app, "createMerchant", ada.at_merchant("createMerchant", json!({ "input": input }))).await;
    let join = json!({ "merchantId": made["merchant"]["id"] });
    costs.measure(app, "joinMerchant", bo.at_merchant("joinMerchant", join)).await;
}
