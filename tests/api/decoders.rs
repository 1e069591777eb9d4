//! Pictures made to exhaust a decoder: they are refused, and neither the server nor other clients notice.

use crate::harness::TestApp;
use crate::harness::accounts::user_errors;
use crate::harness::files::{file_part, jpeg, rgb_png};

/// Writes bits, the lowest first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).map(|n| value >> n & 1 == 1));
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect()
    }
}

/// A chunk of a WebP, and one of such chunks.
fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = [&name[..], &u32::try_from(body.len()).unwrap().to_le_bytes(), body].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(*b"RIFF", &[b"WEBP".to_vec(), chunks.concat()].concat())
}

/// A WebP of 16 pixels that brings so many groups of five tables of a thousand entries each.
fn many_tables(groups: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    for (value, count) in [(0x2f, 8), (3, 14), (3, 14), (0, 1), (0, 3), (0, 1), (0, 1), (1, 1), (0, 3), (0, 1)] {
        bits.put(value, count);
    }
    for symbol in [(groups - 1) & 255, (groups - 1) >> 8, 0, 0, 0] {
        for (value, count) in [(1, 1), (0, 1), (1, 1), (symbol, 8)] {
            bits.put(value, count);
        }
    }
    let mut table = Bits::default();
    // Lengths of lengths: those of 1 to 6 have three bits, of 7 to 10 four; then codes of 1, 2, … 10 and 10 bits.
    table.put(0, 1);
    table.put(10, 4);
    for length in [17_u32, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10] {
        table.put(
            if length == 0 || length > 10 {
                0
            } else if length <= 6 {
                3
            } else {
                4
            },
            3,
        );
    }
    for (value, count) in [(1, 1), (1, 3), (9, 4)] {
        table.put(value, count);
    }
    for length in [1_u32, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10] {
        let (code, size) = if length <= 6 { (length - 1, 3) } else { (12 + length - 7, 4) };
        table.put(code.reverse_bits() >> (32 - size), size);
    }
    for _ in 0..groups * 5 {
        bits.0.extend_from_slice(&table.0);
    }
    riff(&[chunk(*b"VP8L", &[bits.bytes(), vec![0; 64]].concat())])
}

/// A JPEG with so many empty segments of a kind that is put together anew for each of them.
fn many_segments(count: usize) -> Vec<u8> {
    let body = [b"http://ns.adobe.com/xmp/extension/\0".as_slice(), &[b'G'; 32], &[0xff; 4], &[0, 0, 0, 7]].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    let segment = [&[0xff, 0xe1], length.as_slice(), &body].concat();
    let picture = jpeg(16, 16, 1, false);
    [&picture[..2], &segment.repeat(count), &picture[2..]].concat()
}

/// A JPEG whose first scan is of one component, and which says that it is as large as may be.
fn in_turn() -> Vec<u8> {
    let mut bytes = jpeg(16, 16, 1, false);
    let frame = bytes.windows(2).position(|part| part == b"\xff\xc0").unwrap() + 5;
    bytes[frame..frame + 4].copy_from_slice(&[0x13, 0x88, 0x13, 0x88]);
    let scan = bytes.windows(2).position(|part| part == b"\xff\xda").unwrap() + 4;
    bytes[scan] = 1;
    bytes
}

/// A PNG with a palette of one colour and a third.
fn odd_palette() -> Vec<u8> {
    let file = "89504e470d0a1a0a0000000d49484452000000040000000408030000009e2f6e4c00000004504c5445616263647865bc77\
                0000000b49444154789c6360c00400001400017dfe1eee0000000049454e44ae426082";
    let digits: Vec<u8> = file.bytes().filter_map(|digit| u8::try_from(char::from(digit).to_digit(16)?).ok()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_to_hurt_decoders_is_refused() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let mut hidden = jpeg(64, 64, 1, false);
    hidden.splice(2..2, [0xff, 0x00]);
    let cases = [
        ("many tables", many_tables(16_000), "FILE_TOO_LARGE"),
        ("many segments", many_segments(9_000), "INVALID_INPUT"),
        ("in turn", in_turn(), "FILE_TOO_LARGE"),
        ("a marker that is none", hidden, "INVALID_INPUT"),
        ("an odd palette", odd_palette(), "INVALID_INPUT"),
    ];
    for (what, bytes, code) in cases {
        assert!(bytes.len() < 1 << 20, "{what} has {} bytes", bytes.len());
        let payload = ada.upload(file_part("a.pic", bytes)).await;
        assert_eq!(user_errors(&payload), [format!("{code} file")], "{what}: {payload}");
    }
    assert_eq!(app.stored(), Vec::<std::path::PathBuf>::new());
    // A few of each are no harm.
    ada.upload_media(file_part("a.webp", many_tables(100))).await;
    ada.upload_media(file_part("a.jpg", many_segments(100))).await;
    ada.upload_media(file_part("a.png", rgb_png(9, 9))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decoder_that_stands_still_is_ended() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("stopped");
    std::fs::write(&program, "#!/bin/sh\nkill -STOP $$\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let app = TestApp::with_decoder(program, std::time::Duration::from_millis(300)).await;
    let ada = app.as_user("ada").await;
    // More than are worked on at once: each gives its place back.
    for side in 5..9 {
        let payload = ada.upload(file_part("a.png", rgb_png(side, side))).await;
        assert_eq!(user_errors(&payload), ["FILE_TOO_LARGE file"], "{payload}");
    }
    assert_eq!(app.stored(), Vec::<std::path::PathBuf>::new());
}
