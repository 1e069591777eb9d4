//! GIFs that do not keep to the rules and that browsers show all the same.

use crate::harness::TestApp;
use crate::harness::files::{CORNERS, file_part, gif};

/// A GIF whose frames lie anywhere: left, top, width and height of each, one colour each.
fn odd_gif(width: u16, height: u16, frames: &[[u16; 4]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &CORNERS.concat()).unwrap();
    for (colour, [left, top, width, height]) in (0..).zip(frames) {
        let pixels = vec![colour; usize::from(*width) * usize::from(*height)];
        let mut frame = gif::Frame::from_indexed_pixels(*width, *height, pixels, None);
        (frame.left, frame.top, frame.delay) = (*left, *top, 7);
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}

/// A GIF with other bytes in place of its trailer.
fn ending(bytes: &[u8]) -> Vec<u8> {
    let mut picture = gif(100, 80, 2);
    assert_eq!(picture.pop(), Some(b';'));
    picture.extend_from_slice(bytes);
    picture
}

/// The canvas, and left, top, width and height of each frame.
fn seen(bytes: &[u8]) -> ((u16, u16), Vec<[u16; 4]>) {
    let mut options = gif::DecodeOptions::new();
    options.check_frame_consistency(true);
    let mut decoder = options.read_info(bytes).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        assert_eq!(frame.delay, 7);
        frames.push([frame.left, frame.top, frame.width, frame.height]);
    }
    assert_eq!(bytes.last(), Some(&b';'));
    ((decoder.width(), decoder.height()), frames)
}

#[tokio::test(flavor = "multi_thread")]
async fn gifs_that_browsers_show_are_taken() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let (canvas, whole) = ((100, 80), [0, 0, 100, 80]);
    let mut no_screen = gif(100, 80, 2);
    no_screen[6..10].fill(0);
    let mut cut = gif(100, 80, 3);
    cut.truncate(cut.len() - 9);
    // An image of one block.
    let frame = |width, height| [b"\x2c\0\0\0\0".as_slice(), &[width, 0, height, 0, 0, 2, 1, 0x44, 0]].concat();
    let cases = [
        ("no trailer", ending(b""), canvas, vec![whole; 2]),
        ("two NULs as trailer", ending(b"\0\0"), canvas, vec![whole; 2]),
        ("NULs behind the trailer", ending(b";\0\0\0"), canvas, vec![whole; 2]),
        ("another trailer", ending(b"\x99rest"), canvas, vec![whole; 2]),
        ("a comment that is cut off", ending(b"\x21\xfe\x09word"), canvas, vec![whole; 2]),
        ("cut off inside a frame", cut, canvas, vec![whole; 2]),
        ("cut off inside a frame's head", ending(b"\x2c\0\0"), canvas, vec![whole; 2]),
        ("a later frame of no width", ending(&[frame(0, 9), b"\x2c".to_vec()].concat()), canvas, vec![whole; 2]),
        ("a later frame of no height", ending(&[frame(9, 0), b";".to_vec()].concat()), canvas, vec![whole; 2]),
        ("an extension of no known kind", ending(b"\x21\xbb\x04word\0;"), canvas, vec![whole; 2]),
        ("no size of the screen", no_screen, canvas, vec![whole; 2]),
        ("a first frame over the edge", odd_gif(99, 80, &[whole, whole]), canvas, vec![whole; 2]),
        ("a pixel over the edge", odd_gif(100, 80, &[whole, [1, 0, 100, 80]]), canvas, vec![whole, [1, 0, 99, 80]]),
        ("a line over the edge", odd_gif(100, 80, &[whole, [0, 9, 9, 80]]), canvas, vec![whole, [0, 9, 9, 71]]),
        ("beyond the edge", odd_gif(100, 80, &[whole, [100, 9, 9, 9]]), canvas, vec![whole, [0, 0, 1, 1]]),
    ];
    for (what, bytes, canvas, frames) in cases {
        let file = ada.upload_media(file_part("a.gif", bytes)).await;
        assert_eq!((&file["width"], &file["height"]), (&canvas.0.into(), &canvas.1.into()), "{what}");
        let (status, stored) = app.fetch(&file["url"]).await;
        assert_eq!((status, seen(&stored)), (200, (canvas, frames)), "{what}");
    }
}
