//! Pictures in other colour spaces than sRGB: what they name is dropped, so their pixels are converted before.

use moxcms::ColorProfile;
use png::{BitDepth, ColorType};

use crate::harness::files::{DecodedPicture, chunk, file_part, png};
use crate::harness::{Person, TestApp};

const SIDE: u16 = 400;
/// In Display P3 this is sRGB (216, 69, 17), in Adobe RGB (230, 79, 32), by the matrices of their primaries.
const COLOUR: [u8; 3] = [200, 80, 40];

/// A PNG of one colour with an ICC profile.
fn profiled(profile: &ColorProfile, color: ColorType, pixel: &[u8]) -> Vec<u8> {
    let (mut bytes, side) = (Vec::new(), u32::from(SIDE));
    let mut info = png::Info::with_size(side, side);
    info.color_type = color;
    info.bit_depth = BitDepth::Eight;
    info.icc_profile = Some(profile.encode().unwrap().into());
    if color == ColorType::Indexed {
        info.palette = Some([COLOUR, [0; 3]].concat().into());
    }
    let mut writer = png::Encoder::with_info(&mut bytes, info).unwrap().write_header().unwrap();
    writer.write_image_data(&pixel.repeat(usize::from(SIDE) * usize::from(SIDE))).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A PNG of one colour with chunks behind its header.
fn with_chunks(color: ColorType, pixel: &[u8], chunks: &[([u8; 4], &[u8])]) -> Vec<u8> {
    let side = u32::from(SIDE);
    let pixels = pixel.repeat(usize::from(SIDE) * usize::from(SIDE));
    let mut bytes = png(side, side, color, BitDepth::Eight, &pixels);
    let chunks: Vec<u8> = chunks.iter().flat_map(|(kind, body)| chunk(*kind, body)).collect();
    bytes.splice(33..33, chunks);
    bytes
}

/// A JPEG of one colour with an ICC profile.
fn profiled_jpeg(profile: &ColorProfile) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 100);
    encoder.add_icc_profile(&profile.encode().unwrap()).unwrap();
    let pixels = COLOUR.repeat(usize::from(SIDE) * usize::from(SIDE));
    encoder.encode(&pixels, SIDE, SIDE, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// The first pixel of the stored picture and of its thumbnail.
async fn stored(app: &TestApp, person: &Person, bytes: Vec<u8>) -> [Vec<u8>; 2] {
    let file = person.upload_media(file_part("a.pic", bytes)).await;
    let mut pixels = [Vec::new(), Vec::new()];
    for (pixel, url) in pixels.iter_mut().zip(["url", "thumbnailUrl"]) {
        let seen = DecodedPicture::of(&app.fetch(&file[url]).await.1);
        *pixel = seen.pixels[..seen.channels].to_vec();
    }
    pixels
}

fn is_near(pixel: &[u8], expected: &[u8], most: u8) -> bool {
    pixel.len() == expected.len() && pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= most)
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_of_other_spaces_become_srgb() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let (p3, adobe) = (ColorProfile::new_display_p3(), ColorProfile::new_adobe_rgb());
    let gamma = |gamma: u32| gamma.to_be_bytes();
    let adobe_points = [31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000].map(u32::to_be_bytes).concat();
    let translucent = [200, 80, 40, 128];
    let cases: Vec<(&str, Vec<u8>, &[u8])> = vec![
        ("Display P3", profiled(&p3, ColorType::Rgb, &COLOUR), &[216, 69, 17]),
        ("Display P3, JPEG", profiled_jpeg(&p3), &[216, 69, 17]),
        ("Display P3, alpha", profiled(&p3, ColorType::Rgba, &translucent), &[216, 69, 17, 128]),
        ("Display P3, palette", profiled(&p3, ColorType::Indexed, &[0]), &[216, 69, 17]),
        ("Adobe RGB", profiled(&adobe, ColorType::Rgb, &COLOUR), &[230, 79, 32]),
        ("linear grey", profiled(&ColorProfile::new_gray_with_gamma(1.0), ColorType::Grayscale, &[128]), &[188]),
        ("gAMA 1", with_chunks(ColorType::Rgb, &[255, 0, 64], &[(*b"gAMA", &gamma(100_000))]), &[255, 0, 137]),
        ("gAMA 1, grey", with_chunks(ColorType::GrayscaleAlpha, &[128, 9], &[(*b"gAMA", &gamma(100_000))]), &[188, 9]),
        (
            "gAMA and cHRM of Adobe RGB",
            with_chunks(ColorType::Rgb, &COLOUR, &[(*b"gAMA", &gamma(45_471)), (*b"cHRM", &adobe_points)]),
            &[230, 79, 32],
        ),
        ("cICP of Display P3", with_chunks(ColorType::Rgb, &COLOUR, &[(*b"cICP", &[12, 13, 0, 1])]), &[216, 69, 17]),
    ];
    for (what, bytes, expected) in cases {
        let [picture, small] = stored(&app, &ada, bytes).await;
        assert!(is_near(&picture, expected, 3), "{what}: {picture:?}");
        // Without transparency a JPEG, which has less of colours, and is read as RGB.
        let expected = if expected.len() == 1 { expected.repeat(3) } else { expected.to_vec() };
        assert!(is_near(&small, &expected, 6), "{what}, thumbnail: {small:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_of_srgb_stay_as_they_are() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let gamma = 45_455_u32.to_be_bytes();
    let linear = 100_000_u32.to_be_bytes();
    let mut damaged = profiled(&ColorProfile::new_srgb(), ColorType::Rgb, &COLOUR);
    let place = damaged.windows(4).position(|part| part == b"iCCP").unwrap() + 4;
    let length = usize::try_from(u32::from_be_bytes(damaged[place - 8..place - 4].try_into().unwrap())).unwrap();
    let rest = damaged.split_off(place + length + 4);
    damaged.truncate(place - 8);
    damaged.extend(chunk(*b"iCCP", b"none\0\0no profile"));
    damaged.extend(rest);
    let cases = [
        ("a profile of sRGB", profiled(&ColorProfile::new_srgb(), ColorType::Rgb, &COLOUR)),
        ("a profile of greys", profiled(&ColorProfile::new_gray_with_gamma(1.0), ColorType::Rgb, &COLOUR)),
        ("a profile that is none", damaged),
        ("gAMA of sRGB", with_chunks(ColorType::Rgb, &COLOUR, &[(*b"gAMA", &gamma)])),
        ("sRGB before gAMA", with_chunks(ColorType::Rgb, &COLOUR, &[(*b"sRGB", &[0]), (*b"gAMA", &linear)])),
        ("gAMA of 0", with_chunks(ColorType::Rgb, &COLOUR, &[(*b"gAMA", &[0; 4])])),
        ("high dynamic range", with_chunks(ColorType::Rgb, &COLOUR, &[(*b"cICP", &[9, 16, 0, 1])])),
    ];
    for (what, bytes) in cases {
        let [picture, _] = stored(&app, &ada, bytes).await;
        assert_eq!(picture, COLOUR, "{what}");
    }
}
