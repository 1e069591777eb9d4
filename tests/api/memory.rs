//! Memory stays flat, however much is uploaded at once: that of the server and of the processes it decodes in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::harness::accounts::{REGISTER, codes};
use crate::harness::files::{FilePart, empty_png, file_part, pdf, png, rgb_png};
use crate::harness::http::client;
use crate::harness::process::{Process, resident_kib, resident_with_pictures_kib};
use crate::harness::{Person, cluster, post};
use crate::upload_tickets::{complete, ticket};

/// What uploads may take beyond what the idle process has.
const MOST_KIB: u64 = 150 << 10;

async fn by_ticket(person: &Person, content_type: &str, bytes: Vec<u8>) -> Value {
    let ticket = ticket(person, "large", content_type, bytes.len()).await;
    let url: reqwest::Url = ticket["uploadUrl"].as_str().unwrap().parse().unwrap();
    let here = format!("http://{}{}?{}", person.address, url.path(), url.query().unwrap());
    let sent = client().put(here).header("content-type", content_type).body(bytes).send().await.unwrap();
    assert_eq!(sent.status(), 204);
    complete(person, &ticket["uploadToken"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_of_the_largest_uploads_at_once_take_little_memory() {
    let url = cluster().empty_database().await;
    let plaza = Process::on_database(&url).await;
    let new = json!({ "input": { "username": "ada", "password": Person::PASSWORD } });
    let ada = Person::new(plaza.address, &post(plaza.address, None, REGISTER, new).await.data()["register"]);
    ada.upload_media(file_part("small.png", rgb_png(400, 400))).await;
    let idle = resident_kib(plaza.id());

    // 25 million pixels in next to nothing.
    let flat = png(8000, 3120, png::ColorType::Grayscale, png::BitDepth::Eight, &vec![0; 8000 * 3120]);
    let coloured = png(8000, 3120, png::ColorType::Rgb, png::BitDepth::Eight, &vec![9; 8000 * 3120 * 3]);
    let padded = [coloured.as_slice(), &vec![0; 19 << 20]].concat();
    let pictures = [coloured, flat];
    let good = (0..2).map(|n| file_part("a.pic", pictures[n].clone()));
    let bombs = (0..23).map(|_| file_part("bomb.png", empty_png(50_000, 50_000)));
    let files = (0..19).map(|n| file_part("a.pdf", pdf(1 << 20, n)));
    let multipart = join_all(good.chain(files).chain(bombs).map(|file: FilePart| ada.upload(file)));
    let large = join_all((0..6).map(|n| {
        let (content_type, bytes) =
            if n == 0 { ("image/png", padded.clone()) } else { ("application/pdf", pdf(20 << 20, 100 + n)) };
        by_ticket(&ada, content_type, bytes)
    }));
    let id = plaza.id();
    let most = Arc::new(AtomicU64::new(idle));
    let seen = Arc::clone(&most);
    let watch = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            seen.fetch_max(resident_with_pictures_kib(id), Ordering::Relaxed);
        }
    });
    let (payloads, tickets) = join(multipart, large).await;
    watch.abort();
    for (n, payload) in payloads.iter().enumerate() {
        let refused = if n < 21 { vec![] } else { vec!["FILE_TOO_LARGE"] };
        assert_eq!(codes(payload), refused, "{n}");
    }
    assert!(tickets.iter().all(|payload| codes(payload).is_empty()), "{tickets:?}");
    let grown = most.load(Ordering::Relaxed) - idle;
    assert!(grown < MOST_KIB, "{grown} KiB above {idle} KiB");
}
