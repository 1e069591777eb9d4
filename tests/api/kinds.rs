//! What a file is: by its structure, not by its first bytes alone; and text in the encodings that people export.

use crate::harness::TestApp;
use crate::harness::accounts::user_errors;
use crate::harness::files::{FilePart, amr, file_part, pdf};

fn said(name: &'static str, content_type: &'static str, bytes: &[u8]) -> FilePart {
    FilePart { name, content_type, bytes: bytes.to_vec() }
}

/// An archive of empty entries.
fn zip(names: &[&str]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for name in names {
        let place = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let fixed = [&[20, 0][..], &[0; 20], &length, &[0, 0]].concat();
        bytes.extend([b"PK\x03\x04", fixed.as_slice(), name.as_bytes()].concat());
        directory.extend([b"PK\x01\x02\x14\0", fixed.as_slice(), &[0; 10], &place, name.as_bytes()].concat());
    }
    let count = u16::try_from(names.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let place = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    [bytes, directory, b"PK\x05\x06\0\0\0\0".to_vec(), [count, count].concat(), size.into(), place.into(), vec![0; 2]]
        .concat()
}

/// An archive as a program writes it that gives all numbers in the second record alone.
fn zip64(names: &[&str]) -> Vec<u8> {
    let mut bytes = zip(names);
    let end = bytes.split_off(bytes.len() - 22);
    let number = |place: usize| u64::from(u32::from_le_bytes(end[place..place + 4].try_into().unwrap()));
    let (size, start, count) = (number(12).to_le_bytes(), number(16).to_le_bytes(), names.len().to_le_bytes());
    let second = bytes.len().to_le_bytes();
    let record = [b"PK\x06\x06\x2c\0\0\0\0\0\0\0".as_slice(), &[0; 12], &count, &count, &size, &start].concat();
    let locator = [b"PK\x06\x07\0\0\0\0".as_slice(), &second, &[1, 0, 0, 0]].concat();
    [bytes, record, locator, b"PK\x05\x06\0\0\0\0".to_vec(), vec![0xff; 12], vec![0; 2]].concat()
}

/// Two frames of AAC, with a checksum in each, or without.
fn aac(checksum: bool) -> Vec<u8> {
    let head: &[u8] = if checksum { b"\xff\xf0\x50\x80\x01\x5f\xfc\x12\x34" } else { b"\xff\xf1\x50\x80\x01\x1f\xfc" };
    [head, &[0]].concat().repeat(2)
}

/// Two frames of an MP3, of 128 kbit/s and 44,100 samples a second.
fn mp3_frames() -> Vec<u8> {
    let frame = [b"\xff\xfb\x90\0".as_slice(), &[0; 413]].concat();
    frame.repeat(2)
}

fn mp4(brand: [u8; 4]) -> Vec<u8> {
    [b"\0\0\0\x10ftyp".as_slice(), &brand, b"\0\0\0\0\0\0\0\x09free \0\0\0\x08moov"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn formats_are_found_by_their_structure() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let ogg = [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 19], b"OpusHead\x01\x01", &[0; 9]].concat();
    let wav = b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x04\0\0\0\x80\x80\x80\x80";
    let webm = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\xff";
    let cases = [
        (file_part("a.mp3", [b"ID3\x04\0\0\0\0\0\x04tag!".to_vec(), vec![0; 9], mp3_frames()].concat()), "audio/mpeg"),
        (file_part("b.mp3", mp3_frames()), "audio/mpeg"),
        (file_part("a.aac", aac(false)), "audio/aac"),
        (file_part("b.aac", aac(true)), "audio/aac"),
        (file_part("c.aac", [b"ID3\x04\0\0\0\0\0\x04tag!".to_vec(), aac(false)].concat()), "audio/aac"),
        (file_part("a.ogg", ogg), "audio/ogg"),
        (file_part("a.amr", amr()), "audio/amr"),
        (file_part("a.wav", *wav), "audio/wav"),
        (said("a.weba", "audio/webm", webm), "audio/webm"),
        (said("a.webm", "video/webm", webm), "video/webm"),
        (said("a.m4a", "audio/x-m4a", &mp4(*b"mp42")), "audio/mp4"),
        (file_part("b.m4a", mp4(*b"M4A ")), "audio/mp4"),
        (said("a.mp4", "video/mp4", &mp4(*b"isom")), "video/mp4"),
        (file_part("a.mov", mp4(*b"qt  ")), "video/quicktime"),
        (file_part("b.mov", *b"\0\0\0\x08wide\0\0\0\x08moov"), "video/quicktime"),
        (file_part("a.pdf", [b"\xef\xbb\xbf\r\n".to_vec(), pdf(99, 0)].concat()), "application/pdf"),
        (file_part("a.zip", zip(&["a.txt", "word/b.txt"])), "application/zip"),
        (file_part("b.zip", zip64(&["a.txt", "b.txt"])), "application/zip"),
        (file_part("b.docx", zip64(&["[Content_Types].xml", "word/document.xml"])), docx),
        (file_part("a.docx", zip(&["[Content_Types].xml", "word/document.xml"])), docx),
        (file_part("a.xlsx", zip(&["xl/workbook.xml", "[Content_Types].xml"])), xlsx),
    ];
    for (sent, content_type) in cases {
        let (name, bytes) = (sent.name, sent.bytes.clone());
        let file = ada.upload_media(sent).await;
        assert_eq!(file["contentType"], content_type, "{name}");
        assert_eq!(app.fetch(&file["url"]).await, (200, bytes), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bytes_alone_make_no_format() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let cases: [&[u8]; 17] = [
        b"ID3 is a tag",
        b"ID3\x04\0\0\0\0\0\0sound",
        b"OggS is a page",
        b"OggS\0\x02\0\0\0\0\0\0\0\0and sound",
        b"#!AMR\nand sound",
        b"%PDF-1.7 and words",
        b"\0\x01\x02 a program with %PDF-1.7 in it, and startxref",
        b"GIF89a is a format",
        b"RIFF\0\0\0\0WAVE and nothing",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        b"\0\0\0\x18ftypheic\0\0\0\0mp42isom\0\0\0\x08moov",
        b"\xff\xfb\x90\0no second frame",
        b"\xff\xf1\x50\x80\x01\x1f\xfcno second frame",
        b"PK\x03\x04 and no directory",
        b"PK is a film",
        b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x18\x53\x80\x67\xff",
        b"plain words",
    ];
    for bytes in cases {
        let payload = ada.upload(file_part("a.bin", bytes)).await;
        let what = String::from_utf8_lossy(bytes);
        assert_eq!(user_errors(&payload), ["FILE_TYPE_NOT_ALLOWED file"], "{what}: {payload}");
        assert!(payload["userErrors"][0]["message"].as_str().unwrap().contains("CSV"), "{payload}");
    }
    let book = zip(&["mimetype", "content.xml"]);
    assert_eq!(user_errors(&ada.upload(file_part("a.epub", book)).await), ["FILE_TYPE_NOT_ALLOWED file"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_may_begin_as_any_other_format() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let beginnings = [
        "BM",
        "MZ",
        "BZh",
        "%!PS",
        "8BPS",
        "fLaC",
        "#!AMR",
        "#!AMR\n",
        "SQLite format 3",
        "ID3 ",
        "OggS",
        "%PDF-1.7",
        "GIF89a is a format",
        "PK",
        "RIFF1234WAVE",
        "see %PDF-1.7",
        "ustar",
        "MThd",
        "wOFF",
        "Rar!",
    ];
    for beginning in beginnings {
        let text = format!("{beginning},x\r\n1,2,3,4,5,6,7,8,9\r\n");
        for content_type in ["text/plain", "text/csv"] {
            let file = ada.upload_media(said("a.txt", content_type, text.as_bytes())).await;
            assert_eq!(file["contentType"], content_type, "{text}");
            assert_eq!(app.fetch(&file["url"]).await, (200, text.clone().into_bytes()), "{text}");
        }
    }
    // A whole one is what it is, whatever it is called.
    for (bytes, content_type) in [(pdf(99, 0), "application/pdf"), (amr(), "audio/amr")] {
        assert_eq!(ada.upload_media(said("a.txt", "text/plain", &bytes)).await["contentType"], content_type);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_becomes_utf8() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let text = "姓名,数量,备注\r\n张三,3,九成新的自行车\r\n";
    let marked = format!("\u{feff}{text}").into_bytes();
    let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect()
    };
    let gbk = encoding_rs::GBK.encode(text).0.into_owned();
    let long = encoding_rs::GB18030.encode(&format!("{text}𠮷€\n").repeat(4000)).0.into_owned();
    let cases = [
        ("UTF-8", text.as_bytes().to_vec(), text.as_bytes().to_vec()),
        ("UTF-8 with a mark", marked.clone(), marked.clone()),
        ("UTF-16LE", utf16(u16::to_le_bytes), marked.clone()),
        ("UTF-16BE", utf16(u16::to_be_bytes), marked.clone()),
        ("GBK", gbk, marked),
        ("GB18030", long, format!("\u{feff}{}", format!("{text}𠮷€\n").repeat(4000)).into_bytes()),
    ];
    for (what, bytes, stored) in cases {
        for content_type in ["text/csv", "text/plain", "application/vnd.ms-excel"] {
            let file = ada.upload_media(said("a.csv", content_type, &bytes)).await;
            let expected = if content_type == "text/plain" { "text/plain" } else { "text/csv" };
            assert_eq!((&file["contentType"], &file["sizeBytes"]), (&expected.into(), &stored.len().into()), "{what}");
            assert_eq!(app.fetch(&file["url"]).await, (200, stored.clone()), "{what}");
        }
    }
    let mut odd = utf16(u16::to_le_bytes);
    odd.pop();
    let refused: [&[u8]; 6] = [
        &odd,
        b"\xff\xfe<\0s\0v\0g\0>\0",
        b"a\0b\0c\0",
        &encoding_rs::WINDOWS_1252.encode("Käse,Brötchen,café\n").0,
        &encoding_rs::SHIFT_JIS.encode("名前,数量\n山田さんの自転車,3\n").0,
        b"#!/bin/sh\nrm -rf /\n",
    ];
    for bytes in refused {
        let payload = ada.upload(said("a.csv", "text/csv", bytes)).await;
        assert_eq!(user_errors(&payload), ["FILE_TYPE_NOT_ALLOWED file"], "{:?}", String::from_utf8_lossy(bytes));
    }
}
