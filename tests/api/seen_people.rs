//! People that instances keep in memory: what is shown of them changes everywhere, whoever changed it.

use serde_json::{Value, json};

use crate::harness::accounts::UPDATE;
use crate::harness::{Person, TestApp, until};

const NICKNAME: &str = "query ($id: ID!) { user(id: $id) { nickname bio } }";

async fn update(person: &Person, input: Value) {
    let updated = person.data(UPDATE, json!({ "input": input })).await;
    assert_eq!(updated["updateProfile"]["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_profile_is_shown_at_once_here_and_soon_elsewhere() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let ada = app.as_user("ada").await;
    let there = ada.on_instance(other.address);
    for round in 0..20 {
        // Kept on both instances before it changes.
        for person in [&ada, &there] {
            person.data(NICKNAME, json!({ "id": ada.id })).await;
        }
        let name = format!("Ada {round}");
        update(&ada, json!({ "nickname": name, "bio": name })).await;
        let shown = ada.data(NICKNAME, json!({ "id": ada.id })).await;
        assert_eq!(shown["user"], json!({ "nickname": name, "bio": name }), "at once where it was changed");
        until("the other instance shows it", || async {
            there.data(NICKNAME, json!({ "id": ada.id })).await["user"]["nickname"] == json!(name)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_programs_change_is_shown() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let sql = app.sql().await;
    for (change, field) in
        [("update users set nickname = 'Changed'", "nickname"), ("update profiles set bio = 'Changed'", "bio")]
    {
        ada.data(NICKNAME, json!({ "id": ada.id })).await;
        sql.batch_execute(change).await.unwrap();
        until("the change is shown", || async {
            ada.data(NICKNAME, json!({ "id": ada.id })).await["user"][field] == "Changed"
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_never_see_an_old_name_after_a_new_one() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let reader = async || {
        let mut last = 0;
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let shown = ada.data(NICKNAME, json!({ "id": ada.id })).await;
            let name = shown["user"]["nickname"].as_str().unwrap_or_default().to_owned();
            let number = name.strip_prefix("n").and_then(|number| number.parse().ok()).unwrap_or(0);
            assert!(number >= last, "{name} after n{last}");
            last = number;
        }
        last
    };
    let writer = async {
        for number in 1..=100 {
            update(&ada, json!({ "nickname": format!("n{number}") })).await;
            let shown = ada.data(NICKNAME, json!({ "id": ada.id })).await;
            assert_eq!(shown["user"]["nickname"], json!(format!("n{number}")));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    futures_util::join!(writer, reader(), reader(), reader(), reader());
}
