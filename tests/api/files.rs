//! Files by multipart: what becomes of pictures, what else is taken, and what is refused with nothing left of it.

use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::files::{
    CORNERS, DecodedPicture, FILE, FilePart, amr, corners, empty_png, file_part, gif, jpeg, pdf, png, rgb_png, webp,
};
use crate::harness::{Person, TestApp};

async fn start() -> (TestApp, Person) {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    (app, ada)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_encoded_anew_and_loses_what_came_with_it() {
    let (app, ada) = start().await;
    let behind = |mut bytes: Vec<u8>| {
        bytes.extend_from_slice(b"<script>alert(1)</script>");
        bytes
    };
    let cases = [
        (jpeg(800, 600, 1, false), "image/jpeg", "jpg"),
        (jpeg(800, 600, 1, true), "image/jpeg", "jpg"),
        (rgb_png(800, 600), "image/png", "png"),
        (webp(800, 600), "image/png", "png"),
        (gif(800, 600, 4), "image/gif", "gif"),
    ];
    for (bytes, content_type, extension) in cases {
        let file = ada.upload_media(file_part("C:\\fakepath\\holiday.pic", behind(bytes))).await;
        assert_eq!((&file["width"], &file["height"]), (&json!(800), &json!(600)), "{file}");
        assert_eq!(file["contentType"], content_type);
        assert_eq!(file["fileName"], "holiday.pic");
        assert!(file["url"].as_str().unwrap().ends_with(extension), "{file}");
        assert!(file["url"].as_str().unwrap().starts_with(&app.app.config.public_url), "absolute: {file}");
        let (status, stored) = app.fetch(&file["url"]).await;
        assert_eq!((status, json!(stored.len())), (200, file["sizeBytes"].clone()));
        for word in [b"SECRET".as_slice(), b"Exif", b"script"] {
            assert!(!stored.windows(word.len()).any(|part| part == word), "{content_type} keeps what came with it");
        }
        if content_type != "image/gif" {
            assert_eq!(DecodedPicture::of(&stored).corners(), [0, 1, 2, 3], "{content_type}");
        }
        let (status, small) = app.fetch(&file["thumbnailUrl"]).await;
        let small = DecodedPicture::of(&small);
        assert_eq!((status, small.width, small.height), (200, 320, 240), "{content_type}");
    }
    // What is small is its own thumbnail.
    let file = ada.upload_media(file_part("dot.png", rgb_png(320, 8))).await;
    assert_eq!(file["url"], file["thumbnailUrl"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_it_was_held_a_picture_stands_upright() {
    let (app, ada) = start().await;
    // Where each corner of the stored picture is seen, as EXIF 2.3 has it.
    let cases = [
        (1, [0, 1, 2, 3]),
        (2, [1, 0, 3, 2]),
        (3, [3, 2, 1, 0]),
        (4, [2, 3, 0, 1]),
        (5, [0, 2, 1, 3]),
        (6, [2, 0, 3, 1]),
        (7, [3, 1, 2, 0]),
        (8, [1, 3, 0, 2]),
    ];
    for (orientation, expected) in cases {
        let file = ada.upload_media(file_part("held.jpg", jpeg(640, 400, orientation, false))).await;
        let size = if orientation > 4 { (400, 640) } else { (640, 400) };
        assert_eq!((&file["width"], &file["height"]), (&json!(size.0), &json!(size.1)), "{orientation}");
        for url in ["url", "thumbnailUrl"] {
            let seen = DecodedPicture::of(&app.fetch(&file[url]).await.1);
            assert_eq!(seen.corners(), expected, "{orientation} {url}");
            assert_eq!(seen.width > seen.height, size.0 > size.1, "{orientation} {url}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_of_every_kind_stay() {
    use png::BitDepth::{Eight, Sixteen, Two};
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let (app, ada) = start().await;
    let (width, height) = (400, 400);
    let plain = corners(width, height);
    let with_alpha: Vec<u8> = plain.chunks(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 128]).collect();
    let deep: Vec<u8> = plain.iter().flat_map(|byte| [*byte, *byte]).collect();
    let row = |upper: bool| -> Vec<u8> {
        let (left, right) = if upper { (0b0000_0000, 0b0101_0101) } else { (0b1010_1010, 0b1111_1111) };
        [vec![left; 50], vec![right; 50]].concat()
    };
    let palette: Vec<u8> = (0..height).flat_map(|y| row(y < height / 2)).collect();
    let grey: Vec<u8> = plain.chunks(3).map(|pixel| pixel[1]).collect();
    let grey_alpha: Vec<u8> = grey.iter().flat_map(|level| [*level, 77]).collect();
    let cases = [
        (Rgb, Eight, plain.clone(), 3),
        (Rgba, Eight, with_alpha.clone(), 4),
        (Rgb, Sixteen, deep, 3),
        (Indexed, Two, palette, 4),
        (Grayscale, Eight, grey.clone(), 1),
        (GrayscaleAlpha, Eight, grey_alpha.clone(), 2),
    ];
    for (colour, depth, pixels, channels) in cases {
        let file = ada.upload_media(file_part("a.png", png(width, height, colour, depth, &pixels))).await;
        let (_, stored) = app.fetch(&file["url"]).await;
        let seen = DecodedPicture::of(&stored);
        assert_eq!(seen.channels, channels, "{colour:?}");
        match colour {
            Grayscale => assert_eq!(seen.pixels, grey),
            GrayscaleAlpha => assert_eq!(seen.pixels, grey_alpha),
            Rgba => assert_eq!(seen.pixels, with_alpha),
            Rgb => assert_eq!(seen.pixels, plain),
            Indexed => {
                assert_eq!(seen.corners(), [0, 1, 2, 3]);
                assert_eq!(
                    (seen.pixels[3], *seen.pixels.last().unwrap()),
                    (255, 0),
                    "the fourth colour is transparent"
                );
                assert!(stored.windows(4).any(|part| part == b"PLTE"), "it keeps its palette");
            }
        }
    }
    let grey = ada.upload_media(file_part("grey.jpg", {
        let mut bytes = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
        encoder.encode(&grey, 400, 400, jpeg_encoder::ColorType::Luma).unwrap();
        bytes
    }));
    let (_, stored) = app.fetch(&grey.await["url"]).await;
    let mut decoder = zune_jpeg::JpegDecoder::new(std::io::Cursor::new(stored));
    decoder.decode_headers().unwrap();
    assert_eq!(decoder.info().unwrap().components, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moving_picture_goes_on_moving() {
    let (app, ada) = start().await;
    let file = ada.upload_media(file_part("moves.gif", gif(500, 300, 6))).await;
    let (_, stored) = app.fetch(&file["url"]).await;
    let mut decoder = gif::DecodeOptions::new();
    decoder.set_color_output(gif::ColorOutput::Indexed);
    let mut decoder = decoder.read_info(stored.as_slice()).unwrap();
    let mut colours = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        assert_eq!(frame.delay, 7);
        colours.push(frame.buffer[0]);
    }
    assert_eq!(colours, [0, 1, 2, 3, 0, 1]);
    assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    assert_eq!(decoder.global_palette().unwrap(), CORNERS.concat());
}

/// Files of other kinds, and what they are found to be.
fn others() -> Vec<(FilePart, &'static str)> {
    let said = |name, content_type, bytes: &[u8]| FilePart { name, content_type, bytes: bytes.to_vec() };
    vec![
        (file_part("v.amr", amr()), "audio/amr"),
        (said("d.pdf", "image/png", &pdf(99, 0)), "application/pdf"),
        (said("d.zip", "application/zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "application/zip"),
        (said("d.txt", "text/plain", "二手充电宝，九成新\r\n".as_bytes()), "text/plain"),
        (said("d.csv", "text/csv", b"a,b\n1,2\n"), "text/csv"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn voice_video_and_documents_are_kept_as_they_are() {
    let (app, ada) = start().await;
    for (sent, content_type) in others() {
        let bytes = sent.bytes.clone();
        let file = ada.upload_media(sent).await;
        assert_eq!(file["contentType"], content_type);
        let nothing = (&file["width"], &file["height"], &file["thumbnailUrl"]);
        assert_eq!(nothing, (&Value::Null, &Value::Null, &Value::Null), "{content_type}");
        assert_eq!(app.fetch(&file["url"]).await, (200, bytes), "{content_type}");
    }
}

/// A WebP that says it is so large.
fn webp_bomb(side: u32) -> Vec<u8> {
    let mut bytes = webp(16, 16);
    // The lossless header: a mark, then width and height less one in 14 bits each.
    let at = bytes.windows(4).position(|part| part == b"VP8L").unwrap() + 9;
    let header = (side - 1) | (side - 1) << 14;
    bytes[at..at + 4].copy_from_slice(&header.to_le_bytes());
    bytes
}

/// A GIF whose one frame is drawn over and over again.
fn gif_bomb(side: u16, frames: usize) -> Vec<u8> {
    let once = gif(side, side, 1);
    let frame = once.windows(2).position(|part| part == b"\x21\xf9").unwrap();
    let (head, rest) = once.split_at(frame);
    let frame = &rest[..rest.len() - 1];
    [head, &frame.repeat(frames), b";"].concat()
}

fn cut(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() * 2 / 3].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_nothing_behind() {
    let (app, ada) = start().await;
    let said = |name, content_type, bytes: &[u8]| FilePart { name, content_type, bytes: bytes.to_vec() };
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let mut tall = jpeg(8, 8, 1, false);
    let size = tall.windows(2).position(|part| part == b"\xff\xc0").unwrap() + 5;
    tall[size..size + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let flat = png(8000, 3200, png::ColorType::Grayscale, png::BitDepth::One, &vec![0; 1000 * 3200]);
    let cases = [
        (file_part("empty.png", []), "INVALID_INPUT"),
        (said("a.svg", "image/svg+xml", svg), "FILE_TYPE_NOT_ALLOWED"),
        (said("a.txt", "text/plain", svg), "FILE_TYPE_NOT_ALLOWED"),
        (said("a.html", "text/html", b"<!doctype html><p>hi"), "FILE_TYPE_NOT_ALLOWED"),
        (said("a.png", "image/png", b"not a picture"), "FILE_TYPE_NOT_ALLOWED"),
        (said("a.txt", "text/plain", b"a\0b"), "FILE_TYPE_NOT_ALLOWED"),
        (said("a.txt", "text/plain", b"\xff\xfe"), "FILE_TYPE_NOT_ALLOWED"),
        (said("a.csv", "text/csv", b"\x00\x01\xff"), "FILE_TYPE_NOT_ALLOWED"),
        (said("a.txt", "text/plain", &[vec![b' '; 20_000], svg.to_vec()].concat()), "FILE_TYPE_NOT_ALLOWED"),
        (said("a.pdf", "application/pdf", b"MZ\x90\0 a program"), "FILE_TYPE_NOT_ALLOWED"),
        (file_part("cut.jpg", cut(&jpeg(640, 480, 1, false))), "INVALID_INPUT"),
        (file_part("cut.jpg", cut(&jpeg(640, 480, 1, true))), "INVALID_INPUT"),
        (file_part("cut.png", cut(&rgb_png(640, 480))), "INVALID_INPUT"),
        (file_part("cut.webp", cut(&webp(640, 480))), "INVALID_INPUT"),
        (file_part("cut.gif", cut(&gif(640, 480, 1))), "INVALID_INPUT"),
        (file_part("bomb.png", empty_png(50_000, 50_000)), "FILE_TOO_LARGE"),
        (file_part("wide.png", empty_png(8193, 1)), "FILE_TOO_LARGE"),
        (file_part("flat.png", flat), "FILE_TOO_LARGE"),
        (file_part("lies.png", empty_png(5000, 5000)), "INVALID_INPUT"),
        (file_part("bomb.webp", webp_bomb(16_000)), "FILE_TOO_LARGE"),
        (file_part("heavy.webp", webp_bomb(4900)), "FILE_TOO_LARGE"),
        (file_part("bomb.jpg", tall), "FILE_TOO_LARGE"),
        (file_part("frames.gif", gif_bomb(4, 1001)), "FILE_TOO_LARGE"),
        (file_part("pixels.gif", gif_bomb(1000, 101)), "FILE_TOO_LARGE"),
    ];
    for (sent, code) in cases {
        let name = sent.name;
        let payload = ada.upload(sent).await;
        assert_eq!(user_errors(&payload), [format!("{code} file")], "{name}: {payload}");
        assert_eq!(payload["media"], Value::Null, "{name}");
    }
    assert_eq!(app.stored(), Vec::<std::path::PathBuf>::new());
    for table in ["media", "blobs", "file_usage"] {
        assert_eq!(app.query_number(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
    // The same pictures are taken where they are as large as may be.
    ada.upload_media(file_part("frames.gif", gif_bomb(4, 1000))).await;
    ada.upload_media(file_part("wide.png", rgb_png(8192, 1))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_stands_in_several_places_is_read_from_its_beginning_in_each() {
    let (app, ada) = start().await;
    let document = "mutation ($file: Upload!) { uploadFiles(files: [$file, $file, $file, $file]) {
        media { url sizeBytes } userErrors { code } } }";
    let mut bytes = pdf(99, 0);
    bytes.truncate(78);
    bytes.extend((0..900_000_u32).map(|n| u8::try_from(n.wrapping_mul(n) % 251).unwrap()));
    bytes.extend_from_slice(b"\nstartxref\n9\n%%EOF\n");
    let sent = file_part("a.pdf", bytes.clone());
    let files = ada.send_files(document, &[sent]).await.json()["data"]["uploadFiles"]["media"].clone();
    let files = files.as_array().unwrap();
    assert!(files.len() == 4 && files.iter().all(|file| *file == files[0]), "{files:?}");
    assert_eq!(files[0]["sizeBytes"], bytes.len());
    assert!(app.fetch(&files[0]["url"]).await.1 == bytes);
}

const ALL: &str =
    "mutation ($files: [Upload!]!) { uploadFiles(files: $files) { media { fileName } userErrors { code field } } }";

#[tokio::test(flavor = "multi_thread")]
async fn several_files_are_taken_in_their_order_or_not_at_all() {
    let (app, ada) = start().await;
    let good = [file_part("a.png", rgb_png(9, 9)), file_part("b.gif", gif(9, 9, 1)), file_part("c.png", rgb_png(9, 9))];
    let answer = ada.send_files(ALL, &good).await.json();
    let names = json!([{ "fileName": "a.png" }, { "fileName": "b.gif" }, { "fileName": "c.png" }]);
    assert_eq!(answer["data"]["uploadFiles"], json!({ "media": names, "userErrors": [] }));
    let mixed =
        [file_part("a.png", rgb_png(7, 7)), file_part("b.svg", *b"<svg/>"), file_part("c.png", cut(&rgb_png(9, 9)))];
    let payload = ada.send_files(ALL, &mixed).await.json()["data"]["uploadFiles"].clone();
    assert_eq!(payload["media"], json!([]));
    assert_eq!(user_errors(&payload), ["FILE_TYPE_NOT_ALLOWED files.1", "INVALID_INPUT files.2"]);
    let none = ada.data(ALL, json!({ "files": [] })).await;
    assert_eq!(user_errors(&none["uploadFiles"]), ["REQUIRED files"]);
    assert_eq!(app.query_number("select count(*) from media").await, 3);
    let page = "query ($after: String) { viewer { files(first: 2, after: $after) {
        totalCount nodes { fileName } pageInfo { endCursor hasNextPage } } } }";
    let first = ada.data(page, json!({})).await["viewer"]["files"].clone();
    assert_eq!(first["nodes"], json!([{ "fileName": "c.png" }, { "fileName": "b.gif" }]), "the newest first");
    assert_eq!(first["totalCount"], 3);
    let second = ada.data(page, json!({ "after": first["pageInfo"]["endCursor"] })).await["viewer"]["files"].clone();
    assert_eq!(second["nodes"], json!([{ "fileName": "a.png" }]));
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

const AVATAR: &str = "mutation ($file: Upload!) { uploadAvatar(file: $file) {
    user { id avatar { id url thumbnailUrl } } userErrors { code field } } }";
const SET: &str = "mutation ($id: ID) { updateProfile(input: { avatarId: $id }) { user { avatar { id } } userErrors { code field } } }";
const SET_OTHER: &str = "mutation ($user: ID!, $id: ID) { adminUpdateUser(id: $user, input: { avatarId: $id }) {
    user { avatar { id } } userErrors { code field } } }";

#[tokio::test(flavor = "multi_thread")]
async fn an_avatar_is_a_picture_of_ones_own_and_stays_while_it_is_shown() {
    let (app, ada) = start().await;
    let (bo, root) = (app.as_user("bo").await, app.as_role("root", "ADMIN").await);
    let payload = ada.send_files(AVATAR, &[file_part("me.jpg", jpeg(640, 480, 6, false))]).await.json();
    let avatar = payload["data"]["uploadAvatar"]["user"]["avatar"].clone();
    assert_eq!(payload["data"]["uploadAvatar"]["userErrors"], json!([]), "{payload}");
    // Everybody sees it.
    let shown =
        app.run("query ($id: ID!) { user(id: $id) { avatar { id url thumbnailUrl } } }", json!({ "id": ada.id })).await;
    assert_eq!(shown.data()["user"]["avatar"], avatar);
    assert_eq!(app.fetch(&avatar["url"]).await.0, 200);
    // It stays while it is shown, to the owner and to others.
    assert_eq!(user_errors(&ada.delete_file(&avatar["id"]).await), ["CONFLICT id"]);
    assert_eq!(user_errors(&bo.delete_file(&avatar["id"]).await), ["NOT_FOUND id"]);
    // Another user's, what is no picture, and what is no file.
    let words = ada.upload_media(FilePart { content_type: "text/plain", ..file_part("a.txt", *b"words") }).await;
    let payload = ada.send_files(AVATAR, &[file_part("v.amr", amr())]).await.json();
    assert_eq!(codes(&payload["data"]["uploadAvatar"]), ["FILE_TYPE_NOT_ALLOWED"]);
    for (person, id, fault) in [
        (&bo, &avatar["id"], "NOT_FOUND input.avatarId"),
        (&ada, &words["id"], "FILE_TYPE_NOT_ALLOWED input.avatarId"),
        (&ada, &json!(ada.id), "NOT_FOUND input.avatarId"),
    ] {
        let payload = person.data(SET, json!({ "id": id })).await["updateProfile"].clone();
        assert_eq!(user_errors(&payload), [fault], "{payload}");
    }
    // An administrator takes one of theirs or of the user's.
    let other = root.upload_media(file_part("neutral.png", rgb_png(50, 50))).await;
    for (id, fine) in [(&other["id"], true), (&words["id"], false), (&avatar["id"], true)] {
        let payload = root.data(SET_OTHER, json!({ "user": ada.id, "id": id })).await["adminUpdateUser"].clone();
        assert_eq!(payload["user"]["avatar"]["id"] == *id, fine, "{payload}");
    }
    let payload = root.data(SET_OTHER, json!({ "user": bo.id, "id": avatar["id"] })).await["adminUpdateUser"].clone();
    assert_eq!(user_errors(&payload), ["NOT_FOUND input.avatarId"]);
    let payload = ada.data(SET, json!({ "id": null })).await["updateProfile"].clone();
    assert_eq!(payload["user"]["avatar"], Value::Null);
    assert_eq!(ada.delete_file(&avatar["id"]).await["deletedId"], avatar["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn account_deletion_deletes_the_files() {
    let (app, ada) = start().await;
    let avatar = ada.send_files(AVATAR, &[file_part("me.png", rgb_png(40, 40))]).await.json();
    ada.upload_media(file_part("b.png", rgb_png(50, 40))).await;
    let gone =
        ada.data("mutation ($id: ID!) { deleteUser(id: $id) { userErrors { code } } }", json!({ "id": ada.id })).await;
    assert_eq!(gone["deleteUser"]["userErrors"], json!([]), "{gone}");
    assert_eq!(app.query_number("select count(*) from media").await, 0);
    assert_eq!(app.query_number("select sum(uses) from blobs").await, 0);
    assert_eq!(app.query_number("select sum(bytes)::bigint + sum(files) from file_usage").await, 0);
    let url = &avatar["data"]["uploadAvatar"]["user"]["avatar"]["url"];
    assert_eq!(app.fetch(url).await.0, 200, "for a day");
    app.advance_clock(std::time::Duration::from_hours(25));
    plaza::domains::media::service::cleanup::delete_unused_blobs(&app.app).await.unwrap();
    assert_eq!(app.fetch(url).await.0, 404);
    assert_eq!(app.stored(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_owner_finds_a_file() {
    let (app, ada) = start().await;
    let bo = app.as_user("bo").await;
    let file = ada.upload_media(file_part("a.png", rgb_png(9, 9))).await;
    let node = format!("query ($id: ID!) {{ node(id: $id) {{ ... on Media {FILE} }} }}");
    assert_eq!(ada.data(&node, json!({ "id": file["id"] })).await["node"], file);
    assert_eq!(bo.data(&node, json!({ "id": file["id"] })).await["node"], Value::Null);
    assert_eq!(app.run(&node, json!({ "id": file["id"] })).await.data()["node"], Value::Null);
    let list = bo.data("{ viewer { files { totalCount nodes { id } } } }", json!({})).await;
    assert_eq!(list["viewer"]["files"], json!({ "totalCount": 0, "nodes": [] }));
}
