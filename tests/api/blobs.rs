//! Contents: shared by files with the same bytes, counted, swept, and bounded by each user's quota.

use std::time::Duration;

use futures_util::future::join_all;
use plaza::domains::media::service::cleanup::delete_unused_blobs;
use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::files::{FilePart, file_part, pdf, rgb_png};
use crate::harness::{Person, TestApp, until};
use crate::upload_tickets::{TICKET, input};

/// A document of so many bytes, all different from another's.
fn document(size: usize, n: usize) -> FilePart {
    file_part("a.pdf", pdf(size, n))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_are_kept_once_and_as_long_as_anybody_has_them() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let files = [ada.upload_media(document(500, 1)).await, bo.upload_media(document(500, 1)).await];
    assert_eq!(files[0]["url"], files[1]["url"]);
    assert_ne!(files[0]["id"], files[1]["id"]);
    assert_eq!(app.stored().len(), 1);
    let url = &files[0]["url"];
    ada.delete_file(&files[0]["id"]).await;
    app.advance_clock(Duration::from_hours(48));
    assert_eq!(delete_unused_blobs(&app.app).await.unwrap(), 0, "bo has it");
    assert_eq!(app.fetch(url).await.0, 200);
    // Its tokens have run out by now: straight to the table.
    app.sql()
        .await
        .batch_execute("delete from media; update blobs set uses = 0, wanted_at = now() + interval '48 hours'")
        .await
        .unwrap();
    app.advance_clock(Duration::from_hours(23));
    assert_eq!(delete_unused_blobs(&app.app).await.unwrap(), 0, "not for a day");
    app.advance_clock(Duration::from_hours(2));
    assert_eq!(delete_unused_blobs(&app.app).await.unwrap(), 1);
    assert_eq!((app.fetch(url).await.0, app.stored().len()), (404, 0));
    assert_eq!(app.query_number("select count(*) from blobs").await, 0);
}

/// Lets two days go by for every unused content.
const AGE: &str = "update blobs set wanted_at = wanted_at - interval '2 days' where uses = 0";

fn small(n: u32) -> FilePart {
    file_part("a.png", rgb_png(40 + n, 40))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_safe_from_a_sweep_of_the_same_bytes() {
    let app = TestApp::start().await;
    let (ada, sql) = (app.as_user("ada").await, app.sql().await);
    let mut swept = 0;
    for _ in 0..5 {
        let files = join_all((0..12).map(|n| ada.upload_media(small(n)))).await;
        join_all(files.iter().map(|file| ada.delete_file(&file["id"]))).await;
        sql.batch_execute(AGE).await.unwrap();
        // All are about to be swept, by two at once, and all are uploaded again.
        let sweeps =
            async { delete_unused_blobs(&app.app).await.unwrap() + delete_unused_blobs(&app.app).await.unwrap() };
        let other = async { delete_unused_blobs(&app.app).await.unwrap() };
        let (files, one, two) = tokio::join!(join_all((0..12).map(|n| ada.upload_media(small(n)))), sweeps, other);
        swept += one + two;
        for file in &files {
            assert_eq!(app.fetch(&file["url"]).await.0, 200, "a file of a user's is there");
        }
        join_all(files.iter().map(|file| ada.delete_file(&file["id"]))).await;
    }
    assert!(swept > 0, "there was something to race with");
    sql.batch_execute(AGE).await.unwrap();
    delete_unused_blobs(&app.app).await.unwrap();
    assert_eq!(app.stored().len(), 0);
    assert_eq!(app.query_number("select count(*) from blobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sweep_has_begun_to_delete_is_put_there_anew() {
    let app = TestApp::start().await;
    let (ada, mut sql) = (app.as_user("ada").await, app.sql().await);
    let unused = async || {
        let file = ada.upload_media(small(0)).await;
        ada.delete_file(&file["id"]).await;
        file["url"].clone()
    };
    // Condemned, and then wanted: it is put there again, and left alone.
    let url = unused().await;
    app.sql().await.batch_execute(AGE).await.unwrap();
    app.sql().await.batch_execute("update blobs set stored = false").await.unwrap();
    for file in app.stored() {
        std::fs::remove_file(file).unwrap();
    }
    let file = ada.upload_media(small(0)).await;
    assert_eq!((delete_unused_blobs(&app.app).await.unwrap(), app.fetch(&url).await.0), (0, 200));
    ada.delete_file(&file["id"]).await;
    // Locked while the storage deletes it: an upload of the same bytes waits, and stores them after that.
    let sweeping = sql.transaction().await.unwrap();
    sweeping.batch_execute("select from blobs for update; update blobs set stored = false").await.unwrap();
    let upload = ada.upload_media(small(0));
    let finish = async {
        let waits =
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        until("the upload waits", || async { app.query_number(waits).await > 0 }).await;
        for file in app.stored() {
            if file.extension().is_some() {
                std::fs::remove_file(file).unwrap();
            }
        }
        sweeping.batch_execute("delete from blobs").await.unwrap();
        sweeping.commit().await.unwrap();
    };
    let (file, ()) = tokio::join!(upload, finish);
    assert_eq!((app.fetch(&file["url"]).await.0, &file["url"]), (200, &url));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_uploads_stay_within_the_quota() {
    let app = TestApp::with(&[("PLAZA_UPLOAD_QUOTA_MB", "1")]).await;
    let ada = app.as_user("ada").await;
    let half = 100 << 10;
    let payloads = join_all((0..16).map(|n| ada.upload(document(half, n)))).await;
    let taken = payloads.iter().filter(|payload| !payload["media"].is_null()).count();
    assert_eq!(taken, 10, "ten of 100 KiB go into a MiB");
    let refused: Vec<&Value> = payloads.iter().filter(|payload| payload["media"].is_null()).collect();
    assert!(refused.iter().all(|payload| user_errors(payload) == ["TOO_MANY_FILES file"]), "{refused:?}");
    // An upload without room in the quota stores nothing.
    let stored = app.stored().len();
    ada.upload(document(half, 50)).await;
    assert_eq!(app.stored().len(), stored);
    assert_eq!(app.query_number("select bytes from file_usage").await, 10 * (100 << 10));
    // What is announced takes room as well, until it is over.
    let payload = ada.data(TICKET, input("a.pdf", "application/pdf", 30 << 10)).await["createUploadTicket"].clone();
    assert_eq!(user_errors(&payload), ["TOO_MANY_FILES input.sizeBytes"]);
    let payload = ada.data(TICKET, input("a.pdf", "application/pdf", 20 << 10)).await["createUploadTicket"].clone();
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(codes(&ada.upload(document(5 << 10, 99)).await), ["TOO_MANY_FILES"]);
    // Room that is given back is room; several are counted together, and refused together.
    let freed = payloads.iter().find_map(|payload| payload["media"].get("id")).unwrap();
    assert_eq!(ada.delete_file(freed).await["deletedId"], *freed);
    let all = "mutation ($files: [Upload!]!) { uploadFiles(files: $files) { media { id } userErrors { code field } } }";
    let two = [document(60 << 10, 200), document(60 << 10, 201)];
    let answer = ada.send_files(all, &two).await.json();
    assert_eq!(user_errors(&answer["data"]["uploadFiles"]), ["TOO_MANY_FILES files"]);
    assert_eq!(app.query_number("select count(*) from media").await, 9);
    ada.upload_media(document(100 << 10, 300)).await;
    // What was stored in vain goes with the next sweep.
    app.advance_clock(Duration::from_mins(16));
    delete_unused_blobs(&app.app).await.unwrap();
    assert_eq!(
        app.query_number("select count(*) from blobs where uses = 0 and wanted_at < now() - interval '1 hour'").await,
        0
    );
    assert_eq!(app.query_number("select count(*) from blobs where uses = 0").await, 1, "the one that was deleted");
    assert_eq!(app.stored().len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_and_deletions_at_once_leave_every_count_right() {
    let app = TestApp::start().await;
    let people: Vec<Person> = join_all(["ada", "bo", "cy", "di"].map(|name| app.as_user(name))).await;
    // The same three pictures for everybody, in different orders.
    let work = people.iter().enumerate().map(async |(n, person)| {
        let files = join_all((0..6).map(|m| {
            let side = 330 + u32::try_from((n + m) % 3).unwrap();
            person.upload_media(file_part("a.png", rgb_png(side, 40)))
        }))
        .await;
        join_all(files.iter().step_by(2).map(|file| person.delete_file(&file["id"]))).await;
    });
    join_all(work).await;
    let wrong = "select count(*) from blobs where uses <> (select count(*) from media where blob_id = blobs.id)
        + (select count(*) from media where thumbnail_id = blobs.id)";
    assert_eq!(app.query_number(wrong).await, 0);
    let wrong = "select count(*) from file_usage where (files, bytes) <> (select count(*), sum(size_bytes)
        from media join blobs on blobs.id = blob_id where media.owner_id = file_usage.owner_id)";
    assert_eq!(app.query_number(wrong).await, 0);
    assert_eq!(app.query_number("select count(*) from media").await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_one_person_are_counted_where_that_is_wanted() {
    let app = TestApp::with(&[("PLAZA_LIMIT_USER_FILES", "3")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    for n in 0..3 {
        ada.upload_media(document(100, n)).await;
    }
    assert_eq!(codes(&ada.upload(document(100, 3)).await), ["RATE_LIMITED"]);
    bo.upload_media(document(100, 3)).await;
    app.advance_clock(Duration::from_mins(61));
    let ada = app.run("mutation ($r: String!) { refreshSession(refreshToken: $r) { tokens { accessToken refreshToken } user { id } } }", json!({ "r": ada.refresh })).await;
    Person::new(app.address, &ada.data()["refreshSession"]).upload_media(document(100, 3)).await;
}
